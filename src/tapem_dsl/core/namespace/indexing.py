"""Taking entries of NumPy arrays by indices, and adding where they were taken."""

from typing import Any

import numpy as np

from tapem_dsl.core.namespace.base import Array, Indices


def taken(x: Array, /, indices: Indices, axis: int) -> Array:
    """
    Take entries of one axis; an index out of range means the first or the last.

    >>> taken(np.array([1, 2, 3]), (2, 0, 9), 0).tolist()
    [3, 1, 3]
    """
    return np.take(x, np.asarray(indices, np.intp), axis=axis, mode="clip")


def added(base: Array, source: Array, /, indices: Indices, axis: int) -> Array:
    """
    Add to a copy of the base where :func:`taken` reads, one after the other.

    >>> added(np.zeros(3), np.ones(3), (2, 0, 9), 0).tolist()
    [1.0, 0.0, 2.0]
    """
    total = np.array(base)
    clipped = np.clip(np.asarray(indices, np.intp), 0, base.shape[axis] - 1)
    # Any: an index of slices and an array, for which the stubs have no type
    index: Any = (slice(None),) * axis + (clipped,)
    np.add.at(total, index, source)
    return total
