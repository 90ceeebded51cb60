"""Ops that pick entries by indices that are data, and the one that adds there."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import (
    Shape,
    axis_of,
    check_int,
    operands,
    possible,
    wrong_shapes,
)
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import check_with_integers
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR, Op


@final
@dataclass(frozen=True, slots=True)
class Gather(Op):
    """Entries of an axis, by indices that are a node."""

    name = "gather"

    axis: int

    @property
    def label(self) -> str:
        """The name with the axis, as the other ops of this family have it."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Put the shape of the indices in the place of the axis."""
        x, indices = operands(self.name, inputs, 2)
        axis = axis_of(self.name, x, self.axis)
        result = (*x[:axis], *indices, *x[axis + 1 :])
        if not possible(result):
            wants = f"a result that an array can be, not {result}"
            raise wrong_shapes(self.name, x, indices, wants=wants)
        return result

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take entries of any scalar type, and integer indices."""
        wants = "entries and integer indices: record indices.astype(np.int64)"
        check_with_integers(self.name, inputs, wants, ANY_SCALAR)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        x, indices = inputs
        return xp.take(x, indices, self.axis % x.ndim)


@final
@dataclass(frozen=True, slots=True)
class IndexAdd(Op):
    """A base, with a source added along an axis where indices that are a node point."""

    name = "index_add"

    axis: int

    @property
    def label(self) -> str:
        """The name with the axis, as the other ops of this family have it."""
        return f"{self.name}(axis={self.axis})"

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the base's; the source is as :class:`Gather` would take it."""
        base, source, indices = operands(self.name, inputs, 3)
        axis = axis_of(self.name, base, self.axis)
        expected = (*base[:axis], *indices, *base[axis + 1 :])
        if source != expected:
            wants = f"a source of shape {expected}"
            raise wrong_shapes(self.name, base, source, indices, wants=wants)
        return base

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take two of one floating-point or rational type, and integer indices."""
        base, source, indices = operands(self.name, inputs, 3)
        wants = (
            "two real operands of one type and integer indices: "
            "record indices.astype(np.int64)"
        )
        check_with_integers(self.name, (base, indices), wants)
        if source != base:
            dtypes = tuple(map(str, inputs))
            raise Refused(DTypeMismatch(self.name, dtypes=dtypes, wants=wants))

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        base, source, indices = inputs
        return xp.index_add(base, source, indices, self.axis % base.ndim)


def gather(x: NodeId, indices: NodeId, *, axis: int = 0) -> TapeM[NodeId, Any]:
    """
    Take entries of an axis by indices that are data: a look-up in a table.

    Shapes:
        ``x``: ``(*left, n, *right)``, of any scalar type; ``indices``: integers of any
        shape; result: ``(*left, *indices, *right)``. An index outside of 0 to
        ``n - 1``, a negative one too, gives 0.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``g`` added up at the entries that were taken, 0 elsewhere; none to the indices.

    Source:
        Lean: ``Tape.gather_scalar_nat``, ``gather_vec_nat`` and ``gather_rows_nat``, of
        the first generation. PyTorch: ``torch.nn.functional.embedding``, which refuses
        an index out of range. (``torch.gather`` takes an index for each entry.)

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> table, indices = leaf(np.array([1.0, 2.0])), const(np.array([1, 1, 7]))
    >>> found = table.bind(lambda x: indices.bind(lambda i: gather(x, i)))
    >>> found.bind(value_of).eval()
    <Success: [2. 2. 0.]>
    """
    check_int("gather", "axis", axis)
    return record_op(Gather(axis), (x, indices))


def index_add(
    base: NodeId, source: NodeId, indices: NodeId, *, axis: int = 0
) -> TapeM[NodeId, Any]:
    """
    Add entries along an axis by indices that are data; :func:`gather` takes them back.

    Shapes:
        ``base``: ``(*left, n, *right)``; ``indices``: integers of any shape;
        ``source``: ``(*left, *indices, *right)``; result: as ``base``. What an index
        that is none of 0 to ``n - 1`` points to is lost.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`AxisOutOfRange`,
        :class:`ShapeMismatch`.

    Raises:
        TypeError: ``axis`` is not an integer.

    Gradient:
        ``g`` to the base; to the source what :func:`gather` takes of it; none to the
        indices.

    Source:
        Lean: the backward of ``Tape.gather_rows_nat``. PyTorch: ``torch.index_add``.

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> row, indices = leaf(np.array([1.0, 2.0])), const(np.array([1, 1]))
    >>> sums = row.bind(lambda x: indices.bind(lambda i: index_add(x, x, i)))
    >>> sums.bind(value_of).eval()
    <Success: [1. 5.]>
    """
    check_int("index_add", "axis", axis)
    return record_op(IndexAdd(axis), (base, source, indices))
