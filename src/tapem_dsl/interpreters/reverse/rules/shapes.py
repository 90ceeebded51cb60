"""Vector-Jacobian products of the ops that change the shape."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.shapes import (
    BroadcastTo,
    Flatten,
    Permute,
    Reshape,
    SwapAdjacentAtDepth,
    Transpose,
    exchanged,
)


def summed_to(xp: Namespace, g: Array, shape: Shape) -> Array:
    """
    Sum away new axes to the left, and axes that were of extent 1.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> summed_to(NUMPY, np.ones((4, 2, 3)), (2, 1)).tolist()
    [[12.0], [12.0]]
    """
    new = g.ndim - len(shape)
    repeated = [
        extent == 1 != n for extent, n in zip(shape, g.shape[new:], strict=True)
    ]
    for _ in range(new):
        g = xp.sum(g, axis=0)
    for axis, summed in enumerate(repeated):
        if summed:
            g = xp.sum(g, axis=axis, keepdims=True)
    return g


def _permute(op: Permute, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """``g`` with its axes put back."""
    back = tuple(op.axes.index(axis) for axis in range(len(op.axes)))
    return xp.permute_dims(g, back)


vjp_rules.each(Permute, _permute)
vjp_rules.each(Reshape, lambda op, xp, g, x, y: xp.reshape(g, x.shape))
vjp_rules.each(Flatten, lambda op, xp, g, x, y: xp.reshape(g, x.shape))
vjp_rules.each(Transpose, lambda op, xp, g, x, y: exchanged(xp, g, -2))
vjp_rules.each(SwapAdjacentAtDepth, lambda op, xp, g, x, y: exchanged(xp, g, op.depth))
vjp_rules.each(BroadcastTo, lambda op, xp, g, x, y: summed_to(xp, g, x.shape))
