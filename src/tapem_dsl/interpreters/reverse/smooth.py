"""Vector-Jacobian products of the functions that round off a corner."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.smooth import (
    CUBIC,
    LINEAR,
    REACH,
    Gelu,
    Log1p,
    SafeLog,
    Softplus,
    gelu_exponent,
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
    return (xp.sigmoid(x) * g,)


@vjp.define(SafeLog)
def _safe_log(
    op: SafeLog, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sigmoid(x) / exp(y) * g``, without a quotient: ``1 / epsilon`` may be inf."""
    (x,) = xs
    return (xp.exp(0 - xp.softplus(0 - x) - y) * g,)


@vjp.define(Gelu)
def _gelu(
    op: Gelu, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(sigmoid(2 * u) + x * sech2(u) * u' / 2) * g``; far from 0 it is 1 or 0."""
    (x,) = xs
    near = xp.minimum(xp.maximum(x, -REACH), REACH)
    square = near * near
    double = gelu_exponent(xp, near, square)
    half = xp.lit(x, LINEAR / 2) + xp.lit(x, CUBIC * 3 / 2) * square
    return ((xp.sigmoid(double) + near * half * xp.sech2(double / 2)) * g,)
