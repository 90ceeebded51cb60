"""Vector-Jacobian products of the losses of rows with labels."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.losses import CrossEntropy, Nll, entries


@vjp_rules.define(CrossEntropy)
def _cross_entropy(
    op: CrossEntropy, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """
    ``(softmax(x) - one_hot(label)) * g / N``.

    At a label of weight above one half this is minus the sum of all others: there 1
    would swallow them, at a smaller weight the others would swallow its tangent.
    """
    logits, labels = xs
    weights, hot = xp.softmax(logits), xp.one_hot(logits, labels) > 0
    others = xp.sum(xp.where(~hot, weights, 0), axis=-1, keepdims=True)
    at_label = xp.where(2 * weights > 1, 0 - others, weights - 1)
    return xp.where(hot, at_label, weights) * (g / entries(labels.shape)), None


@vjp_rules.define(Nll)
def _nll(
    op: Nll, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``-g / N`` to each row's label."""
    rows, labels = xs
    share = 0 - g / entries(labels.shape)
    return xp.where(xp.one_hot(rows, labels) > 0, share, 0), None
