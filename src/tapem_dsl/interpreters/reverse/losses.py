"""Vector-Jacobian products of the losses."""

from fractions import Fraction

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.losses import CrossEntropy, MseLoss, entries


@vjp.define(MseLoss)
def _mse_loss(
    op: MseLoss, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(p - t) * (2 / N) * g`` to the prediction, 0 minus that to the target."""
    prediction, target = xs
    two_over_n = xp.lit(g, Fraction(2, entries(prediction.shape)))
    toward = (prediction - target) * two_over_n * g
    return toward, 0 - toward if need[1] else None


@vjp.define(CrossEntropy)
def _cross_entropy(
    op: CrossEntropy, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(softmax(x) - one_hot(label)) * g / N`` to the logits."""
    logits, labels = xs
    e = xp.exp(logits - xp.shift(logits))
    over = e / xp.sum(e, axis=-1, keepdims=True) - xp.one_hot(logits, labels)
    return over * (g / entries(labels.shape)), None
