"""Vector-Jacobian products of conditions, which have none, and of the choice."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.conditions import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
    Where,
)
from tapem_dsl.tape.op import Op


@vjp_rules.define(Where)
def _where(
    op: Where, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` to the one chosen, 0 to the other."""
    condition, _, _ = xs
    return (
        None,
        xp.where(condition, g, 0) if need[1] else None,
        xp.where(~condition, g, 0) if need[2] else None,
    )


@vjp_rules.define(Less)
@vjp_rules.define(LessEqual)
@vjp_rules.define(Greater)
@vjp_rules.define(GreaterEqual)
@vjp_rules.define(Equal)
@vjp_rules.define(NotEqual)
@vjp_rules.define(LogicalAnd)
@vjp_rules.define(LogicalOr)
@vjp_rules.define(LogicalNot)
def _nothing(
    op: Op, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Nothing, even if a hand-made node is flagged."""
    return (None,) * len(xs)
