"""Ops that pick entries by static indices, and the one that adds there."""

from dataclasses import dataclass
from typing import Any, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import (
    Shape,
    axis_of,
    check_int,
    from_left,
    operands,
    wrong_shapes,
)
from tapem_dsl.errors import AxisOutOfRange, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import said
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR, Op


@final
@dataclass(frozen=True, slots=True)
class Select(Op):
    """One entry of an axis, which is removed."""

    name = "select"
    scalar_kinds = ANY_SCALAR

    index: int
    axis: int

    @property
    def label(self) -> str:
        """TorchLean's, with axis and index."""
        return f"{self.name}(axis={self.axis}, index={self.index})"

    def shape(self, *inputs: Shape) -> Shape:
        """Drop the axis, if it has the index."""
        (x,) = operands(self.name, inputs, 1)
        axis = _axis_with(self.name, x, self.axis, (self.index,))
        return x[:axis] + x[axis + 1 :]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Index by operator."""
        (x,) = inputs
        return x[(slice(None),) * (self.axis % x.ndim) + (self.index,)]


@final
@dataclass(frozen=True, slots=True)
class IndexSelect(Op):
    """Entries of an axis, in any order; one may come several times."""

    name = "index_select"
    scalar_kinds = ANY_SCALAR

    indices: tuple[int, ...]
    axis: int

    @property
    def label(self) -> str:
        """TorchLean's, with the axis."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Give the axis as many entries as there are indices."""
        (x,) = operands(self.name, inputs, 1)
        axis = _axis_with(self.name, x, self.axis, self.indices)
        return (*x[:axis], len(self.indices), *x[axis + 1 :])

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        axis = self.axis % x.ndim
        return xp.take(x, all_from_left(self.indices, x.shape[axis]), axis)


@final
@dataclass(frozen=True, slots=True)
class ScatterAdd(Op):
    """A base, with the entries of a source added along an axis."""

    name = "scatter_add"

    indices: tuple[int, ...]
    axis: int

    @property
    def label(self) -> str:
        """TorchLean's, with the axis."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the base's; the source has an entry for each index."""
        base, source = operands(self.name, inputs, 2)
        axis = _axis_with(self.name, base, self.axis, self.indices)
        expected = (*base[:axis], len(self.indices), *base[axis + 1 :])
        if source != expected:
            wants = f"a source of shape {expected}"
            raise wrong_shapes(self.name, base, source, wants=wants)
        return base

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        base, source = inputs
        axis = self.axis % base.ndim
        indices = all_from_left(self.indices, base.shape[axis])
        return xp.index_add(base, source, indices, axis)


def _axis_with(op: str, shape: Shape, axis: int, indices: tuple[int, ...]) -> int:
    """Count the axis from the left, if it has all these indices."""
    left = axis_of(op, shape, axis)
    extent = shape[left]
    for index in indices:
        if not -extent <= index < extent:
            what = f"index {index} of axis {axis}"
            raise Refused(AxisOutOfRange(op, what, shape))
    return left


def all_from_left(indices: tuple[int, ...], extent: int) -> tuple[int, ...]:
    """
    Count indices from the left; -1 is the last entry.

    >>> all_from_left((0, -1), 3)
    (0, 2)
    """
    return tuple([from_left(index, extent) for index in indices])


def select(x: NodeId, index: int, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Take one entry of an axis, which is removed.

    Shapes:
        ``x``: more than ``index`` entries along the axis, of any scalar type. A
        negative ``index`` counts from the end.

    Fails with:
        :class:`InvalidNodeId`, :class:`AxisOutOfRange`.

    Raises:
        TypeError: ``index`` or ``axis`` is not an integer.

    Gradient:
        ``g`` at the entry, 0 elsewhere.

    Source:
        Lean: ``Tape.select``. PyTorch: ``torch.select``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1.0, 2.0])).bind(lambda x: select(x, 1)).bind(value_of).eval()
    <Success: 2.0>
    """
    _check_indices("select", (index,))
    check_int("select", "axis", axis)
    return record_op(Select(index, axis), (x,))


def index_select(
    x: NodeId, indices: tuple[int, ...], *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Take entries of an axis, in any order; one may come several times.

    Shapes:
        ``x``: an axis that has all ``indices``, of any scalar type; the axis gets an
        entry for each. A negative index counts from the end.

    Fails with:
        :class:`InvalidNodeId`, :class:`AxisOutOfRange`.

    Raises:
        TypeError: ``indices`` is no tuple of integers, or ``axis`` no integer.

    Gradient:
        ``g`` added up at the entries that were taken, 0 elsewhere.

    Source:
        Lean: ``Tape.indexSelect``. PyTorch: ``torch.index_select``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0]))
    >>> row.bind(lambda x: index_select(x, (1, 1, 0))).bind(value_of).eval()
    <Success: [2. 2. 1.]>
    """
    _check_indices("index_select", indices)
    check_int("index_select", "axis", axis)
    return record_op(IndexSelect(indices, axis), (x,))


def scatter_add(
    base: NodeId, source: NodeId, indices: tuple[int, ...], *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Add the entries of a source to a base, along an axis; an index may repeat.

    Shapes:
        ``base``: an axis that has all ``indices``, of which negative ones count from
        the end; ``source``: alike, with an entry for each of them along that axis;
        result: as ``base``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`,
        :class:`ShapeMismatch`.

    Raises:
        TypeError: ``indices`` is no tuple of integers, or ``axis`` no integer.

    Gradient:
        ``g`` to the base; to the source what :func:`index_select` takes of it.

    Source:
        Lean: ``Tape.scatterAdd``. PyTorch: ``torch.index_add``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0]))
    >>> row.bind(lambda x: scatter_add(x, x, (1, 1))).bind(value_of).eval()
    <Success: [1. 5.]>
    """
    _check_indices("scatter_add", indices)
    check_int("scatter_add", "axis", axis)
    return record_op(ScatterAdd(indices, axis), (base, source))


def _check_indices(op: str, indices: object) -> None:
    if not isinstance(indices, tuple):
        raise TypeError(
            f"{op} takes a tuple of integers for indices, not {said(indices)}"
        )
    for index in indices:
        check_int(op, "an index", index)
