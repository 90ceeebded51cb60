"""The softmax family, along the last axis."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.shape import Shape
from tapem_dsl.core.tapem import TapeM, record_op
from tapem_dsl.ops.base import Unary


@final
@dataclass(frozen=True, slots=True)
class SoftmaxLast(Unary):
    """``exp(x) / sum(exp(x))`` along the last axis."""

    name = "softmax"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Shift by each row's maximum first, so that ``exp`` cannot overflow."""
        (x,) = inputs
        if x.shape == ():
            return xp.ones_like(x)
        if x.shape[-1] == 0:
            return x
        e = xp.exp(x - xp.shift(x))
        return e / xp.sum(e, axis=-1, keepdims=True)


@final
@dataclass(frozen=True, slots=True)
class LogSoftmaxLast(Unary):
    """``x - log(sum(exp(x)))`` along the last axis."""

    name = "log_softmax"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Shift by each row's maximum first, so that ``exp`` cannot overflow."""
        (x,) = inputs
        if x.shape == ():
            return xp.zeros_like(x)
        if x.shape[-1] == 0:
            return x
        shifted = x - xp.shift(x)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


_SOFTMAX_LAST: Final = SoftmaxLast()
_LOG_SOFTMAX_LAST: Final = LogSoftmaxLast()


def softmax_last(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Softmax along the last axis, without overflow.

    .. math:: y_i = e^{x_i - m} / \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given; a scalar
        gives 1, a row without entries itself.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``y * (g - sum(g * y))`` for each row; 0 for a scalar.

    Source:
        Lean: ``TapeM.softmaxLast``. PyTorch: ``torch.softmax(x, dim=-1)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1000.0, 1000.0])).bind(softmax_last).bind(value_of).eval()
    <Success: [0.5 0.5]>
    """
    return record_op(_SOFTMAX_LAST, (x,), shape)


def log_softmax_last(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Logarithm of the softmax along the last axis, without overflow.

    .. math:: y_i = (x_i - m) - \log \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given; a scalar
        gives 0, a row without entries itself.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``g - exp(y) * sum(g)`` for each row; 0 for a scalar.

    Source:
        Lean: ``Tape.logSoftmaxLast``. PyTorch: ``torch.log_softmax(x, dim=-1)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([0.0, 0.0])).bind(log_softmax_last).bind(value_of).eval()
    <Success: [-0.69314718 -0.69314718]>
    """
    return record_op(_LOG_SOFTMAX_LAST, (x,), shape)
