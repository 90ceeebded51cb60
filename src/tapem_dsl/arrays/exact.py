"""The base namespace of exact rationals: NumPy object arrays of ``Fraction``."""

# pyright: reportAssignmentType=false
# NumPy's functions take more than Namespace promises; pyright cannot match overloads.

import operator
from fractions import Fraction
from numbers import Rational, Real
from typing import Final, Never, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays.base import Base
from tapem_dsl.arrays.namespace import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.messages import short_repr

ZERO: Final = Fraction(0)
ONE: Final = Fraction(1)


def not_rational(function: str) -> "staticmethod[[Array], Array]":
    """
    Make the function that refuses rationals, also an empty array of them.

    >>> not_rational("exp")(ONE)
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: exp: not a rational function; ...
    """

    def refuse(x: Array, /) -> Never:
        reason = "not a rational function; run the program over float64 instead"
        raise Refused(OutsideDomain(function, reason))

    return staticmethod(refuse)


@final
class ExactNamespace(Base):
    """
    Object arrays of ``Fraction``, so that lemmas need no tolerance.

    NumPy returns a bare ``Fraction`` for a full reduction and for 0-d arithmetic, and
    the int 0 for an empty sum: the functions here start from ``Fraction(0)``, and
    :meth:`canonical` makes arrays of bare fractions. Lean: a tape over the rationals,
    where ``exp`` and other such functions return 0; here they fail.

    >>> EXACT.canonical(Fraction(1, 3))
    array(Fraction(1, 3), dtype=object)
    """

    __slots__ = ()

    zero = ZERO

    abs = staticmethod(np.abs)
    multiply_no_nan = staticmethod(operator.mul)
    permute_dims = staticmethod(np.transpose)
    broadcast_to = staticmethod(np.broadcast_to)

    exp = sigmoid = softplus = not_rational("exp")
    detached_max = softmax = log_softmax = logsumexp = not_rational("exp")
    log = not_rational("log")
    log1p = not_rational("log1p")
    sqrt = not_rational("sqrt")
    tanh = sech2 = not_rational("tanh")
    sin = not_rational("sin")
    cos = not_rational("cos")

    @override
    def maximum(self, a: Array, b: Array, /) -> Array:
        return np.maximum(rational(a), rational(b))

    @override
    def minimum(self, a: Array, b: Array, /) -> Array:
        return np.minimum(rational(a), rational(b))

    @override
    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        return np.where(condition, rational(a), rational(b))

    @override
    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        return np.sum(x, axis=axis, keepdims=keepdims, initial=ZERO)  # type: ignore[call-overload] # stubs know no Fraction

    @override
    def pick(self, x: Array, labels: Array, /) -> Array:
        return np.take_along_axis(x, np.asarray(labels)[..., None], -1)[..., 0]

    @override
    def one_hot(self, x: Array, labels: Array, /) -> Array:
        chosen = np.asarray(labels)[..., None] == np.arange(x.shape[-1])
        return np.where(chosen, ONE, ZERO)  # type: ignore[call-overload] # stubs know no Fraction

    def matmul(self, a: Array, b: Array, /) -> Array:
        """Start from ``Fraction(0)``, also if the inner axis is empty."""
        product = np.matmul(a, b)
        return product if a.shape[-1] else product + ZERO

    @override
    def reshape(self, x: Array, /, shape: Shape) -> Array:
        return np.reshape(x, shape)

    @override
    def zeros_like(self, x: Array, /) -> Array:
        return np.full(np.shape(x), ZERO, dtype=object)

    @override
    def ones_like(self, x: Array, /) -> Array:
        return np.full(np.shape(x), ONE, dtype=object)

    def literal(self, x: Array, constant: object, /) -> Array:
        """Return the exact value: ``0.1`` is the double nearest to a tenth."""
        if not isinstance(constant, Real):
            raise TypeError(f"a constant is a real number, not {short_repr(constant)}")
        if isinstance(constant, Rational):
            return as_fraction(constant)
        try:
            return Fraction(*constant.as_integer_ratio())  # type: ignore[attr-defined] # every float has it
        except (OverflowError, ValueError):
            raise Refused(
                OutsideDomain(
                    "literal", f"{short_repr(constant)} is not a rational number"
                )
            ) from None

    def canonical(self, x: Array, /) -> Array:
        """Return an object array of ``Fraction``, 0-d at shape ``()``."""
        array = np.asarray(x, dtype=object)
        if all(map(is_exact, array.flat)):
            return array
        entries = [as_fraction(entry) for entry in array.flat]
        result = np.empty(array.shape, dtype=object)
        result.reshape(-1)[:] = entries
        return result


def as_fraction(entry: object) -> Fraction:
    """
    Convert an integer or rational to a ``Fraction``; refuse floats.

    >>> as_fraction(2)
    Fraction(2, 1)
    >>> as_fraction(0.5)
    Traceback (most recent call last):
    ...
    TypeError: an exact array holds rationals, got 0.5; convert it with Fraction(0.5)
    """
    if isinstance(entry, bool) or not isinstance(entry, Rational):
        raise TypeError(
            f"an exact array holds rationals, got {short_repr(entry)}; "
            f"convert it with Fraction({short_repr(entry)})"
        )
    return Fraction(int(entry.numerator), int(entry.denominator))


def is_exact(entry: object) -> bool:
    """
    Return whether an entry is a ``Fraction`` of Python integers, which cannot overflow.

    >>> is_exact(Fraction(1, 3)), is_exact(Fraction(np.int64(1))), is_exact(1)
    (True, False, False)
    """
    return type(entry) is Fraction and type(entry.numerator) is int


def rational(x: Array) -> Array:
    """
    Return an array itself, and a literal as a ``Fraction``.

    >>> rational(0)
    Fraction(0, 1)
    """
    return x if isinstance(x, np.ndarray) else as_fraction(x)


EXACT: Final = ExactNamespace()
