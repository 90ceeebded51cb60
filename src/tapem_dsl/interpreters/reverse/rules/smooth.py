"""Vector-Jacobian products of the functions that round off a corner."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.activations import (
    CUBIC,
    LINEAR,
    REACH,
    Gelu,
    Softplus,
    gelu_exponent,
)
from tapem_dsl.ops.elementwise import FAR_LEFT, Log1p, SafeLog, far_left


@vjp_rules.define(Log1p)
def _log1p(
    op: Log1p, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / (1 + x)``."""
    (x,) = xs
    return (g / (1 + x),)


@vjp_rules.define(Softplus)
def _softplus(
    op: Softplus, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sigmoid(x) * g``."""
    (x,) = xs
    return (xp.sigmoid(x) * g,)


@vjp_rules.define(SafeLog)
def _safe_log(
    op: SafeLog, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sigmoid(x) / (softplus(x) + epsilon) * g``; far to the left from the log."""
    (x,) = xs
    epsilon = xp.literal(x, op.epsilon)
    left = far_left(xp, x)
    if left is None:
        return (xp.sigmoid(x) / (xp.softplus(x) + epsilon) * g,)
    right = xp.where(~left, x, FAR_LEFT)
    near = xp.sigmoid(right) / (xp.softplus(right) + epsilon)
    x = xp.where(left, x, FAR_LEFT)
    far = (1 - xp.exp(x) / 2) * xp.sigmoid(op.from_log(xp, x))
    return (xp.where(left, far, near) * g,)


@vjp_rules.define(Gelu)
def _gelu(
    op: Gelu, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(sigmoid(2 * u) + x * sech2(u) * u' / 2) * g``; far from 0 it is 1 or 0."""
    (x,) = xs
    near = xp.minimum(xp.maximum(x, -REACH), REACH)
    square = near * near
    double = gelu_exponent(xp, near, square)
    half = xp.literal(x, LINEAR / 2) + xp.literal(x, CUBIC * 3 / 2) * square
    return ((xp.sigmoid(double) + near * half * xp.sech2(double / 2)) * g,)
