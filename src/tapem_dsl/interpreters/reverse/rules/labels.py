"""Vector-Jacobian products of the losses of rows with labels."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.labels import CrossEntropy, Nll
from tapem_dsl.ops.losses import entries


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
