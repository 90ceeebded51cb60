"""Vector-Jacobian products of the functions that round off a corner."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.elementwise import logistic
from tapem_dsl.ops.smooth import (
    CUBIC,
    ROOT_OF_TWO_OVER_PI,
    Gelu,
    Log1p,
    SafeLog,
    Softplus,
    gelu_argument,
    softened,
)


@vjp.define(Log1p)
def _log1p(
    op: Log1p, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / (1 + x)``."""
    (x,) = xs
    return (g / (1 + x),)


@vjp.define(Softplus)
def _softplus(
    op: Softplus, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sigmoid(x) * g``."""
    (x,) = xs
    return (logistic(xp, x) * g,)


@vjp.define(SafeLog)
def _safe_log(
    op: SafeLog, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sigmoid(x) / (softplus(x) + epsilon) * g``."""
    (x,) = xs
    return (logistic(xp, x) / (softened(xp, x) + xp.lit(x, op.epsilon)) * g,)


@vjp.define(Gelu)
def _gelu(
    op: Gelu, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(1 + T + x * (1 - T * T) * u') / 2 * g``; the product is 0 far from 0."""
    (x,) = xs
    t = xp.tanh(gelu_argument(xp, x))
    near = xp.minimum(xp.maximum(x, -30), 30)
    slope = xp.lit(x, ROOT_OF_TWO_OVER_PI) * (1 + xp.lit(x, 3 * CUBIC) * near * near)
    return ((1 + t + near * (1 - t * t) * slope) / 2 * g,)
