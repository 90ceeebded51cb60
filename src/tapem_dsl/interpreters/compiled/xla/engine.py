"""The XLA engine: from a plan to a compiled function over arrays."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast, final

import jax
import numpy as np
from jax import numpy as jnp
from returns.result import Failure, Success
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.interpreters.compiled.engines import Engine, SafeRunner
from tapem_dsl.interpreters.compiled.lowering import lowered, owned
from tapem_dsl.interpreters.compiled.plan import PYTHON, Call, Check, Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.xla.devices import (
    EXPLICIT,
    JAX_ARRAYS,
    has_explicit_axes,
    place_of_results,
    to_numpy,
)
from tapem_dsl.interpreters.compiled.xla.members import PROMOTING, holds
from tapem_dsl.interpreters.compiled.xla.traceable import Trace, as_noted
from tapem_dsl.program.machine import without_lash

# Any, throughout: arrays of NumPy or JAX, and numbers of Python.


@final
@dataclass(frozen=True, slots=True)
class XlaEngine(Engine):
    """
    XLA, through JAX: compiled functions, on the devices of their arguments.

    float64 is computed with whatever ``jax_enable_x64`` says, and float32 stays what it
    is.

    Args:
        checked: whether checks are computed, and waited for.

    >>> plan = Plan()
    >>> x = plan.input(np.float64(2))
    >>> y = plan.call("multiply", (x, x), (), np.float64(4))
    >>> run = XlaEngine().lowered(plan, [y], [np.float64(2)], [])
    >>> run(np.float64(3))
    [np.float64(9.0)]
    """

    name: ClassVar[str] = "xla"
    gives_noted_bits: ClassVar[bool] = False

    checked: bool = True

    @property
    @override
    def arrays(self) -> frozenset[type]:
        return JAX_ARRAYS

    @override
    def lowered(
        self,
        plan: Plan,
        outputs: Sequence[Slot],
        inputs: Sequence[Any],
        donated: Collection[Slot],
    ) -> SafeRunner:
        if any(call.dtype == np.longdouble for call in plan.calls):
            raise TypeError("XLA has no float of more than 64 bits")
        return _lowered(plan, outputs, inputs, donated, checked=self.checked)

    @override
    def to_numpy(self, x: Any) -> Any:
        return to_numpy(x)

    @override
    def from_noted(self, value: Any, inputs: Sequence[Any]) -> Any:
        return _on_device(owned(value, foreign=True), inputs)

    @override
    def noting(self) -> AbstractContextManager[object]:
        return nullcontext() if self.checked else without_lash()

    @override
    def run_eagerly(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run a function on NumPy's arrays; its arrays become those of JAX again."""
        given, _ = tree.flatten((args, kwargs))
        args, kwargs = tree.map(to_numpy, (args, kwargs))
        return _on_device(function(*args, **kwargs), given)


def _on_device(result: Any, inputs: Sequence[Any]) -> Any:
    """Return a result with arrays of JAX, where those among the inputs lie."""
    there = next((x for x in inputs if isinstance(x, jax.Array)), None)
    if there is None or isinstance(result, Failure):
        return result
    if isinstance(result, Success):
        return Success(_on_device(result.unwrap(), inputs))
    place = place_of_results(there)
    with jax.enable_x64(True):  # noqa: FBT003 - as JAX has it
        return tree.map(
            lambda x: (
                jax.device_put(np.array(x), place)
                if isinstance(x, np.ndarray | np.generic)
                else x
            ),
            result,
        )


