"""Ops that reduce an array to fewer entries."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, axis_of, check_int, operands
from tapem_dsl.errors import EmptyAxis, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class Sum(Op):
    """The sum of all entries."""

    name = "sum"

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar, whatever comes in."""
        operands(self.name, inputs, 1)
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Sum in the namespace's order."""
        (x,) = inputs
        return xp.sum(x)


@final
@dataclass(frozen=True, slots=True)
class ReduceSum(Op):
    """The sum along one axis, which is removed."""

    name = "reduce_sum"

    axis: int

    @property
    def label(self) -> str:
        """TorchLean's, with the axis."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Drop the axis."""
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        return x[:axis] + x[axis + 1 :]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Sum in the namespace's order."""
        (x,) = inputs
        return xp.sum(x, axis=self.axis)


@final
@dataclass(frozen=True, slots=True)
class ReduceMean(Op):
    """The mean along one axis, which is removed."""

    name = "reduce_mean"

    axis: int

    @property
    def label(self) -> str:
        """TorchLean's, with the axis."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Drop the axis, which must have entries."""
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        if x[axis] == 0:
            raise Refused(EmptyAxis(self.name, self.axis, x))
        return x[:axis] + x[axis + 1 :]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Sum, then divide once."""
        (x,) = inputs
        return xp.sum(x, axis=self.axis) / x.shape[self.axis]


_SUM: Final = Sum()


def sum_(x: NodeId) -> TapeM[NodeId, Any]:
    """
    Sum all entries to a scalar.

    Rounding:
        At most ``4 * eps * log2(n)`` times the sum of ``n`` absolute values, in any
        layout; for up to 128 of them ``n * eps / 2`` times that. ``eps`` is
        ``np.finfo(x.dtype).eps``.

    Shapes:
        ``x``: any; result: ``()``, 0 for an empty array.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`.

    Gradient:
        ``g`` at every entry.

    Source:
        Lean: ``TapeM.sum``, a left fold; here blocks are added, so that last digits may
        differ over floats. PyTorch: ``torch.sum``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1.0, 2.0])).bind(sum_).bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_SUM, (x,))


def reduce_sum(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Sum along one axis, which is removed; it rounds as :func:`sum_`.

    Shapes:
        ``x``: at least one axis; ``axis`` counts from the left, or from the right if
        negative.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``g`` repeated along the axis.

    Source:
        Lean: ``Tape.reduceSum``. PyTorch: ``torch.sum(x, dim=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> rows = leaf(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> rows.bind(lambda x: reduce_sum(x, axis=0)).bind(value_of).eval()
    <Success: [4. 6.]>
    """
    check_int("reduce_sum", "axis", axis)
    return record_op(ReduceSum(axis), (x,))


def reduce_mean(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Mean along one axis, which is removed.

    Shapes:
        ``x``: at least one axis, that one not empty; ``axis`` counts from the left, or
        from the right if negative.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`,
        :class:`EmptyAxis`.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``g / n`` repeated along the axis of length n.

    Source:
        Lean: ``Tape.reduceMean``. PyTorch: ``torch.mean(x, dim=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> rows = leaf(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> rows.bind(lambda x: reduce_mean(x, axis=-1)).bind(value_of).eval()
    <Success: [1.5 3.5]>
    """
    check_int("reduce_mean", "axis", axis)
    return record_op(ReduceMean(axis), (x,))
