"""Which namespace computes with these operands."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final, Never, cast

import numpy as np

from tapem_dsl.core.namespace.base import Array, Namespace
from tapem_dsl.core.namespace.exact import EXACT
from tapem_dsl.core.namespace.numpy import NUMPY

WITH_XP: Final = (
    "an op and its rule compute with xp and operators only: write it with xp"
)


class Carrier:
    """
    Base of arrays that carry other arrays: duals, lanes, recorded values.

    A carrier has a ``level``, fresh at each introduction and higher than the levels it
    carries, and a ``namespace`` that computes with it. Where operands of different
    carriers meet, the highest level computes and treats the others as constants. It
    also offers the operators, ``shape`` (without what it hides), ``ndim`` and
    ``dtype``. The members below are each asked for one thing only, named beside them; a
    carrier that is never used for that leaves them as they are.

    >>> class Traced(Carrier):
    ...     def __init__(self, level: int) -> None:
    ...         self.level = level
    ...         self.namespace = NUMPY
    >>> namespace_of(Traced(1)) is CARRIED
    True
    """

    level: int
    namespace: Namespace

    # Any: whatever NumPy passes, or somebody asks for.
    def __array__(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse to become a NumPy array, which would lose what is carried."""
        raise TypeError(f"NumPy makes no array of a {type(self).__name__}; {WITH_XP}")

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Never:
        """Refuse NumPy's functions."""
        name = function.__name__
        raise TypeError(f"np.{name} takes no {type(self).__name__}; {WITH_XP}")

    def __getattr__(self, name: str) -> Never:
        """Refuse an array's methods."""
        raise AttributeError(f"a {type(self).__name__} has no {name!r}; {WITH_XP}")

    # Asked where tapes are compared.

    def parts(self) -> tuple[object, ...]:
        """Give what ``==`` of tapes compares: all but the level, which is a name."""
        raise NotImplementedError

    # Asked where arrays are float16, which are computed with in float32.

    def astype(self, dtype: np.dtype[Any]) -> "Carrier":  # Any: of whatever scalar
        """Give the same in another floating-point type."""
        raise NotImplementedError

    # Asked in a sweep, of a cotangent or of a value that receives one.

    def receives(self, cotangent: Any) -> bool:  # Any: of this class
        """
        Tell quickly whether a cotangent has this value's levels, shape and scalar type.

        Where it says no, a slower way finds out.
        """
        return False

    def project(self) -> Array:
        """Give the cotangent that a constant receives when this is a cotangent."""
        raise NotImplementedError

    def lift(self, cotangent: Array) -> "Carrier":
        """Take a cotangent that knows nothing of this level up to it."""
        raise NotImplementedError

    def within(self, cotangent: Any) -> "Carrier":  # Any: of this class
        """Bring what a cotangent of this level carries to what this one carries."""
        raise NotImplementedError

    # Asked in a sweep where a program entered or left the level: what passes back
    # through the making of a dual, and through taking it apart.

    def to_primal(self, cotangent: Array) -> Array:
        """Give what a primal receives when the dual made of it does, at this level."""
        raise NotImplementedError

    def to_tangent(self, cotangent: Array) -> Array:
        """Give what a tangent receives when the dual made of it does."""
        raise NotImplementedError

    def from_primal(self, cotangent: Array) -> Array:
        """Give what a dual receives when its primal at this level does."""
        raise NotImplementedError

    def from_tangent(self, cotangent: Array) -> Array:
        """Give what a dual receives when its tangent at this level does."""
        raise NotImplementedError


def fitted(cotangent: Array, value: Array) -> Array:
    """
    Bring a cotangent to exactly the levels of a value.

    A level that the value lacks took it for a constant: what arrives is the adjoint of
    that. A level that the cotangent lacks is added.

    >>> fitted(np.float64(1), np.float64(2))
    np.float64(1.0)
    """
    ours = value.level if isinstance(value, Carrier) else 0
    theirs = cotangent.level if isinstance(cotangent, Carrier) else 0
    if ours == theirs:
        return value.within(cotangent) if ours else cotangent
    if theirs > ours:
        return fitted(cotangent.project(), value)
    return value.within(value.lift(cotangent))


def explained(slip: TypeError, who: str, operands: Iterable[object]) -> TypeError:
    """
    Say of what NumPy or Python refused about a carrier how an op should be written.

    >>> slip = TypeError("operand 'Dual' does not support ufuncs")
    >>> explained(slip, "sinh", [np.float64(1)]) is slip
    True
    """
    said = str(slip)
    foreign = "does not support ufuncs" in said or "unsupported operand" in said
    if foreign and any(isinstance(x, Carrier) for x in operands):
        return TypeError(f"{who}: {said}; {WITH_XP}")
    return slip


_SCALARS: Final = frozenset(np.sctypeDict.values()) - {np.object_}


def namespace_of(*operands: Array) -> Namespace:
    """
    Find the namespace that computes with all of these operands.

    Among plain operands one exact array makes the computation exact: a condition beside
    it is of truth values. A carrier gives the dispatching namespace, whose every
    function looks at its own operands.

    Cost:
        Some 50 ns an operand.

    Raises:
        TypeError: an operand that no namespace knows.

    >>> namespace_of(np.float64(1), np.zeros(3)) is NUMPY
    True
    """
    found: Namespace = NUMPY
    for x in operands:
        kind = type(x)
        if kind is np.ndarray:
            if x.dtype.hasobject:
                found = EXACT
        elif kind not in _SCALARS:
            if isinstance(x, Carrier):
                return CARRIED
            raise TypeError(
                f"no array namespace computes with {kind.__name__}; "
                "use NumPy arrays or scalars, or object arrays of Fraction"
            )
    return found


def _highest(operands: tuple[object, ...]) -> Namespace:
    """Find the namespace of the highest carrier, or that of the plain operands."""
    top: Carrier | None = None
    for x in operands:
        if isinstance(x, Carrier) and (top is None or x.level > top.level):
            top = x
    if top is not None:
        return top.namespace
    arrays = [x for x in operands if isinstance(x, np.ndarray | np.generic)]
    if any(x.dtype.kind in "fO" for x in arrays):  # a condition decides nothing
        return namespace_of(*arrays)
    # what exact arithmetic makes of a 0-d array is a bare Fraction
    return EXACT if any(isinstance(x, Fraction) for x in operands) else NUMPY


class _Carried:
    """Send each call to the namespace of its highest operand."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _MEMBERS:
            raise AttributeError(f"no namespace has {name!r}")

        def call(*operands: Array, **options: object) -> Array:
            return getattr(_highest(operands), name)(*operands, **options)

        setattr(self, name, call)  # the next time no search is needed
        return call


_MEMBERS: Final = Namespace.__abstractmethods__

CARRIED: Final = cast(Namespace, _Carried())
