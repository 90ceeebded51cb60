"""Cycles of a loop that run step by step: their body becomes a plan of its own."""

from typing import Any, final

import numpy as np

from tapem_dsl.interpreters.compiled.functions import ELEMENTWISE
from tapem_dsl.interpreters.compiled.plan import Call, Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.rolling.batch import Operand
from tapem_dsl.interpreters.compiled.rolling.loops import Carried, Local
from tapem_dsl.interpreters.compiled.rolling.schedule import BATCHED, CARRIED, Place
from tapem_dsl.interpreters.compiled.rolling.steps import Steps


def add_scan(steps: Steps, group: list[int]) -> bool:
    """Add a cycle as one call; return whether its body can be one."""
    literals: dict[tuple[int, int], Operand] = {}
    for place in group:
        call = steps.example(place)
        if call.weak or steps.reads_objects(place):
            return False
        if place in steps.loop.lacking():
            return False
        for index, each in steps.differing(place).items():
            numbers = steps.literals(each) if call.function in ELEMENTWISE else None
            if numbers is None:
                return False
            literals[place, index] = numbers
    _Body(steps, group, literals).add()
    steps.scanned.update(group)
    steps.counts[CARRIED] += len(group)
    return True


@final
class _Body:
    """The body of a scan in the making, and the arguments of its call."""

    def __init__(
        self,
        steps: Steps,
        group: list[int],
        literals: dict[tuple[int, int], Operand],
    ) -> None:
        self.steps = steps
        self.group = group
        self.members = frozenset(group)
        self.literals = literals
        self.plan = Plan()
        self.first: dict[tuple[int, int], Slot] = {}  # what is carried: the argument
        self.inner: dict[Any, Slot] = {}  # of an argument: the input of the body
        self.stacked: list[Operand] = []
        self.fixed: list[Operand] = []
        self._read_all()

    def _read_all(self) -> None:
        """Collect what comes from outside, and make the inputs of the body."""
        carries: dict[tuple[int, int], Call] = {}
        outer: dict[Operand, None] = dict.fromkeys(self.literals.values())
        table = self.steps.schedule.table
        for place in self.group:
            read = table.read_by(self.steps.loop.example(place))
            for index, way in enumerate(self.steps.loop.ways[place]):
                if (
                    not isinstance(way, Local | Carried)
                    or way.place not in self.members
                ):
                    outer[self.steps.operand(place, index)] = None
                elif isinstance(way, Carried):
                    call = self.steps.schedule.call_of(read[index])
                    carries[way.place, way.begin()] = call
        self.stacked = [x for x in outer if x.is_batched]
        self.fixed = [x for x in outer if not x.is_batched]
        for key, call in carries.items():
            self.first[key] = self.steps.schedule.value(key[1])
            self.inner[key] = self._input(call.shape, call.dtype, weak=call.weak)
        for x in (*self.stacked, *self.fixed):
            self.inner[x] = self._input(x.shape, x.dtype, weak=x.weak)

    # Any: a dtype of any scalar type.
    def _input(self, shape: tuple[int, ...], dtype: Any, *, weak: bool) -> Slot:
        slot = self.plan.append(Call("input", (), (), shape, dtype, weak))
        self.plan.inputs.append(slot)
        return slot

    def add(self) -> None:
        """Add the call, and note what it gives for each place."""
        steps, schedule = self.steps, self.steps.schedule
        made = self._calls()
        kept = [place for place in self.group if self._is_kept(place)]
        scan = Scan(
            self.plan,
            tuple(made[place] for place, _ in self.first),
            tuple(made[place] for place in kept),
            len(self.stacked),
            steps.times,
            reverse=steps.is_flipped,
        )
        outer = [x.slot for x in (*self.stacked, *self.fixed)]
        given = (*self.first.values(), *outer)
        several = schedule.plan.add(scan, given, (), np.dtype(object))
        for i, place in enumerate(kept):
            call = steps.example(place)
            shape = (steps.times, *call.shape)
            slot = schedule.plan.add("getitem", (several, i), shape, call.dtype)
            steps.places[place] = Place(BATCHED, slot)
        for i, (place, _) in enumerate(self.first):
            if place not in kept:
                call, at = steps.example(place), (several, len(kept) + i)
                slot = schedule.plan.add("getitem", at, call.shape, call.dtype)
                steps.places[place] = Place(CARRIED, slot)

    def _calls(self) -> dict[int, Slot]:
        """Add the calls of one step to the body."""
        made: dict[int, Slot] = {}
        for place in self.group:
            call = self.steps.example(place)
            given = iter([self._inner(place, i, made) for i in self._indices(place)])
            arguments = tuple(
                self.inner[self.literals[place, index]]
                if (place, index) in self.literals
                else next(given)
                if type(x) is Slot
                else x
                for index, x in enumerate(call.arguments)
            )
            options = tuple(
                (name, next(given) if type(x) is Slot else x)
                for name, x in call.options
            )
            made[place] = self.plan.append(
                call._replace(arguments=arguments, options=options)
            )
        return made

    def _indices(self, place: int) -> range:
        return range(len(self.steps.loop.ways[place]))

    def _inner(self, place: int, index: int, made: dict[int, Slot]) -> Slot:
        """Return a value of the body that a place reads."""
        way = self.steps.loop.ways[place][index]
        if isinstance(way, Local) and way.place in self.members:
            return made[way.place]
        if isinstance(way, Carried) and way.place in self.members:
            return self.inner[way.place, way.begin()]
        return self.inner[self.steps.operand(place, index)]

    def _is_kept(self, place: int) -> bool:
        """Return whether the values of a place are needed of all steps."""
        steps, schedule = self.steps, self.steps.schedule
        is_carried = any(place == carried for carried, _ in self.first)
        return schedule.is_needed_early(
            steps.i, place, self.members, steps.readers[place]
        ) or (schedule.is_asked(steps.i, place) and not is_carried)
