"""Ops that keep the entries and change the shape, or the order of the axes."""

from dataclasses import dataclass
from math import prod
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import (
    Shape,
    check_int,
    check_shape,
    from_left,
    operands,
    wrong_shapes,
)
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR, Op


@final
@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """The same entries in row-major order, in another shape."""

    name = "reshape"
    scalar_kinds = ANY_SCALAR

    to: Shape

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        if prod(x) != prod(self.to):
            raise wrong_shapes(self.name, x, wants=f"{prod(self.to)} entries")
        return self.to

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.reshape(x, self.to)


def reshape(x: NodeId, shape: Shape) -> TapeM[NodeId, Any]:
    """
    Put the same entries, in row-major order, into another shape.

    Shapes: ``x``: as many entries as ``shape``, which has no -1, of any scalar type;
        result: ``shape``.
    Fails with: as every op.
    Gradient: ``g`` in the shape of ``x``.
    Lean: ``Tape.reshape``. PyTorch: ``torch.reshape``. JAX: ``jax.numpy.reshape``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([1.0, 2.0])).bind(lambda x: reshape(x, (2, 1)))
    >>> row.bind(value_of).eval().unwrap().tolist()
    [[1.0], [2.0]]
    """
    check_shape(shape)
    return record_op(Reshape(shape), (x,))


@final
@dataclass(frozen=True, slots=True)
class Flatten(Op):
    """All entries in row-major order, as a vector."""

    name = "flatten"
    scalar_kinds = ANY_SCALAR

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        return (prod(x),)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.reshape(x, (prod(x.shape),))


def flatten(x: NodeId) -> TapeM[NodeId, Any]:
    """
    Put all entries, in row-major order, into a vector.

    Shapes: ``x``: any, of any scalar type; result: ``(n,)`` for ``n`` entries.
    Fails with: as every op.
    Gradient: ``g`` in the shape of ``x``.
    Lean: ``Tape.flatten``. PyTorch: ``torch.flatten``. JAX: ``jax.numpy.ravel``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(flatten).bind(value_of).eval()
    <Success: [2.]>
    """
    return record_op(_FLATTEN, (x,))


