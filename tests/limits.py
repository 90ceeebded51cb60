"""What a program's value and derivatives are, or tend to, to hundreds of digits."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, cast

import numpy as np
from mpmath import mp, mpf  # type: ignore[import-untyped] # it has no types

from tapem_dsl import Array
from tapem_dsl.arrays import EXACT, Namespace
from tests.specs.spec import Spec

# Any, throughout: numbers of mpmath, which has no types, and arrays of them.

DIGITS: Final = 420  # exp(-745), the least float64, is lost beside 1 in fewer than 330
mp.dps = DIGITS
FAR: Final = 5000  # exp of less than minus this is 0 in every scalar type


class Jet:
    """A number with its derivatives along ``a``, along ``b``, and along both."""

    __slots__ = ("a", "ab", "b", "value")

    def __init__(self, value: Any, a: Any = 0, b: Any = 0, ab: Any = 0) -> None:
        self.value, self.a, self.b, self.ab = value, a, b, ab

    def through(self, y: Any, first: Any, second: Any) -> "Jet":
        """Apply a function whose value and derivatives are these."""
        mixed = first * self.ab + second * self.a * self.b
        return Jet(y, first * self.a, first * self.b, mixed)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array goes through its entries
        x = jet(other)
        return Jet(self.value + x.value, self.a + x.a, self.b + x.b, self.ab + x.ab)

    def __neg__(self) -> "Jet":
        return Jet(-self.value, -self.a, -self.b, -self.ab)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array goes through its entries
        return self + -jet(other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array goes through its entries
        x = jet(other)
        return Jet(
            self.value * x.value,
            self.a * x.value + self.value * x.a,
            self.b * x.value + self.value * x.b,
            self.ab * x.value + self.a * x.b + self.b * x.a + self.value * x.ab,
        )

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array goes through its entries
        x = jet(other)
        y = 1 / x.value
        inverse = x.through(y, -y * y, 2 * y**3)
        return self * inverse

    def __rtruediv__(self, other: Any) -> Any:
        return jet(other) / self

    def __abs__(self) -> "Jet":
        return -self if self.value < 0 else self

    def __lt__(self, other: Any) -> Any:
        return self.value < jet(other).value

    def __le__(self, other: Any) -> Any:
        return self.value <= jet(other).value

    def __gt__(self, other: Any) -> Any:
        return self.value > jet(other).value

    def __ge__(self, other: Any) -> Any:
        return self.value >= jet(other).value

    def __eq__(self, other: object) -> Any:
        return self.value == jet(other).value

    __hash__ = None  # type: ignore[assignment] # == is of values


def jet(x: Any) -> Jet:
    if isinstance(x, Fraction):
        return Jet(mpf(x.numerator) / x.denominator)
    return x if isinstance(x, Jet) else Jet(mp.convert(x))


def _exp(x: Any) -> Any:
    return mpf(0) if x < -FAR else mpf("inf") if x > FAR else mp.exp(x)


def _tanh(x: Any) -> Any:
    return mp.sign(x) if abs(x) > FAR else mp.tanh(x)


def _circle(x: Any) -> tuple[Any, Any]:
    """Sine and cosine; none where no digit of the angle is known."""
    return (mp.nan, mp.nan) if abs(x) > mpf(10) ** FAR else (mp.sin(x), mp.cos(x))


def exp(x: Jet) -> Jet:
    y = _exp(x.value)
    return x.through(y, y, y)


def log(x: Jet) -> Jet:
    r = 1 / x.value
    return x.through(mp.log(x.value), r, -r * r)


def log1p(x: Jet) -> Jet:
    return log(x + 1)


def sqrt(x: Jet) -> Jet:
    if x.value == 0:
        return Jet(mpf(0))
    y = mp.sqrt(x.value)
    return x.through(y, 1 / (2 * y), -1 / (4 * y**3))


def tanh(x: Jet) -> Jet:
    y = _tanh(x.value)
    slope = 1 - y * y
    return x.through(y, slope, -2 * y * slope)


def sin(x: Jet) -> Jet:
    s, c = _circle(x.value)
    return x.through(s, c, -s)


def cos(x: Jet) -> Jet:
    s, c = _circle(x.value)
    return x.through(c, -s, -c)


def sigmoid(x: Jet) -> Jet:
    z = _exp(-abs(x.value))
    y = (1 if x.value > 0 else z) / (1 + z)
    slope = z / (1 + z) ** 2
    return x.through(y, slope, slope * (1 - 2 * y))


def softplus(x: Jet) -> Jet:
    z = _exp(-abs(x.value))
    y = sigmoid(Jet(x.value)).value
    slope = z / (1 + z) ** 2
    return x.through(max(x.value, 0) + mp.log(1 + z), y, slope)


def sech2(x: Jet) -> Jet:
    z = _exp(-2 * abs(x.value))
    y, t = 4 * z / (1 + z) ** 2, _tanh(x.value)
    return x.through(y, -2 * t * y, y * (6 * t * t - 2))


class _Limits:
    """The namespace of arrays of jets; what only moves entries is that of rationals."""

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return np.vectorize(lambda x: FUNCTIONS[name](jet(x)), otypes=[object])
        return getattr(EXACT, name)

    def maximum(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return np.where(np.asarray(condition, bool), a, b)

    def multiply_no_nan(self, x: Any, by: Any) -> Any:
        return x * by

    def sum(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
        return np.sum(x, axis=axis, keepdims=keepdims)

    def detached_max(self, x: Any) -> Any:
        return self.constant(np.max(x, axis=-1, keepdims=True))

    def softmax(self, x: Any) -> Any:
        e = self.exp(x - self.detached_max(x))
        return e / np.sum(e, axis=-1, keepdims=True)

    def log_softmax(self, x: Any) -> Any:
        return x - self.logsumexp(x)[..., None]

    def logsumexp(self, x: Any) -> Any:
        top = self.detached_max(x)
        return top[..., 0] + self.log(np.sum(self.exp(x - top), axis=-1))

    def literal(self, _: Any, constant: Any) -> Any:
        return jet(constant)

    def zeros_like(self, x: Any) -> Any:
        return jets(np.zeros(np.shape(x)))

    def ones_like(self, x: Any) -> Any:
        return jets(np.ones(np.shape(x)))

    def constant(self, x: Any) -> Any:
        return np.vectorize(lambda e: Jet(jet(e).value), otypes=[object])(x)


FUNCTIONS: Final[dict[str, Callable[[Jet], Jet]]] = {
    f.__name__: f
    for f in (exp, log, log1p, sqrt, tanh, sin, cos, sigmoid, softplus, sech2)
}
LIMITS: Final = cast(Namespace, _Limits())


def jets(x: Array) -> Any:
    """Make constants of numbers."""
    made = np.empty(np.shape(x), object)
    made.reshape(-1)[:] = [jet(e) for e in np.asarray(x, object).flat]
    return made


# -- what a float stands for, and what a number is as a float --------------------------

HUGE: Final = (mpf(2) ** (2**2000), mpf(2) ** (2**2001 + 77))
TINY: Final = (mpf(10) ** -3000, -(mpf(10) ** -3000))


def stands_for(x: float) -> tuple[Any, ...]:
    """Infinity is larger than any float, and 0 is what is near on either side."""
    if math.isinf(x):
        return tuple(math.copysign(1, x) * huge for huge in HUGE)
    return (mpf(x),) if x else TINY


def common(numbers: Sequence[Any], dtype: Any) -> float:
    """Give the float that all numbers round to; NaN if there is no such limit."""
    floats = [_rounded(x, dtype) for x in numbers]
    least, most = min(floats), max(floats)
    if any(map(math.isnan, floats)):
        return math.nan
    near = max(1e-13 * max(abs(least), abs(most)), float(np.finfo(dtype).tiny))
    alike = least == most or most - least < near < math.inf
    return floats[0] if alike else math.nan


def _rounded(x: Any, dtype: Any) -> float:
    if mp.isnan(x):
        return math.nan
    if abs(x) > mpf(float(np.finfo(dtype).max)) * (1 + mpf(2) ** -54):
        return float(mp.sign(x)) * math.inf
    return float(x)


def limits(
    spec: Spec,
    xs: Sequence[Array],
    moving: int,
    entries: Sequence[int],
    along: Array,
    weights: Array,
) -> dict[str, list[float]]:
    """
    Tell what the op's values tend to, and derivatives of their weighed sum.

    The first ones are by each of some entries of the moving operand, the second ones by
    that and along a direction.
    """
    dtype = xs[moving].dtype
    candidates = [stands_for(float(x)) for x in xs[moving].flat]
    found: list[dict[str, list[Any]]] = []
    for which in range(max(map(len, candidates))):
        at = [c[which % len(c)] for c in candidates]
        both, values = [], []
        for i in entries:
            moved = jets(xs[moving])
            moved.reshape(-1)[:] = [
                Jet(x, int(j == i), mpf(float(v)))
                for j, (x, v) in enumerate(zip(at, along.flat, strict=True))
            ]
            operands = [jets(x) for x in xs]
            operands[moving] = moved
            y = np.asarray(spec.op.evaluate(LIMITS, *operands), object)
            parts = [
                jet(e) * mpf(float(w))
                for e, w in zip(y.flat, weights.flat, strict=True)
            ]
            both.append(sum(parts, start=jet(0)))
            values = [jet(e).value for e in y.flat]
        found.append(
            {
                "value": values,
                "first": [total.a for total in both],
                "second": [total.ab for total in both],
            }
        )
    return {
        kind: [common(pair, dtype) for pair in zip(*(f[kind] for f in found))]  # noqa: B905 - alike
        for kind in found[0]
    }
