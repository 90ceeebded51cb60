"""Vector-Jacobian products of linear algebra."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.deferred import Outer
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.linalg import Dot, Linear, Matmul


@vjp.define(Linear)
def _linear(
    op: Linear, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``outer(g, x)``, ``g`` and ``w.T @ g``."""
    w, _, x = xs
    return (
        Outer(g, x) if need[0] else None,
        g,
        xp.matmul(transposed(xp, w), g) if need[2] else None,
    )


@vjp.define(Matmul)
def _matmul(
    op: Matmul, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g @ b.T`` and ``a.T @ g``."""
    a, b = xs
    return (
        Outer(transposed(xp, g), transposed(xp, b)) if need[0] else None,
        Outer(a, g) if need[1] else None,
    )


@vjp.define(Dot)
def _dot(
    op: Dot, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g * b`` and ``g * a``."""
    a, b = xs
    return g * b if need[0] else None, g * a if need[1] else None


def transposed(xp: Namespace, x: Array) -> Array:
    """
    Exchange the axes of a matrix.

    >>> import numpy as np
    >>> from tapem_dsl.core.namespace import NUMPY
    >>> transposed(NUMPY, np.zeros((2, 3))).shape
    (3, 2)
    """
    return xp.permute_dims(x, (1, 0))
