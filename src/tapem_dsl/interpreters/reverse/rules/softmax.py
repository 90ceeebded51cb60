"""Vector-Jacobian products of the softmax family."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.jacobians import log_softmax_pullback, softmax_product
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.activations import (
    LogSoftmax,
    LogSoftmaxLast,
    Softmax,
    SoftmaxLast,
    with_last,
)


@vjp_rules.define(SoftmaxLast)
def _softmax_last(
    op: SoftmaxLast, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * (g - sum(g * y))`` for each row; 0 for a scalar."""
    if y.shape == ():
        return (xp.zeros_like(y),)
    return (softmax_product(xp, y, g),)


@vjp_rules.define(LogSoftmaxLast)
def _log_softmax_last(
    op: LogSoftmaxLast, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g - exp(y) * sum(g)`` for each row; 0 for a scalar."""
    if y.shape == ():
        return (xp.zeros_like(y),)
    return (log_softmax_pullback(xp, y, g) if y.shape[-1] else g,)


@vjp_rules.define(Softmax)
def _softmax(
    op: Softmax, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * (g - sum(g * y))`` along the axis."""
    rows, of_rows = (with_last(xp, x, op.axis) for x in (y, g))
    return (with_last(xp, softmax_product(xp, rows, of_rows), op.axis),)


@vjp_rules.define(LogSoftmax)
def _log_softmax(
    op: LogSoftmax, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g - exp(y) * sum(g)`` along the axis."""
    if y.shape[op.axis] == 0:
        return (g,)
    rows, of_rows = (with_last(xp, x, op.axis) for x in (y, g))
    return (with_last(xp, log_softmax_pullback(xp, rows, of_rows), op.axis),)
