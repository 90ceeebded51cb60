"""What batching rules use: values of all steps, and the plan in the making."""

from math import prod
from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import AnyDType, Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.plan import Plan, Slot


class Operand(NamedTuple):
    """A value in a loop: one for all steps, or an array of one a step."""

    slot: Slot
    is_batched: bool
    shape: Shape
    """Of the value in one step."""

    dtype: AnyDType
    weak: bool = False
    """Whether it is a number of Python in each step."""

    @property
    def rank(self) -> int:
        """The number of axes in one step."""
        return len(self.shape)


@final
class Batch:
    """
    Where the calls for all steps of a loop are added, and how many steps there are.

    >>> plan = Plan()
    >>> x = Operand(plan.input(np.ones(3)), False, (3,), np.dtype(np.float64))
    >>> plan.calls[Batch(plan, 5).whole(x)]
    broadcast_to(%0, (5, 3)) -> float64[5, 3]
    """

    def __init__(self, plan: Plan, times: int) -> None:
        self.plan = plan
        self.times = times

    def constant(self, value: Array) -> Slot:
        """Add an array that is there before."""
        value.setflags(write=False)
        return self.plan.constant(value)

    def indices(self, each: NDArray[np.intp]) -> Operand:
        """Return integers that are there before, of which each step has its own."""
        slot = self.constant(np.array(each, np.intp))
        return Operand(slot, True, each.shape[1:], np.dtype(np.intp))  # noqa: FBT003

    def whole(self, x: Operand) -> Slot:
        """Return an array of the value in each step, of one for all, too."""
        if x.is_batched:
            return x.slot
        shape = (self.times, *x.shape)
        if x.slot in self.plan.constants and prod(shape) <= _SMALL:
            value = self.plan.constants[x.slot]
            return self.constant(np.array(np.broadcast_to(value, shape)))
        return self.plan.add("broadcast_to", (x.slot, shape), shape, x.dtype)

    def widened(self, x: Operand, rank: int) -> Slot:
        """Return a value whose steps broadcast as arrays of a higher rank do."""
        if not x.is_batched or x.rank == rank:
            return x.slot
        shape = (self.times, *(1,) * (rank - x.rank), *x.shape)
        return self.plan.add("reshape", (x.slot, shape), shape, x.dtype)


_SMALL: Final = 2**16
"""Up to how many entries a constant is repeated when the plan is made."""
