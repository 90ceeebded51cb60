"""Vector-Jacobian products of functions of one node, entry by entry."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.elementwise import (
    FAR_LEFT,
    Abs,
    Cos,
    Detach,
    Exp,
    Log,
    Log1p,
    SafeLog,
    Sin,
    Sqrt,
    far_left,
)

vjp_rules.each(Exp, lambda op, xp, g, x, y: y * g)


vjp_rules.each(Log, lambda op, xp, g, x, y: 1 / x * g)


vjp_rules.each(Sin, lambda op, xp, g, x, y: xp.cos(x) * g)


vjp_rules.each(Cos, lambda op, xp, g, x, y: -(xp.sin(x) * g))


vjp_rules.each(Detach, None)


def _sqrt(op: Sqrt, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g / (2 * y)`` where ``x > 0``, else 0; no division by 0, also when swept."""
    positive = x > 0
    slope = g / (2 * xp.where(positive, y, xp.ones_like(y)))
    return xp.where(positive, slope, 0)


vjp_rules.each(Sqrt, _sqrt)


# by the sign of x; 0 at 0, even if g is inf
vjp_rules.each(
    Abs,
    lambda op, xp, g, x, y: xp.where(x > 0, g, xp.where(x < 0, 0 - g, 0)),
)


def _safe_log(op: SafeLog, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``sigmoid(x) / (softplus(x) + epsilon) * g``; far to the left from the log."""
    epsilon = xp.literal(x, op.epsilon)
    left = far_left(xp, x)
    if left is None:
        return xp.sigmoid(x) / (xp.softplus(x) + epsilon) * g
    right = xp.where(~left, x, FAR_LEFT)
    near = xp.sigmoid(right) / (xp.softplus(right) + epsilon)
    x = xp.where(left, x, FAR_LEFT)
    far = (1 - xp.exp(x) / 2) * xp.sigmoid(op.from_log(xp, x))
    return xp.where(left, far, near) * g


vjp_rules.each(SafeLog, _safe_log)


vjp_rules.each(Log1p, lambda op, xp, g, x, y: g / (1 + x))
