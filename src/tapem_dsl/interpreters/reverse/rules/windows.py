"""Vector-Jacobian products of windows and their sum, which are each other's."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.windows import Fold, Windows


@vjp_rules.define(Windows)
def _windows(
    op: Windows, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Windows of ``g`` added up."""
    (x,) = xs
    spatial = x.shape[x.ndim - len(op.kernel) :]
    return (xp.fold(g, spatial, *op.per_axis(x.shape)),)


@vjp_rules.define(Fold)
def _fold(
    op: Fold, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Windows of ``g``."""
    (x,) = xs
    rank = len(op.spatial)
    kernel = x.shape[x.ndim - 2 * rank : x.ndim - rank]
    return (xp.windows(g, kernel, *op.per_axis(x.shape)),)
