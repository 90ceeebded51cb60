"""Arrays that hold their values, and note in a plan what is computed with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Never, cast, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import AnyArray, AnyDType, Array, Namespace, Tracer
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.keys import Eager
from tapem_dsl.interpreters.compiled.plan import FUNCTIONS, Check, Plan, Slot

READ: Final = (
    "under jit a number is another one in the next call, so Python code and NumPy "
    "functions may not read it; choose with `where`, name the argument in "
    "static_argnames, read it outside of jit, or pass guards=True for a plan of each "
    "outcome"
)


class ValueRead(TypeError):
    """Python code reads a value of a function under jit."""

    def __init__(self) -> None:
        super().__init__(READ)


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
        value: as eager evaluation has it.
        weak: ``float`` or ``int`` where eager evaluation has a number of Python.

    >>> plan = Plan()
    >>> x = Noted(plan, plan.input(np.float64(2)), np.float64(2))
    >>> 3 * x + 1
    Noted(%2, np.float64(7.0))
    >>> plan
    %0 = input -> float64[]
    %1 = multiply(3, %0) -> float64[]
    %2 = add(%1, 1) -> float64[]
    """

    __slots__ = ("plan", "slot", "value", "weak")

    level = 0

    # Any: a NumPy array or scalar.
    def __init__(
        self, plan: Plan, slot: Slot, value: Any, weak: type | None = None
    ) -> None:
        self.plan = plan
        self.slot = slot
        self.value = value
        self.weak = weak

    @property
    @override
    def shape(self) -> Shape:
        shape: Shape = self.value.shape
        return shape

    @property
    @override
    def dtype(self) -> AnyDType:
        dtype: AnyDType = self.value.dtype
        return dtype

    @property
    def size(self) -> int:
        """The number of entries."""
        size: int = self.value.size
        return size

    @override
    def parts(self) -> tuple[object, ...]:
        return self.slot, self.value

    @override
    def astype(self, dtype: AnyDType) -> "Noted":
        return _note("astype", (self, dtype), {})

    def __repr__(self) -> str:
        return f"Noted({self.slot}, {self.value!r})"

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self.value)))

    # -- what Python code would read ---------------------------------------------------

    def _read(self) -> Any:
        """Return the number, and note as a guard that it must be the same again."""
        if not self.plan.guards:
            raise ValueRead
        _decided(cast("Noted", self == self.value))
        return self.value

    def __bool__(self) -> bool:
        if not self.plan.guards:
            raise ValueRead
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

    def __rpow__(self, base: float) -> "Noted":
        """Note a power of a number of Python, as a bias correction takes it."""
        return host(partial(pow, base), self)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._read().item(), digits)

    # Any: whatever NumPy passes.
    @override
    def __array__(self, *args: Any, **kwargs: Any) -> Never:
        raise ValueRead


def _note(function: str, operands: tuple[Array, ...], options: dict[str, Any]) -> Noted:
    """Compute a member of NumPy's namespace, and note the call."""
    plan = _plan_of((*operands, *options.values()))
    value = FUNCTIONS[function](
        *map(_value, operands), **{name: _value(x) for name, x in options.items()}
    )
    arguments = tuple(_argument(plan, x) for x in operands)
    named = tuple((name, _argument(plan, x)) for name, x in options.items())
    slot = plan.call(function, arguments, named, value)
    return Noted(plan, slot, value, _weak(function, operands))


def _plan_of(operands: tuple[Array, ...]) -> Plan:
    """Return the plan of the noted operands, of which there is one."""
    plans = {id(x.plan): x.plan for x in operands if type(x) is Noted}
    if len(plans) > 1:
        raise Eager("it uses a value of a function under jit that calls it")
    (plan,) = plans.values()
    if plan.closed:
        raise TypeError(
            "a value of a function under jit was kept, and used after the call ended; "
            "return it instead"
        )
    return plan


def _value(x: Array) -> Array:
    return x.value if type(x) is Noted else x


def _argument(plan: Plan, x: Array) -> Array:
    """Return what stands in a call for an operand: a slot, or what is static."""
    if type(x) is Noted:
        return x.slot
    return plan.constant(x) if isinstance(x, np.ndarray | np.generic) else x


def _weak(function: str, operands: tuple[Array, ...]) -> type | None:
    """Return which number of Python eager evaluation has: none beside NumPy's."""
    kinds = {x.weak if type(x) is Noted else type(x) for x in operands}
    if function not in _WEAK or not kinds <= {int, float}:
        return None
    return float if float in kinds or function == "divide" else int


_WEAK: Final = frozenset({"add", "subtract", "multiply", "negative", "divide"})


def host(function: Callable[[Any], float], x: Noted) -> Noted:
    """
    Note a pure function of one number that Python computes, such as a schedule.

    >>> plan = Plan()
    >>> step = Noted(plan, plan.input(np.int64(3)), np.int64(3))
    >>> host(lambda n: 0.5**n, step).value
    np.float64(0.125)
    """
    on_number = OnNumber(function)
    value = on_number(x.value)
    return Noted(x.plan, x.plan.call(on_number, (x.slot,), (), value), value, float)


@final
@dataclass(frozen=True, slots=True)
class OnNumber:
    """
    A function of a number of Python, made one of a NumPy scalar.

    >>> OnNumber(abs)(np.int64(-2))
    np.float64(2.0)
    """

    function: Callable[[Any], float]

    def __call__(self, x: Any) -> Any:
        """Call the function."""
        return np.float64(self.function(x.item()))


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


def _decided(condition: Noted, *, precondition: bool = False) -> bool:
    """Return whether every entry is true, and note the answer as a check."""
    every = _note("all", (condition,), {}) if condition.shape else condition
    found = bool(every.value)
    every.plan.checks.append(Check(every.slot, found, precondition))
    return found


# Any, below: what the members of a namespace take.
class _Noting:
    """Note each call of a member; only a few do something else."""

    def __getattr__(self, name: str) -> Callable[..., Noted]:
        if name not in FUNCTIONS:
            raise AttributeError(f"no namespace has {name!r}")

        def call(*operands: Array, **options: Any) -> Noted:
            return _note(name, operands, options)

        setattr(self, name, call)  # the next time no search is needed
        return call

    def getitem(self, x: Array, index: Any, /) -> Array:
        if type(index) is Noted:  # of a mask the shape would not be known
            index = index.__index__()
        return _note("getitem", (x, index), {})

    def literal(self, x: Array, constant: object, /) -> Array:
        return FUNCTIONS["literal"](x, constant)  # it asks for the dtype only

    def constant(self, x: Array, /) -> Array:
        return x

    def canonical(self, x: Array, /) -> Array:
        return x

    def concrete(self, x: Array, /) -> None:
        return None

    def apply(self, op: Any, /, *operands: Array) -> Array:
        return op.evaluate(self, *operands)

    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        return _decided(predicate(*arrays))

    def require(self, predicate: Callable[..., Array], x: Array, /, error: Any) -> None:
        if not _decided(predicate(x), precondition=True):
            raise PreconditionFailed


Noted.namespace = cast(Namespace, _Noting())
