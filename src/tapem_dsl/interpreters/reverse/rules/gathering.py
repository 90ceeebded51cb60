"""Vector-Jacobian products of the ops that pick and add by indices that are data."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.indexing import Gather, IndexAdd


@vjp_rules.define(Gather)
def _gather(
    op: Gather, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` added up where it was taken from; nothing to the indices."""
    x, indices = xs
    return xp.index_add(xp.zeros_like(x), g, indices, op.axis % x.ndim), None


@vjp_rules.define(IndexAdd)
def _index_add(
    op: IndexAdd, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g``, and what is taken of it; nothing to the indices."""
    _, _, indices = xs
    return g, xp.take(g, indices, op.axis % y.ndim) if need[1] else None, None
