"""A plan: the calls of an array namespace that one run made, in order, as data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import AnyArray, AnyDType
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.tape.equality import same


@final
class Slot(int):
    """
    The number of a value in a plan, told from the integers among the arguments.

    >>> Slot(3)
    %3
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"%{int(self)}"


# Any: what a member of the namespace takes beside arrays: shapes, axes, literals.
Argument: TypeAlias = Any


class Call(NamedTuple):
    """
    One call: its result is the slot of its place in the plan.

    >>> Call("add", (Slot(0), 2), (), (), np.dtype(np.float64))
    add(%0, 2) -> float64[]
    """

    function: "Function"
    """A member of :data:`FUNCTIONS`; a loop; or a pure function of Python."""

    arguments: tuple[Argument, ...]
    options: tuple[tuple[str, Argument], ...]
    shape: Shape
    dtype: AnyDType
    weak: bool = False
    """Whether the value is a number of Python: NumPy gives it the type beside it."""

    def slots(self) -> Iterator[Slot]:
        """List the values that it reads."""
        for x in self.arguments:
            if type(x) is Slot:
                yield x
        for _, x in self.options:
            if type(x) is Slot:
                yield x

    def __repr__(self) -> str:
        name = self.function
        if not isinstance(name, str):
            name = getattr(name, "__qualname__", repr(name))
        given = [*map(repr, self.arguments), *[f"{k}={v!r}" for k, v in self.options]]
        return f"{name}({', '.join(given)}) -> {self.dtype}{list(self.shape)}"


class Check(NamedTuple):
    """A truth value that must come out as it did when it was noted."""

    slot: Slot
    expected: bool
    precondition: bool
    """Whether the program fails otherwise; else it goes another way."""


# Any: of whatever arguments and result.
Function: TypeAlias = "str | Scan | Callable[..., Any]"
"""A member of the namespace, a loop, or a pure function of Python."""


@final
class SameBits:
    """
    Whether a number is the same as one before, bit for bit; all NaNs are one.

    >>> SameBits(0.0)(-0.0), SameBits(np.nan)(np.nan)
    (False, True)
    """

    __slots__ = ("number",)

    # Any: a number of Python or NumPy.
    def __init__(self, number: Any) -> None:
        self.number = number

    def __call__(self, x: Any) -> bool:
        """Compare."""
        return same(x, self.number)

    def __eq__(self, other: object) -> bool:
        return type(other) is SameBits and same(other.number, self.number)

    def __hash__(self) -> int:
        return hash(repr(self.number))


@final
@dataclass(frozen=True, slots=True)
class SameType:
    """
    A function of Python in a plan, whose result must be of the type it was.

    >>> SameType(abs, float)(-1.0)
    1.0
    """

    function: Callable[..., Any]
    kind: type

    # Any: numbers of Python or NumPy.
    def __call__(self, *operands: Any) -> Any:
        """Call."""
        value = self.function(*operands)
        if type(value) is not self.kind:
            raise TypeError(f"{type(value).__name__}, before {self.kind.__name__}")
        return value

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))


