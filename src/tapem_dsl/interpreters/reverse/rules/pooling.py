"""Vector-Jacobian products of pooling."""

from math import prod

from tapem_dsl.arrays import Array, Namespace, along
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.pooling import (
    AvgPool,
    MaxPool,
    SmoothMaxPool,
    cells,
    from_extremes,
    is_nan,
)


def _max_pool(op: MaxPool, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g`` to the first entry that reaches the maximum, or is NaN."""
    kernel, stride, padding = op.geometry(x.shape)
    first, *rest = ((cell >= y) | is_nan(cell) for cell in cells(op, xp, x))
    free, wins = ~first, [first]
    for reaches in rest:
        wins.append(reaches & free)
        free = free & ~reaches
    thin = (x.shape[0], 1, *y.shape[1:])
    parts = [xp.reshape(xp.where(won, g, 0), thin) for won in wins]
    shape = (x.shape[0], *kernel, *y.shape[1:])
    around = tuple(n + 2 * p for n, p in zip(x.shape[1:], padding, strict=True))
    none = (0,) * len(kernel)
    g = xp.fold(xp.reshape(xp.concat(*parts, axis=1), shape), around, stride, none)
    return _brought_in(xp, g, x.shape, padding)


def _brought_in(xp: Namespace, g: Array, shape: Shape, padding: Shape) -> Array:
    """Add what copies beyond the edge received to the entry there."""
    for axis, p in enumerate(padding, 1):
        if not p:
            continue
        n = shape[axis]
        if n == 1:
            g = xp.sum(g, axis=axis, keepdims=True)
            continue
        first = xp.sum(g[along(axis, 0, p + 1)], axis=axis, keepdims=True)
        last = xp.sum(g[along(axis, p + n - 1, p + 1)], axis=axis, keepdims=True)
        g = xp.concat(first, g[along(axis, p + 1, n - 2)], last, axis=axis)
    return g


def _avg_pool(op: AvgPool, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g / prod(kernel)`` to the whole window."""
    kernel, stride, padding = op.geometry(x.shape)
    channels, *counts = y.shape
    share = xp.reshape(g / prod(kernel), (channels, *(1 for _ in kernel), *counts))
    parts = xp.broadcast_to(share, (channels, *kernel, *counts))
    return xp.fold(parts, x.shape[1:], stride, padding)


def _smooth_max_pool(
    op: SmoothMaxPool, xp: Namespace, g: Array, x: Array, y: Array
) -> Array:
    """``exp(beta * x) / sum(exp(beta * x)) * g`` to each entry."""
    kernel, stride, padding = op.geometry(x.shape)
    channels, *counts = y.shape
    _, above = from_extremes(op, xp, x)
    rows = xp.softmax(above) * xp.reshape(g, (channels, prod(counts), 1))
    parts = xp.permute_dims(rows, (0, 2, 1))
    parts = xp.reshape(parts, (channels, *kernel, *counts))
    return xp.fold(parts, x.shape[1:], stride, padding)


vjp_rules.each(MaxPool, _max_pool)
vjp_rules.each(AvgPool, _avg_pool)
vjp_rules.each(SmoothMaxPool, _smooth_max_pool)
