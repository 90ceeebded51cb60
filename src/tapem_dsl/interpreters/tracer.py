"""Levels of arrays that wrap arrays, such as duals: entering, leaving, agreeing."""

from abc import abstractmethod
from typing import Any

import numpy as np

from tapem_dsl.arrays import Array, Tracer


class Leveled(Tracer):
    """
    A wrapping array as derivatives see it: with levels that can be entered and left.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> issubclass(Dual, Leveled)
    True
    """

    __slots__ = ()

    @abstractmethod
    def levels(self) -> frozenset[int]:
        """Tell all levels that it carries."""

    @abstractmethod
    def lift(self, x: Array) -> "Leveled":
        """Take a plain array, or one of lower levels, for a constant here."""

    @abstractmethod
    def drop_level(self, level: int) -> Array:
        """Give what a constant receives where its lift to a level receives this."""

    @abstractmethod
    def add_level(self, cotangent: Array, level: int) -> Array:
        """Give what this receives where what lost a level on its way receives that."""

    def receives(self, cotangent: Any) -> bool:  # Any: of this class
        """
        Tell quickly whether a cotangent has this value's levels, shape and scalar type.

        Where it says no, a slower way finds out.
        """
        return False


class Layer(Leveled):
    """
    An array made of arrays of lower levels: its parts.

    A subclass says what its parts are, how to put others in their place, what a
    constant is, and the adjoint of that; all else about levels follows.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> issubclass(Dual, Layer)
    True
    """

    __slots__ = ()

    @abstractmethod
    def parts(self) -> tuple[Array, ...]:
        """Give the arrays that this is made of; the first is its value."""

    @abstractmethod
    def rebuilt(self, *parts: Array) -> "Layer":
        """Make the same kind of array, at this level, of other parts."""

    @abstractmethod
    def lift(self, x: Array) -> "Layer":
        """Take an array of lower levels for a constant at this one."""

    @abstractmethod
    def project(self) -> Array:
        """Give what a constant receives where its lift receives this: the adjoint."""

    @abstractmethod
    def inject(self, x: Array) -> Array:
        """Give what a value receives where its first part receives this."""

    def astype(self, dtype: "np.dtype[Any]") -> "Layer":  # Any: of whatever scalar
        """Give all parts in that type."""
        return self.rebuilt(*(part.astype(dtype) for part in self.parts()))

    def levels(self) -> frozenset[int]:
        """Tell its own level and those of its parts."""
        return frozenset({self.level}).union(*map(levels_of, self.parts()))

    def drop_level(self, level: int) -> Array:
        """Project one level away, also where higher ones surround it."""
        if self.level == level:
            return self.project()
        return self.rebuilt(*(drop_level(part, level) for part in self.parts()))

    def add_level(self, cotangent: Array, level: int) -> Array:
        """Inject at the level, which is its own or one of its parts'."""
        if self.level == level:
            return self.inject(cotangent)
        part = next(part for part in self.parts() if level in levels_of(part))
        return part.add_level(cotangent, level)


def levels_of(x: Array) -> frozenset[int]:
    """
    Tell all levels that an array carries.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> inner = Dual(np.float64(1), np.float64(2), 1)
    >>> sorted(levels_of(Dual(inner, np.float64(3), 2)))
    [1, 2]
    """
    return x.levels() if isinstance(x, Leveled) else frozenset()


def drop_level(x: Array, level: int) -> Array:
    """
    Give the cotangent of a constant, where that of its lift to a level is ``x``.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> drop_level(Dual(np.float64(1), np.float64(2), 7), 7)
    np.float64(2.0)
    """
    return x.drop_level(level) if level in levels_of(x) else x


def align_levels(cotangent: Array, value: Array, ambient: frozenset[int]) -> Array:
    """
    Bring a cotangent to the levels of the node that receives it.

    Ambient levels, those that the output or the seed of a sweep carries, stay: to them
    the sweep is one more function, whose result carries their derivative. A level that
    was entered below the output and left again is dropped where the node lacks it: the
    node was a constant there. Where the node has it and the cotangent lacks it, what
    was computed of the node lost the level on the way, as the tangent of another level
    does where the two are independent. That took the value of the level, so that the
    cotangent becomes a multiple of ``e``.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> g = Dual(np.float64(1), np.float64(2), 7)
    >>> align_levels(g, np.float64(0), frozenset())
    np.float64(2.0)
    >>> align_levels(g, np.float64(0), frozenset({7})) is g
    True
    >>> align_levels(np.float64(3), g, frozenset())
    Dual(np.float64(0.0), np.float64(3.0), level=7)
    """
    has, wants = levels_of(cotangent), levels_of(value)
    if has != wants:
        for level in sorted(has - wants - ambient, reverse=True):
            cotangent = cotangent.drop_level(level)
        for level in sorted(wants - has - ambient):
            cotangent = value.add_level(cotangent, level)
    return cotangent


# Any: an array of whatever kind.
def parts_at(x: Any, of: Layer) -> tuple[Array, ...]:
    """
    Take an array apart at the level of another: a constant is lifted first.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> parts_at(np.float64(3), Dual(np.float64(1), np.float64(2), 7))
    (np.float64(3.0), np.float64(0.0))
    """
    same = isinstance(x, Layer) and x.level == of.level
    return (x if same else of.lift(x)).parts()


def raised(x: Array, of: Array) -> Array:
    """
    Add the levels of another array that this one lacks: to them it is a constant.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> dual = Dual(np.ones(1), np.ones(1), 1)
    >>> raised(np.zeros(1), dual)
    Dual(array([0.]), array([0.]), level=1)
    """
    if not isinstance(of, Layer):
        return x
    if isinstance(x, Layer) and x.level >= of.level:
        inner = of.parts()[0] if x.level == of.level else of
        return x.rebuilt(*(raised(part, inner) for part in x.parts()))
    return of.lift(raised(x, of.parts()[0]))
