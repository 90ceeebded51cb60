"""Vector-Jacobian products of the ops that change the shape."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.shapes import (
    BroadcastTo,
    Flatten,
    Permute,
    Reshape,
    SwapAdjacentAtDepth,
    Transpose,
    exchanged,
)


@vjp_rules.define(Reshape)
def _reshape(
    op: Reshape, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` in the operand's shape."""
    (x,) = xs
    return (xp.reshape(g, x.shape),)


@vjp_rules.define(Flatten)
def _flatten(
    op: Flatten, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` in the operand's shape."""
    (x,) = xs
    return (xp.reshape(g, x.shape),)


@vjp_rules.define(Permute)
def _permute(
    op: Permute, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` with its axes put back."""
    back = tuple(op.axes.index(axis) for axis in range(len(op.axes)))
    return (xp.permute_dims(g, back),)


@vjp_rules.define(Transpose)
def _transpose(
    op: Transpose, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` transposed."""
    return (exchanged(xp, g, -2),)


@vjp_rules.define(SwapAdjacentAtDepth)
def _swap_adjacent_at_depth(
    op: SwapAdjacentAtDepth, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` with the same axes exchanged."""
    return (exchanged(xp, g, op.depth),)


@vjp_rules.define(BroadcastTo)
def _broadcast_to(
    op: BroadcastTo, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` summed over what was repeated."""
    (x,) = xs
    return (summed_to(xp, g, x.shape),)


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
