"""Sums and products of floats whose rounding grows with log n, in any layout."""

from math import prod

import numpy as np

from tapem_dsl.arrays.namespace import Array

FEW = 128
"""Up to how many entries are added one after the other."""

_BLOCK = 40  # up to 44 what is stated below holds of every length
_WIDE = 4096  # bytes

_add = np.add.reduce


def summed(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """
    Sum over one axis, or over all, in blocks of blocks.

    NumPy adds by pairs along the axis whose entries lie closest in memory, and one
    after the other along any other axis, where this adds blocks of 40, then of these.

    Rounding:
        The error is at most ``4 * eps * log2(n)`` times the sum of the absolute values,
        where ``eps`` is ``np.finfo(x.dtype).eps`` and ``n`` how many entries make one
        sum; for up to 128 of them ``n * eps / 2`` times that.

    >>> tenths = np.full((10**5, 2), 0.1, np.float32)
    >>> np.add.reduce(tenths, 0)
    array([9998.557, 9998.557], dtype=float32)
    >>> summed(tenths, axis=0)
    array([9999.999, 9999.999], dtype=float32)
    """
    if axis is None:
        if x.size <= FEW or x.flags.forc:
            return _add(x, None, None, None, keepdims)  # type: ignore[call-overload] # stubs want a literal
        total = _of_all(x)
        return total.reshape((1,) * x.ndim) if keepdims else total
    n = x.shape[axis]
    if n <= FEW or x.size in (0, n) or _is_nearest(x, axis):
        return _add(x, axis, None, None, keepdims)  # type: ignore[call-overload] # as above
    total = _of_axis(x, axis % x.ndim)
    return np.expand_dims(total, axis) if keepdims else total


def _is_nearest(x: Array, axis: int) -> bool:
    """Return whether entries lie closer along the axis than along any other."""
    if x.flags.c_contiguous:
        return bool(prod(x.shape[axis:][1:]) == 1)
    step = abs(x.strides[axis])
    axis %= x.ndim
    return step > 0 and all(
        n == 1 or abs(other) > step
        for i, (n, other) in enumerate(zip(x.shape, x.strides, strict=True))
        if i != axis
    )


def _of_all(x: Array) -> Array:
    """Sum over the nearest axis, and go on with what is left."""
    while True:
        x = x.transpose(_by_distance(x))
        if x.flags.c_contiguous:
            return _add(x, None)
        x = summed(x, axis=-1)


def _of_axis(x: Array, axis: int) -> Array:
    """Sum with the axes in the order of memory, and put them back."""
    if x.flags.c_contiguous:
        return _by_blocks(x, axis)
    order = _by_distance(x)
    if order == sorted(order):
        return _by_blocks(x, axis)
    total = _by_blocks(x.transpose(order), order.index(axis))
    left = [i - (i > axis) for i in order if i != axis]
    return total.transpose([left.index(i) for i in range(len(left))])


def _by_distance(x: Array) -> list[int]:
    """Order the axes from those whose entries lie farthest apart."""
    return sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))


def _by_blocks(x: Array, axis: int) -> Array:
    """
    Add the blocks of an axis, and sum their sums in the same way.

    Unless many entries lie to the right of the axis, a block is spread over it: entry k
    of one lies beside entry k of the others, so that NumPy adds long rows.
    """
    n = x.shape[axis]
    if n <= _BLOCK:
        return _add(x, axis)
    left, right = x.shape[:axis], x.shape[axis + 1 :]
    count = -(-n // _BLOCK)
    length = n // count
    whole = length * count
    before = (slice(None),) * axis
    head = x if whole == n else x[(*before, slice(whole))]
    if prod(right) * x.itemsize < _WIDE:
        parts = _add(head.reshape(*left, length, count, *right), axis)
    else:
        parts = _add(head.reshape(*left, count, length, *right), axis + 1)
    if whole < n:
        parts[(*before, slice(n - whole))] += x[(*before, slice(whole, n))]
    return _by_blocks(parts, axis)


# -- products --------------------------------------------------------------------------


def product(a: Array, b: Array, /) -> Array:
    """
    Multiply matrices or vectors; a long inner axis in blocks.

    BLAS chooses the order of its additions: for some shapes one after the other.

    Rounding:
        As :func:`summed` for the products of blocks. Within a block, and where the axis
        has fewer than eight blocks, as BLAS.

    >>> tenths = np.full(10**6, 0.1, np.float32)
    >>> (abs(product(tenths, np.ones((10**6, 2), np.float32)) - 10**5) < 1).tolist()
    [True, True]
    """
    n = a.shape[-1]
    if n >= LONG:
        block = _block_of(a, b)
        if n >= 8 * block:
            return _product_by_blocks(a, b, block)
    # a third of the cost of a short matmul
    return a.dot(b) if a.ndim <= 2 and b.ndim <= 2 else np.matmul(a, b)


LONG = 2048
"""From how many terms on a product is made in blocks."""


def _block_of(a: Array, b: Array) -> int:
    """
    Choose how much of the inner axis BLAS sums at once.

    It keeps many partial sums of two vectors, and sums large matrices in blocks itself.
    The products of all blocks take no more memory than the operands.
    """
    if a.ndim == b.ndim == 1:
        return _LARGE
    m = a.shape[-2] if a.ndim > 1 else 1
    p = b.shape[-1] if b.ndim > 1 else 1
    if min(m, p) < 16 or m * p < 4096:
        return _SMALL
    return max(_LARGE, m * p // (m + p))


_SMALL = 256
_LARGE = 8192


def _product_by_blocks(a: Array, b: Array, block: int) -> Array:
    """Make a stack of the blocks' products, and sum that."""
    left = a if a.ndim > 1 else a[None]
    right = b if b.ndim > 1 else b[:, None]
    (*stack, m, n), (*other, _, p) = left.shape, right.shape
    count = n // block
    whole = count * block
    rows = left[..., :whole].reshape(*stack, m, count, block).swapaxes(-2, -3)
    columns = right[..., :whole, :].reshape(*other, count, block, p)
    total = summed(np.matmul(rows, columns), axis=-3)
    if whole < n:
        total = total + np.matmul(left[..., whole:], right[..., whole:, :])
    if a.ndim == 1:
        total = total[..., 0, :]
    return total if b.ndim > 1 else total[..., 0]
