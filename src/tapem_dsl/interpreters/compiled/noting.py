"""Arrays that hold their values, and note in a plan what is computed with them."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import prod
from typing import Any, Final, Never, cast, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import (
    NO_OPERATOR,
    AnyArray,
    AnyDType,
    Array,
    Namespace,
    Tracer,
    no_function,
)
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.functions import FUNCTIONS
from tapem_dsl.interpreters.compiled.innermost import Innermost
from tapem_dsl.interpreters.compiled.keys import Eager
from tapem_dsl.interpreters.compiled.plan import (
    PYTHON,
    Check,
    Plan,
    SameBits,
    SameType,
    Slot,
)
from tapem_dsl.tape.value import SCALARS

READ: Final = (
    "under jit a number is another one in the next call, so Python code and NumPy "
    "functions may not read it; choose with `where`, name the argument in "
    "static_argnames, read it outside of jit, or pass guards=True for a plan of each "
    "outcome"
)


class ValueRead(TypeError):
    """Python code reads a value of a function under jit."""

    def __init__(self, message: str = READ) -> None:
        super().__init__(message)


class ValueKept(TypeError):
    """A value of a function under jit is used after its call."""

    def __init__(self) -> None:
        super().__init__(
            "a value of a function under jit was kept, and used after the call ended; "
            "return it instead"
        )


class PreconditionFailed(Exception):
    """A precondition does not hold: the program itself says which, and of what."""


@final
class Noted(Tracer):
    """
    A value of a plan under construction: the real one, and where it stands there.

    Its level is 0: it is inside of every dual and every recorded value.

    Args:
        plan: that notes what is computed.
        slot: of this value in the plan.
        value: as eager evaluation has it: an array, a NumPy scalar, or a number of
            Python, beside which NumPy keeps the dtype of the other operand.

    >>> plan = Plan()
    >>> x = Noted(plan, plan.input(np.float64(2)), np.float64(2))
    >>> 3 * x + 1
    Noted(%2, np.float64(7.0))
    >>> plan
    %0 = input -> float64[]
    %1 = multiply(3, %0) -> float64[]
    %2 = add(%1, 1) -> float64[]
    """

    __slots__ = ("plan", "slot", "value")

    level = 0

    # Any: a NumPy array or scalar, or a number of Python.
    def __init__(self, plan: Plan, slot: Slot, value: Any) -> None:
        self.plan = plan
        self.slot = slot
        self.value = value

    @property
    @override
    def shape(self) -> Shape:
        return getattr(self.value, "shape", ())

    @property
    @override
    def dtype(self) -> AnyDType:
        dtype: AnyDType = PYTHON.get(type(self.value)) or self.value.dtype
        return dtype

    @property
    def size(self) -> int:
        """The number of entries."""
        return prod(self.shape)

    @property
    def pends(self) -> bool:
        """Whether products of it may wait without bound, until they are summed."""
        return self.plan.rolls

    @property
    def is_weak(self) -> bool:
        """Whether eager evaluation has a number of Python here."""
        return type(self.value) in PYTHON

    @override
    def parts(self) -> tuple[object, ...]:
        return self.slot, self.value

    @override
    def astype(self, dtype: AnyDType) -> "Noted":
        return _note("astype", (self, dtype), {})

    @override
    def as_leaf(self) -> "Noted":
        """Note what a leaf of a tape makes of a number of Python."""
        return _note("as_value", (self,), {}) if self.is_weak else self

    def __repr__(self) -> str:
        return f"Noted({self.slot}, {self.value!r})"

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self.value)))

    def __copy__(self) -> "Noted":
        return self

    # Any: as copy has it.
    def __deepcopy__(self, memo: Any) -> "Noted":
        return self

    # -- what Python code would read ---------------------------------------------------

    def _refuse(self, message: str = READ) -> ValueRead:
        """Remember the mistake, which the code may catch, and return the error."""
        error = ValueRead(message)
        self.plan.stopped = error
        return error

    def _read(self) -> Any:
        """Return the number, and note as a guard that it must be the same again."""
        if not self.plan.guards:
            raise self._refuse()
        _decided(host(SameBits(self.value), self))
        return self.value

    def __bool__(self) -> bool:
        if not self.plan.guards:
            raise self._refuse()
        if self.size != 1:
            raise ValueError("the truth value of several entries is ambiguous")
        return _decided(self)

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __index__(self) -> int:
        index: int = self._read().__index__()
        return index

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._read(), digits)

    def __str__(self) -> str:
        return str(self._read())

    def __format__(self, spec: str) -> str:
        return format(self._read(), spec)

    @override
    def __abs__(self) -> "Noted":
        return host(abs, self) if self.is_weak else _note("abs", (self,), {})

    def __rpow__(self, base: float) -> "Noted":
        """Note a power of numbers of Python, as a bias correction takes it."""
        if not self.is_weak or type(base) not in PYTHON:
            raise self._refuse()
        return host(partial(pow, base), self)

    # Any, below: whatever NumPy passes, or somebody asks for.
    def _in_place(self, other: Any) -> Any:
        """Refuse to change an array, which eager evaluation does in place."""
        if self.shape:
            raise self._refuse()
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = _in_place

    def _no_operator(self, *_: Any) -> Never:
        raise self._refuse(READ if self.is_weak else NO_OPERATOR)

    __pow__ = __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _no_operator
    __matmul__ = __rmatmul__ = __divmod__ = __rdivmod__ = _no_operator
    __setitem__ = __trunc__ = _no_operator

    @override
    def __array__(self, *args: Any, **kwargs: Any) -> Never:
        raise self._refuse()

    @override
    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Never:
        raise self._refuse()

    @override
    def __getattr__(self, name: str) -> Never:
        if hasattr(np.ndarray, name) or hasattr(self.value, name):
            self.plan.stopped = ValueRead()
        raise AttributeError(f"{name!r} of an array under jit: {READ}")


def _note(function: str, operands: tuple[Array, ...], options: dict[str, Any]) -> Noted:
    """Compute a member of NumPy's namespace, and note the call."""
    plan = _plan_of((*operands, *options.values()) if options else operands)
    value = FUNCTIONS[function](
        *[x.value if type(x) is Noted else x for x in operands],
        **{name: _value(x) for name, x in options.items()},
    )
    if type(value) is not np.ndarray and type(value) not in SCALARS:
        _must_be_a_number(plan, value)
    if len(plan.calls) >= MOST_CALLS:
        raise _stopped([plan], Eager(f"it makes more than {MOST_CALLS:,} calls"))
    arguments = tuple([_argument(plan, x) for x in operands])
    named = tuple([(name, _argument(plan, x)) for name, x in options.items()])
    return Noted(plan, plan.call(function, arguments, named, value), value)


