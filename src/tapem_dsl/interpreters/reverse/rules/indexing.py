"""Vector-Jacobian products of the ops that pick and add by static indices."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.indexing import IndexSelect, ScatterAdd, Select, all_from_left


@vjp_rules.define(Select)
def _select(
    op: Select, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` at the entry, 0 elsewhere."""
    (x,) = xs
    axis = op.axis % x.ndim
    thin = xp.reshape(g, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return (xp.embed(thin, x.shape, axis, op.index % x.shape[axis]),)


@vjp_rules.define(IndexSelect)
def _index_select(
    op: IndexSelect, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` added up where it was taken from."""
    (x,) = xs
    axis = op.axis % x.ndim
    indices = all_from_left(op.indices, x.shape[axis])
    return (xp.index_add(xp.zeros_like(x), g, indices, axis),)


@vjp_rules.define(ScatterAdd)
def _scatter_add(
    op: ScatterAdd, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g``, and what is taken of it."""
    if not need[1]:
        return g, None
    axis = op.axis % g.ndim
    return g, xp.take(g, all_from_left(op.indices, g.shape[axis]), axis)
