"""Taking entries of arrays of JAX, and windows of them."""

from itertools import product
from math import prod

import numpy as np
from jax import Array, lax
from jax import numpy as jnp

from tapem_dsl.arrays import AnyArray, Indices
from tapem_dsl.arrays.shape import Shape, window_counts
from tapem_dsl.arrays.sums import FEW


def pick(x: Array, labels: Array) -> Array:
    """
    Take one entry of each row, whose index is the row's label.

    A label out of range is a failure, which a check of the plan finds; the entry is of
    no account then.

    >>> pick(jnp.array([[1, 2], [3, 4]]), jnp.array([1, 0])).tolist()
    [2, 3]
    """
    at = jnp.asarray(labels)[..., None]
    return jnp.take_along_axis(x, at, -1, mode="clip")[..., 0]


def one_hot(x: Array, labels: Array) -> Array:
    """
    Return rows like those of ``x``: 1 where the label points, 0 elsewhere.

    >>> one_hot(jnp.zeros((2, 3)), jnp.array([2, 0])).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return (jnp.asarray(labels)[..., None] == jnp.arange(x.shape[-1])).astype(x.dtype)


def take(x: Array, indices: Indices, axis: int) -> Array:
    """
    Take entries of one axis; an index out of range gives 0.

    >>> take(jnp.array([1, 2, 3]), (2, 0, 9), 0).tolist()
    [3, 1, 0]
    """
    at, inside = _placed(indices, x.shape[axis])
    if x.shape[axis] == 0:
        return jnp.zeros((*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]), x.dtype)
    found = jnp.take(x, at, axis=axis, mode="clip")
    if isinstance(inside, np.ndarray) and inside.all():
        return found
    return jnp.where(_spread(inside, x.ndim - axis - 1), found, 0)


def index_add(base: Array, source: Array, indices: Indices, axis: int) -> Array:
    """
    Add to a copy of the base where :func:`take` reads.

    Rounding:
        Of more than 128 indices float32 is summed in float64, and rounded once.

    >>> index_add(jnp.zeros(3), jnp.ones(3), (2, 0, 9), 0).tolist()
    [1.0, 0.0, 1.0]
    """
    if base.shape[axis] == 0:
        return base
    at, inside = _placed(indices, base.shape[axis])
    source = jnp.where(_spread(inside, base.ndim - axis - 1), source, 0)
    where = (slice(None),) * axis + (at,)
    is_long = at.size > FEW and base.dtype == np.float32
    wide = base.astype(np.float64) if is_long else jnp.asarray(base)
    added = wide.at[where].add(source.astype(wide.dtype), mode="clip")
    return added.astype(base.dtype)


def _placed(
    indices: Indices, extent: int
) -> tuple[AnyArray, AnyArray] | tuple[Array, Array]:
    """Return the indices, 0 where they are out of range, and where they are not."""
    if isinstance(indices, tuple) and type(extent) is not int:
        indices = jnp.stack([jnp.asarray(i) for i in indices])  # of a symbolic extent
    if isinstance(indices, tuple | np.ndarray):
        at = np.asarray(indices, np.intp)
        inside = (at >= 0) & (at < extent)
        return np.where(inside, at, 0), inside
    within = (indices >= 0) & (indices < extent)
    return jnp.where(within, indices, 0), within


def _spread(mask: AnyArray | Array, axes: int) -> Array:
    return jnp.reshape(mask, (*mask.shape, *(1,) * axes))


def embed(x: Array, shape: Shape, axis: int, start: int) -> Array:
    """
    Put into zeros of a shape, along one axis.

    >>> embed(jnp.ones(1), (3,), 0, 1).tolist()
    [0.0, 1.0, 0.0]
    """
    around = [(0, 0, 0)] * x.ndim
    around[axis] = (start, shape[axis] - start - x.shape[axis], 0)
    return lax.pad(x, jnp.zeros((), x.dtype), around)


def windows(x: Array, kernel: Shape, stride: Shape, padding: Shape) -> Array:
    """
    Return all windows over the last axes, ``(..., *kernel, *positions)``.

    >>> windows(jnp.array([1, 2, 3]), (2,), (1,), (1,)).tolist()
    [[0, 1, 2, 3], [1, 2, 3, 0]]
    """
    at = x.ndim - len(kernel)
    counts = window_counts(x.shape[at:], kernel, stride, padding)
    shape = (*x.shape[:at], *kernel, *counts)
    if prod(shape) == 0:
        return jnp.zeros(shape, x.dtype)
    x = jnp.pad(x, [(0, 0)] * at + [(p, p) for p in padding])
    axes = zip(kernel, counts, stride, strict=True)
    places = [[slice(o, o + (c - 1) * s + 1, s) for o in range(k)] for k, c, s in axes]
    parts = [x[(..., *there)] for there in product(*places)]
    return jnp.stack(parts, axis=at).reshape(shape)


def fold(x: Array, spatial: Shape, stride: Shape, padding: Shape) -> Array:
    """
    Add windows up where they came from: the adjoint of :func:`windows`.

    >>> fold(jnp.ones((2, 4)), (3,), (1,), (1,)).tolist()
    [2.0, 2.0, 2.0]
    """
    rank = len(spatial)
    at = x.ndim - 2 * rank
    left, kernel, counts = x.shape[:at], x.shape[at : at + rank], x.shape[at + rank :]
    if prod(x.shape) == 0 or 0 in spatial:
        return jnp.zeros((*left, *spatial), x.dtype)
    axes = list(zip(counts, stride, kernel, spatial, padding, strict=True))
    extents = [max((c - 1) * s + k, n + p) for c, s, k, n, p in axes]
    zero = jnp.zeros((), x.dtype)
    total = jnp.zeros((*left, *extents), x.dtype)
    for offset in product(*map(range, kernel)):
        around = [(0, 0, 0)] * at + [
            (o, e - o - ((c - 1) * s + 1), s - 1)
            for o, e, (c, s, *_) in zip(offset, extents, axes, strict=True)
        ]
        total = total + lax.pad(x[(slice(None),) * at + offset], zero, around)
    return total[(..., *[slice(p, p + n) for _, _, _, n, p in axes])]
