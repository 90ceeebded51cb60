"""Dual numbers: arrays that carry a derivative along with a value."""

from typing import Never, final

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Tracer
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.forward.parts import canonical
from tapem_dsl.interpreters.tracer import Layer, as_layer, below, raised
from tapem_dsl.tape.value import SCALARS, as_value, zeros_like


@final
class Dual(Layer):
    """
    ``primal + tangent * e`` where ``e * e`` is 0; each level has another ``e``.

    Plain arrays and duals of lower levels are constants at this level. A dual never
    changes.

    Args:
        primal: an array, copied unless it is read-only, or a dual of a lower level.
        tangent: of the primal's shape and dtype. A part that lacks a lower level of the
            other part is a constant there.
        level: the level of ``e``, from :func:`fresh_level`.

    Raises:
        ValueError: the parts differ in shape or dtype, or one has a higher level.

    Source:
        Lean: ``Dual``. JAX: ``JVPTracer``.

    >>> from tapem_dsl.interpreters.forward import fresh_level
    >>> x = Dual(3.0, 1.0, fresh_level())
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
        """Return itself: its arrays are read-only."""
        return self

    def __reduce__(self) -> Never:
        """Refuse: in another process its level would be another's."""
        raise TypeError(
            "a dual is not pickled: its level means something in this process only; "
            "pickle its primal and its tangent"
        )

    @property
    @override
    def shape(self) -> Shape:
        shape: Shape = self.primal.shape
        return shape

    @property
    @override
    def dtype(self) -> AnyDType:
        dtype: AnyDType = self.primal.dtype
        return dtype

    def __repr__(self) -> str:
        return f"Dual({self.primal!r}, {self.tangent!r}, level={self.level})"

    @override
    def parts(self) -> tuple[Array, Array]:
        return self.primal, self.tangent

    @override
    def rebuilt(self, *parts: Array) -> "Dual":
        primal, tangent = parts
        return new_dual(primal, tangent, self.level)

    @override
    def lift(self, x: Array) -> "Dual":
        return new_dual(x, zeros(x), self.level)

    @override
    def project(self) -> Array:
        """
        Return the tangent.

        A cotangent ``c`` of a level that was entered and left below the output stands
        for ``dy -> tangent of c * dy``, and a constant has ``dy = dp + 0 * e``.
        """
        return self.tangent

    @override
    def inject(self, x: Array) -> "Dual":
        """Return ``x * e``: by the pairing above, the adjoint of taking the primal."""
        return new_dual(zeros(x), x, self.level)

    @override
    def receives(self, cotangent: "Dual") -> bool:
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


def new_dual(primal: Array, tangent: Array, level: int) -> Dual:
    """
    Make a dual without checks, of parts that are new, alike and of lower levels.

    >>> new_dual(*Dual(1.0, 2.0, 1).parts(), 7)
    Dual(np.float64(1.0), np.float64(2.0), level=7)
    """
    dual = _new(Dual)
    dual.level = level
    dual.primal = primal if type(primal) in SCALARS else canonical(primal)
    dual.tangent = tangent if type(tangent) in SCALARS else canonical(tangent)
    return dual


def dual_at_level(primal: Array, tangent: Array, level: int) -> Layer:
    """
    Make ``primal + tangent * e`` for a level below or above those of the two.

    >>> dual_at_level(Dual(1.0, 2.0, 1), Dual(3.0, 4.0, 3), 2).level
    3
    """
    top: Layer = max((primal, tangent), key=_level)
    if _level(top) > level:
        pairs = zip(*(as_layer(x, top).parts() for x in (primal, tangent)), strict=True)
        return top.rebuilt(*(dual_at_level(p, t, level) for p, t in pairs))
    return new_dual(raised(primal, tangent), raised(tangent, primal), level)


def _level(x: Array) -> int:
    return x.level if isinstance(x, Tracer) else 0


def zeros(x: Array) -> Array:
    """
    Return zeros of an array's shape, dtype and levels.

    >>> zeros(Dual(1.0, 2.0, 7))
    Dual(np.float64(0.0), np.float64(0.0), level=7)
    """
    return raised(zeros_like(x), x)


def parts_of_both(
    a: Array, b: Array
) -> tuple[int, Array, Array | None, Array, Array | None]:
    """
    Return the higher level of two operands, and the parts of both at that level.

    >>> parts_of_both(1, Dual(2.0, 5.0, 7))
    (7, 1, None, np.float64(2.0), np.float64(5.0))
    """
    ours = a.level if type(a) is Dual else 0
    theirs = b.level if type(b) is Dual else 0
    if ours == theirs:
        return ours, a.primal, a.tangent, b.primal, b.tangent
    if ours > theirs:
        return ours, a.primal, a.tangent, b, None
    return theirs, a, None, b.primal, b.tangent


def primal_at(x: Array, level: int) -> Array:
    """
    Return the primal at a level, also inside higher ones; of a constant, itself.

    >>> primal_at(Dual(Dual(1.0, 2.0, 1), 3.0, 2), 1)
    Dual(np.float64(1.0), np.float64(3.0), level=2)
    """

    def primal(part: Array) -> Array:
        return part.primal if _is_dual(part, level) else part

    return below(x, level, primal)


def tangent_at(x: Array, level: int) -> Array:
    """
    Return the tangent at a level, also inside higher ones; of a constant, 0.

    >>> tangent_at(Dual(Dual(1.0, 2.0, 1), 3.0, 2), 1)
    Dual(np.float64(2.0), np.float64(0.0), level=2)
    """

    def tangent(part: Array) -> Array:
        return part.tangent if _is_dual(part, level) else zeros(part)

    return below(x, level, tangent)


def _is_dual(x: Array, level: int) -> bool:
    return isinstance(x, Dual) and x.level == level