def _lowered(
    plan: Plan,
    outputs: Sequence[Slot],
    inputs: Sequence[Any],
    donated: Collection[Slot],
    *,
    checked: bool,
) -> SafeRunner:
    """Make the function that runs a plan on XLA."""
    on_device = any(isinstance(x, jax.Array) for x in inputs)
    checks = plan.checks if checked else []
    given = _Given(plan, outputs, [check.slot for check in checks], inputs)
    trace = given.trace
    calls = [plan.calls[slot] for slot in trace.wanted[: len(given.arrays)]]
    calls_back = any(
        not isinstance(plan.calls[slot].function, str | Scan) for slot in trace.live
    )

    def compute(*values: Any) -> tuple[list[Any], Any]:
        found = trace.run(dict(zip(given.slots, values, strict=True)))
        results = [as_noted(x, call) for x, call in zip(found, calls, strict=False)]
        return results, _first_failed(checks, found[len(calls) :])

    places = [i for i, slot in enumerate(given.slots) if slot in donated]
    compiled = jax.jit(compute, donate_argnums=places)
    converters = [_given if on_device else _converter(call) for call in calls]

    def run(*inputs: Any) -> list[Any] | int | str:
        with jax.enable_x64(True):  # noqa: FBT003 - as JAX has it
            try:
                numbers = given.computed(inputs)
            except Exception as error:  # noqa: BLE001 - the function says what is wrong
                return f"the plan raised {type(error).__name__}"
            values = given.values(inputs, numbers)
            if not given.are_in_range(values):
                return "an integer is out of range of the array beside it"
            try:
                found, failed = compiled(*values)
                if calls_back:  # what Python raises is known at the end
                    jax.block_until_ready(found)  # type: ignore[no-untyped-call] # of JAX
            except Exception as error:
                if any(map(has_explicit_axes, inputs)):
                    raise TypeError(EXPLICIT) from error
                if isinstance(error, OverflowError) or (calls_back and not places):
                    return f"the plan raised {type(error).__name__}"
                raise  # what is donated cannot run again
            if failed is not None and (number := int(failed)) >= 0:
                return number
        results = [convert(x) for convert, x in zip(converters, found, strict=True)]
        return given.outputs(results, inputs, numbers)

    return run


def _given(x: Any) -> Any:
    return x


class _Given:
    """
    What a compiled function is given: inputs, what NumPy computes, large constants.

    NumPy computes what depends on numbers of Python only, such as a rate at a step: so
    that integers do not overflow, and numbers that are returned are numbers of Python.
    It also stacks samples of a list, for each argument of a compiled function takes a
    microsecond.
    """

    def __init__(
        self,
        plan: Plan,
        outputs: Sequence[Slot],
        checks: Sequence[Slot],
        inputs: Sequence[Any],
    ) -> None:
        every = Trace(plan, [*outputs, *checks])
        there = zip(plan.inputs, inputs, strict=True)
        on_device = {slot for slot, x in there if isinstance(x, jax.Array)}
        on_host = _on_host(every, on_device)
        numbers = {slot for slot in plan.inputs if plan.calls[slot].weak} | on_host
        wanted = every.wanted[: len(outputs)]
        self.arrays = [i for i, slot in enumerate(wanted) if slot not in numbers]
        """Which of the outputs are arrays of the compiled function."""

        self.trace = Trace(plan, [*[wanted[i] for i in self.arrays], *checks])
        self.trace.live = [slot for slot in self.trace.live if slot not in on_host]
        read = {*self.trace.wanted}
        for slot in self.trace.live:
            read.update(every.same[x] for x in plan.calls[slot].slots())
        direct = [slot for slot in plan.inputs if slot in read]
        computed = sorted(on_host & read.union(wanted))
        large = [
            slot
            for slot in self.trace.live
            if slot in plan.constants and plan.constants[slot].size >= _LARGE
        ]
        passed = [slot for slot in computed if slot in read]
        self.slots = [*direct, *passed, *large]
        """The values that the compiled function is given, in order."""

        position = {slot: i for i, slot in enumerate(plan.inputs)}
        place = {slot: i for i, slot in enumerate(computed)}
        self._direct = [position[slot] for slot in direct]
        self._passed = [place[slot] for slot in passed]
        self._compute = lowered(_part_of(plan), computed) if computed else None
        with jax.enable_x64(True):  # noqa: FBT003 - as JAX has it
            self._constants = [jnp.asarray(plan.constants[slot]) for slot in large]
        self._lent = [
            i
            for i in self._direct
            if on_device and not checks and type(inputs[i]) is np.ndarray
        ]
        """Which inputs the caller may change before XLA has read them."""

        self._is_all = self.slots == plan.inputs
        beside = _integers_beside(self.trace)
        self._beside = [
            (i, dtype)
            for i, slot in enumerate(self.slots)
            for dtype in beside.get(slot, ())
        ]
        self._numbers = [
            (i, slot in place, place.get(slot, position.get(slot, 0)))
            for i, slot in enumerate(wanted)
            if slot in numbers
        ]

    def computed(self, inputs: tuple[Any, ...]) -> list[Any]:
        """Return what NumPy computes of the inputs."""
        if self._compute is None:
            return []
        with np.errstate(all="ignore"):
            return cast(list[Any], self._compute(*inputs))  # it has no checks

    def values(self, inputs: tuple[Any, ...], computed: list[Any]) -> Sequence[Any]:
        """Return the arguments of the compiled function."""
        if self._lent:
            given = list(inputs)
            for i in self._lent:
                given[i] = given[i].copy()
            inputs = tuple(given)
        if self._is_all:
            return inputs
        direct = [inputs[i] for i in self._direct]
        return (*direct, *[computed[i] for i in self._passed], *self._constants)

    def are_in_range(self, values: Sequence[Any]) -> bool:
        """Return whether arrays hold the integers of Python they are combined with."""
        return all(holds(dtype, values[i]) for i, dtype in self._beside)

    def outputs(
        self, results: list[Any], inputs: tuple[Any, ...], computed: list[Any]
    ) -> list[Any]:
        """Return all outputs, given those of the compiled function."""
        if not self._numbers:
            return results
        every = [None] * (len(results) + len(self._numbers))
        for i, x in zip(self.arrays, results, strict=True):
            every[i] = x
        for i, is_computed, place in self._numbers:
            every[i] = computed[place] if is_computed else inputs[place]
        return every


