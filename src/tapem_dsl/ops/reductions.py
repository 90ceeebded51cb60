"""Sums and means: of all entries, or along one axis."""

from dataclasses import dataclass
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, axis_of, check_int, operands
from tapem_dsl.errors import EmptyAxis, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import AlongAxis
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class Sum(Op):
    """The sum of all entries."""

    name = "sum"
    recorded_by = "sum_"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        operands(self.name, inputs, 1)
        return ()

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.sum(*inputs)


def sum_(x: NodeId) -> TapeM[NodeId, Any]:
    """
    Sum of all entries.

    Shapes: ``x``: any; result: ``()``, 0 for an empty array.
    Fails with: as every op.
    Rounding: at most ``4 * eps * log2(n)`` times the sum of ``n`` absolute values, in
        any layout; for up to 128 of them ``n * eps / 2`` times that. ``eps`` is
        ``np.finfo(x.dtype).eps``.
    Gradient: ``g`` at every entry.
    Lean: ``TapeM.sum``, a left fold; here blocks are added, so that last digits may
        differ over floats. PyTorch: ``torch.sum``. JAX: ``jax.numpy.sum``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1.0, 2.0])).bind(sum_).bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_SUM, (x,))


@final
@dataclass(frozen=True, slots=True)
class ReduceSum(AlongAxis):
    """The sum along one axis, which is removed."""

    name = "reduce_sum"

    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        return x[:axis] + x[axis + 1 :]

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.sum(x, axis=self.axis)


def reduce_sum(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Sum along one axis, which is removed; it rounds as :func:`sum_`.

    Shapes: ``x``: at least one axis; result: ``x`` without ``axis``.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Gradient: ``g`` repeated along the axis.
    Lean: ``Tape.reduceSum``. PyTorch: ``torch.sum(x, dim=axis)``. JAX:
        ``jax.numpy.sum(x, axis=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> rows = leaf(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> rows.bind(lambda x: reduce_sum(x, axis=0)).bind(value_of).eval()
    <Success: [4. 6.]>
    """
    check_int("reduce_sum", "axis", axis)
    return record_op(ReduceSum(axis), (x,))


@final
@dataclass(frozen=True, slots=True)
class ReduceMean(AlongAxis):
    """The mean along one axis, which is removed."""

    name = "reduce_mean"

    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        if x[axis] == 0:
            raise Refused(EmptyAxis(self.name, self.axis, x))
        return x[:axis] + x[axis + 1 :]

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.sum(x, axis=self.axis) / x.shape[self.axis]


def reduce_mean(x: NodeId, *, axis: int) -> TapeM[NodeId, Any]:
    """
    Mean along one axis, which is removed.

    Shapes: ``x``: at least one axis, and ``axis`` is not empty; result: ``x`` without
        ``axis``.
    Fails with: as every op; :class:`AxisOutOfRange`; :class:`EmptyAxis`.
    Gradient: ``g / n`` repeated along the axis of extent ``n``.
    Lean: ``Tape.reduceMean``. PyTorch: ``torch.mean(x, dim=axis)``. JAX:
        ``jax.numpy.mean(x, axis=axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> rows = leaf(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> rows.bind(lambda x: reduce_mean(x, axis=-1)).bind(value_of).eval()
    <Success: [1.5 3.5]>
    """
    check_int("reduce_mean", "axis", axis)
    return record_op(ReduceMean(axis), (x,))


_SUM: Final = Sum()
