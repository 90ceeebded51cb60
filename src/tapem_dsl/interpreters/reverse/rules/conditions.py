"""Vector-Jacobian products of conditions, which have none, and of the choice."""

from tapem_dsl.interpreters.reverse.table import vjp_rules
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

vjp_rules.each(
    Where,
    None,
    lambda op, xp, g, condition, a, b, y: xp.where(condition, g, 0),
    lambda op, xp, g, condition, a, b, y: xp.where(~condition, g, 0),
)
for comparison in (Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual):
    vjp_rules.each(comparison, None, None)
vjp_rules.each(LogicalAnd, None, None)
vjp_rules.each(LogicalOr, None, None)
vjp_rules.each(LogicalNot, None)
