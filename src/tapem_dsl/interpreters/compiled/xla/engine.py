"""The XLA engine: from a plan to a compiled function over arrays."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import jax
import numpy as np
from jax import numpy as jnp
from returns.result import Failure, Success
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.interpreters.compiled.engines import Engine, SafeRunner
from tapem_dsl.interpreters.compiled.lowering import owned
from tapem_dsl.interpreters.compiled.plan import PYTHON, Call, Check, Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.xla.devices import (
    EXPLICIT,
    JAX_ARRAYS,
    float64,
    has_explicit_axes,
    place_of_results,
    to_numpy,
)
from tapem_dsl.interpreters.compiled.xla.given import Given
from tapem_dsl.interpreters.compiled.xla.traceable import as_noted
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
    with float64():
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
    given = Given(plan, outputs, [check.slot for check in checks], inputs)
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
    converters = [_unchanged if on_device else _converter(call) for call in calls]

    def run(*inputs: Any) -> list[Any] | int | str:
        with float64():
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


def _unchanged(x: Any) -> Any:
    return x


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
