"""The base namespace of floating-point arrays: NumPy's own functions."""

# pyright: reportAssignmentType=false
# NumPy's functions take more than Namespace promises; pyright cannot match overloads.

from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from numbers import Rational, Real
from typing import Any, Final, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import smooth
from tapem_dsl.arrays.base import Base, along
from tapem_dsl.arrays.namespace import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.arrays.sums import product, summed
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.messages import short_repr


@final
class NumpyNamespace(Base):
    """
    NumPy float64, float32 and the other floating types; also bool and integer arrays.

    A scalar is a NumPy scalar (``np.float64``), never a 0-d array: it is immutable and
    several times cheaper.

    >>> NUMPY.canonical(np.array(2.0))
    np.float64(2.0)
    """

    __slots__ = ()

    zero = 0

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    tanh = staticmethod(np.tanh)
    sech2 = staticmethod(smooth.sech2)
    sigmoid = staticmethod(smooth.sigmoid)
    softplus = staticmethod(smooth.softplus)
    softmax = staticmethod(smooth.softmax)
    log_softmax = staticmethod(smooth.log_softmax)
    logsumexp = staticmethod(smooth.logsumexp)
    multiply_no_nan = staticmethod(smooth.multiply_no_nan)
    log1p = staticmethod(np.log1p)
    sqrt = staticmethod(np.sqrt)
    sin = staticmethod(np.sin)
    cos = staticmethod(np.cos)
    abs = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    zeros_like = staticmethod(np.zeros_like)
    ones_like = staticmethod(np.ones_like)
    sum = staticmethod(summed)
    matmul = staticmethod(product)

    def detached_max(self, x: Array, /) -> Array:
        """Return the maximum of each row; 0 for rows without entries."""
        if x.shape[-1] == 0:
            return np.zeros_like(x, shape=(*x.shape[:-1], 1))
        return np.maximum.reduce(x, axis=-1, keepdims=True)

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        """
        Choose; if ``b`` is 0 and the arrays are large, by a product of their bits.

        ``np.where`` branches on every entry: on a random condition over 100,000
        float32 that is ten times as slow.
        """
        maskable = type(b) is int and b == 0 and type(a) is np.ndarray
        bits = _BITS.get(a.dtype) if maskable and a.size >= _LARGE else None
        if bits is None or condition.dtype != np.bool_ or condition.shape != a.shape:
            return np.where(condition, a, b)
        mask = condition.astype(bits)
        mask *= a.view(bits)
        return mask.view(a.dtype)

    @override
    def pick(self, x: Array, labels: Array, /) -> Array:
        if x.ndim == 1:
            return x[labels]
        if x.ndim == 2:
            return x[np.arange(len(x)), labels]
        return np.take_along_axis(x, labels[..., None], -1)[..., 0]

    @override
    def one_hot(self, x: Array, labels: Array, /) -> Array:
        rows = np.zeros(x.shape, x.dtype)
        if x.ndim == 1:
            rows[labels] = 1
        elif x.ndim == 2:
            rows[np.arange(len(x)), labels] = 1
        else:
            np.put_along_axis(rows, labels[..., None], 1, -1)
        return rows

    @override
    def outer_sum(self, *operands: Array) -> Array:
        half = len(operands) // 2
        left, right = (
            side[0]
            if half == 1 and side[0].ndim > 1
            else np.concatenate(side, axis=None).reshape(-1, side[0].shape[-1])
            for side in (operands[:half], operands[half:])
        )
        return product(left.T, right)

    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        """Call the method: a quarter of the function's cost."""
        return x.transpose(axes)

    @override
    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        """Start from ``np.zeros``: large ones cost less than ``np.full``."""
        result = np.zeros(shape, x.dtype)
        result[along(axis, start, x.shape[axis])] = x
        return result

    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        """Repeat a scalar by strides of 0, at a tenth of the function's cost."""
        if x.ndim:
            return np.broadcast_to(x, shape)
        return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Call the method: a third of the function's cost."""
        return x.reshape(shape)

    def literal(self, x: Array, constant: object, /) -> Array:
        """Return a Python float: arithmetic rounds it once, into the type of ``x``."""
        if type(constant) is float:
            return constant
        if type(constant) is np.longdouble and x.dtype == np.longdouble:
            return constant
        if not isinstance(constant, Real):
            raise TypeError(f"a constant is a real number, not {short_repr(constant)}")
        if isinstance(constant, Rational) and x.dtype != np.float64:
            rational: Any = constant  # Any: the stubs know no hash of a Rational
            return once_rounded(x.dtype.type, rational)
        try:
            return float(constant)
        except OverflowError:
            raise beyond_double() from None

    def canonical(self, x: Array, /) -> Array:
        """Return a NumPy scalar at shape ``()``, else a plain array."""
        if isinstance(x, np.generic):
            return x
        if isinstance(x, np.ndarray):
            return x[()] if x.ndim == 0 else np.asarray(x)
        raise TypeError(
            f"expected a NumPy array or scalar, got {type(x).__name__}; "
            "compute with the operands and the namespace that evaluate was given"
        )


_BITS: Final = {
    np.dtype(np.float64): np.dtype(np.int64),
    np.dtype(np.float32): np.dtype(np.int32),
}
"""Integers as wide as the floats."""

_LARGE: Final = 4096


# Any: one of NumPy's floating types.
@lru_cache(maxsize=1024)  # a rule asks for the same few constants at every node
def once_rounded(kind: Any, constant: Rational) -> Any:
    """
    Return a float that rounds to a narrower type as the rational itself would.

    The nearest double can lie in the middle between two float32, and the rational not.
    So this returns that of the two doubles around the rational whose last bit is odd
    (Boldo & Melquiond, IEEE Trans. Comput. 57(4), 2008).

    >>> once_rounded(np.float32, Fraction(1, 4))
    0.25
    >>> above_middle = 1 + Fraction(1, 2**24) + Fraction(1, 2**60)
    >>> np.float32(float(above_middle))
    np.float32(1.0)
    >>> np.float32(once_rounded(np.float32, above_middle))
    np.float32(1.0000001)
    """
    try:
        nearest = float(constant)
    except OverflowError:
        raise beyond_double() from None
    if nearest == constant:
        return nearest
    exact = Fraction(int(constant.numerator), int(constant.denominator))
    error = exact - Fraction(nearest)
    if kind is np.longdouble:  # wider than double: the sum of two doubles says it
        return kind(nearest) + kind(float(error))
    if np.float64(nearest).view(np.int64) & 1:
        return nearest
    return nextafter(nearest, inf if error > 0 else -inf)


def beyond_double() -> Refused:
    """
    Refuse a constant beyond the largest double.

    >>> beyond_double().error.message
    'autograd: literal: the constant is beyond double precision'
    """
    return Refused(OutsideDomain("literal", "the constant is beyond double precision"))


NUMPY: Final = NumpyNamespace()
