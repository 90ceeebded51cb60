"""Dual numbers: arrays that carry a derivative along with a value."""

from collections.abc import Callable
from typing import Any, final

import numpy as np

from tapem_dsl.core.namespace import Array, Carrier, fitted, namespace_of
from tapem_dsl.core.shape import Shape
from tapem_dsl.core.value import SCALARS, as_value
from tapem_dsl.interpreters.forward.levels import Home, home_of, level_at
from tapem_dsl.interpreters.forward.parts import settled, spread
from tapem_dsl.interpreters.forward.tangents import divided, product_tangent, scaled


@final
class Dual(Carrier):
    """
    ``primal + tangent * e`` where ``e * e`` is 0; each level has an ``e`` of its own.

    What is not of this level, plain arrays as well as lower levels, is a constant.
    Arithmetic is by operators, functions by the namespace; nothing changes in place.

    Args:
        primal: an array, copied unless it is read-only, or a dual of a lower level.
        tangent: of the primal's shape and scalar type.
        level: whose derivative the tangent is, from :func:`fresh_level`.

    Raises:
        ValueError: parts that do not go together, or that are of a higher level.

    Source:
        Lean: ``Dual``. JAX: ``JVPTracer``.

    >>> from tapem_dsl.interpreters.forward import fresh_level
    >>> x = Dual(np.float64(3.0), np.float64(1.0), fresh_level())
    >>> (x * x).tangent
    np.float64(6.0)
    """

    __slots__ = ("level", "primal", "tangent")

    __array_ufunc__ = None  # so that an array to the left leaves the work to us
    __hash__ = None  # type: ignore[assignment] # == is entry by entry

    def __init__(self, primal: Array, tangent: Array, level: int) -> None:
        self.level = level
        self.primal = primal = as_value(primal)
        self.tangent = tangent = as_value(tangent)
        if primal.shape != tangent.shape or primal.dtype != tangent.dtype:
            raise ValueError(
                f"a tangent is like its primal, {primal.dtype}{list(primal.shape)}, "
                f"not {tangent.dtype}{list(tangent.shape)}"
            )
        if any(x.level >= level for x in (primal, tangent) if isinstance(x, Dual)):
            raise ValueError("a dual holds lower levels only; draw fresh_level()")

    # Any: what pickle passes back unseen.
    def __reduce__(self) -> tuple[Callable[..., "Dual"], tuple[Any, ...]]:
        """Pickle the level so that in another process it is none of that one's."""
        return _restored, (self.primal, self.tangent, *home_of(self.level))

    @property
    def shape(self) -> Shape:
        """The primal's."""
        shape: Shape = self.primal.shape
        return shape

    @property
    def ndim(self) -> int:
        """The primal's."""
        return len(self.shape)

    @property
    def dtype(self) -> "np.dtype[Any]":  # Any: of whatever scalar
        """The primal's."""
        dtype: np.dtype[Any] = self.primal.dtype
        return dtype

    def __repr__(self) -> str:
        return f"Dual({self.primal!r}, {self.tangent!r}, level={self.level})"

    def parts(self) -> tuple[Array, Array]:
        """Give primal and tangent."""
        return self.primal, self.tangent

    def astype(self, dtype: "np.dtype[Any]") -> "Dual":  # Any: as above
        """Give both parts in that type."""
        parts = self.primal.astype(dtype), self.tangent.astype(dtype)
        return made(*parts, self.level)

    # -- a cotangent of a dual is a dual: c stands for dy -> tangent of c * dy ---------

    def receives(self, cotangent: "Dual") -> bool:
        """Compare levels and parts, if both are plain."""
        of, primal = self.primal, cotangent.primal
        kind = type(of)
        if kind is not type(primal) or kind is not type(cotangent.tangent):
            return False
        if self.level != cotangent.level or issubclass(kind, Carrier):
            return False
        return kind in SCALARS or (
            primal.dtype is of.dtype and primal.shape == of.shape
        )

    def project(self) -> Array:
        """Give the cotangent that a constant receives: the adjoint of taking it in."""
        return self.tangent

    def lift(self, cotangent: Array) -> "Dual":
        """Take in a cotangent that knows nothing of this level."""
        return made(cotangent, zeros(cotangent), self.level)

    def within(self, cotangent: "Dual") -> "Dual":
        """Bring both parts of a cotangent to the levels of this primal."""
        of, primal, tangent = self.primal, cotangent.primal, cotangent.tangent
        kind = type(of)
        if kind is type(primal) is type(tangent) and not issubclass(kind, Carrier):
            return cotangent
        return made(fitted(primal, of), fitted(tangent, of), self.level)

    def to_primal(self, cotangent: Array) -> Array:
        """``p + t * e`` receives ``c``; so ``p`` receives the tangent of ``c``."""
        return part_at(cotangent, self.level, tangent=True)

    def to_tangent(self, cotangent: Array) -> Array:
        """``p + t * e`` receives ``c``; so ``t`` receives the primal of ``c``."""
        return part_at(cotangent, self.level, tangent=False)

    def from_primal(self, cotangent: Array) -> "Dual":
        """The primal receives ``g``; so the dual receives ``0 + g * e``."""
        return joined(zeros(cotangent), cotangent, self.level)

    def from_tangent(self, cotangent: Array) -> "Dual":
        """The tangent receives ``g``; so the dual receives ``g + 0 * e``."""
        return joined(cotangent, zeros(cotangent), self.level)

    # -- arithmetic --------------------------------------------------------------------

    # Any, in what follows: an index, or an operand of whatever kind.
    def __getitem__(self, index: Any) -> "Dual":
        return made(self.primal[index], self.tangent[index], self.level)

    def __neg__(self) -> "Dual":
        return made(-self.primal, -self.tangent, self.level)

    def __add__(self, other: Any) -> "Dual":
        return plus(self, other)

    def __radd__(self, other: Any) -> "Dual":
        return plus(other, self)

    def __sub__(self, other: Any) -> "Dual":
        return minus(self, other)

    def __rsub__(self, other: Any) -> "Dual":
        return minus(other, self)

    def __mul__(self, other: Any) -> "Dual":
        return times(self, other)

    def __rmul__(self, other: Any) -> "Dual":
        return times(other, self)

    def __truediv__(self, other: Any) -> "Dual":
        return over(self, other)

    def __rtruediv__(self, other: Any) -> "Dual":
        return over(other, self)

    def __lt__(self, other: Any) -> Any:
        return bottom(self) < bottom(other)

    def __le__(self, other: Any) -> Any:
        return bottom(self) <= bottom(other)

    def __gt__(self, other: Any) -> Any:
        return bottom(self) > bottom(other)

    def __ge__(self, other: Any) -> Any:
        return bottom(self) >= bottom(other)

    def __eq__(self, other: object) -> Any:
        return bottom(self) == bottom(other)

    def __ne__(self, other: object) -> Any:
        return bottom(self) != bottom(other)