MOST_CALLS: Final = 5_000_000
"""How many calls a plan may have: each takes some 300 bytes while it is noted."""


def _plan_of(operands: tuple[Array, ...]) -> Plan:
    """Return the plan of the noted operands, of which there is one."""
    plans = [x.plan for x in operands if type(x) is Noted]
    plan = plans[0]
    if any(other.closed for other in plans):
        raise ValueKept
    if any(other is not plan for other in plans):
        raise Eager(FOREIGN)  # ends the inner plan only, so that no plan remembers it
    return plan


def _stopped(plans: Iterable[Plan], reason: Exception) -> Exception:
    """Remember why plans end here, for code that catches the reason."""
    for plan in plans:
        plan.stopped = reason
    return reason


def _must_be_a_number(plan: Plan, value: object) -> None:
    """Check that a plan may hold a value: no exact rational, for example."""
    if type(value) not in PYTHON and not isinstance(value, np.generic | np.ndarray):
        raise _stopped([plan], Eager(f"a number of it is a {type(value).__name__}"))


FOREIGN: Final = "it uses a value of a function under jit that calls it"


def _value(x: Array) -> Array:
    return x.value if type(x) is Noted else x


def _argument(plan: Plan, x: Array) -> Array:
    """Return what stands in a call for an operand: a slot, or what is static."""
    if type(x) is Noted:
        return x.slot
    return plan.constant(x) if isinstance(x, np.ndarray | np.generic) else x


