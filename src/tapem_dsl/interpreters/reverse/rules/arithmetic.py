"""Vector-Jacobian products of arithmetic."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.arithmetic import (
    Add,
    Clamp,
    Div,
    Inv,
    Max,
    Min,
    Mul,
    Scale,
    ShiftBy,
    Sub,
)

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


def _clamp(op: Clamp, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g`` strictly between the bounds, else 0."""
    above = xp.where(x > xp.literal(x, op.low), g, 0)
    return xp.where(x < xp.literal(x, op.high), above, 0)


vjp_rules.each(Clamp, _clamp)


# no square of y alone, which could overflow
vjp_rules.each(Inv, lambda op, xp, g, x, y: -(g * y * y))


@vjp_rules.define(Max)
def _max(
    op: Max, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` to the larger, ``g / 2`` to each where neither is."""
    a, b = xs
    return _divided(xp, g, need, a > b, b > a)


@vjp_rules.define(Min)
def _min(
    op: Min, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` to the smaller, ``g / 2`` to each where neither is."""
    a, b = xs
    return _divided(xp, g, need, b > a, a > b)


def _divided(
    xp: Namespace, g: Array, need: Need, to_first: Array, to_second: Array
) -> Cotangents:
    nothing, half = xp.zeros_like(g), g / 2
    first, second = (
        xp.where(mine, g, xp.where(others, nothing, half)) if needed else None
        for needed, mine, others in zip(
            need, (to_first, to_second), (to_second, to_first), strict=True
        )
    )
    return first, second