_new = object.__new__


def made(primal: Array, tangent: Array, level: int) -> Dual:
    """
    Make a dual of parts that are new, alike and of lower levels, without asking.

    >>> made(np.float64(1), np.float64(2), 7)
    Dual(np.float64(1.0), np.float64(2.0), level=7)
    """
    dual = _new(Dual)
    dual.level = level
    dual.primal = primal if type(primal) in SCALARS else settled(primal)
    dual.tangent = tangent if type(tangent) in SCALARS else settled(tangent)
    return dual


def _restored(primal: Array, tangent: Array, home: Home, n: int) -> Dual:
    return joined(primal, tangent, level_at(home, n))  # where it belongs here


def raised(x: Array, of: Array) -> Array:
    """
    Add the levels of another array that this one lacks: to them it is a constant.

    >>> dual = Dual(np.ones(1), np.ones(1), 1)
    >>> raised(np.zeros(1), dual)
    Dual(array([0.]), array([0.]), level=1)
    """
    if not isinstance(of, Dual):
        return x
    if isinstance(x, Dual) and x.level >= of.level:
        inner = of.primal if x.level == of.level else of
        return made(raised(x.primal, inner), raised(x.tangent, inner), x.level)
    inside = raised(x, of.primal)
    return made(inside, zeros(inside), of.level)


def joined(primal: Array, tangent: Array, level: int) -> Dual:
    """
    Make ``primal + tangent * e``, wherever the level belongs among those of the two.

    >>> inner, outer = Dual(np.ones(1), np.ones(1), 1), Dual(np.ones(1), np.ones(1), 3)
    >>> joined(inner, outer, 2).level
    3
    """
    above = max((x.level for x in (primal, tangent) if isinstance(x, Dual)), default=0)
    if above > level:
        (p, dp), (t, dt) = parts_or_zero(primal, above), parts_or_zero(tangent, above)
        return made(joined(p, t, level), joined(dp, dt, level), above)
    return made(raised(primal, tangent), raised(tangent, primal), level)


def zeros(x: Array) -> Array:
    """
    Give zeros of an array's shape, scalar type and levels.

    >>> zeros(np.float32(3))
    np.float32(0.0)
    """
    return raised(settled(namespace_of(x).zeros_like(x)), x)


