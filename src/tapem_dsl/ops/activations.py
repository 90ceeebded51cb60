"""Activation functions, entry by entry, and softmax along an axis."""

import math
from dataclasses import dataclass
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, axis_of, check_int, operands
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import AlongAxis, Unary
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """``max(x, 0)``, and 0 at ``-0.0``; NaN stays NaN."""

    name = "relu"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.maximum(x, 0) + 0  # -0.0 + 0 is 0.0


def relu(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Rectified linear unit ``max(x, 0)``, entry by entry.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` where ``x > 0``; 0 elsewhere, also at 0, for NaN and where ``g`` is
        inf.
    Lean: ``TapeM.relu``. PyTorch: ``torch.relu``. JAX: ``jax.nn.relu``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([-1.0, 2.0])).bind(relu).bind(value_of).eval()
    <Success: [0. 2.]>
    """
    return record_op(_RELU, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Tanh(Unary):
    """Hyperbolic tangent."""

    name = "tanh"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.tanh(*inputs)


def tanh(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Hyperbolic tangent, entry by entry.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``sech(x)**2 * g``, which is ``1 - y * y``, also where ``y`` rounds to 1.
    Lean: ``TapeM.tanh``. PyTorch: ``torch.tanh``. JAX: ``jax.numpy.tanh``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(tanh).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_TANH, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Sigmoid(Unary):
    """``1 / (1 + exp(-x))``."""

    name = "sigmoid"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.sigmoid(*inputs)


def sigmoid(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Logistic function ``1 / (1 + exp(-x))``, entry by entry, without overflow.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``y * (1 - y) * g``, with all digits also where ``y`` rounds to 1.
    Lean: ``TapeM.sigmoid``. PyTorch: ``torch.sigmoid``. JAX: ``jax.nn.sigmoid``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-1000.0).bind(sigmoid).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SIGMOID, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Softplus(Unary):
    """``log(1 + exp(x))``."""

    name = "softplus"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.softplus(*inputs)


def softplus(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Smooth rectifier ``log(1 + exp(x))``, entry by entry, without overflow.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``sigmoid(x) * g``.
    Lean: ``TapeM.softplus``, with a plain logarithm, which loses what is below 1e-16.
        PyTorch: ``torch.nn.functional.softplus`` without a threshold. JAX:
        ``jax.nn.softplus``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1000.0).bind(softplus).bind(value_of).eval()
    <Success: 1000.0>
    """
    return record_op(_SOFTPLUS, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Gelu(Unary):
    """``x * (1 + tanh(u)) / 2`` for ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""

    name = "gelu"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        least = xp.maximum(x, -REACH)
        near = xp.minimum(least, REACH)
        # (1 + tanh(u)) / 2 = sigmoid(2 * u)
        return least * xp.sigmoid(gelu_exponent(xp, near, near * near))


REACH: Final = 60
"""Where ``tanh(u)`` is 1 or -1 in every scalar type."""

LINEAR: Final = math.sqrt(2 / math.pi)
CUBIC: Final = 0.044715 * LINEAR


def gelu_exponent(xp: Namespace, x: Array, square: Array) -> Array:
    """
    Compute ``2 * u`` of entries within reach, given their squares.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(gelu_exponent(NUMPY, np.float64(0), np.float64(0)))
    0.0
    """
    linear, cubic = xp.literal(x, 2 * LINEAR), xp.literal(x, 2 * CUBIC)
    return x * (linear + cubic * square)


def gelu(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Gaussian error linear unit, in its tanh form, entry by entry.

    .. math:: y = x (1 + \tanh u) / 2, \qquad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``(1 + T + x * (1 - T**2) * u') / 2 * g`` with ``T = tanh(u)``; 1 at inf,
        0 at -inf.
    Source: Hendrycks & Gimpel, arXiv:1606.08415.
    Lean: ``Tape.gelu``. PyTorch: ``torch.nn.functional.gelu(x, approximate="tanh")``.
        JAX: ``jax.nn.gelu(x, approximate=True)``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1.0).bind(gelu).bind(value_of).eval()
    <Success: 0.8411919906082768>
    """
    return record_op(_GELU, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class SoftmaxLast(Unary):
    """``exp(x) / sum(exp(x))`` along the last axis."""

    name = "softmax"
    recorded_by = "softmax_last"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        if x.shape == ():
            return xp.ones_like(x)
        return xp.softmax(x) if x.shape[-1] else x


def softmax_last(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Softmax along the last axis, without overflow.

    .. math:: y_i = e^{x_i - m} / \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Shapes: result: as ``x``; 1 for a scalar, and empty for empty rows.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``y * (g - sum(g * y))`` for each row; 0 for a scalar.
    Lean: ``TapeM.softmaxLast``. PyTorch: ``torch.softmax(x, dim=-1)``. JAX:
        ``jax.nn.softmax(x, axis=-1)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1000.0, 1000.0])).bind(softmax_last).bind(value_of).eval()
    <Success: [0.5 0.5]>
    """
    return record_op(_SOFTMAX_LAST, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class LogSoftmaxLast(Unary):
    """``x - log(sum(exp(x)))`` along the last axis."""

    name = "log_softmax"
    recorded_by = "log_softmax_last"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        if x.shape == ():
            return xp.zeros_like(x)
        return xp.log_softmax(x) if x.shape[-1] else x


def log_softmax_last(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Logarithm of the softmax along the last axis; finite where the softmax rounds to 0.

    .. math:: y_i = (x_i - m) - \log \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Shapes: result: as ``x``; 0 for a scalar, and empty for empty rows.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``g - exp(y) * sum(g)`` for each row; 0 for a scalar.
    Lean: ``Tape.logSoftmaxLast``. PyTorch: ``torch.log_softmax(x, dim=-1)``. JAX:
        ``jax.nn.log_softmax(x, axis=-1)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([0.0, 0.0])).bind(log_softmax_last).bind(value_of).eval()
    <Success: [-0.69314718 -0.69314718]>
    """
    return record_op(_LOG_SOFTMAX_LAST, (x,), shape)


class RowsAlongAxis(AlongAxis):
    """An op of the rows along any axis, which keeps the shape."""

    __slots__ = ()

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis_of(self.name, x, self.axis)
        return x


def with_last(xp: Namespace, x: Array, axis: int) -> Array:
    """
    Exchange an axis with the last; done twice, it changes nothing.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> with_last(NUMPY, np.zeros((2, 3, 4)), 0).shape
    (4, 3, 2)
    """
    axes = list(range(x.ndim))
    axes[axis], axes[-1] = axes[-1], axes[axis]
    return xp.permute_dims(x, tuple(axes))


@final
@dataclass(frozen=True, slots=True)
class Softmax(RowsAlongAxis):
    """``exp(x) / sum(exp(x))`` along one axis."""

    name = "softmax"

    axis: int

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        rows = _SOFTMAX_LAST.evaluate(xp, with_last(xp, x, self.axis))
        return with_last(xp, rows, self.axis)


def softmax(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Softmax along one axis, without overflow.

    Shapes: ``x``: at least one axis; result: as ``x``, and empty for an empty axis.
    Fails with: as every op; :class:`AxisOutOfRange`; :class:`OutsideDomain` over
        rationals, unless the axis is empty.
    Gradient: ``y * (g - sum(g * y))`` along the axis.
    Lean: the axis versions of the later generations' specification. PyTorch:
        ``torch.softmax(x, dim=axis)``. JAX: ``jax.nn.softmax(x, axis=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> columns = leaf(np.array([[1000.0, 0.0], [1000.0, 0.0]]))
    >>> halves = columns.bind(lambda x: softmax(x, axis=0))
    >>> halves.bind(value_of).eval().unwrap().tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    check_int("softmax", "axis", axis)
    return record_op(Softmax(axis), (x,))


@final
@dataclass(frozen=True, slots=True)
class LogSoftmax(RowsAlongAxis):
    """``x - log(sum(exp(x)))`` along one axis."""

    name = "log_softmax"

    axis: int

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        rows = _LOG_SOFTMAX_LAST.evaluate(xp, with_last(xp, x, self.axis))
        return with_last(xp, rows, self.axis)


def log_softmax(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Logarithm of the softmax along one axis; finite where the softmax rounds to 0.

    Shapes: ``x``: at least one axis; result: as ``x``, and empty for an empty axis.
    Fails with: as every op; :class:`AxisOutOfRange`; :class:`OutsideDomain` over
        rationals, unless the axis is empty.
    Gradient: ``g - exp(y) * sum(g)`` along the axis.
    Lean: the axis versions of the later generations' specification. PyTorch:
        ``torch.log_softmax(x, dim=axis)``. JAX: ``jax.nn.log_softmax(x, axis=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> column = leaf(np.array([[1000.0], [0.0]]))
    >>> logarithms = column.bind(lambda x: log_softmax(x, axis=0))
    >>> logarithms.bind(value_of).eval().unwrap().tolist()
    [[0.0], [-1000.0]]
    """
    check_int("log_softmax", "axis", axis)
    return record_op(LogSoftmax(axis), (x,))


_RELU: Final = Relu()
_TANH: Final = Tanh()
_SIGMOID: Final = Sigmoid()
_SOFTPLUS: Final = Softplus()
_GELU: Final = Gelu()
_SOFTMAX_LAST: Final = SoftmaxLast()
_LOG_SOFTMAX_LAST: Final = LogSoftmaxLast()
