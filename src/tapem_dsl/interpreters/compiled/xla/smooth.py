"""Smooth functions of arrays of JAX, to full precision where they are small."""

from jax import Array
from jax import numpy as jnp


def sigmoid(x: Array) -> Array:
    """
    Return ``1 / (1 + exp(-x))``, to full precision on either side.

    >>> float(sigmoid(jnp.float32(-40))) == float(jnp.exp(jnp.float32(-40)))
    True
    """
    z = jnp.exp(-jnp.abs(x))
    return jnp.where(x > 0, 1, z) / (1 + z)


def softplus(x: Array) -> Array:
    """
    Return ``log(1 + exp(x))``, to full precision on either side.

    >>> float(softplus(jnp.float32(1000)))
    1000.0
    """
    return jnp.log1p(jnp.exp(-jnp.abs(x))) + jnp.maximum(x, 0)


def sech2(x: Array) -> Array:
    """
    Return the square of the hyperbolic secant, also where ``tanh`` rounds to 1.

    >>> bool(sech2(jnp.float32(30)) > 0)
    True
    """
    z = jnp.exp(-2 * jnp.abs(x))
    return 4 * z / ((1 + z) * (1 + z))


def multiply_no_nan(x: Array, by: Array) -> Array:
    """
    Multiply; where the second factor is 0 the product is 0.

    >>> multiply_no_nan(jnp.array([jnp.nan, 3]), jnp.array([0.0, 2])).tolist()
    [0.0, 6.0]
    """
    product = x * by
    return jnp.where((by == 0) & jnp.isnan(product), 0, product)


def softmax(x: Array) -> Array:
    """
    Return ``exp(x) / sum(exp(x))`` along the last axis, which is not empty.

    >>> softmax(jnp.array([1000.0, 0.0])).tolist()
    [1.0, 0.0]
    """
    e = jnp.exp(_below_largest(x, _largest(x)))
    return e / jnp.sum(e, axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    """
    Return ``x - log(sum(exp(x)))`` along the last axis, also next to 0.

    >>> bool(log_softmax(jnp.array([40.0, 0.0]))[0] < 0)
    True
    """
    below = _below_largest(x, _largest(x))
    return below - _log_sum(below)


def logsumexp(x: Array) -> Array:
    """
    Return ``log(sum(exp(x)))`` along the last axis, which is removed.

    >>> float(logsumexp(jnp.array([1000.0, 0.0])))
    1000.0
    """
    top = _largest(x)
    finite = top + _log_sum(_below_largest(x, top))
    return jnp.where(jnp.isinf(top), top, finite)[..., 0]


def _largest(x: Array) -> Array:
    return jnp.max(x, axis=-1, keepdims=True)


def _below_largest(x: Array, top: Array) -> Array:
    """Return rows minus their largest entries; of one infinite entry the limit."""
    reaches = x == top
    alone = jnp.sum(reaches, axis=-1, keepdims=True) == 1
    far = jnp.where(reaches, 0, -jnp.inf).astype(x.dtype)
    return jnp.where(alone & jnp.isinf(top), far, x - top)


def _log_sum(below: Array) -> Array:
    """Return ``log(sum(exp(row)))`` of rows whose largest entry is 0."""
    tops = below == 0
    others = jnp.where(tops, 0, jnp.exp(below))
    more = jnp.sum(tops, axis=-1, keepdims=True, dtype=below.dtype) - 1
    return jnp.log1p(jnp.sum(others, axis=-1, keepdims=True) + more)
