"""What a compiled function is given, of the inputs of a plan."""

from collections.abc import Collection, Sequence
from typing import Any, Final, cast

import jax
import numpy as np
from jax import numpy as jnp

from tapem_dsl.interpreters.compiled.lowering import lowered
from tapem_dsl.interpreters.compiled.plan import PYTHON, Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.xla.devices import float64
from tapem_dsl.interpreters.compiled.xla.members import PROMOTING, holds
from tapem_dsl.interpreters.compiled.xla.traceable import Trace

# Any, throughout: arrays of NumPy or JAX, and numbers of Python.


class Given:
    """
    What a compiled function is given: inputs, what NumPy computes, large constants.

    NumPy computes what depends on numbers of Python only, such as a rate at a step: so
    that integers do not overflow, and numbers that are returned are numbers of Python.
    It also stacks samples of a list, for each argument of a compiled function takes a
    microsecond.

    >>> plan = Plan()
    >>> n = plan.input(2)
    >>> square = plan.call("multiply", (n, n), (), 4)
    >>> given = Given(plan, [square], [], [2])
    >>> given.slots, given.computed((3,))
    ([], [9])
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
        with float64():
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
