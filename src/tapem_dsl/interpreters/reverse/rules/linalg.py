"""Vector-Jacobian products of linear algebra."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.deferred import Outer
from tapem_dsl.interpreters.reverse.rules.shapes import summed_to
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.linalg import Bmm, Dot, Linear, Matmul, OuterProduct
from tapem_dsl.ops.shapes import exchanged


@vjp_rules.define(Linear)
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


@vjp_rules.define(Matmul)
def _matmul(
    op: Matmul, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g @ b.T`` and ``a.T @ g``, summed over what was broadcast."""
    a, b = xs
    if a.ndim == b.ndim == 2:
        return (
            Outer(transposed(xp, g), transposed(xp, b)) if need[0] else None,
            Outer(a, g) if need[1] else None,
        )
    first, second = _products(xp, g, a, b, need)
    return (
        summed_to(xp, first, a.shape) if need[0] else None,
        summed_to(xp, second, b.shape) if need[1] else None,
    )


@vjp_rules.define(Bmm)
def _bmm(
    op: Bmm, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g @ b.T`` and ``a.T @ g``, pair by pair."""
    a, b = xs
    return _products(xp, g, a, b, need)


def _products(
    xp: Namespace, g: Array, a: Array, b: Array, need: Need
) -> tuple[Array | None, Array | None]:
    return (
        xp.matmul(g, exchanged(xp, b, b.ndim - 2)) if need[0] else None,
        xp.matmul(exchanged(xp, a, a.ndim - 2), g) if need[1] else None,
    )


@vjp_rules.define(OuterProduct)
def _outer_product(
    op: OuterProduct, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g @ b`` and ``a @ g``."""
    a, b = xs
    return (
        xp.matmul(g, b) if need[0] else None,
        xp.matmul(a, g) if need[1] else None,
    )


@vjp_rules.define(Dot)
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
    >>> from tapem_dsl.arrays import NUMPY
    >>> transposed(NUMPY, np.zeros((2, 3))).shape
    (3, 2)
    """
    return xp.permute_dims(x, (1, 0))
