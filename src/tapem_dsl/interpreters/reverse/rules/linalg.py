"""Vector-Jacobian products of linear algebra."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.deferred import Outer
from tapem_dsl.interpreters.reverse.rules.shapes import summed_to
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.linalg import Bmm, Dot, Linear, Matmul, OuterProduct
from tapem_dsl.ops.shapes import exchanged


def transposed(xp: Namespace, x: Array) -> Array:
    """
    Exchange the axes of a matrix.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> transposed(NUMPY, np.zeros((2, 3))).shape
    (3, 2)
    """
    return xp.permute_dims(x, (1, 0))


def _to_left(
    op: Matmul, xp: Namespace, g: Array, a: Array, b: Array, y: Array
) -> Array:
    """``g @ b.T``, summed over what was broadcast."""
    if a.ndim == b.ndim == 2:
        return Outer(transposed(xp, g), transposed(xp, b))
    return summed_to(xp, xp.matmul(g, exchanged(xp, b, b.ndim - 2)), a.shape)


def _to_right(
    op: Matmul, xp: Namespace, g: Array, a: Array, b: Array, y: Array
) -> Array:
    """``a.T @ g``, summed over what was broadcast."""
    if a.ndim == b.ndim == 2:
        return Outer(a, g)
    return summed_to(xp, xp.matmul(exchanged(xp, a, a.ndim - 2), g), b.shape)


vjp_rules.each(Matmul, _to_left, _to_right)
vjp_rules.each(
    Linear,
    lambda op, xp, g, w, b, x, y: Outer(g, x),
    lambda op, xp, g, w, b, x, y: g,
    lambda op, xp, g, w, b, x, y: xp.matmul(transposed(xp, w), g),
)
vjp_rules.each(
    Bmm,
    lambda op, xp, g, a, b, y: xp.matmul(g, exchanged(xp, b, 1)),
    lambda op, xp, g, a, b, y: xp.matmul(exchanged(xp, a, 1), g),
)
vjp_rules.each(
    OuterProduct,
    lambda op, xp, g, a, b, y: xp.matmul(g, b),
    lambda op, xp, g, a, b, y: xp.matmul(a, g),
)
vjp_rules.each(
    Dot,
    lambda op, xp, g, a, b, y: g * b,
    lambda op, xp, g, a, b, y: g * a,
)
