"""Vector-Jacobian products of entries by index."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.indexing import (
    Gather,
    IndexAdd,
    IndexSelect,
    ScatterAdd,
    Select,
    all_from_left,
)


def _select(op: Select, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g`` at the entry, 0 elsewhere."""
    axis = op.axis % x.ndim
    thin = xp.reshape(g, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return xp.embed(thin, x.shape, axis, op.index % x.shape[axis])


def _index_select(
    op: IndexSelect, xp: Namespace, g: Array, x: Array, y: Array
) -> Array:
    """``g`` added up where it was taken from."""
    axis = op.axis % x.ndim
    indices = all_from_left(op.indices, x.shape[axis])
    return xp.index_add(xp.zeros_like(x), g, indices, axis)


def _to_updates(
    op: ScatterAdd, xp: Namespace, g: Array, x: Array, updates: Array, y: Array
) -> Array:
    """``g`` taken from where they were added."""
    axis = op.axis % g.ndim
    return xp.take(g, all_from_left(op.indices, g.shape[axis]), axis)


vjp_rules.each(Select, _select)


vjp_rules.each(IndexSelect, _index_select)


vjp_rules.each(ScatterAdd, lambda op, xp, g, x, updates, y: g, _to_updates)


vjp_rules.each(
    Gather,
    lambda op, xp, g, x, indices, y: xp.index_add(
        xp.zeros_like(x), g, indices, op.axis % x.ndim
    ),
    None,
)


vjp_rules.each(
    IndexAdd,
    lambda op, xp, g, x, updates, indices, y: g,
    lambda op, xp, g, x, updates, indices, y: xp.take(g, indices, op.axis % y.ndim),
    None,
)
