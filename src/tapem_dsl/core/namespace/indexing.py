"""Taking entries of NumPy arrays by indices, and adding where they were taken."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.core.namespace.base import Array, Indices


def taken(x: Array, zero: object, indices: Indices, axis: int) -> Array:
    """
    Take entries of one axis; an index out of range gives 0.

    >>> taken(np.array([1, 2, 3]), 0, (2, 0, 9), 0).tolist()
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


def added(base: Array, source: Array, /, indices: Indices, axis: int) -> Array:
    """
    Add to a copy of the base where :func:`taken` reads, one after the other.

    >>> added(np.zeros(3), np.ones(3), (2, 0, 9), 0).tolist()
    [1.0, 0.0, 1.0]
    """
    total = np.array(base)
    at, inside = _placed(indices, base.shape[axis])
    left = (slice(None),) * axis
    # Any: indices of slices and an array, for which the stubs have no type
    which: Any = (*left, inside)
    if not inside.all():
        source, at = np.asarray(source)[which], at[inside]
    where: Any = (*left, at)
    np.add.at(total, where, source)
    return total


def _placed(
    indices: Indices, extent: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give the indices, 0 where they are out of range, and where they are not."""
    at = np.asarray(indices, np.intp if isinstance(indices, tuple) else None)
    inside = np.asarray((at >= 0) & (at < extent))
    return np.where(inside, at, 0).astype(np.intp), inside
