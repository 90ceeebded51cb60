"""The base namespace of exact rationals: NumPy object arrays of ``Fraction``."""

# pyright: reportAssignmentType=false
# NumPy's functions take more than Namespace promises; pyright cannot match overloads.

from fractions import Fraction
from numbers import Rational, Real
from typing import Final, final

import numpy as np

from tapem_dsl.arrays.indexing import added, taken
from tapem_dsl.arrays.namespace import AnyArray, Array, Indices, Operators
from tapem_dsl.arrays.numpy import along
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.arrays.windows import folded, windows_of
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.messages import said

ZERO: Final = Fraction(0)
ONE: Final = Fraction(1)


@final
class ExactNamespace(Operators):
    """
    Arrays whose every entry is a ``Fraction``, so that lemmas need no tolerance.

    Object arithmetic leaks: a full reduction or 0-d arithmetic gives a bare
    ``Fraction`` and an empty sum gives the int 0. The members below never start from an
    int, and :meth:`canonical` wraps what is left. Lean: a tape over the rationals; but
    there ``exp`` and its kin return 0, here they fail and say so.

    >>> EXACT.canonical(Fraction(1, 3))
    array(Fraction(1, 3), dtype=object)
    """

    __slots__ = ()

    permute_dims = staticmethod(np.transpose)
    index_add = staticmethod(added)
    broadcast_to = staticmethod(np.broadcast_to)

    def exp(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def log(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("log")

    def log1p(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("log1p")

    def sqrt(self, x: Array, /) -> Array:
        """Refuse: not rational, though it is for some."""
        raise not_rational("sqrt")

    def tanh(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("tanh")

    def sech2(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("tanh")

    def sigmoid(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def softplus(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def sin(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("sin")

    def cos(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("cos")

    def abs(self, x: Array, /) -> Array:
        """Exact."""
        return np.abs(x)

    def maximum(self, a: Array, b: Array, /) -> Array:
        """Exact; a literal becomes a ``Fraction`` first."""
        return np.maximum(rational(a), rational(b))

    def minimum(self, a: Array, b: Array, /) -> Array:
        """Exact; a literal becomes a ``Fraction`` first."""
        return np.minimum(rational(a), rational(b))

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        """Exact; a literal becomes a ``Fraction`` first."""
        return np.where(condition, rational(a), rational(b))

    def multiply_no_nan(self, x: Array, by: Array, /) -> Array:
        """Multiply: nothing is infinite."""
        return x * by

    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        """Exact; the empty sum is ``Fraction(0)``."""
        return np.sum(x, axis=axis, keepdims=keepdims, initial=ZERO)  # type: ignore[call-overload] # stubs know no Fraction

    def detached_max(self, x: Array, /) -> Array:
        """Refuse: what is shifted is an ``exp``, which is not rational."""
        raise not_rational("exp")

    def softmax(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def log_softmax(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def logsumexp(self, x: Array, /) -> Array:
        """Refuse: not rational."""
        raise not_rational("exp")

    def pick(self, x: Array, labels: Array, /) -> Array:
        """Exact."""
        return np.take_along_axis(x, np.asarray(labels)[..., None], -1)[..., 0]

    def one_hot(self, x: Array, labels: Array, /) -> Array:
        """Entries ``Fraction(0)`` and ``Fraction(1)``."""
        chosen = np.asarray(labels)[..., None] == np.arange(x.shape[-1])
        return np.where(chosen, ONE, ZERO)  # type: ignore[call-overload] # stubs know no Fraction

    def matmul(self, a: Array, b: Array, /) -> Array:
        """Exact; an empty inner axis gives ``Fraction(0)``."""
        product = np.matmul(a, b)
        return product if a.shape[-1] else product + ZERO

    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        """At once, then 0 where there is nothing."""
        return taken(x, ZERO, indices, axis)

    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        """By strides, without a copy unless there is padding."""
        return windows_of(x, ZERO, kernel, stride, padding)

    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        """One addition of an array for each entry of the window."""
        return folded(x, ZERO, spatial, stride, padding)

    def concat(self, *arrays: Array, axis: int) -> Array:
        """As NumPy does."""
        return np.concatenate(arrays, axis=axis)

    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        """Write into entries ``Fraction(0)``."""
        result = np.full(shape, ZERO, dtype=object)
        result[along(axis, start, x.shape[axis])] = x
        return result

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """As NumPy does."""
        return np.reshape(x, shape)

    def zeros_like(self, x: Array, /) -> Array:
        """Entries ``Fraction(0)``."""
        return np.full(np.shape(x), ZERO, dtype=object)

    def ones_like(self, x: Array, /) -> Array:
        """Entries ``Fraction(1)``."""
        return np.full(np.shape(x), ONE, dtype=object)

    def literal(self, x: Array, constant: object, /) -> Array:
        """Give the constant's exact value: ``0.1`` is the double nearest to a tenth."""
        if not isinstance(constant, Real):
            raise TypeError(f"a constant is a real number, not {said(constant)}")
        if isinstance(constant, Rational):
            return as_fraction(constant)
        try:
            return Fraction(*constant.as_integer_ratio())  # type: ignore[attr-defined] # every float has it
        except (OverflowError, ValueError):
            raise Refused(
                OutsideDomain("literal", f"{said(constant)} is not a rational number")
            ) from None

    def constant(self, x: Array, /) -> Array:
        """Give the array itself."""
        return x

    def concrete(self, x: Array, /) -> AnyArray | None:
        """Give the array itself."""
        return np.asarray(x)

    def canonical(self, x: Array, /) -> Array:
        """Give an object array of ``Fraction``, 0-d at shape ``()``."""
        array = np.asarray(x, dtype=object)
        if all(map(is_exact, array.flat)):
            return array
        entries = [as_fraction(entry) for entry in array.flat]
        result = np.empty(array.shape, dtype=object)
        result.reshape(-1)[:] = entries
        return result


def as_fraction(entry: object) -> Fraction:
    """
    Turn an integer or rational into a ``Fraction``; refuse floats, which are not exact.

    >>> as_fraction(2)
    Fraction(2, 1)
    >>> as_fraction(0.5)
    Traceback (most recent call last):
    ...
    TypeError: an exact array holds rationals, got 0.5; convert it with Fraction(0.5)
    """
    if isinstance(entry, bool) or not isinstance(entry, Rational):
        raise TypeError(
            f"an exact array holds rationals, got {said(entry)}; "
            f"convert it with Fraction({said(entry)})"
        )
    return Fraction(int(entry.numerator), int(entry.denominator))


def is_exact(entry: object) -> bool:
    """
    Tell whether an entry is a ``Fraction`` of Python integers, which cannot overflow.

    >>> is_exact(Fraction(1, 3)), is_exact(Fraction(np.int64(1))), is_exact(1)
    (True, False, False)
    """
    return type(entry) is Fraction and type(entry.numerator) is int


def rational(x: Array) -> Array:
    """
    Keep an array, and turn a literal into a ``Fraction``.

    >>> rational(0)
    Fraction(0, 1)
    """
    return x if isinstance(x, np.ndarray) else as_fraction(x)


def not_rational(function: str) -> Refused:
    """
    Refuse a transcendental function of rationals, also of an empty array.

    >>> not_rational("exp").error.message
    'autograd: exp: not a rational function; run the program over float64 instead'
    """
    reason = "not a rational function; run the program over float64 instead"
    return Refused(OutsideDomain(function, reason))


EXACT: Final = ExactNamespace()
