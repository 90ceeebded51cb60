"""Vector-Jacobian products of activation functions."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.jacobians import log_softmax_pullback, softmax_product
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.activations import (
    CUBIC,
    LINEAR,
    REACH,
    Gelu,
    LogSoftmax,
    LogSoftmaxLast,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxLast,
    Softplus,
    Tanh,
    gelu_exponent,
    with_last,
)

# 0 where x is not positive, even if g is inf
vjp_rules.each(Relu, lambda op, xp, g, x, y: xp.where(x > 0, g, 0))


# y * (1 - y) and 1 - y * y, also where y rounds to 1
vjp_rules.each(Sigmoid, lambda op, xp, g, x, y: xp.sech2(x / 2) / 4 * g)


vjp_rules.each(Tanh, lambda op, xp, g, x, y: xp.sech2(x) * g)


def _gelu(op: Gelu, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``(sigmoid(2 * u) + x * sech2(u) * u' / 2) * g``; far from 0 it is 1 or 0."""
    near = xp.minimum(xp.maximum(x, -REACH), REACH)
    square = near * near
    double = gelu_exponent(xp, near, square)
    half = xp.literal(x, LINEAR / 2) + xp.literal(x, CUBIC * 3 / 2) * square
    return (xp.sigmoid(double) + near * half * xp.sech2(double / 2)) * g


vjp_rules.each(Gelu, _gelu)


vjp_rules.each(Softplus, lambda op, xp, g, x, y: xp.sigmoid(x) * g)


def _softmax_last(
    op: SoftmaxLast, xp: Namespace, g: Array, x: Array, y: Array
) -> Array:
    """``y * (g - sum(g * y))`` for each row; 0 for a scalar."""
    return softmax_product(xp, y, g) if y.shape else xp.zeros_like(y)


def _log_softmax_last(
    op: LogSoftmaxLast, xp: Namespace, g: Array, x: Array, y: Array
) -> Array:
    """``g - exp(y) * sum(g)`` for each row; 0 for a scalar."""
    if y.shape == ():
        return xp.zeros_like(y)
    return log_softmax_pullback(xp, y, g) if y.shape[-1] else g


def _softmax(op: Softmax, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``y * (g - sum(g * y))`` along the axis."""
    rows, of_rows = (with_last(xp, each, op.axis) for each in (y, g))
    return with_last(xp, softmax_product(xp, rows, of_rows), op.axis)


def _log_softmax(op: LogSoftmax, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g - exp(y) * sum(g)`` along the axis."""
    if y.shape[op.axis] == 0:
        return g
    rows, of_rows = (with_last(xp, each, op.axis) for each in (y, g))
    return with_last(xp, log_softmax_pullback(xp, rows, of_rows), op.axis)


vjp_rules.each(SoftmaxLast, _softmax_last)


vjp_rules.each(LogSoftmaxLast, _log_softmax_last)


vjp_rules.each(Softmax, _softmax)


vjp_rules.each(LogSoftmax, _log_softmax)
