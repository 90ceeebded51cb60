"""Dual numbers: arrays that carry a derivative along with a value."""

from typing import Any, Never, final

import numpy as np

from tapem_dsl.arrays import Array, Tracer, namespace_of
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.forward.parts import settled
from tapem_dsl.interpreters.tracer import Layer, parts_at, raised
from tapem_dsl.tape.value import SCALARS, as_value


@final
class Dual(Layer):
    """
    ``primal + tangent * e`` where ``e * e`` is 0; each level has an ``e`` of its own.

    What is not of this level, plain arrays as well as lower levels, is a constant.
    Arithmetic is by operators, functions by the namespace; nothing changes in place.

    Args:
        primal: an array, copied unless it is read-only, or a dual of a lower level.
        tangent: of the primal's shape and scalar type. Of a lower level that only one
            of the two carries, the other is a constant.
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

    def __init__(self, primal: Array, tangent: Array, level: int) -> None:
        self.level = level
        primal, tangent = as_value(primal), as_value(tangent)
        if primal.shape != tangent.shape or primal.dtype != tangent.dtype:
            raise ValueError(
                f"a tangent is like its primal, {primal.dtype}{list(primal.shape)}, "
                f"not {tangent.dtype}{list(tangent.shape)}"
            )
        if any(x.level >= level for x in (primal, tangent) if isinstance(x, Dual)):
            raise ValueError("a dual holds lower levels only; draw fresh_level()")
        self.primal, self.tangent = raised(primal, tangent), raised(tangent, primal)

    def __copy__(self) -> "Dual":
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "Dual":
        """Give itself: its arrays are read-only."""
        return self

    def __reduce__(self) -> Never:
        """Refuse: in another process its level would be another's."""
        raise TypeError(
            "a dual is not pickled: its level means something in this process only; "
            "pickle its primal and its tangent"
        )

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

    def rebuilt(self, *parts: Array) -> "Dual":
        """Make the dual of this level of two other parts."""
        primal, tangent = parts
        return made(primal, tangent, self.level)

    def lift(self, x: Array) -> "Dual":
        """Give it the tangent 0."""
        return made(x, zeros(x), self.level)

    def project(self) -> Array:
        """
        Give the tangent.

        A cotangent ``c`` of a level that was entered and left below the output stands
        for ``dy -> tangent of c * dy``, and a constant has ``dy = dp + 0 * e``.
        """
        return self.tangent

    def inject(self, x: Array) -> Array:
        """Give ``x * e``: by the pairing above, the adjoint of taking the primal."""
        return joined(zeros(x), x, self.level)

    def receives(self, cotangent: "Dual") -> bool:
        """Compare levels and parts, if both are plain."""
        of, primal = self.primal, cotangent.primal
        kind = type(of)
        if kind is not type(primal) or kind is not type(cotangent.tangent):
            return False
        if self.level != cotangent.level or issubclass(kind, Tracer):
            return False
        return kind in SCALARS or (
            primal.dtype is of.dtype and primal.shape == of.shape
        )


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


def joined(primal: Array, tangent: Array, level: int) -> Layer:
    """
    Make ``primal + tangent * e``, wherever the level belongs among those of the two.

    >>> inner, outer = Dual(np.ones(1), np.ones(1), 1), Dual(np.ones(1), np.ones(1), 3)
    >>> joined(inner, outer, 2).level
    3
    """
    above: Layer = max((primal, tangent), key=_level)
    if _level(above) > level:
        parts = zip(parts_at(primal, above), parts_at(tangent, above), strict=True)
        return above.rebuilt(*(joined(p, t, level) for p, t in parts))
    return made(raised(primal, tangent), raised(tangent, primal), level)


def _level(x: Array) -> int:
    return x.level if isinstance(x, Tracer) else 0


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


def part_at(x: Array, level: int, *, tangent: bool) -> Array:
    """
    Give the primal or the tangent at a level, also where higher ones surround it.

    >>> inner = Dual(np.float64(1), np.float64(2), 1)
    >>> part_at(Dual(inner, np.float64(3), 2), 1, tangent=True)
    Dual(np.float64(2.0), np.float64(0.0), level=2)
    """
    if isinstance(x, Layer) and x.level > level:
        return x.rebuilt(*(part_at(part, level, tangent=tangent) for part in x.parts()))
    if isinstance(x, Dual) and x.level == level:
        return x.tangent if tangent else x.primal
    return zeros(x) if tangent else x
