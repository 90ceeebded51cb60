"""Ranges of one axis: joined, cut out, or put into zeros."""

from dataclasses import dataclass
from typing import Any, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace, along
from tapem_dsl.arrays.shape import (
    Shape,
    axis_of,
    check_int,
    check_shape,
    from_left,
    operands,
    wrong_shapes,
)
from tapem_dsl.errors import AxisOutOfRange, Refused
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR, Op


@final
@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Arrays joined along one axis."""

    name = "concat_leading_axis"
    recorded_by = "concat"
    scalar_kinds = ANY_SCALAR

    axis: int

    @property
    @override
    def label(self) -> str:
        return self.name if self.axis == 0 else f"concat(axis={self.axis})"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        if not inputs:
            raise TypeError("concat takes at least one operand")
        first = inputs[0]
        axis = axis_of("concat", first, self.axis)
        left, right = first[:axis], first[axis + 1 :]
        for x in inputs:
            if (x[:axis], x[axis + 1 :]) != (left, right) or len(x) != len(first):
                wants = f"shapes alike but for axis {self.axis}"
                raise wrong_shapes("concat", *inputs, wants=wants)
        return (*left, sum(x[axis] for x in inputs), *right)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.concat(*inputs, axis=self.axis % inputs[0].ndim)


def concat(*ids: NodeId, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Join nodes along one axis: NumPy's ``concatenate``.

    Shapes: equal but for ``axis``, whose extents add up; of any one scalar type.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Raises: TypeError: no node is given.
    Gradient: to each its range of ``g``.
    Lean: ``Tape.concat`` of two along the leading axis. PyTorch: ``torch.cat``. JAX:
        ``jax.numpy.concatenate``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0]))
    >>> row.bind(lambda x: concat(x, x)).bind(value_of).eval()
    <Success: [1. 2. 1. 2.]>
    """
    check_int("concat", "axis", axis)
    if not ids:
        raise TypeError("concat takes at least one node")
    id: Any  # whatever was passed for one
    for place, id in enumerate(ids, 1):
        if isinstance(id, list | tuple):
            raise TypeError(
                f"concat, operand {place}: ids are passed one by one; "
                f"write concat(*ids), not {short_repr(id)}"
            )
        index_of(id, f"concat, operand {place}")
    return record_op(Concat(axis), ids)


@final
@dataclass(frozen=True, slots=True)
class Slice(Op):
    """A range of one axis."""

    name = "slice"
    recorded_by = "slice_"
    scalar_kinds = ANY_SCALAR

    start: int
    length: int
    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        end = self.start + self.length
        start = from_left(self.start, x[axis])
        if not 0 <= start <= x[axis] - self.length:
            what = f"range {self.start}:{end} of axis {self.axis}"
            raise Refused(AxisOutOfRange(self.name, what, x))
        return (*x[:axis], self.length, *x[axis + 1 :])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        axis = self.axis % x.ndim
        return x[along(axis, from_left(self.start, x.shape[axis]), self.length)]


def slice_(x: NodeId, start: int, length: int, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Cut a range out of one axis: entries ``start`` to ``start + length - 1``.

    Shapes: ``x``: at least ``start + length`` along the axis, of any scalar type;
        result: ``length`` along the axis.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Raises: ValueError: ``length`` is negative, or larger than any array.
    Gradient: ``g`` in the range, 0 elsewhere: :func:`embed`.
    Lean: ``Tape.slice``, along the leading axis. PyTorch: ``torch.narrow``. JAX:
        ``jax.lax.slice_in_dim``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0, 3.0]))
    >>> row.bind(lambda x: slice_(x, 1, 2)).bind(value_of).eval()
    <Success: [2. 3.]>
    """
    _check_range("slice_", start, length=length)
    check_int("slice_", "axis", axis)
    return record_op(Slice(start, length, axis), (x,))


@final
@dataclass(frozen=True, slots=True)
class Embed(Op):
    """An array put into zeros along one axis."""

    name = "embed"
    scalar_kinds = ANY_SCALAR

    start: int
    extent: int
    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = axis_of(self.name, x, self.axis)
        end = self.start + x[axis]
        start = from_left(self.start, self.extent)
        if not 0 <= start <= self.extent - x[axis]:
            what = f"range {self.start}:{end} of {self.extent} along axis {self.axis}"
            raise Refused(AxisOutOfRange(self.name, what, x))
        return (*x[:axis], self.extent, *x[axis + 1 :])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        start = from_left(self.start, self.extent)
        return xp.embed(x, self.shape(x.shape), self.axis % x.ndim, start)


def embed(x: NodeId, start: int, extent: int, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Put a node into zeros, from ``start`` on, along one axis: NumPy's ``pad`` with 0.

    This is no look-up in a table: PyTorch's ``embedding`` is :func:`gather`.

    Shapes: ``x``: at most ``extent - start`` along the axis, of any scalar type;
        result: ``extent`` along the axis.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Raises: ValueError: ``extent`` is negative, or larger than any array.
    Gradient: the range of ``g``: :func:`slice_`.
    Lean: the derivative of ``Tape.slice``. PyTorch: ``torch.nn.functional.pad``. JAX:
        ``jax.numpy.pad``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0]))
    >>> row.bind(lambda x: embed(x, 1, 4)).bind(value_of).eval()
    <Success: [0. 1. 2. 0.]>
    """
    _check_range("embed", start, extent=extent)
    check_int("embed", "axis", axis)
    return record_op(Embed(start, extent, axis), (x,))


def _check_range(op: str, start: int, **extents: int) -> None:
    check_int(op, "start", start)
    check_shape((abs(start),))
    for what, extent in extents.items():
        check_int(op, what, extent)
        if extent < 0:
            raise ValueError(
                f"{op} takes a non-negative number for {what}, not {extent}"
            )
        check_shape((extent,))
