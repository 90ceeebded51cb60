"""Vector-Jacobian products of the softmax family."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.jacobians import log_softmax_pullback, softmax_product
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.softmax import (
    LogSoftmax,
    LogSoftmaxLast,
    Softmax,
    SoftmaxLast,
    with_last,
)


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
