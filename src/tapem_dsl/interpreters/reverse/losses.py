"""Vector-Jacobian products of the losses."""

from fractions import Fraction

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.losses import MseLoss, entries


@vjp.define(MseLoss)
def _mse_loss(
    op: MseLoss, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(p - t) * (2 / N) * g`` to the prediction, 0 minus that to the target."""
    prediction, target = xs
    two_over_n = xp.lit(g, Fraction(2, entries(prediction.shape)))
    toward = (prediction - target) * two_over_n * g
    return toward, 0 - toward if need[1] else None