@final
class Plan:
    """
    Values in single assignment: inputs, constants and the results of calls.

    A plan grows while its program runs. What it notes can be run again on other inputs
    of the same shapes and dtypes.

    Args:
        guards: whether Python code may read values; each answer becomes a check.
        rolls: whether the order of sums may change.

    >>> plan = Plan()
    >>> x = plan.input(np.float64(2))
    >>> y = plan.call("mul", (x, 3), (), np.float64(6))
    >>> plan
    %0 = input -> float64[]
    %1 = mul(%0, 3) -> float64[]
    """

    __slots__ = (
        *("_constants", "calls", "checks", "closed", "constants", "guards", "inputs"),
        *("rolls", "stopped"),
    )

    def __init__(self, *, guards: bool = False, rolls: bool = False) -> None:
        self.guards = guards
        self.rolls = rolls
        self.calls: list[Call] = []
        self.inputs: list[Slot] = []
        self.constants: dict[Slot, AnyArray] = {}
        self.checks: list[Check] = []
        self.closed = False
        self.stopped: Exception | None = None  # why noting ends, also if it is caught
        self._constants: dict[int, tuple[Slot, object]] = {}

    # Any, below: a NumPy array or scalar, or a number of Python.
    def input(self, value: Any) -> Slot:
        """Add an argument of the function."""
        slot = self.call("input", (), (), value)
        self.inputs.append(slot)
        return slot

    def constant(self, value: Any) -> Slot:
        """Add an array that was there before, as it is now."""
        known = self._constants.get(id(value))
        if known is not None:
            return known[0]
        slot = self.call("constant", (), (), value)
        if _stays(value):
            self.constants[slot] = value
            self._constants[id(value)] = slot, value  # alive: its id is its own
        else:
            self.constants[slot] = value.copy()
        return slot

    def call(
        self,
        function: "Function",
        arguments: tuple[Argument, ...],
        options: tuple[tuple[str, Argument], ...],
        value: Any,
    ) -> Slot:
        """Add a call, and the shape and dtype of what it returned."""
        dtype = PYTHON.get(type(value))
        if dtype is None:
            call = Call(function, arguments, options, value.shape, value.dtype)
        else:
            call = Call(function, arguments, options, (), dtype, weak=True)
        return self.append(call)

    def append(self, call: Call) -> Slot:
        """Add a call whose shape and dtype are known."""
        self.calls.append(call)
        return Slot(len(self.calls) - 1)

    def add(
        self,
        function: "Function",
        arguments: tuple[Argument, ...],
        shape: Shape,
        dtype: AnyDType,
        **options: Argument,
    ) -> Slot:
        """Add a call by its parts."""
        return self.append(
            Call(function, arguments, tuple(options.items()), shape, dtype)
        )

    def close(self) -> None:
        """Take no more calls, and let go of what only noting needed."""
        self.closed = True
        self._constants = {}

    def count(self) -> int:
        """Return the number of calls beside inputs and constants."""
        return len(self.calls) - len(self.inputs) - len(self.constants)

    def is_like(self, other: "Plan") -> bool:
        """Return whether the other makes the same calls and checks."""
        return self.checks == other.checks and self.calls == other.calls

    def __repr__(self) -> str:
        checks = {check.slot: check.expected for check in self.checks}
        lines = []
        for at, call in enumerate(self.calls):
            slot = Slot(at)
            text = (
                repr(call).replace("input()", "input").replace("constant()", "constant")
            )
            wanted = f"  # must be {checks[slot]}" if slot in checks else ""
            lines.append(f"{slot} = {text}{wanted}")
        return "\n".join(lines)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """
    A function that runs a plan once a step, each step with results of the one before.

    Its arguments are the first values of what is carried, then arrays of one value a
    step, then values that are the same in all steps; the inputs of the body are these,
    in this order. It returns arrays of one value a step for what is kept, then the last
    values of what is carried.

    JAX: ``jax.lax.scan``.
    """

    body: Plan
    carried: tuple[Slot, ...]
    """Values of the body that the next step begins with."""

    kept: tuple[Slot, ...]
    """Values of the body that are wanted of each step."""

    stacked: int
    """How many arguments have one value a step."""

    times: int
    reverse: bool
    """Whether the last value of each array belongs to the first step."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scan) and (
            self._form() == other._form() and self.body.is_like(other.body)
        )

    def __hash__(self) -> int:
        return hash(self._form())

    def _form(self) -> tuple[object, ...]:
        return self.carried, self.kept, self.stacked, self.times, self.reverse

    def __repr__(self) -> str:
        return f"scan of {self.times} steps"


def slice_of(indices: NDArray[np.intp], extent: int) -> slice | None:
    """
    Return the slice of indices that are equally far apart, if they are.

    >>> slice_of(np.array([3, 2, 1, 0]), 4), slice_of(np.array([0, 2, 3]), 4)
    (slice(3, None, -1), None)
    >>> slice_of(np.array([0, 1]), 2)
    slice(None, None, None)
    """
    n = len(indices)
    first, last = int(indices[0]), int(indices[-1])
    step = int(indices[1]) - first if n > 1 else 1
    if step == 0 or (np.diff(indices) != step).any():
        return None
    if step == 1 and n == extent:
        return slice(None)
    stop = last + (1 if step > 0 else -1)
    return slice(first, None if stop < 0 else stop, None if step == 1 else step)


PYTHON: Final = {
    float: np.dtype(np.float64),
    int: np.dtype(np.int64),
    bool: np.dtype(np.bool_),
}
"""The numbers of Python that a value may be, and the dtype that is shown for them."""


def _stays(value: Any) -> bool:
    """Return whether nobody can change an array: it and its bases are read-only."""
    owner = value
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None or isinstance(owner, np.generic)
