"""Taking entries of NumPy arrays by indices, and adding where they were taken."""

from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays.namespace import Array, Indices
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.arrays.sums import FEW


def take(x: Array, zero: object, indices: Indices, axis: int) -> Array:
    """
    Take entries of one axis; an index out of range gives 0.

    >>> take(np.array([1, 2, 3]), 0, (2, 0, 9), 0).tolist()
    [3, 1, 0]
    """
    at, inside = _placed(indices, x.shape[axis])
    if inside.all():
        return np.take(x, at, axis=axis)
    if x.shape[axis] == 0:
        shape = (*x.shape[:axis], *at.shape, *x.shape[axis + 1 :])
        return np.full(shape, zero, x.dtype)
    result: Any = np.array(np.take(x, at, axis=axis))  # Any: see below
    result[(slice(None),) * axis + (~inside,)] = zero
    return result


def index_add(base: Array, source: Array, /, indices: Indices, axis: int) -> Array:
    """
    Add to a copy of the base where :func:`take` reads.

    Rounding:
        One after the other, in the order of the indices; but where more than 128
        float32 come to one entry, their sum is made in float64 and rounded once.

    >>> index_add(np.zeros(3), np.ones(3), (2, 0, 9), 0).tolist()
    [1.0, 0.0, 1.0]
    """
    total = np.array(base, order="C")
    at, inside = _placed(indices, base.shape[axis])
    left = (slice(None),) * axis
    # Any: indices of slices and an array, for which the stubs have no type
    which: Any = (*left, inside)
    if not inside.all():
        source, at = np.asarray(source)[which], at[inside]
    if at.size <= FEW or total.dtype.hasobject:
        where: Any = (*left, at)
        np.add.at(total, where, source)
        return total
    entries, flat = total.reshape(-1), _flat(base.shape, at, axis).reshape(-1)
    parts = np.asarray(source).reshape(-1)
    wide = total.dtype.itemsize >= _DOUBLE.itemsize
    if wide or _repeats_little(at, base.shape[axis]):
        np.add.at(entries, flat, parts)
        return total
    sums = np.zeros(total.size, _DOUBLE)
    np.add.at(sums, flat, parts.astype(_DOUBLE))
    np.add(entries, sums, out=entries, casting="same_kind")
    return total


_DOUBLE: Final = np.dtype(np.float64)


def _repeats_little(at: NDArray[np.intp], extent: int) -> bool:
    """Return whether indices repeat at most a few times; look only if that pays."""
    if at.size * _SPARSE > extent:
        return False
    in_order = np.sort(at, axis=None)
    return not (in_order[FEW:] == in_order[:-FEW]).any()


_SPARSE: Final = 16


def _flat(shape: Shape, at: NDArray[np.intp], axis: int) -> NDArray[np.intp]:
    """Count entries of an array in memory, where an axis is read at these indices."""
    if len(shape) == 1:
        return at
    right = np.arange(prod(shape[axis + 1 :]))
    row = at[..., None] * right.size + right
    left = np.arange(prod(shape[:axis])) * (shape[axis] * right.size)
    return left.reshape(-1, *(1,) * row.ndim) + row


def _placed(
    indices: Indices, extent: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the indices, 0 where they are out of range, and where they are not."""
    at = np.asarray(indices, np.intp if isinstance(indices, tuple) else None)
    inside = np.asarray((at >= 0) & (at < extent))
    return np.where(inside, at, 0).astype(np.intp), inside
