"""Entries of one axis by index: static indices, or indices that are a node."""

from dataclasses import dataclass
from typing import Any, final

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Namespace
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
from tapem_dsl.messages import short_repr
from tapem_dsl.ops.base import (
    AlongAxis,
    check_with_integers,
    checked_result,
    wrong_dtypes,
)
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
    @override
    def label(self) -> str:
        return f"{self.name}(axis={self.axis}, index={self.index})"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = _axis_with(self.name, x, self.axis, (self.index,))
        return x[:axis] + x[axis + 1 :]

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x[(slice(None),) * (self.axis % x.ndim) + (self.index,)]


def select(x: NodeId, index: int, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Take one entry of an axis, which is removed: ``x[index]`` for axis 0.

    Shapes: ``x``: more than ``index`` entries along the axis, of any scalar type;
        result: ``x`` without ``axis``.
    Fails with: as every op; :class:`AxisOutOfRange` also for the index.
    Gradient: ``g`` at the entry, 0 elsewhere.
    Lean: ``Tape.select``. PyTorch: ``torch.select``. JAX:
        ``jax.lax.index_in_dim(x, i, axis, keepdims=False)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1.0, 2.0])).bind(lambda x: select(x, 1)).bind(value_of).eval()
    <Success: 2.0>
    """
    _check_indices("select", (index,))
    check_int("select", "axis", axis)
    return record_op(Select(index, axis), (x,))


@final
@dataclass(frozen=True, slots=True)
class IndexSelect(AlongAxis):
    """Entries of an axis, in any order; one may come several times."""

    name = "index_select"
    scalar_kinds = ANY_SCALAR

    indices: tuple[int, ...]
    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        axis = _axis_with(self.name, x, self.axis, self.indices)
        return (*x[:axis], len(self.indices), *x[axis + 1 :])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        axis = self.axis % x.ndim
        return xp.take(x, all_from_left(self.indices, x.shape[axis]), axis)


def index_select(
    x: NodeId, indices: tuple[int, ...], *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Take entries of an axis by static indices: NumPy's ``take``.

    An index may come several times. :func:`gather` takes indices that are a node.

    Shapes: ``x``: an axis that has all ``indices``, of any scalar type; result: an
        entry for each index along that axis.
    Fails with: as every op; :class:`AxisOutOfRange` also for an index.
    Gradient: ``g`` added up at the entries that were taken, 0 elsewhere.
    Lean: ``Tape.indexSelect``. PyTorch: ``torch.index_select``. JAX:
        ``jax.numpy.take(x, indices, axis)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0]))
    >>> row.bind(lambda x: index_select(x, (1, 1, 0))).bind(value_of).eval()
    <Success: [2. 2. 1.]>
    """
    _check_indices("index_select", indices)
    check_int("index_select", "axis", axis)
    return record_op(IndexSelect(indices, axis), (x,))


@final
@dataclass(frozen=True, slots=True)
class ScatterAdd(AlongAxis):
    """A base, with the entries of a source added along an axis."""

    name = "scatter_add"

    indices: tuple[int, ...]
    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        base, source = operands(self.name, inputs, 2)
        axis = _axis_with(self.name, base, self.axis, self.indices)
        expected = (*base[:axis], len(self.indices), *base[axis + 1 :])
        if source != expected:
            wants = f"a source of shape {expected}"
            raise wrong_shapes(self.name, base, source, wants=wants)
        return base

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        base, source = inputs
        axis = self.axis % base.ndim
        indices = all_from_left(self.indices, base.shape[axis])
        return xp.index_add(base, source, indices, axis)


def scatter_add(
    base: NodeId, source: NodeId, indices: tuple[int, ...], *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Add the entries of a source to a base, by static indices along an axis.

    An index may come several times. The name is TorchLean's; PyTorch's ``scatter_add``
    takes an index for every entry.

    Shapes: ``base``: an axis that has all ``indices``; ``source``: as ``base``, but
        with an entry for each index along that axis; result: as ``base``.
    Fails with: as every op; :class:`AxisOutOfRange` also for an index.
    Gradient: ``g`` to the base; to the source what :func:`index_select` takes of it.
    Lean: ``Tape.scatterAdd``. PyTorch: ``torch.index_add``. JAX:
        ``base.at[indices].add(source)``.

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
            f"{op} takes a tuple of integers for indices, not {short_repr(indices)}"
        )
    for index in indices:
        check_int(op, "an index", index)


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


