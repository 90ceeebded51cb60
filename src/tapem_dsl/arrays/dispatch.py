"""Which namespace computes with these operands."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final, Never, cast

import numpy as np

from tapem_dsl.arrays.exact import EXACT
from tapem_dsl.arrays.namespace import AnyDType, Array, Namespace, no_function
from tapem_dsl.arrays.numpy import NUMPY
from tapem_dsl.arrays.shape import Shape

WITH_XP: Final = (
    "an op and its rule compute with the functions of xp and the operators "
    "+ - * / < <= > >= == != & | ~ []: write it with xp, and x**2 as x * x"
)

NO_OPERATOR: Final = f"a tracer has no ** // % @ and no item assignment; {WITH_XP}"


# Any: operands of any kind.
def _operators(
    name: str,
) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Make an operator and its reflection: the operand of the higher level computes."""

    def operate(x: Any, y: Any) -> Any:
        higher = y if isinstance(y, Tracer) and y.level > x.level else x
        return getattr(higher.namespace, name)(x, y)

    def reflected(y: Any, x: Any) -> Any:
        higher = x if isinstance(x, Tracer) and x.level > y.level else y
        return getattr(higher.namespace, name)(x, y)

    return operate, reflected


class Tracer:
    """
    Base of arrays that stand for other arrays: duals, recorded values.

    A tracer has a ``level``, higher than the levels of what it wraps, and a
    ``namespace`` that computes with it. Of several operands, that of the highest level
    computes, and the others are constants to it.

    >>> class Traced(Tracer):
    ...     def __init__(self, level: int) -> None:
    ...         self.level = level
    ...         self.namespace = NUMPY
    >>> namespace_of(Traced(1)) is DISPATCHING
    True
    """

    __slots__ = ()

    __array_ufunc__ = None  # so that an array to the left leaves the work to us
    __hash__ = None  # type: ignore[assignment] # == is entry by entry

    level: int
    namespace: Namespace

    # Any: whatever NumPy passes, or somebody asks for.
    def __array__(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse to become a NumPy array, which would lose what is traced."""
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

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """The shape of the array that this stands for."""

    @property
    @abstractmethod
    def dtype(self) -> AnyDType:
        """The dtype of the array that this stands for."""

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @abstractmethod
    def parts(self) -> tuple[object, ...]:
        """Return what ``==`` of tapes compares: all but the level, which is a name."""

    @abstractmethod
    def astype(self, dtype: AnyDType) -> "Tracer":
        """Return the same in another floating-point dtype."""

    def as_leaf(self) -> "Tracer":
        """Return what a leaf of a tape holds for this."""
        return self

    def __getitem__(self, index: Any) -> Array:
        return self.namespace.getitem(self, index)

    def __neg__(self) -> Array:
        return self.namespace.negative(self)

    def __abs__(self) -> Array:
        return self.namespace.abs(self)

    def __invert__(self) -> Array:
        return self.namespace.logical_not(self)

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("subtract")
    __mul__, __rmul__ = _operators("multiply")
    __truediv__, __rtruediv__ = _operators("divide")
    __and__, __rand__ = _operators("logical_and")
    __or__, __ror__ = _operators("logical_or")
    __lt__, __gt__ = _operators("less")[0], _operators("greater")[0]
    __le__, __ge__ = _operators("less_equal")[0], _operators("greater_equal")[0]
    __eq__, __ne__ = _operators("equal")[0], _operators("not_equal")[0]


def explain_type_error(
    error: TypeError, who: str, operands: Iterable[object]
) -> TypeError:
    """
    Say of what NumPy or Python refused about a tracer how an op should be written.

    >>> error = TypeError("operand 'Dual' does not support ufuncs")
    >>> explain_type_error(error, "sinh", [np.float64(1)]) is error
    True
    """
    text = str(error)
    foreign = "does not support ufuncs" in text or "unsupported operand" in text
    if foreign and any(isinstance(x, Tracer) for x in operands):
        return TypeError(f"{who}: {text}; {WITH_XP}")
    return error


_SCALARS: Final = frozenset(np.sctypeDict.values()) - {np.object_}


def namespace_of(*operands: Array) -> Namespace:
    """
    Return the namespace that computes with all of these operands.

    Beside one exact array all plain operands are exact, or conditions. With a tracer
    among the operands it is the dispatching namespace, each function of which looks at
    its own operands.

    Cost:
        About 50 ns an operand.

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
                return DISPATCHING
            raise TypeError(
                f"no array namespace computes with {kind.__name__}; "
                "use NumPy arrays or scalars, or object arrays of Fraction"
            )
    return found


def _highest(operands: tuple[object, ...]) -> Namespace:
    """Return the namespace of the highest tracer, or that of the plain operands."""
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


class _Dispatching:
    """The namespace that sends each call to the namespace of its highest operand."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _MEMBERS:
            raise no_function(name)

        def call(*operands: Array, **options: object) -> Array:
            return getattr(_highest(operands), name)(*operands, **options)

        setattr(self, name, call)  # the next time no search is needed
        return call


_MEMBERS: Final = Namespace.__abstractmethods__ | {"apply", "outer_sum", "require"}

DISPATCHING: Final = cast(Namespace, _Dispatching())
