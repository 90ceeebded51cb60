"""The softmax family, along the last axis."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, axis_of, check_int, operands
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Unary
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class SoftmaxLast(Unary):
    """``exp(x) / sum(exp(x))`` along the last axis."""

    name = "softmax"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does, where there is something."""
        (x,) = inputs
        if x.shape == ():
            return xp.ones_like(x)
        return xp.softmax(x) if x.shape[-1] else x


@final
@dataclass(frozen=True, slots=True)
class LogSoftmaxLast(Unary):
    """``x - log(sum(exp(x)))`` along the last axis."""

    name = "log_softmax"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does, where there is something."""
        (x,) = inputs
        if x.shape == ():
            return xp.zeros_like(x)
        return xp.log_softmax(x) if x.shape[-1] else x


class AlongAxis(Op):
    """An op of rows, along another axis than the last."""

    __slots__ = ()

    axis: int

    @property
    def label(self) -> str:
        """The name with the axis."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the operand's, if it has the axis."""
        (x,) = operands(self.name, inputs, 1)
        axis_of(self.name, x, self.axis)
        return x


@final
@dataclass(frozen=True, slots=True)
class Softmax(AlongAxis):
    """``exp(x) / sum(exp(x))`` along one axis."""

    name = "softmax"

    axis: int

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Put the axis last, and back."""
        (x,) = inputs
        rows = _SOFTMAX_LAST.evaluate(xp, with_last(xp, x, self.axis))
        return with_last(xp, rows, self.axis)


@final
@dataclass(frozen=True, slots=True)
class LogSoftmax(AlongAxis):
    """``x - log(sum(exp(x)))`` along one axis."""

    name = "log_softmax"

    axis: int

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Put the axis last, and back."""
        (x,) = inputs
        rows = _LOG_SOFTMAX_LAST.evaluate(xp, with_last(xp, x, self.axis))
        return with_last(xp, rows, self.axis)


def with_last(xp: Namespace, x: Array, axis: int) -> Array:
    """
    Exchange one axis with the last; twice is nothing.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> with_last(NUMPY, np.zeros((2, 3, 4)), 0).shape
    (4, 3, 2)
    """
    axes = list(range(x.ndim))
    axes[axis], axes[-1] = axes[-1], axes[axis]
    return xp.permute_dims(x, tuple(axes))


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


def softmax(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Softmax along one axis, without overflow.

    Shapes:
        ``x`` and the result alike; an empty axis stays empty.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`;
        :class:`OutsideDomain` over rationals, unless the axis is empty.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``y * (g - sum(g * y))`` along the axis.

    Source:
        Lean: the axis versions of the later generations' specification. PyTorch:
        ``torch.softmax(x, dim=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> columns = leaf(np.array([[1000.0, 0.0], [1000.0, 0.0]]))
    >>> halves = columns.bind(lambda x: softmax(x, axis=0))
    >>> halves.bind(value_of).eval().unwrap().tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    check_int("softmax", "axis", axis)
    return record_op(Softmax(axis), (x,))


def log_softmax(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Logarithm of the softmax along one axis, finite where the softmax is 0.

    Shapes:
        ``x`` and the result alike; an empty axis stays empty.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`;
        :class:`OutsideDomain` over rationals, unless the axis is empty.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``g - exp(y) * sum(g)`` along the axis.

    Source:
        Lean: the axis versions of the later generations' specification. PyTorch:
        ``torch.log_softmax(x, dim=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> column = leaf(np.array([[1000.0], [0.0]]))
    >>> logarithms = column.bind(lambda x: log_softmax(x, axis=0))
    >>> logarithms.bind(value_of).eval().unwrap().tolist()
    [[0.0], [-1000.0]]
    """
    check_int("log_softmax", "axis", axis)
    return record_op(LogSoftmax(axis), (x,))
