"""Vector-Jacobian products of the functions with a corner or a pole."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.arithmetic import Clamp, Inv, Max, Min
from tapem_dsl.ops.elementwise import Abs, Sqrt


@vjp_rules.define(Abs)
def _abs(
    op: Abs, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` or ``-g`` by the sign of ``x``; 0 at 0, even if ``g`` is inf."""
    (x,) = xs
    return (xp.where(x > 0, g, xp.where(x < 0, 0 - g, 0)),)


@vjp_rules.define(Sqrt)
def _sqrt(
    op: Sqrt, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / (2 * y)`` where ``x > 0``, else 0; no division by 0, also when swept."""
    (x,) = xs
    positive = x > 0
    slope = g / (2 * xp.where(positive, y, xp.ones_like(y)))
    return (xp.where(positive, slope, 0),)


@vjp_rules.define(Inv)
def _inv(
    op: Inv, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``-(g * y * y)``: no square of ``y`` alone, which could overflow."""
    return (-(g * y * y),)


@vjp_rules.define(Clamp)
def _clamp(
    op: Clamp, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` strictly between the bounds, else 0."""
    (x,) = xs
    above = xp.where(x > xp.literal(x, op.low), g, 0)
    return (xp.where(x < xp.literal(x, op.high), above, 0),)


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
