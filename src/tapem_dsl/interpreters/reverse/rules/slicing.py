"""Vector-Jacobian products of ranges of one axis."""

from tapem_dsl.arrays import Array, Namespace, along
from tapem_dsl.arrays.shape import from_left
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.slicing import Concat, Embed, Slice


@vjp_rules.define(Concat)
def _concat(
    op: Concat, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """To each its range of ``g``."""
    axis, start = op.axis % g.ndim, 0
    parts: list[Array | None] = []
    for x, wanted in zip(xs, need, strict=True):
        extent = x.shape[axis]
        parts.append(g[along(axis, start, extent)] if wanted else None)
        start += extent
    return tuple(parts)


def _slice(op: Slice, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g`` put into zeros."""
    axis = op.axis % x.ndim
    return xp.embed(g, x.shape, axis, from_left(op.start, x.shape[axis]))


def _embed(op: Embed, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """The range of ``g``."""
    axis = op.axis % x.ndim
    return g[along(axis, from_left(op.start, op.extent), x.shape[axis])]


vjp_rules.each(Slice, _slice)


vjp_rules.each(Embed, _embed)