# Any: a NumPy array, or a literal.
def bottom(x: Any) -> Any:
    """
    Look at what is compared: the primal of the primal, and so on.

    >>> bottom(Dual(Dual(np.float64(1), np.float64(2), 1), np.float64(3), 2))
    np.float64(1.0)
    """
    while isinstance(x, Dual):
        x = x.primal
    return x


def meeting(a: Array, b: Array) -> tuple[int, Array, Array | None, Array, Array | None]:
    """
    Give the level that decides which ``e`` is meant, and both operands' parts there.

    >>> meeting(np.float64(1), Dual(np.float64(2), np.float64(5), 7))
    (7, np.float64(1.0), None, np.float64(2.0), np.float64(5.0))
    """
    ours = a.level if type(a) is Dual else 0
    theirs = b.level if type(b) is Dual else 0
    if ours == theirs:
        return ours, a.primal, a.tangent, b.primal, b.tangent
    if ours > theirs:
        return ours, a.primal, a.tangent, b, None
    return theirs, a, None, b.primal, b.tangent


def parts_at(x: Array, level: int) -> tuple[Array, Array | None]:
    """
    Give primal and tangent at a level; a constant has no tangent.

    >>> parts_at(np.float64(1), 7)
    (np.float64(1.0), None)
    """
    if isinstance(x, Dual) and x.level == level:
        return x.primal, x.tangent
    return x, None


def parts_or_zero(y: Array, level: int) -> tuple[Array, Array]:
    """
    Give primal and tangent at a level; a constant has the tangent 0.

    >>> parts_or_zero(np.float64(3), 7)
    (np.float64(3.0), np.float64(0.0))
    """
    primal, tangent = parts_at(y, level)
    return primal, zeros(primal) if tangent is None else tangent


def part_at(x: Array, level: int, *, tangent: bool) -> Array:
    """
    Give the primal or the tangent at a level, also where higher ones surround it.

    >>> inner = Dual(np.float64(1), np.float64(2), 1)
    >>> part_at(Dual(inner, np.float64(3), 2), 1, tangent=True)
    Dual(np.float64(2.0), np.float64(0.0), level=2)
    """
    if isinstance(x, Dual) and x.level > level:
        inside = part_at(x.primal, level, tangent=tangent)
        return made(inside, part_at(x.tangent, level, tangent=tangent), x.level)
    return parts_or_zero(x, level)[tangent]


def levels_of(x: Array) -> frozenset[int]:
    """
    Tell all levels that an array carries.

    >>> inner = Dual(np.float64(1), np.float64(2), 1)
    >>> sorted(levels_of(Dual(inner, np.float64(3), 2)))
    [1, 2]
    """
    if not isinstance(x, Dual):
        return frozenset()
    return levels_of(x.primal) | levels_of(x.tangent) | {x.level}


def plus(a: Array, b: Array) -> Dual:
    """
    Add; a constant adds nothing to the tangent.

    >>> plus(1, Dual(np.float64(2), np.float64(5), 1))
    Dual(np.float64(3.0), np.float64(5.0), level=1)
    """
    level, p, dp, q, dq = meeting(a, b)
    y = p + q
    if dp is None or dq is None:
        return made(y, spread(dq if dp is None else dp, y), level)
    return made(y, dp + dq, level)


def minus(a: Array, b: Array) -> Dual:
    """
    Subtract.

    >>> minus(1, Dual(np.float64(2), np.float64(5), 1))
    Dual(np.float64(-1.0), np.float64(-5.0), level=1)
    """
    level, p, dp, q, dq = meeting(a, b)
    y = p - q
    if dq is None:
        return made(y, spread(dp, y), level)
    if dp is None:
        return made(y, spread(-dq, y), level)
    return made(y, dp - dq, level)


def times(a: Array, b: Array) -> Dual:
    """
    Multiply; by a constant, both parts.

    >>> times(3, Dual(np.float64(2), np.float64(5), 1))
    Dual(np.float64(6.0), np.float64(15.0), level=1)
    """
    level, p, dp, q, dq = meeting(a, b)
    return made(p * q, product_tangent(p, dp, q, dq), level)


def over(a: Array, b: Array) -> Dual:
    """
    Divide, twice instead of by a square.

    >>> over(1, Dual(np.float64(2), np.float64(4), 1))
    Dual(np.float64(0.5), np.float64(-1.0), level=1)
    """
    level, p, dp, q, dq = meeting(a, b)
    y = p / q
    if dq is None:
        return made(y, divided(dp, q), level)
    if dp is None:
        return made(y, divided(-scaled(dq, y), q), level)
    return made(y, divided(dp - scaled(dq, y), q), level)
