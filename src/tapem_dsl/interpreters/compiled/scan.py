"""A loop as one call of a plan: what a step computes, and what it carries."""

from dataclasses import dataclass
from typing import Any, final

from tapem_dsl.interpreters.compiled.plan import Plan, Slot


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

    def __repr__(self) -> str:
        return f"scan of {self.times} steps"

    # Any: a plan's values.
    def __call__(self, *arguments: Any) -> tuple[Any, ...]:
        """Run all steps; an engine compiles the body, and does not call this."""
        raise NotImplementedError
