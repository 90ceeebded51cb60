"""Vector-Jacobian products of the softmax family."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.softmax import (
    LogSoftmax,
    LogSoftmaxLast,
    Softmax,
    SoftmaxLast,
)


@vjp.define(SoftmaxLast)
def _softmax_last(
    op: SoftmaxLast, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * (g - sum(g * y))`` for each row; 0 for a scalar."""
    if y.shape == ():
        return (xp.zeros_like(y),)
    return (y * (g - xp.sum(g * y, axis=-1, keepdims=True)),)


@vjp.define(LogSoftmaxLast)
def _log_softmax_last(
    op: LogSoftmaxLast, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g - exp(y) * sum(g)`` for each row; 0 for a scalar."""
    if y.shape == ():
        return (xp.zeros_like(y),)
    if y.shape[-1] == 0:
        return (g,)
    return (g - xp.exp(y) * xp.sum(g, axis=-1, keepdims=True),)


@vjp.define(Softmax)
def _softmax(
    op: Softmax, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * (g - sum(g * y))`` along the axis."""
    axis = op.axis % y.ndim
    return (y * (g - xp.sum(g * y, axis=axis, keepdims=True)),)


@vjp.define(LogSoftmax)
def _log_softmax(
    op: LogSoftmax, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g - exp(y) * sum(g)`` along the axis."""
    axis = op.axis % y.ndim
    if y.shape[axis] == 0:
        return (g,)
    return (g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True),)