def _integers_beside(trace: Trace) -> dict[Slot, set[np.dtype[Any]]]:
    """Return the dtypes of the arrays of integers that each number is combined with."""
    plan = trace.plan
    found: dict[Slot, set[np.dtype[Any]]] = {}
    for slot in trace.live:
        function = plan.calls[slot].function
        if isinstance(function, Scan):
            body = function.body
            inner = _integers_beside(Trace(body, [*function.carried, *function.kept]))
            for x, given in zip(plan.calls[slot].slots(), body.inputs, strict=True):
                found.setdefault(trace.same[x], set()).update(inner.get(given, ()))
        if function not in PROMOTING | {"where"}:
            continue
        operands = [trace.same[x] for x in plan.calls[slot].slots()]
        strong = [plan.calls[x].dtype for x in operands if not plan.calls[x].weak]
        dtype = np.result_type(*strong) if strong else None
        if dtype is not None and dtype.kind in "iu":
            for x in operands:
                if plan.calls[x].weak and plan.calls[x].dtype == PYTHON[int]:
                    found.setdefault(x, set()).add(dtype)
    return found


def _on_host(trace: Trace, arrays: Collection[Slot]) -> set[Slot]:
    """Return what NumPy computes: stacks of inputs, and what only numbers decide."""
    plan = trace.plan
    numbers = {slot for slot in plan.inputs if plan.calls[slot].weak}
    found = set()
    for slot in trace.live:
        call = plan.calls[slot]
        read = [trace.same[x] for x in call.slots()]
        is_number = call.weak or not isinstance(call.function, str | Scan)
        if read and is_number and numbers.issuperset(read):
            numbers.add(slot)
            found.add(slot)
        elif call.function == "stack" and all(
            plan.calls[x].function == "input" and x not in arrays for x in read
        ):
            found.add(slot)
    return found


def _part_of(plan: Plan) -> Plan:
    """Return a plan of the same calls, without the checks."""
    part = Plan()
    part.calls, part.inputs, part.constants = plan.calls, plan.inputs, plan.constants
    return part


_LARGE: Final = 1024
"""From how many entries on a constant is no part of the compiled code."""


def _first_failed(checks: Sequence[Check], found: Sequence[Any]) -> Any:
    """Return the number of the first check that fails; -1 if none does."""
    if not checks:
        return None
    fails = jnp.stack(
        [
            jnp.asarray(x, bool) != check.expected
            for x, check in zip(found, checks, strict=True)
        ]
    )
    return jnp.where(jnp.any(fails), jnp.argmax(fails), -1)


def _converter(call: Call) -> Callable[[Any], Any]:
    """Return what makes of an array of JAX what the NumPy engine returns."""
    if call.weak:
        return _PYTHON[call.dtype]
    if call.shape == ():
        return lambda x: np.asarray(x)[()]
    return np.asarray


_PYTHON: Final = {dtype: kind for kind, dtype in PYTHON.items()}
