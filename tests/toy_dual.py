"""A carrier that no op and no rule has heard of: numbers with a tangent."""

from fractions import Fraction
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl import Array, Namespace, NodeId, Shape, TapeM, leaf, map_m
from tapem_dsl.core.namespace import EXACT, Carrier, Indices, namespace_of

LITERALS: Final = (int, float, Fraction)


@final
class Dual(Carrier):
    """
    ``primal + tangent * e`` where ``e * e`` is 0; each level has an ``e`` of its own.

    What is not of this level, arrays as well as lower levels, is a constant.
    """

    __array_ufunc__ = None  # so that an array to the left leaves the work to us

    def __init__(self, primal: Array, tangent: Array, level: int = 1) -> None:
        self.level = level
        self.namespace = DUALS
        self.primal = settled(primal)
        self.tangent = settled(tangent + namespace_of(self.primal).zeros_like(primal))
        assert self.tangent.shape == self.primal.shape
        assert self.tangent.dtype == self.primal.dtype

    @property
    def shape(self) -> Shape:
        shape: Shape = self.primal.shape
        return shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.primal.dtype
        return dtype

    def __getitem__(self, index: Any) -> "Dual":
        return Dual(self.primal[index], self.tangent[index], self.level)

    def __neg__(self) -> "Dual":
        return Dual(-self.primal, -self.tangent, self.level)

    def __add__(self, other: Array) -> "Dual":
        return plus(self, other)

    def __radd__(self, other: Array) -> "Dual":
        return plus(other, self)

    def __sub__(self, other: Array) -> "Dual":
        return plus(self, -other)

    def __rsub__(self, other: Array) -> "Dual":
        return plus(other, -self)

    def __mul__(self, other: Array) -> "Dual":
        return times(self, other)

    def __rmul__(self, other: Array) -> "Dual":
        return times(other, self)

    def __truediv__(self, other: Array) -> "Dual":
        return over(self, other)

    def __rtruediv__(self, other: Array) -> "Dual":
        return over(other, self)

    def __gt__(self, other: Array) -> Array:
        return bottom(self) > bottom(other)

    def __ge__(self, other: Array) -> Array:
        return bottom(self) >= bottom(other)

    def __le__(self, other: Array) -> Array:
        return bottom(self) <= bottom(other)

    def __lt__(self, other: Array) -> Array:
        return bottom(self) < bottom(other)


def settled(x: Array) -> Array:
    """Wrap the bare ``Fraction`` that 0-d object arithmetic gives."""
    return EXACT.normal(x) if isinstance(x, Fraction) else namespace_of(x).normal(x)


def bottom(x: Array) -> Array:
    """Look at what is compared: the primal of the primal, and so on."""
    while isinstance(x, Dual):
        x = x.primal
    return x


def highest(*operands: Array) -> Dual:
    """Find the operand that decides which ``e`` is meant."""
    duals = [x for x in operands if isinstance(x, Dual)]
    return max(duals, key=lambda x: x.level)


def namespace_of_arrays(*operands: Array) -> Namespace:
    """Pass over literals."""
    return namespace_of(*[x for x in operands if type(x) not in LITERALS])


def split(x: Array, level: int) -> tuple[Array, Array]:
    """Give primal and tangent at a level; a constant has the tangent 0."""
    if isinstance(x, Dual) and x.level == level:
        return x.primal, x.tangent
    return x, 0 if type(x) in (int, float) else settled(x * 0)


def plus(a: Array, b: Array) -> Dual:
    level = highest(a, b).level
    (p, dp), (q, dq) = split(a, level), split(b, level)
    return Dual(p + q, dp + dq, level)


def times(a: Array, b: Array) -> Dual:
    level = highest(a, b).level
    (p, dp), (q, dq) = split(a, level), split(b, level)
    return Dual(p * q, dp * q + p * dq, level)


def over(a: Array, b: Array) -> Dual:
    level = highest(a, b).level
    (p, dp), (q, dq) = split(a, level), split(b, level)
    y = p / q
    return Dual(y, (dp - y * dq) / q, level)


