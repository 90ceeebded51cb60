"""Products with the Jacobians of the softmax family, for rules and duals."""

from tapem_dsl.arrays import Array, Namespace


def softmax_product(xp: Namespace, y: Array, v: Array) -> Array:
    """
    Return ``y * (v - sum(v * y))``, the Jacobian of a softmax ``y`` times ``v``.

    The Jacobian is symmetric: ``v`` may be a tangent or a cotangent.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> softmax_product(NUMPY, np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    array([ 0.25, -0.25])
    """
    return xp.multiply_no_nan(from_mean(xp, y, v), y)


def from_mean(xp: Namespace, weights: Array, v: Array) -> Array:
    """
    Return ``v - sum(v * weights)`` for rows of weights whose sum is 1.

    The entry of the largest weight is subtracted first: where that weight rounds to 1,
    the differences keep full precision.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> from_mean(NUMPY, np.array([1.0, 1e-30]), np.array([3.0, 5.0]))
    array([-2.e-30,  2.e+00])
    """
    if 0 not in weights.shape:
        v = v - as_column(xp, xp.pick(v, xp.argmax(weights)), v)
    return v - xp.sum(xp.multiply_no_nan(v, weights), axis=-1, keepdims=True)


def log_softmax_pullback(xp: Namespace, y: Array, g: Array) -> Array:
    """
    Return ``g - exp(y) * sum(g)`` of rows ``y`` of a log-softmax.

    At the largest entry, 1 minus its weight is the sum of all others.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> log_softmax_pullback(NUMPY, np.array([0.0, -50.0]), np.array([1.0, 0.0]))
    array([ 1.92874985e-22, -1.92874985e-22])
    """
    weights = xp.exp(y)
    total = xp.sum(g, axis=-1, keepdims=True)
    if 0 in y.shape:
        return g - weights * total
    largest = xp.one_hot(y, xp.argmax(y)) > 0
    rest, of_rest = (
        xp.sum(xp.where(~largest, x, 0), axis=-1, keepdims=True) for x in (weights, g)
    )
    return xp.where(largest, g * rest - weights * of_rest, g - weights * total)


def as_column(xp: Namespace, entries: Array, rows: Array) -> Array:
    """
    Reshape one entry of each row to a last axis of extent 1.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> as_column(NUMPY, np.array([1.0, 2.0]), np.ones((2, 3))).shape
    (2, 1)
    """
    return xp.reshape(entries, (*rows.shape[:-1], 1))
