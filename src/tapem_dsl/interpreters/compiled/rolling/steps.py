"""The calls of one loop: what they read in all steps, and how they are added."""

from collections import Counter
from typing import Any, Final, final

import numpy as np

from tapem_dsl.interpreters.compiled.functions import ELEMENTWISE, FILLED
from tapem_dsl.interpreters.compiled.plan import Call, Slot
from tapem_dsl.interpreters.compiled.rolling.batch import Batch, Operand
from tapem_dsl.interpreters.compiled.rolling.batching import batched
from tapem_dsl.interpreters.compiled.rolling.indexing import axis_moved, take
from tapem_dsl.interpreters.compiled.rolling.loops import (
    Carried,
    Local,
    Loop,
    Same,
    Stacked,
    Way,
    readers_in,
)
from tapem_dsl.interpreters.compiled.rolling.schedule import (
    ALIKE,
    BATCHED,
    EACH,
    Place,
    Schedule,
)
from tapem_dsl.interpreters.compiled.rolling.table import same_static
from tapem_dsl.interpreters.periods import Numbers

# Any, throughout: static arguments of a call.


@final
class Steps:
    """
    One loop of a schedule, whose calls are added place by place.

    Args:
        schedule: to whose plan calls are added.
        i: the number of the loop.
    """

    def __init__(self, schedule: Schedule, i: int) -> None:
        self.schedule = schedule
        self.plan = schedule.plan
        self.i = i
        self.loop: Loop = schedule.loops[i]
        self.times = self.loop.times
        self.places = schedule.places[i]
        self.batch = Batch(self.plan, self.times)
        self.readers = readers_in(self.loop)
        self.scanned: set[int] = set()  # the places of cycles
        self.counts: Counter[str] = Counter()
        """How many places became what, and which functions went step by step."""

        votes = [
            schedule.direction(way.at)
            for ways in self.loop.ways
            for way in ways
            if isinstance(way, Stacked)
        ]
        self.is_flipped = schedule.flipped[i] = sum(votes) < 0

    def put(self, place: int, how: str, slot: Slot) -> None:
        """Note what became of a place."""
        self.places[place] = Place(how, slot)
        self.counts[how] += 1

    # -- what a place reads ------------------------------------------------------------

    def example(self, place: int) -> Call:
        """Return the call of a place in the last step."""
        return self.schedule.table.calls[self.loop.example(place)]

    def operands(self, place: int) -> list[Operand]:
        """Return what a place reads."""
        return [self.operand(place, at) for at in range(len(self.loop.ways[place]))]

    def operand(self, place: int, index: int) -> Operand:
        """Return one value that a place reads."""
        read = self.schedule.table.read_by(self.loop.example(place))
        call = self.schedule.call_of(read[index])
        slot, is_batched = self._source(self.loop.ways[place][index])
        return Operand(slot, is_batched, call.shape, call.dtype, call.weak)

    def _source(self, way: Way) -> tuple[Slot, bool]:
        """Return a value, and whether it is an array of one a step."""
        if isinstance(way, Same):
            return self.schedule.value(way.at), False
        if isinstance(way, Stacked):
            return self._stacked(way.at), True
        if isinstance(way, Carried):  # what a place computed that does not need this
            before = np.roll(self.positions(way.place), 1)
            before[0] = way.begin()
            return self._stacked(before), True
        there = self.places[way.place]
        if there.how == EACH:
            return self._stacked(self.positions(way.place)), True
        if there.how not in (ALIKE, BATCHED):
            raise LookupError(f"a step reads a value that is {there.how}")
        return there.value(), there.how == BATCHED

    def positions(self, place: int) -> Numbers:
        """Return where a place is computed, step by step."""
        return self.loop.positions[:, place]

    def _stacked(self, positions: Numbers) -> Slot:
        return self.schedule.stacked(self.in_order(positions))

    def in_order(self, steps: Numbers) -> Numbers:
        """Order what is given step by step as this loop's arrays are."""
        return steps[::-1] if self.is_flipped else steps

    def differing(self, place: int) -> dict[int, list[Any]]:
        """Return the static arguments that differ from step to step, by their index."""
        calls = self.schedule.table.calls
        found = {}
        for index, x in enumerate(self.example(place).arguments):
            if type(x) is not Slot:
                each = [calls[at].arguments[index] for at in self.positions(place)]
                if not all(same_static(x, other) for other in each):
                    found[index] = each
        return found

    def literals(self, each: list[Any]) -> Operand | None:
        """Return numbers of Python, one for each step."""
        numbers = np.array(each)
        if numbers.dtype.kind not in "fi":
            return None  # integers beyond 64 bits
        slot = self.batch.constant(self.in_order(numbers).copy())
        return Operand(slot, True, (), numbers.dtype, weak=True)  # noqa: FBT003

    def reads_objects(self, place: int) -> bool:
        """Return whether a place reads or makes what is no array of numbers."""
        read = self.schedule.table.read_by(self.loop.example(place))
        calls = [self.example(place), *map(self.schedule.call_of, read)]
        return any(call.dtype.hasobject for call in calls)

    # -- places that are alike in all steps --------------------------------------------

    def is_alike(self, place: int) -> bool:
        """Return whether a place depends on nothing that differs from step to step."""
        if self.differing(place):
            return False
        return self.example(place).function in FILLED or all(
            isinstance(way, Same)
            or (isinstance(way, Local) and self.places[way.place].how == ALIKE)
            for way in self.loop.ways[place]
        )

    def add_alike(self, place: int) -> None:
        """Add one call for all steps; equal ones are one."""
        call = self.example(place)
        if call.function in FILLED:
            slot = self.batch.constant(FILLED[call.function](call.shape, call.dtype))  # type: ignore[index] # a name
        else:
            slot = self.schedule.once(call, [x.slot for x in self.operands(place)])
        self.put(place, ALIKE, slot)

    # -- places that depend on others only ---------------------------------------------

    def add_plain(self, place: int) -> None:
        """Add one call over arrays of all steps, or one call for each step."""
        slot = None if self.reads_objects(place) else self._batched(place)
        if slot is None:
            self.add_each([place])
        else:
            self.put(place, BATCHED, slot)

    def _batched(self, place: int) -> Slot | None:
        call, operands = self.example(place), self.operands(place)
        differing = self.differing(place)
        if differing and call.function == "getitem":
            return self._moving(call, operands[0], differing[1])
        arguments = self.arguments(place)
        if arguments is None:
            return None
        rest = iter(operands[sum(type(x) is Slot for x in call.arguments) :])
        options = {
            name: next(rest) if type(x) is Slot else x for name, x in call.options
        }
        return batched(self.batch, call, arguments, options)

    def arguments(self, place: int) -> list[Any] | None:
        """Return the arguments of a call for all steps, if there are such."""
        call, given = self.example(place), iter(self.operands(place))
        found = [next(given) if type(x) is Slot else x for x in call.arguments]
        for index, each in self.differing(place).items():
            found[index] = self._static(call, index, each)
            if found[index] is None:
                return None
        return found

    def _static(self, call: Call, index: int, each: list[Any]) -> Operand | None:
        """Return a static argument that differs from step to step as an operand."""
        if call.function in ELEMENTWISE:
            return self.literals(each)
        if (call.function, index) in _INDICES:
            return self.batch.indices(self.in_order(np.array(each, np.intp)))
        return None

    def _moving(self, call: Call, array: Operand, each: list[Any]) -> Slot | None:
        """Return the entries of an array at a place that moves from step to step."""
        parts = [x if type(x) is tuple else (x,) for x in each]
        if any(x is None or x is Ellipsis for x in parts[0]):
            return None
        differ = [
            at
            for at, x in enumerate(parts[0])
            if not all(same_static(x, part[at]) for part in parts)
        ]
        if len(differ) != 1:
            return None
        (axis,) = differ
        extent = array.shape[axis]
        places = [_places(part[axis], extent) for part in parts]
        if len({np.shape(x) for x in places}) > 1:
            return None
        indices = self.batch.indices(self.in_order(np.array(places)))
        kept = (*array.shape[:axis], *indices.shape, *array.shape[axis + 1 :])
        if array.is_batched or indices.rank:
            of_all = call._replace(shape=kept)
            found = take(self.batch, of_all, array, indices, axis)
        else:
            rows = self.plan.constants[indices.slot]
            taken = self.schedule.rows(array.slot, rows, axis)
            found = axis_moved(self.batch, taken, axis, 0)
        whole = (slice(None),) * indices.rank
        index = (slice(None), *parts[0][:axis], *whole, *parts[0][axis + 1 :])
        if all(x == slice(None) for x in index):
            return found
        shape = (self.times, *call.shape)
        return self.plan.add("getitem", (found, index), shape, call.dtype)

    def add_each(self, group: list[int]) -> None:
        """Add the calls of some places as they were."""
        schedule, lacking = self.schedule, set(self.loop.lacking())
        for step, positions in enumerate(self.loop.positions.tolist()):
            for place in group:
                if step or place not in lacking:
                    at = positions[place]
                    operands = [schedule.value(x) for x in schedule.table.read_by(at)]
                    schedule.made[at] = schedule.copy(
                        schedule.table.calls[at], operands
                    )
        for place in group:
            self.places[place] = Place(EACH)
            function = self.example(place).function
            name = function if isinstance(function, str) else repr(function)
            self.counts[f"{EACH} ({name})"] += 1


_INDICES: Final = (("take", 1), ("index_add", 2), ("embed", 3))
"""Which argument of which function is indices."""


def _places(x: Any, extent: int) -> Any:
    """Return the entries of an axis that an integer or a slice means."""
    return list(range(*x.indices(extent))) if type(x) is slice else x % extent