@final
class Duals(Namespace):
    """Every function with its derivative, which is stated here and nowhere else."""

    __slots__ = ()

    def exp(self, x: Array, /) -> Array:
        y = namespace_of(x.primal).exp(x.primal)
        return Dual(y, y * x.tangent, x.level)

    def log(self, x: Array, /) -> Array:
        y = namespace_of(x.primal).log(x.primal)
        return Dual(y, x.tangent / x.primal, x.level)

    def log1p(self, x: Array, /) -> Array:
        y = namespace_of(x.primal).log1p(x.primal)
        return Dual(y, x.tangent / (1 + x.primal), x.level)

    def sqrt(self, x: Array, /) -> Array:
        xp = namespace_of(x.primal)
        y = xp.sqrt(x.primal)
        return Dual(y, xp.where(x.primal > 0, x.tangent / (2 * y), 0), x.level)

    def constant(self, x: Array, /) -> Array:
        return namespace_of(x.primal).constant(x.primal)

    def tanh(self, x: Array, /) -> Array:
        y = namespace_of(x.primal).tanh(x.primal)
        return Dual(y, (1 - y) * (1 + y) * x.tangent, x.level)

    def sin(self, x: Array, /) -> Array:
        xp = namespace_of(x.primal)
        return Dual(xp.sin(x.primal), xp.cos(x.primal) * x.tangent, x.level)

    def cos(self, x: Array, /) -> Array:
        xp = namespace_of(x.primal)
        return Dual(xp.cos(x.primal), -xp.sin(x.primal) * x.tangent, x.level)

    def abs(self, x: Array, /) -> Array:
        xp = namespace_of(x.primal)
        left = xp.where(x.primal < 0, -x.tangent, 0)
        tangent = xp.where(x.primal > 0, x.tangent, left)
        return Dual(xp.abs(x.primal), tangent, x.level)

    def maximum(self, a: Array, b: Array, /) -> Array:
        top = highest(a, b)
        (p, dp), (q, dq) = split(a, top.level), split(b, top.level)
        xp = namespace_of_arrays(p, q)
        other = dq
        if type(b) not in LITERALS:  # which leaves nothing to the other
            other = xp.where(q > p, dq, (dp + dq) / 2)
        tangent = xp.where(p > q, dp, other)
        return Dual(xp.maximum(p, q), tangent, top.level)

    def minimum(self, a: Array, b: Array, /) -> Array:
        below = [-x if type(x) in LITERALS else settled(-x) for x in (a, b)]
        return -self.maximum(*below)

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        top = highest(a, b)
        (p, dp), (q, dq) = split(a, top.level), split(b, top.level)
        xp = namespace_of_arrays(p, q)
        primal, tangent = xp.where(condition, p, q), xp.where(condition, dp, dq)
        return Dual(primal, tangent, top.level)

    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.sum(x.primal, axis=axis, keepdims=keepdims)
        return Dual(primal, xp.sum(x.tangent, axis=axis, keepdims=keepdims), x.level)

    def shift(self, x: Array, /) -> Array:
        return namespace_of(x.primal).shift(x.primal)

    def pick(self, x: Array, labels: Array, /) -> Array:
        xp = namespace_of(x.primal)
        return Dual(xp.pick(x.primal, labels), xp.pick(x.tangent, labels), x.level)

    def one_hot(self, x: Array, labels: Array, /) -> Array:
        return namespace_of(x.primal).one_hot(x.primal, labels)

    def matmul(self, a: Array, b: Array, /) -> Array:
        top = highest(a, b)
        (p, dp), (q, dq) = split(a, top.level), split(b, top.level)
        xp = namespace_of_arrays(p, q)
        tangent = xp.matmul(dp, q) + xp.matmul(p, dq)
        return Dual(xp.matmul(p, q), tangent, top.level)

    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.permute_dims(x.primal, axes)
        return Dual(primal, xp.permute_dims(x.tangent, axes), x.level)

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.reshape(x.primal, shape)
        return Dual(primal, xp.reshape(x.tangent, shape), x.level)

    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.take(x.primal, indices, axis)
        return Dual(primal, xp.take(x.tangent, indices, axis), x.level)

    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        level = highest(base, source).level
        parts = split(base, level), split(source, level)
        primal, tangent = (
            namespace_of(*side).index_add(*side, indices, axis)
            for side in zip(*parts, strict=True)
        )
        return Dual(primal, tangent, level)

    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.windows(x.primal, kernel, stride, padding)
        tangent = xp.windows(x.tangent, kernel, stride, padding)
        return Dual(primal, tangent, x.level)

    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.fold(x.primal, spatial, stride, padding)
        tangent = xp.fold(x.tangent, spatial, stride, padding)
        return Dual(primal, tangent, x.level)

    def concat(self, *arrays: Array, axis: int) -> Array:
        level = highest(*arrays).level
        parts = [split(x, level) for x in arrays]
        primal, tangent = (
            namespace_of(*side).concat(*side, axis=axis)
            for side in zip(*parts, strict=True)
        )
        return Dual(primal, tangent, level)

    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.embed(x.primal, shape, axis, start)
        return Dual(primal, xp.embed(x.tangent, shape, axis, start), x.level)

    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        xp = namespace_of(x.primal)
        primal = xp.broadcast_to(x.primal, shape)
        return Dual(primal, xp.broadcast_to(x.tangent, shape), x.level)

    def zeros_like(self, x: Array, /) -> Array:
        return namespace_of(x.primal).zeros_like(x.primal)

    def ones_like(self, x: Array, /) -> Array:
        return namespace_of(x.primal).ones_like(x.primal)

    def lit(self, x: Array, constant: object, /) -> Array:
        return namespace_of(x.primal).lit(x.primal, constant)

    def concrete(self, x: Array, /) -> NDArray[Any] | None:
        return namespace_of(x.primal).concrete(x.primal)

    def normal(self, x: Array, /) -> Array:
        return x


DUALS: Final = Duals()


def jvp(
    function: Any,  # Any: takes as many ids as there are operands
    xs: tuple[Array, ...],
    vs: tuple[Array | None, ...],
) -> tuple[Array, Array]:
    """
    Give the value of a program and its derivative along ``vs``.

    An operand whose direction is ``None`` stays a plain array.
    """
    operands = [x if v is None else Dual(x, v) for x, v in zip(xs, vs, strict=True)]
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, operands)
    out, tape = leaves.bind(lambda ids: function(*ids)).run().unwrap()
    y = tape[out].value
    return split(y, 1)
