"""Arrays that wrap arrays, and their levels: how one is entered, left and aligned."""

from abc import abstractmethod
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Tracer

_COUNTER: Final = count(1)


def fresh_level() -> int:
    """
    Return a new level, higher than all levels before in this process.

    >>> fresh_level() < fresh_level()
    True
    """
    return next(_COUNTER)


class Leveled(Tracer):
    """A tracer that reverse mode supports: it can add and drop each of its levels."""

    __slots__ = ()

    @abstractmethod
    def levels(self) -> frozenset[int]:
        """Return all levels that it carries."""

    @abstractmethod
    def lift(self, x: Array) -> "Leveled":
        """Make a constant of this kind from a plain array, or one of lower levels."""

    @abstractmethod
    def drop_level(self, level: int) -> Array:
        """Apply the VJP of lifting to ``level`` to this, a cotangent of that level."""

    @abstractmethod
    def add_level(self, cotangent: Array, level: int) -> Array:
        """Apply the VJP of "take the value of this at ``level``" to a cotangent."""

    # Any: of this class.
    def receives(self, cotangent: Any) -> bool:
        """Tell quickly whether a cotangent surely has these levels, shape and dtype."""
        return False


class Layer(Leveled):
    """
    A tracer made of arrays of lower levels, its parts: a dual of primal and tangent.

    A subclass defines the five abstract methods. ``project`` is the VJP of ``lift``,
    and ``inject`` is the VJP of taking the first part, the value.
    """

    __slots__ = ()

    @abstractmethod
    def parts(self) -> tuple[Array, ...]:
        """Return the arrays that this is made of; the first is its value."""

    @abstractmethod
    def rebuilt(self, *parts: Array) -> "Layer":
        """Make an array of the same kind and level from other parts."""

    @abstractmethod
    def lift(self, x: Array) -> "Layer":
        """Make a constant of this level from an array of lower levels."""

    @abstractmethod
    def project(self) -> Array:
        """Return the adjoint of ``lift``, applied to this."""

    @abstractmethod
    def inject(self, x: Array) -> "Layer":
        """Return the adjoint of taking the value, applied to ``x``."""

    @override
    def astype(self, dtype: AnyDType) -> "Layer":
        return self.rebuilt(*(part.astype(dtype) for part in self.parts()))

    @override
    def levels(self) -> frozenset[int]:
        return frozenset({self.level}).union(*map(levels_of, self.parts()))

    @override
    def drop_level(self, level: int) -> Array:
        if self.level == level:
            return self.project()
        return self.rebuilt(*(drop_level(part, level) for part in self.parts()))

    @override
    def add_level(self, cotangent: Array, level: int) -> Array:
        return below(cotangent, level, layer_at(self, level).inject)


def layer_at(x: Array, level: int) -> Layer:
    """
    Return the layer of a level that an array carries.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> layer_at(Dual(Dual(1.0, 2.0, 1), 3.0, 2), 1)
    Dual(np.float64(1.0), np.float64(2.0), level=1)
    """
    while x.level != level:
        x = next(part for part in x.parts() if level in levels_of(part))
    layer: Layer = x
    return layer


def below(x: Array, level: int, function: Callable[[Array], Array]) -> Array:
    """
    Apply a function inside all layers of higher levels.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> below(Dual(1.0, 2.0, 7), 6, lambda part: part + 1)
    Dual(np.float64(2.0), np.float64(3.0), level=7)
    """
    if isinstance(x, Layer) and x.level > level:
        return x.rebuilt(*(below(part, level, function) for part in x.parts()))
    return function(x)


def as_layer(x: Array, of: Layer) -> Layer:
    """
    Return ``x`` if it has the level of ``of``; else lift it there, as a constant.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> from tapem_dsl.tape.value import as_value
    >>> as_layer(as_value(3.0), Dual(1.0, 2.0, 7))
    Dual(np.float64(3.0), np.float64(0.0), level=7)
    """
    return x if isinstance(x, Layer) and x.level == of.level else of.lift(x)


def levels_of(x: Array) -> frozenset[int]:
    """
    Return all levels that an array carries.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> sorted(levels_of(Dual(Dual(1.0, 2.0, 1), 3.0, 2)))
    [1, 2]
    """
    return x.levels() if isinstance(x, Leveled) else frozenset()


def drop_level(x: Array, level: int) -> Array:
    """
    Apply the VJP of lifting a constant to ``level`` to the cotangent ``x``.

    For a dual that is its tangent, not its primal: see ``Dual.project``.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> drop_level(Dual(1.0, 2.0, 7), 7)
    np.float64(2.0)
    """
    return x.drop_level(level) if level in levels_of(x) else x


def align_levels(cotangent: Array, value: Array, ambient: frozenset[int]) -> Array:
    """
    Bring a cotangent to the levels of the node that receives it.

    Ambient levels, those of the output or the seed of a sweep, stay, as in JAX's
    ``jvp`` of ``grad``. Of the other levels the cotangent gets those that the node's
    value has. One that only the cotangent has is dropped: the node was used as a
    constant (``lift``), and this is the VJP. One that only the value has is added: an
    op took the primal on the way, and this is the VJP of that.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> from tapem_dsl.tape.value import as_value
    >>> g = Dual(1.0, 2.0, 7)
    >>> align_levels(g, 0.0, frozenset())
    np.float64(2.0)
    >>> align_levels(g, 0.0, frozenset({7})) is g
    True
    >>> align_levels(as_value(3.0), g, frozenset())
    Dual(np.float64(0.0), np.float64(3.0), level=7)
    """
    has, wants = levels_of(cotangent), levels_of(value)
    if has != wants:
        for level in sorted(has - wants - ambient, reverse=True):
            cotangent = cotangent.drop_level(level)
        for level in sorted(wants - has - ambient):
            cotangent = value.add_level(cotangent, level)
    return cotangent


def raised(x: Array, of: Array) -> Array:
    """
    Lift an array to the levels of another that it lacks.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> from tapem_dsl.tape.value import as_value
    >>> raised(as_value(3.0), Dual(1.0, 2.0, 1))
    Dual(np.float64(3.0), np.float64(0.0), level=1)
    """
    if not isinstance(of, Layer):
        return x
    if isinstance(x, Layer) and x.level >= of.level:
        inner = of.parts()[0] if x.level == of.level else of
        return x.rebuilt(*(raised(part, inner) for part in x.parts()))
    return of.lift(raised(x, of.parts()[0]))
