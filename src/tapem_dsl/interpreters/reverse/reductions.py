"""Vector-Jacobian products of the reductions."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.reductions import Sum


@vjp.define(Sum)
def _sum(
    op: Sum, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` at every entry."""
    (x,) = xs
    return (xp.broadcast_to(g, x.shape),)
