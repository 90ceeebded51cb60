"""Windows of NumPy arrays by strides, and the sum over overlapping ones."""

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tapem_dsl.arrays.namespace import Array
from tapem_dsl.arrays.shape import Shape, window_counts
from tapem_dsl.arrays.sums import FEW


def windows(
    x: Array, zero: object, kernel: Shape, stride: Shape, padding: Shape
) -> Array:
    """
    Return a view of the windows, ``(..., *kernel, *positions)``, of a padded copy.

    >>> row = np.array([1, 2, 3])
    >>> windows(row, 0, (2,), (1,), (1,)).tolist()
    [[0, 1, 2, 3], [1, 2, 3, 0]]
    """
    at = x.ndim - len(kernel)
    spatial = x.shape[at:]
    counts = window_counts(spatial, kernel, stride, padding)
    shape = (*x.shape[:at], *kernel, *counts)
    if prod(shape) == 0:
        return np.empty(shape, x.dtype)
    if any(padding):
        pairs = list(zip(spatial, padding, strict=True))
        around = (*x.shape[:at], *[n + 2 * p for n, p in pairs])
        padded: Any = np.full(around, zero, x.dtype)  # Any: the stubs lack such indices
        padded[(..., *[slice(p, p + n) for n, p in pairs])] = x
        x = padded
    steps = x.strides[at:]
    axes = zip(stride, steps, counts, strict=True)
    apart = tuple(s * step if count > 1 else 0 for s, step, count in axes)
    strides = (*x.strides[:at], *steps, *apart)
    return as_strided(x, shape, strides, writeable=False)


def fold(
    x: Array, zero: object, spatial: Shape, stride: Shape, padding: Shape
) -> Array:
    """
    Add windows up where they came from, one offset within the window after the other.

    Where there are fewer windows than offsets, one window after the other.

    Rounding:
        As for sums: more than 128 of either are added by halves.

    >>> ones = np.ones((2, 4))
    >>> fold(ones, 0, (3,), (1,), (1,)).tolist()
    [2.0, 2.0, 2.0]
    """
    rank = len(spatial)
    at = x.ndim - 2 * rank
    left, kernel, counts = x.shape[:at], x.shape[at : at + rank], x.shape[at + rank :]
    if prod(x.shape) == 0 or 0 in spatial:
        return np.full((*left, *spatial), zero, x.dtype)
    axes = list(zip(counts, stride, kernel, spatial, padding, strict=True))
    extents = [max((c - 1) * s + k, n + p) for c, s, k, n, p in axes]
    every = (slice(None),) * rank
    if prod(counts) < prod(kernel):
        into = [[slice(i * s, i * s + k) for i in range(c)] for c, s, k, *_ in axes]
        of = [(*every, *at) for at in product(*map(range, counts))]
    else:
        into = [
            [slice(o, o + (c - 1) * s + 1, s) for o in range(k)] for c, s, k, *_ in axes
        ]
        of = [(*offset, *every) for offset in product(*map(range, kernel))]
    places = list(zip(of, product(*into), strict=True))

    def added(first: int, last: int) -> Any:  # Any: as above
        """Add some of the places; many by halves, so that rounding stays small."""
        if last - first > FEW:
            middle = (first + last) // 2
            whole = added(first, middle)
            whole += added(middle, last)
            return whole
        total: Any = np.full((*left, *extents), zero, x.dtype)
        for part, there in places[first:last]:
            under = total[(..., *there)]
            under += x[(..., *part)]
        return total

    total = added(0, len(places))
    result: Array = total[(..., *[slice(p, p + n) for _, _, _, n, p in axes])]
    return result
