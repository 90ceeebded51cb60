"""Vector-Jacobian products of conditions, which have none, and of the choice."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.op import Op
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.comparisons import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    NotEqual,
)
from tapem_dsl.ops.conditions import LogicalAnd, LogicalNot, LogicalOr, Where


@vjp.define(Where)
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


@vjp.define(Less)
@vjp.define(LessEqual)
@vjp.define(Greater)
@vjp.define(GreaterEqual)
@vjp.define(Equal)
@vjp.define(NotEqual)
@vjp.define(LogicalAnd)
@vjp.define(LogicalOr)
@vjp.define(LogicalNot)
def _nothing(
    op: Op, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Nothing, even if a hand-made node is flagged."""
    return (None,) * len(xs)
