"""Vector-Jacobian products of the losses."""

from fractions import Fraction

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.losses import (
    BceWithLogits,
    CrossEntropy,
    HuberLoss,
    L1Loss,
    MseLoss,
    Nll,
    entries,
    not_positive,
)


def _cross_entropy(
    op: CrossEntropy, xp: Namespace, g: Array, logits: Array, labels: Array, y: Array
) -> Array:
    """
    ``(softmax(x) - one_hot(label)) * g / N``.

    At a label of weight above one half this is minus the sum of all others: there 1
    would swallow them, at a smaller weight the others would swallow its tangent.
    """
    weights, hot = xp.softmax(logits), xp.one_hot(logits, labels) > 0
    others = xp.sum(xp.where(~hot, weights, 0), axis=-1, keepdims=True)
    at_label = xp.where(2 * weights > 1, 0 - others, weights - 1)
    return xp.where(hot, at_label, weights) * (g / entries(labels.shape))


def _nll(
    op: Nll, xp: Namespace, g: Array, rows: Array, labels: Array, y: Array
) -> Array:
    """``-g / N`` to each row's label."""
    share = 0 - g / entries(labels.shape)
    return xp.where(xp.one_hot(rows, labels) > 0, share, 0)


vjp_rules.each(CrossEntropy, _cross_entropy, None)


vjp_rules.each(Nll, _nll, None)


@vjp_rules.define(MseLoss)
def _mse_loss(
    op: MseLoss, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(p - t) * (2 / N) * g`` to the prediction, 0 minus that to the target."""
    prediction, target = xs
    two_over_n = xp.literal(g, Fraction(2, entries(prediction.shape)))
    toward = (prediction - target) * two_over_n * g
    return toward, 0 - toward if need[1] else None


@vjp_rules.define(L1Loss)
def _l1_loss(
    op: L1Loss, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sign(p - t) * g / N`` to the prediction, 0 minus that to the target."""
    prediction, target = xs
    share = xp.broadcast_to(g / entries(prediction.shape), prediction.shape)
    below = xp.where(prediction < target, 0 - share, 0)
    toward = xp.where(prediction > target, share, below)
    return toward, 0 - toward if need[1] else None


@vjp_rules.define(HuberLoss)
def _huber_loss(
    op: HuberLoss, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``clamp(p - t, -delta, delta) * g / N``, and 0 minus that to the target."""
    prediction, target = xs
    delta = xp.literal(g, op.delta)
    bounded = xp.minimum(xp.maximum(prediction - target, -delta), delta)
    toward = bounded * (g / entries(prediction.shape))
    return toward, 0 - toward if need[1] else None


@vjp_rules.define(BceWithLogits)
def _bce_with_logits(
    op: BceWithLogits, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(sigmoid(x) - t) * g / N`` and ``0 - x * g / N``."""
    logits, targets = xs
    share = g / entries(logits.shape)
    return (
        _from_targets(xp, logits, targets) * share if need[0] else None,
        0 - logits * share if need[1] else None,
    )


def _from_targets(xp: Namespace, logits: Array, targets: Array) -> Array:
    """Return ``sigmoid(x) - t``, where that is near 1 as ``(1 - t) - sigmoid(-x)``."""
    least = xp.sigmoid(not_positive(xp, logits))
    return xp.where(logits > 0, (1 - targets) - least, least - targets)
