"""Vector-Jacobian products of the functions that round off a corner."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.smooth import (
    CUBIC,
    FAR_LEFT,
    LINEAR,
    REACH,
    Gelu,
    Log1p,
    SafeLog,
    Softplus,
    far_left,
    gelu_exponent,
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


def _gelu(op: Gelu, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``(sigmoid(2 * u) + x * sech2(u) * u' / 2) * g``; far from 0 it is 1 or 0."""
    near = xp.minimum(xp.maximum(x, -REACH), REACH)
    square = near * near
    double = gelu_exponent(xp, near, square)
    half = xp.literal(x, LINEAR / 2) + xp.literal(x, CUBIC * 3 / 2) * square
    return (xp.sigmoid(double) + near * half * xp.sech2(double / 2)) * g


vjp_rules.each(SafeLog, _safe_log)
vjp_rules.each(Gelu, _gelu)
vjp_rules.each(Softplus, lambda op, xp, g, x, y: xp.sigmoid(x) * g)
vjp_rules.each(Log1p, lambda op, xp, g, x, y: g / (1 + x))
