"""Vector-Jacobian products of linear algebra."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.linalg import Linear, Matmul


@vjp.define(Linear)
def _linear(
    op: Linear, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``outer(g, x)``, ``g`` and ``w.T @ g``."""
    w, _, x = xs
    return (
        xp.reshape(g, (g.shape[0], 1)) * x if need[0] else None,
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
        xp.matmul(g, transposed(xp, b)) if need[0] else None,
        xp.matmul(transposed(xp, a), g) if need[1] else None,
    )


def transposed(xp: Namespace, x: Array) -> Array:
    """
    Exchange the axes of a matrix.

    >>> import numpy as np
    >>> from tapem_dsl.core.namespace import NUMPY
    >>> transposed(NUMPY, np.zeros((2, 3))).shape
    (3, 2)
    """
    return xp.permute_dims(x, (1, 0))