@final
@dataclass(frozen=True, slots=True)
class Permute(Op):
    """The axes in another order."""

    name = "permute"
    scalar_kinds = ANY_SCALAR

    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Count the axes from the left, as the rule that puts them back does."""
        rank = len(self.axes)
        axes = tuple([from_left(axis, rank) for axis in self.axes])
        object.__setattr__(self, "axes", axes)

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        if len(x) != len(self.axes):
            raise wrong_shapes(self.name, x, wants=f"{len(self.axes)} axes")
        return tuple([x[axis] for axis in self.axes])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.permute_dims(x, self.axes)


def permute(x: NodeId, axes: tuple[int, ...]) -> TapeM[NodeId, Any]:
    """
    Reorder the axes: axis ``i`` of the result is axis ``axes[i]`` of ``x``.

    Shapes: ``x``: as many axes as ``axes`` names, of any scalar type.
    Fails with: as every op.
    Raises: ValueError: ``axes`` does not name each axis once.
    Gradient: ``g`` with its axes put back.
    Lean: ``transpose3d_first_to_last`` and others of the first generation. PyTorch:
        ``torch.permute``. JAX: ``jax.numpy.permute_dims``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> cube = leaf(np.zeros((2, 3, 4))).bind(lambda x: permute(x, (1, 2, 0)))
    >>> cube.bind(value_of).eval().unwrap().shape
    (3, 4, 2)
    """
    _check_permutation(axes)
    return record_op(Permute(axes), (x,))


def _check_permutation(axes: object) -> None:
    if not isinstance(axes, tuple) or any(type(axis) is not int for axis in axes):
        raise TypeError(
            f"axes is a tuple of integers, such as (1, 0), not {short_repr(axes)}"
        )
    if sorted([from_left(axis, len(axes)) for axis in axes]) != list(range(len(axes))):
        raise ValueError(f"axes names each axis once, and {short_repr(axes)} does not")


def exchanged(xp: Namespace, x: Array, depth: int) -> Array:
    """
    Exchange the axes ``depth`` and ``depth + 1``, if both are there.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> exchanged(NUMPY, np.zeros((2, 3, 4)), 1).shape
    (2, 4, 3)
    """
    axes = exchanged_axes(x.ndim, depth)
    return x if axes == tuple(range(x.ndim)) else xp.permute_dims(x, axes)


def exchanged_axes(rank: int, depth: int) -> tuple[int, ...]:
    """
    Return the axes in order, with ``depth`` and ``depth + 1`` exchanged if both exist.

    >>> exchanged_axes(3, 0), exchanged_axes(3, -2), exchanged_axes(3, 2)
    ((1, 0, 2), (0, 2, 1), (0, 1, 2))
    """
    axes = list(range(rank))
    left = from_left(depth, rank)
    if 0 <= left < rank - 1:
        axes[left], axes[left + 1] = left + 1, left
    return tuple(axes)


@final
@dataclass(frozen=True, slots=True)
class Transpose(Op):
    """The last two axes exchanged."""

    name = "transpose"
    scalar_kinds = ANY_SCALAR

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        if len(x) < 2:
            raise wrong_shapes(self.name, x, wants="at least two axes")
        return (*x[:-2], x[-1], x[-2])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return exchanged(xp, x, -2)


def transpose(x: NodeId) -> TapeM[NodeId, Any]:
    """
    Exchange the last two axes.

    Shapes: ``x``: ``(..., m, n)``, of any scalar type; result: ``(..., n, m)``.
    Fails with: as every op.
    Gradient: ``g`` with its last two axes exchanged.
    Lean: ``transpose2d`` and ``transpose3d_last_two``, of the first generation.
        PyTorch: ``Tensor.mT``. JAX: ``jax.numpy.matrix_transpose``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.zeros((2, 3))).bind(transpose).bind(value_of).eval().unwrap().shape
    (3, 2)
    """
    return record_op(_TRANSPOSE, (x,))


@final
@dataclass(frozen=True, slots=True)
class SwapAdjacentAtDepth(Op):
    """The axes ``depth`` and ``depth + 1`` exchanged; the identity without them."""

    name = "swapAdjacentAtDepth"
    recorded_by = "swap_adjacent_at_depth"
    scalar_kinds = ANY_SCALAR

    depth: int

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        return tuple([x[axis] for axis in exchanged_axes(len(x), self.depth)])

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return exchanged(xp, x, self.depth)


def swap_adjacent_at_depth(x: NodeId, depth: int) -> TapeM[NodeId, Any]:
    """
    Exchange the axes ``depth`` and ``depth + 1``; change nothing if one is missing.

    Shapes: ``x``: any, of any scalar type; a negative ``depth`` counts from the right.
    Fails with: as every op.
    Gradient: ``g`` with the same two axes exchanged: the op is its own inverse.
    Lean: ``Tape.swapAdjacentAtDepth``. PyTorch:
        ``torch.transpose(x, depth, depth + 1)``. JAX:
        ``jax.numpy.swapaxes(x, depth, depth + 1)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> cube = leaf(np.zeros((2, 3, 4))).bind(lambda x: swap_adjacent_at_depth(x, 0))
    >>> cube.bind(value_of).eval().unwrap().shape
    (3, 2, 4)
    """
    check_int("swap_adjacent_at_depth", "depth", depth)
    return record_op(SwapAdjacentAtDepth(depth), (x,))


@final
@dataclass(frozen=True, slots=True)
class BroadcastTo(Op):
    """Entries repeated along new axes to the left, and along axes of extent 1."""

    name = "broadcastTo"
    recorded_by = "broadcast_to"
    scalar_kinds = ANY_SCALAR

    to: Shape

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        tail = self.to[len(self.to) - len(x) :] if len(x) <= len(self.to) else None
        fits = tail is not None and all(
            n in (1, m) for n, m in zip(x, tail, strict=True)
        )
        if not fits:
            raise wrong_shapes(self.name, x, wants=f"what broadcasts to {self.to}")
        return self.to

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.broadcast_to(x, self.to)


def broadcast_to(x: NodeId, shape: Shape) -> TapeM[NodeId, Any]:
    """
    Repeat entries to a larger shape; no other op broadcasts elementwise operands.

    Shapes: ``x``: aligned with ``shape`` from the right, each extent equal or 1, of any
        scalar type, conditions too; result: ``shape``.
    Fails with: as every op.
    Gradient: ``g`` summed over what was repeated.
    Cost: no copy: the entries are repeated by strides of 0.
    Lean: ``Tape.broadcastTo``. PyTorch: ``torch.broadcast_to``. JAX:
        ``jax.numpy.broadcast_to``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(lambda x: broadcast_to(x, (3,))).bind(value_of).eval()
    <Success: [2. 2. 2.]>
    """
    check_shape(shape)
    return record_op(BroadcastTo(shape), (x,))


_FLATTEN: Final = Flatten()
_TRANSPOSE: Final = Transpose()
