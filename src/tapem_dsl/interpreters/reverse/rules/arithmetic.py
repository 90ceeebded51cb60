"""Vector-Jacobian products of arithmetic."""

from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.arithmetic import Add, Div, Mul, Scale, ShiftBy, Sub

vjp_rules.each(
    Add,
    lambda op, xp, g, a, b, y: g,
    lambda op, xp, g, a, b, y: g,
)
vjp_rules.each(
    Sub,
    lambda op, xp, g, a, b, y: g,
    lambda op, xp, g, a, b, y: 0 - g,  # at 0 it is 0 and not -0.0
)
vjp_rules.each(
    Mul,
    lambda op, xp, g, a, b, y: g * b,
    lambda op, xp, g, a, b, y: g * a,
)
vjp_rules.each(
    Div,
    lambda op, xp, g, a, b, y: g / b,
    lambda op, xp, g, a, b, y: 0 - g * (y / b),  # no square of b that could overflow
)
vjp_rules.each(Scale, lambda op, xp, g, x, y: g * xp.literal(g, op.factor))
vjp_rules.each(ShiftBy, lambda op, xp, g, x, y: g)
