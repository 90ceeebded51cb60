"""From a plan to a function of arrays that JAX traces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from tapem_dsl.interpreters.compiled.calls import joined, needed
from tapem_dsl.interpreters.compiled.plan import (
    PYTHON,
    Argument,
    Call,
    Plan,
    Scan,
    Slot,
)
from tapem_dsl.interpreters.compiled.xla.hosts import called, called_for_arrays
from tapem_dsl.interpreters.compiled.xla.members import MEMBERS, PROMOTING, promoted
from tapem_dsl.interpreters.compiled.xla.products import (
    factor_of_ones,
    factors,
    product,
    sum_by_ones,
)

# Any, throughout: arrays of JAX, numbers, and static arguments.


class Trace:
    """
    A plan that runs over arrays of JAX.

    Args:
        plan: the calls.
        wanted: the values that are asked for.

    >>> plan = Plan()
    >>> x = plan.input(np.float32(2))
    >>> y = plan.call("exp", (x,), (), np.float32(7))
    >>> Trace(plan, [y]).run({x: jnp.float32(0)})
    [Array(1., dtype=float32)]
    """

    def __init__(self, plan: Plan, wanted: Sequence[Slot]) -> None:
        self.plan = plan
        self.same = joined(plan)
        self.wanted = [self.same[slot] for slot in wanted]
        self.live = [
            slot
            for slot in needed(plan, self.wanted, self.same)
            if plan.calls[slot].function != "input"
        ]

    def run(self, given: Mapping[Slot, Any]) -> list[Any]:
        """Compute what is wanted; ``given`` are the values that are there."""
        values = dict(given)
        for slot in self.live:
            if slot not in values:
                values[slot] = self._call(self.plan.calls[slot], slot, values)
        return [values[slot] for slot in self.wanted]

    def _call(self, call: Call, slot: Slot, values: dict[Slot, Any]) -> Any:
        """Compute one value."""
        name = call.function
        if name == "constant":
            return jnp.asarray(self.plan.constants[slot], call.dtype)
        if isinstance(name, Scan):
            return scanned(name, [values[self.same[x]] for x in call.arguments])
        if name == "matmul" and (ones := factor_of_ones(self.plan, call)) is not None:
            other = values[self.same[call.arguments[1 - ones]]]
            return sum_by_ones(other, call.shape, ones)
        if name == "matmul" and (found := factors(self.plan, call)) is not None:
            a, b = (values[self.same[factor.slot]] for factor in found)
            first, second = (factor.is_transposed for factor in found)
            return product(a, b, first=first, second=second)
        given = [self._value(x, values) for x in call.arguments]
        if not isinstance(name, str):
            return self._of_python(name, call, slot, given)
        if name == "literal":
            return given[1]
        if name == "as_value":
            return jnp.asarray(given[0], call.dtype)
        if name in PROMOTING:
            given = promoted(given, [self._kind(x) for x in call.arguments])
        elif name == "where":
            kinds = [self._kind(x) for x in call.arguments[1:]]
            given[1:] = promoted(given[1:], kinds)
        options = {key: self._value(x, values) for key, x in call.options}
        return MEMBERS[name](*given, **options)

    def _of_python(
        self, function: Callable[..., Any], call: Call, slot: Slot, given: list[Any]
    ) -> Any:
        """Call a function of Python that the plan holds as it is."""
        if call.dtype != _SEVERAL:
            weak = [self._kind(x) for x in call.arguments]
            return called(function, given, weak, call)
        entries = {
            other.arguments[1]: other
            for at in self.live
            if (other := self.plan.calls[at]).function == "getitem"
            and self.same[other.arguments[0]] == slot
        }
        return called_for_arrays(function, given, entries)

    def _value(self, x: Argument, values: dict[Slot, Any]) -> Any:
        return values[self.same[x]] if type(x) is Slot else x

    def _kind(self, x: Argument) -> Any:
        """Return an operand's dtype, or a number of Python if it takes another's."""
        if type(x) is not Slot:
            return x
        call = self.plan.calls[x]
        return _ONES[call.dtype] if call.weak else call.dtype


_SEVERAL: Final = np.dtype(object)

_ONES: Final = {dtype: kind(1) for kind, dtype in PYTHON.items()}
"""A number of Python for the dtype that is shown for it."""


def scanned(scan: Scan, given: Sequence[Any]) -> tuple[Any, ...]:
    """
    Run a loop as ``jax.lax.scan``.

    >>> body = Plan()
    >>> x, a = body.input(np.float32(1)), body.input(np.float32(1))
    >>> y = body.call("multiply", (x, a), (), np.float32(1))
    >>> loop = Scan(body, (y,), (y,), 0, 3, reverse=False)
    >>> scanned(loop, [jnp.float32(1), jnp.float32(2)])
    (Array([2., 4., 8.], dtype=float32), Array(8., dtype=float32))
    """
    body = scan.body
    count = len(scan.carried)
    moving = count + scan.stacked
    rows = list(given[count:moving])
    fixed = dict(zip(body.inputs[moving:], given[moving:], strict=True))
    trace = Trace(body, [*scan.carried, *scan.kept])
    calls = [body.calls[slot] for slot in trace.wanted]

    def step(carried: list[Any], entries: list[Any]) -> tuple[list[Any], list[Any]]:
        values = dict(zip(body.inputs, [*carried, *entries], strict=False))
        found = trace.run(values | fixed)
        found = [as_noted(x, call) for x, call in zip(found, calls, strict=True)]
        return found[:count], found[count:]

    begin = [
        as_noted(x, body.calls[slot])
        for x, slot in zip(given, body.inputs[:count], strict=False)
    ]
    last, kept = lax.scan(step, begin, rows, length=scan.times, reverse=scan.reverse)
    return (*kept, *last)


def as_noted(x: Any, call: Call) -> jax.Array:
    """
    Return a value in the dtype that the plan has for it.

    Raises:
        TypeError: it has another shape, which is an error in a member.

    >>> as_noted(jnp.int32(1), Call("add", (), (), (), np.dtype(np.float32)))
    Array(1., dtype=float32)
    """
    array = jnp.asarray(x, call.dtype)
    if array.shape != call.shape:
        raise TypeError(f"{call} computes the shape {array.shape} on XLA")
    return array