@final
@dataclass(frozen=True, slots=True)
class Gather(AlongAxis):
    """Entries of an axis, by indices that are a node."""

    name = "gather"

    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        x, indices = operands(self.name, inputs, 2)
        axis = axis_of(self.name, x, self.axis)
        result = (*x[:axis], *indices, *x[axis + 1 :])
        return checked_result(self.name, result, x, indices)

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        wants = "entries and integer indices: record indices.astype(np.int64)"
        check_with_integers(self.name, inputs, wants, ANY_SCALAR)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        x, indices = inputs
        return xp.take(x, indices, self.axis % x.ndim)


def gather(x: NodeId, indices: NodeId, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Look entries of an axis up by indices that are a node: PyTorch's ``embedding``.

    PyTorch's ``gather`` is another op: it takes an index for every entry.

    Shapes: ``x``: ``(*left, n, *right)``, of any scalar type; ``indices``: integers of
        any shape; result: ``(*left, *indices, *right)``. An index outside 0 to
        ``n - 1``, also a negative one, gives 0.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Gradient: ``g`` added up at the entries that were taken, 0 elsewhere; none to the
        indices.
    Lean: ``Tape.gather_scalar_nat``, ``gather_vec_nat`` and ``gather_rows_nat``, of the
        first generation. PyTorch: ``torch.nn.functional.embedding``, which refuses an
        index out of range. JAX: ``x[indices]``, which clamps an index out of range.

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> table, indices = leaf(np.array([1.0, 2.0])), const(np.array([1, 1, 7]))
    >>> found = table.bind(lambda x: indices.bind(lambda i: gather(x, i)))
    >>> found.bind(value_of).eval()
    <Success: [2. 2. 0.]>
    """
    check_int("gather", "axis", axis)
    return record_op(Gather(axis), (x, indices))


@final
@dataclass(frozen=True, slots=True)
class IndexAdd(AlongAxis):
    """A base, with a source added along an axis by indices that are a node."""

    name = "index_add"

    axis: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        base, source, indices = operands(self.name, inputs, 3)
        axis = axis_of(self.name, base, self.axis)
        expected = (*base[:axis], *indices, *base[axis + 1 :])
        if source != expected:
            wants = f"a source of shape {expected}"
            raise wrong_shapes(self.name, base, source, indices, wants=wants)
        return base

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        base, source, indices = operands(self.name, inputs, 3)
        wants = (
            "two real operands of one type and integer indices: "
            "record indices.astype(np.int64)"
        )
        check_with_integers(self.name, (base, indices), wants)
        if source != base:
            raise wrong_dtypes(self.name, inputs, wants)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        base, source, indices = inputs
        return xp.index_add(base, source, indices, self.axis % base.ndim)


def index_add(
    base: NodeId, source: NodeId, indices: NodeId, *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Add the entries of a source to a base, by indices that are a node.

    :func:`gather` takes these entries back; :func:`scatter_add` has static indices.

    Shapes: ``base``: ``(*left, n, *right)``; ``indices``: integers of any shape;
        ``source``: ``(*left, *indices, *right)``; result: as ``base``. An entry whose
        index is outside 0 to ``n - 1`` is added nowhere.
    Fails with: as every op; :class:`AxisOutOfRange`.
    Gradient: ``g`` to the base; to the source what :func:`gather` takes of it; none to
        the indices.
    Lean: the backward of ``Tape.gather_rows_nat``. PyTorch: ``torch.index_add``. JAX:
        ``base.at[indices].add(source)``.

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> row, indices = leaf(np.array([1.0, 2.0])), const(np.array([1, 1]))
    >>> sums = row.bind(lambda x: indices.bind(lambda i: index_add(x, x, i)))
    >>> sums.bind(value_of).eval()
    <Success: [1. 5.]>
    """
    check_int("index_add", "axis", axis)
    return record_op(IndexAdd(axis), (base, source, indices))
