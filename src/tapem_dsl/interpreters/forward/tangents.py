"""Products and quotients of tangents: a tangent of 0 stays 0, also times infinity."""

import numpy as np

from tapem_dsl.arrays import Array, Tracer
from tapem_dsl.interpreters.forward.parts import xp_of
from tapem_dsl.tape.value import SCALARS


def product_tangent(p: Array, dp: Array | None, q: Array, dq: Array | None) -> Array:
    """
    Return ``dp * q + p * dq``; the tangent of a constant is ``None``.

    >>> product_tangent(np.float64(2), None, np.float64(3), np.float64(5))
    np.float64(10.0)
    """
    if dq is None:
        return scaled(dp, q)
    if dp is None:
        return scaled(dq, p)
    if is_noted(p) or is_noted(q):
        return scaled(dp, q) + scaled(dq, p)
    tangent = dp * q + p * dq
    return scaled(dp, q) + scaled(dq, p) if _has_nan(tangent) else tangent


def scaled(tangent: Array, by: Array) -> Array:
    """
    Multiply a tangent; a tangent of 0 stays 0, even if the factor is infinite.

    >>> with np.errstate(invalid="ignore"):
    ...     scaled(np.array([0.0, 2.0]), np.array([np.inf, 3.0]))
    array([0., 6.])
    """
    if is_noted(by) or is_noted(tangent):  # no need to decide: it is the same product
        return xp_of(by, tangent).multiply_no_nan(by, tangent)
    product = by * tangent
    if _has_nan(product):
        return xp_of(by, tangent).multiply_no_nan(by, tangent)
    return product


def divided(tangent: Array, by: Array) -> Array:
    """
    Divide a tangent; a tangent of 0 stays 0, even if the divisor is 0.

    >>> with np.errstate(divide="ignore", invalid="ignore"):
    ...     divided(np.array([0.0, 6.0]), np.array([0.0, 3.0]))
    array([0., 2.])
    """
    quotient = tangent / by
    return scaled(tangent, 1 / by) if _has_nan(quotient) else quotient


def is_noted(x: Array) -> bool:
    """
    Return whether an array's values are of one call only, as those that jit notes.

    >>> is_noted(np.ones(1))
    False
    """
    return isinstance(x, Tracer) and x.namespace.concrete(x) is None


def _has_nan(x: Array) -> bool:
    """Return whether there may be NaN, by a sum: half the time of a search."""
    if type(x) not in SCALARS:
        if is_noted(x):
            return not x.namespace.holds(lambda x: x == x, x.namespace.sum(x))  # noqa: PLR0124 - only NaN differs from itself
        if isinstance(x, Tracer):
            x = x.namespace.concrete(x)
        if type(x) is not np.ndarray or x.dtype.kind != "f":
            return False
        x = _add(x, None)
    return bool(x != x)  # noqa: PLR0124 - only NaN differs from itself


_add = np.add.reduce
