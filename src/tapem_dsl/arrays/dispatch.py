"""Which namespace computes with these operands."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final, Never, cast

import numpy as np

from tapem_dsl.arrays.exact import EXACT
from tapem_dsl.arrays.namespace import Array, Namespace
from tapem_dsl.arrays.numpy import NUMPY

WITH_XP: Final = (
    "an op and its rule compute with xp and operators only: write it with xp"
)


class Tracer:
    """
    Base of arrays that wrap other arrays: duals, recorded values.

    One has a ``level``, fresh at each introduction and higher than the levels that it
    wraps, and a ``namespace`` that computes with it. Where operands of different levels
    meet, the highest computes and takes the others for constants: the operators see to
    that, and :func:`namespace_of`. A subclass also has ``shape``, ``ndim`` and
    ``dtype``, those of what it stands for.

    >>> class Traced(Tracer):
    ...     def __init__(self, level: int) -> None:
    ...         self.level = level
    ...         self.namespace = NUMPY
    >>> namespace_of(Traced(1)) is CARRIED
    True
    """

    __slots__ = ()

    __array_ufunc__ = None  # so that an array to the left leaves the work to us
    __hash__ = None  # type: ignore[assignment] # == is entry by entry

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

    @abstractmethod
    def parts(self) -> tuple[object, ...]:
        """Give what ``==`` of tapes compares: all but the level, which is a name."""

    @abstractmethod
    def astype(self, dtype: np.dtype[Any]) -> "Tracer":  # Any: of whatever scalar
        """Give the same in another floating-point type."""

    # Any, below: an operand of whatever kind, or an index.

    def __getitem__(self, index: Any) -> Array:
        return self.namespace.getitem(self, index)

    def __neg__(self) -> Array:
        return self.namespace.negative(self)

    def __invert__(self) -> Array:
        return self.namespace.logical_not(self)

    def __add__(self, other: Any) -> Array:
        return _higher(self, other).add(self, other)

    def __radd__(self, other: Any) -> Array:
        return _higher(self, other).add(other, self)

    def __sub__(self, other: Any) -> Array:
        return _higher(self, other).subtract(self, other)

    def __rsub__(self, other: Any) -> Array:
        return _higher(self, other).subtract(other, self)

    def __mul__(self, other: Any) -> Array:
        return _higher(self, other).multiply(self, other)

    def __rmul__(self, other: Any) -> Array:
        return _higher(self, other).multiply(other, self)

    def __truediv__(self, other: Any) -> Array:
        return _higher(self, other).divide(self, other)

    def __rtruediv__(self, other: Any) -> Array:
        return _higher(self, other).divide(other, self)

    def __lt__(self, other: Any) -> Array:
        return _higher(self, other).less(self, other)

    def __le__(self, other: Any) -> Array:
        return _higher(self, other).less_equal(self, other)

    def __gt__(self, other: Any) -> Array:
        return _higher(self, other).greater(self, other)

    def __ge__(self, other: Any) -> Array:
        return _higher(self, other).greater_equal(self, other)

    def __eq__(self, other: object) -> Any:
        return _higher(self, other).equal(self, other)

    def __ne__(self, other: object) -> Any:
        return _higher(self, other).not_equal(self, other)

    def __and__(self, other: Any) -> Array:
        return _higher(self, other).logical_and(self, other)

    def __rand__(self, other: Any) -> Array:
        return _higher(self, other).logical_and(other, self)

    def __or__(self, other: Any) -> Array:
        return _higher(self, other).logical_or(self, other)

    def __ror__(self, other: Any) -> Array:
        return _higher(self, other).logical_or(other, self)


def _higher(x: Tracer, other: object) -> Namespace:
    """Find which of two operands computes."""
    if isinstance(other, Tracer) and other.level > x.level:
        return other.namespace
    return x.namespace


def explained(slip: TypeError, who: str, operands: Iterable[object]) -> TypeError:
    """
    Say of what NumPy or Python refused about a tracer how an op should be written.

    >>> slip = TypeError("operand 'Dual' does not support ufuncs")
    >>> explained(slip, "sinh", [np.float64(1)]) is slip
    True
    """
    said = str(slip)
    foreign = "does not support ufuncs" in said or "unsupported operand" in said
    if foreign and any(isinstance(x, Tracer) for x in operands):
        return TypeError(f"{who}: {said}; {WITH_XP}")
    return slip


_SCALARS: Final = frozenset(np.sctypeDict.values()) - {np.object_}


def namespace_of(*operands: Array) -> Namespace:
    """
    Find the namespace that computes with all of these operands.

    Among plain operands one exact array makes the computation exact: a condition beside
    it is of truth values. A tracer gives the dispatching namespace, whose every
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
            if isinstance(x, Tracer):
                return CARRIED
            raise TypeError(
                f"no array namespace computes with {kind.__name__}; "
                "use NumPy arrays or scalars, or object arrays of Fraction"
            )
    return found


def _highest(operands: tuple[object, ...]) -> Namespace:
    """Find the namespace of the highest tracer, or that of the plain operands."""
    top: Tracer | None = None
    for x in operands:
        if isinstance(x, Tracer) and (top is None or x.level > top.level):
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


_MEMBERS: Final = Namespace.__abstractmethods__ | {"apply"}

CARRIED: Final = cast(Namespace, _Carried())
