"""Vector-Jacobian products of the reductions."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.reductions import ReduceMean, ReduceSum, Sum


@vjp_rules.define(Sum)
def _sum(
    op: Sum, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` at every entry."""
    (x,) = xs
    return (xp.broadcast_to(g, x.shape),)


@vjp_rules.define(ReduceSum)
def _reduce_sum(
    op: ReduceSum, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` along the axis."""
    (x,) = xs
    return (_repeated(xp, g, x, op.axis),)


@vjp_rules.define(ReduceMean)
def _reduce_mean(
    op: ReduceMean, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / n`` along the axis."""
    (x,) = xs
    return (_repeated(xp, g / x.shape[op.axis], x, op.axis),)


def _repeated(xp: Namespace, g: Array, x: Array, axis: int) -> Array:
    axis %= x.ndim
    thin = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return xp.broadcast_to(xp.reshape(g, thin), x.shape)