# Any: what the function takes and returns.
def host(function: Callable[..., Any], *operands: Noted) -> Noted:
    """
    Note a pure function of numbers that Python computes, such as a schedule.

    >>> plan = Plan()
    >>> step = Noted(plan, plan.input(3), 3)
    >>> host(lambda n: 0.5**n, step)
    Noted(%1, 0.125)
    """
    plan = _plan_of(operands)
    value = function(*[x.value for x in operands])
    _must_be_a_number(plan, value)
    slots = tuple(x.slot for x in operands)
    typed = SameType(function, type(value))
    return Noted(plan, plan.call(typed, slots, (), value), value)


def power(base: Any, exponent: Any) -> Any:
    """
    Raise a number to a count, as Python does, also where the count is noted.

    >>> power(0.5, 3)
    0.125
    """
    if type(exponent) is Noted:
        return host(partial(pow, base), exponent)
    return base**exponent


def host_arrays(function: Callable[..., list[AnyArray]], *arrays: Array) -> list[Noted]:
    """
    Note a pure function from arrays to a list of arrays, all of it as one call.

    >>> plan = Plan()
    >>> x = Noted(plan, plan.input(np.ones(2)), np.ones(2))
    >>> host_arrays(lambda x: [x + 1, x], x)
    [Noted(%2, array([2., 2.])), Noted(%3, array([1., 1.]))]
    """
    plan = _plan_of(arrays)
    values = function(*map(_value, arrays))
    arguments = tuple(_argument(plan, x) for x in arrays)
    several = plan.call(function, arguments, (), np.empty((), object))
    return [
        Noted(plan, plan.call("getitem", (several, i), (), x), x)
        for i, x in enumerate(values)
    ]


def _decided(condition: Array, *, precondition: bool = False) -> bool:
    """Return whether every entry is true, and note the answer as a check."""
    if type(condition) is not Noted:  # of constants only
        return bool(np.all(condition))
    every = _note("all", (condition,), {}) if condition.shape else condition
    found = bool(every.value)
    every.plan.checks.append(Check(every.slot, found, precondition))
    return found


# Any, below: what the members of a namespace take.
class _Noting(Innermost):
    """Note each call of a member; only a few do something else."""

    def __getattr__(self, name: str) -> Callable[..., Noted]:
        if name not in FUNCTIONS:
            raise no_function(name)

        def call(*operands: Array, **options: Any) -> Noted:
            return _note(name, operands, options)

        setattr(self, name, call)  # the next time no search is needed
        return call

    def getitem(self, x: Array, index: Any, /) -> Array:
        parts = index if isinstance(index, tuple) else (index,)
        fixed = tuple(_fixed(cast(Noted, x).plan, part) for part in parts)
        return _note(
            "getitem", (x, fixed if isinstance(index, tuple) else fixed[0]), {}
        )

    def literal(self, x: Array, constant: object, /) -> Array:
        if type(constant) is Noted:
            return _note("literal", (x, constant), {})
        return FUNCTIONS["literal"](x, constant)  # it asks for the dtype only

    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        return _decided(predicate(*arrays))

    def require(self, predicate: Callable[..., Array], x: Array, /, error: Any) -> None:
        condition = predicate(x)
        if not _decided(condition, precondition=True):
            plans = [n.plan for n in (condition, x) if type(n) is Noted]
            raise _stopped(plans, PreconditionFailed())


def _fixed(plan: Plan, part: Any) -> Any:
    """Return an index that is the same each time: of a mask no shape would be known."""
    if type(part) is Noted:
        return part.__index__()
    if part is None or part is Ellipsis or isinstance(part, int | np.integer | slice):
        return part
    raise _stopped([plan], Eager(f"an index of it is a {type(part).__name__}"))


Noted.namespace = cast(Namespace, _Noting())
