"""Vector-Jacobian products of the ops that pick and add by indices that are data."""

from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.gathering import Gather, IndexAdd

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
