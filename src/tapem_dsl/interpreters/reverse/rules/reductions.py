"""Vector-Jacobian products of the reductions."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.reductions import ReduceMean, ReduceSum, Sum


def _repeated(xp: Namespace, g: Array, x: Array, axis: int) -> Array:
    """Repeat ``g`` along the axis."""
    axis %= x.ndim
    thin = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return xp.broadcast_to(xp.reshape(g, thin), x.shape)


vjp_rules.each(Sum, lambda op, xp, g, x, y: xp.broadcast_to(g, x.shape))
vjp_rules.each(ReduceSum, lambda op, xp, g, x, y: _repeated(xp, g, x, op.axis))
vjp_rules.each(
    ReduceMean,
    lambda op, xp, g, x, y: _repeated(xp, g / x.shape[op.axis], x, op.axis),
)
