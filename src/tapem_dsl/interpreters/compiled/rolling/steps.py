"""How the calls of one loop are added to a plan: for all steps at once where they can."""

from collections import Counter
from math import prod
from typing import Any, Final, final

import numpy as np

from tapem_dsl.interpreters.compiled.plan import Call, Plan, Slot
from tapem_dsl.interpreters.compiled.rolling.batching import ELEMENTWISE, Operand
from tapem_dsl.interpreters.compiled.rolling.graphs import components
from tapem_dsl.interpreters.compiled.rolling.loops import (
    Carried,
    Local,
    Loop,
    Same,
    Stacked,
    Way,
    readers_in,
    term_of,
)
from tapem_dsl.interpreters.compiled.rolling.schedule import (
    ALIKE,
    BATCHED,
    EACH,
    LAST,
    Place,
    Schedule,
)
from tapem_dsl.interpreters.compiled.rolling.table import Numbers, same_static
from tapem_dsl.interpreters.compiled.scan import Scan


@final
class Steps:
    """
    One loop of a schedule.

    Its places are taken by strongly connected components: what depends on itself is a
    sum, a product, or is computed step by step; all else is batched.
    """

    def __init__(self, schedule: Schedule, i: int) -> None:
        self.schedule = schedule
        self.i = i
        self.loop: Loop = schedule.loops[i]
        self.places = schedule.places[i]
        self.batch = schedule.batch(i)
        self.readers = readers_in(self.loop)
        self.scanned: set[int] = set()  # the places of cycles
        self.report: Counter[str] = Counter()
        schedule.flipped[i] = self._votes() < 0

    def add_all(self) -> None:
        """Add the calls of all steps, and their checks."""
        groups = components(self.readers)
        for group in groups:
            if self._is_alike(group):
                self._alike(group[0])
        for group in groups:
            place = group[0]
            if self.places[place].how == ALIKE:
                continue
            if group in self.loop.sums:
                self._sum(group)
            elif len(group) == 1 and place not in self.readers[place]:
                self._plain(place)
            elif not (len(group) == 1 and self._product(place)):
                self._scan(group)
        for place in range(self.loop.period):
            self.schedule.check(self.i, place)

    def _votes(self) -> int:
        """Return whether operands lie in the order of steps, or rather reversed."""
        votes = 0
        for ways in self.loop.ways:
            for way in ways:
                if isinstance(way, Stacked):
                    votes += self.schedule.direction(way.at)
        return votes

    # -- operands ----------------------------------------------------------------------

    def _example(self, place: int) -> Call:
        return self.schedule.table.calls[self.loop.example(place)]

    def operands(self, place: int) -> list[Operand]:
        """Return what a call reads, for all steps."""
        return [self._one(place, at) for at in range(len(self.loop.ways[place]))]

    def _one(self, place: int, index: int) -> Operand:
        """Return one value that a call reads, for all steps."""
        read = self.schedule.table.read_by(self.loop.example(place))
        call = self.schedule.call_of(read[index])
        return self._operand(self.loop.ways[place][index], call)

    def _operand(self, way: Way, call: Call) -> Operand:
        rest = (call.shape, call.dtype, call.weak)
        if isinstance(way, Same):
            return Operand(self.schedule.value(way.at), False, *rest)  # noqa: FBT003
        if isinstance(way, Stacked):
            return Operand(self._stacked(way.at), True, *rest)  # noqa: FBT003
        there = self.places[way.place]
        if isinstance(way, Carried):
            before = np.concatenate(([way.first], self._positions(way.place)[:-1]))
            return Operand(self._stacked(before), True, *rest)  # noqa: FBT003
        if there.how == EACH:
            whole = self._stacked(self._positions(way.place))
            return Operand(whole, True, *rest)  # noqa: FBT003
        assert there.slot is not None  # noqa: S101 - it is made before
        assert there.how in (ALIKE, BATCHED)  # noqa: S101 - a last value is not read
        return Operand(there.slot, there.how == BATCHED, *rest)

    def _positions(self, place: int) -> Numbers:
        return self.loop.positions[:, place]

    def _stacked(self, positions: Numbers) -> Slot:
        """Return values in the order in which this loop keeps its steps."""
        is_flipped = self.schedule.flipped[self.i]
        return self.schedule.stacked(positions[::-1] if is_flipped else positions)

    def _static(self, place: int) -> dict[int, list[Any]]:
        """Return the static arguments that differ from step to step, by their index."""
        table = self.schedule.table
        example = self._example(place)
        found = {}
        for index, x in enumerate(example.arguments):
            if type(x) is not Slot:
                each = [
                    table.calls[at].arguments[index]
                    for at in self._positions(place).tolist()
                ]
                if not all(same_static(x, other) for other in each):
                    found[index] = each
        return found

    # -- places that are alike in all steps --------------------------------------------

    def _is_alike(self, group: list[int]) -> bool:
        """Return whether a place depends on nothing that differs from step to step."""
        place = group[0]
        if len(group) > 1 or self._static(place):
            return False
        if self._example(place).function in _FILLED:
            return True
        return all(
            isinstance(way, Same)
            or (isinstance(way, Local) and self.places[way.place].how == ALIKE)
            for way in self.loop.ways[place]
        )

    def _alike(self, place: int) -> None:
        """Add the one call of a place; equal ones are one."""
        call = self._example(place)
        if call.function in _FILLED:
            fill = np.full(call.shape, _FILLED[call.function], call.dtype)
            slot = self.batch.constant(fill)
        else:
            slot = self.schedule.once(call, [x.slot for x in self.operands(place)])
        self._put(place, ALIKE, slot)

    # -- places that do not depend on themselves ---------------------------------------

    def _plain(self, place: int) -> None:
        """Add a call that depends on other places only."""
        call = self._example(place)
        if self._reads_objects(place):
            return self._each([place])
        operands = self.operands(place)
        static = self._static(place)
        if static and call.function == "getitem" and not operands[0].is_batched:
            slot = self._rows(call, operands[0], static[1])
        else:
            slot = self._batched(call, operands, static)
        if slot is None:
            return self._each([place])
        return self._put(place, BATCHED, slot)

    def _reads_objects(self, place: int) -> bool:
        read = self.schedule.table.read_by(self.loop.example(place))
        calls = [self._example(place), *map(self.schedule.call_of, read)]
        return any(call.dtype.hasobject for call in calls)

    def _put(self, place: int, how: str, slot: Slot) -> None:
        self.places[place] = Place(how, slot)
        self.report[how] += 1

    def _batched(
        self, call: Call, operands: list[Operand], static: dict[int, list[Any]]
    ) -> Slot | None:
        given = iter(operands)
        arguments = [next(given) if type(x) is Slot else x for x in call.arguments]
        options = {
            name: next(given) if type(x) is Slot else x for name, x in call.options
        }
        for index, each in static.items():
            if call.function not in ELEMENTWISE:
                return None
            arguments[index] = self._literals(each)
        return self.batch.result(call, arguments, options)

    def _literals(self, each: list[Any]) -> Operand:
        """Return numbers of Python, one for each step."""
        numbers = np.array(each[::-1] if self.schedule.flipped[self.i] else each)
        slot = self.batch.constant(numbers)
        return Operand(slot, True, (), numbers.dtype, weak=True)  # noqa: FBT003

    def _rows(self, call: Call, array: Operand, each: list[Any]) -> Slot | None:
        """Return the rows of an array that each step has one of."""
        parts = [x if type(x) is tuple else (x,) for x in each]
        if any(x is None or x is Ellipsis for x in parts[0]):
            return None
        differ = [
            at
            for at, x in enumerate(parts[0])
            if not all(same_static(x, other[at]) for other in parts)
        ]
        if len(differ) != 1 or type(parts[0][differ[0]]) is not int:
            return None
        axis = differ[0]
        extent = array.shape[axis]
        rows = np.array([part[axis] % extent for part in parts])
        if self.schedule.flipped[self.i]:
            rows = rows[::-1]
        taken = self.schedule.rows(array.slot, rows, axis)
        index = (*parts[0][:axis], slice(None), *parts[0][axis + 1 :])
        before = sum(type(x) is slice for x in index[:axis])
        n, shape = len(rows), call.shape
        shape = (*shape[:before], n, *shape[before:])
        if any(x != slice(None) for x in index):
            taken = self.schedule.add("getitem", (taken, index), shape, call.dtype)
        if before:
            axes = (before, *[a for a in range(len(shape)) if a != before])
            shape = (n, *call.shape)
            taken = self.schedule.add("permute_dims", (taken, axes), shape, call.dtype)
        return taken

    def _each(self, group: list[int]) -> None:
        """Add the calls of some places as they were."""
        lacking = set(self.loop.lacking())
        for step, positions in enumerate(self.loop.positions.tolist()):
            for place in group:
                if step or place not in lacking:
                    at = positions[place]
                    read = self.schedule.table.read_by(at)
                    operands = [self.schedule.value(x) for x in read]
                    call = self.schedule.table.calls[at]
                    self.schedule.made[at] = self.schedule.copy(call, operands)
        for place in group:
            self.places[place] = Place(EACH)
            self.report[EACH] += 1

    # -- sums and products -------------------------------------------------------------

    def _is_read_early(self, group: list[int]) -> bool:
        """Return whether more than the last value of a cycle is needed."""
        members = set(group)
        for place in group:
            if self.schedule.is_asked_early(self.i, place):
                return True
            if any(reader not in members for reader in self.readers[place]):
                return True
            is_last = any(
                isinstance(way, Carried) and way.place == place
                for member in group
                for way in self.loop.ways[member]
            )
            if not is_last and self.schedule.is_asked(self.i, place):
                return True
        return False

    def _sum(self, group: list[int]) -> None:
        """Add a sum: all its terms at once where only the last value is needed."""
        if self._is_read_early(group):
            if len(group) > 1 or not self._accumulated(group[0], "accumulate_sum"):
                self._scan(group)
            return
        call = self._example(group[0])
        total: Slot | None = None
        for place in group:
            part = self._total(place)
            way = self.loop.ways[place][1 - term_of(self.loop, place)]
            if isinstance(way, Carried) and way.first is not None:
                total = self._plus(call, self.schedule.value(way.first), total)
            total = self._plus(call, total, part)
        assert total is not None  # noqa: S101 - a group has a place
        for place in group:
            self._put(place, LAST, total)

    def _plus(self, call: Call, a: Slot | None, b: Slot | None) -> Slot | None:
        if a is None or b is None:
            return a if b is None else b
        return self.schedule.add("add", (a, b), call.shape, call.dtype)

    def _total(self, place: int) -> Slot:
        """Return the sum of the terms of all steps."""
        call, term = self._example(place), term_of(self.loop, place)
        n, shape = self.loop.times, call.shape
        way = self.loop.ways[place][term]
        if isinstance(way, Local) and self.places[way.place].how == BATCHED:
            product = self._dot(way.place)
            if product is not None:
                return product
        x = self._one(place, term)
        if not x.is_batched:
            return self.batch.add("multiply", (x.slot, n), shape, call.dtype)
        if call.dtype.kind != "f" or not shape:
            return self.batch.add(
                "sum", (x.slot,), shape, call.dtype, axis=0, keepdims=False
            )
        ones = self.batch.constant(np.ones(n, call.dtype))
        return self._product_by(ones, x)

    def _product_by(self, row: Slot, x: Operand) -> Slot:
        """Return the sum of arrays, each times a number: a fifth of a sum's cost."""
        matrix, flat = x.slot, x.shape
        if x.rank > 1:
            flat = (prod(x.shape),)
            rows = (self.loop.times, *flat)
            matrix = self.batch.add("reshape", (matrix, rows), rows, x.dtype)
        found = self.batch.add("matmul", (row, matrix), flat, x.dtype)
        if flat == x.shape:
            return found
        return self.batch.add("reshape", (found, x.shape), x.shape, x.dtype)

    def _dot(self, place: int) -> Slot | None:
        """Return the sum of products of numbers by arrays as one matrix product."""
        call = self._example(place)
        if place in self.scanned:
            return None  # what it reads may not have been kept
        if call.function == "outer_sum":
            operands = self.operands(place)
            if all(x.is_batched for x in operands):
                given = tuple(self._matrix(x) for x in operands)
                return self.schedule.add("outer_sum", given, call.shape, call.dtype)
        if call.function == "matmul":
            a, b = self.operands(place)
            if a.rank == 1 and b.rank == 2 and b.is_batched and not a.is_batched:
                n, (m, _) = self.loop.times, b.shape
                whole = self.batch.whole(a)
                row = self.batch.add("reshape", (whole, (n * m,)), (n * m,), a.dtype)
                given = (row, self._matrix(b))
                return self.batch.add("matmul", given, call.shape, call.dtype)
        if call.function != "multiply" or call.dtype.kind != "f":
            return None
        if any(type(x) is not Slot for x in call.arguments):
            return None
        a, b = self.operands(place)
        if a.rank:
            a, b = b, a
        if a.rank or not (a.is_batched and b.is_batched) or a.dtype != b.dtype:
            return None
        if b.rank == 0:
            return self.batch.add("matmul", (a.slot, b.slot), (), call.dtype)
        return self._product_by(a.slot, b)

    def _matrix(self, x: Operand) -> Slot:
        """Return the rows of all steps as one matrix."""
        if x.rank == 1:
            return x.slot
        shape = (self.loop.times * x.shape[0], x.shape[1])
        return self.batch.add("reshape", (x.slot, shape), shape, x.dtype)

    def _product(self, place: int) -> bool:
        """Add a running product; return whether it is one."""
        call = self._example(place)
        inside = [
            isinstance(way, Carried) and way.place == place
            for way in self.loop.ways[place]
        ]
        if call.function != "multiply" or len(inside) != 2 or sum(inside) != 1:
            return False
        return self._accumulated(place, "accumulate_product")

    def _accumulated(self, place: int, function: str) -> bool:
        """Add an array of all values of a running sum or product."""
        call, ways = self._example(place), self.loop.ways[place]
        own = next(
            at
            for at, way in enumerate(ways)
            if isinstance(way, Carried) and way.place == place
        )
        carried, term = ways[own], ways[1 - own]
        if isinstance(term, Carried) and term.place == place:
            return False
        x = self._one(place, 1 - own)
        if (x.shape, x.dtype, x.weak) != (call.shape, call.dtype, False):
            return False
        if call.weak:
            return False
        n = self.loop.times
        terms, is_flipped = self.batch.whole(x), self.schedule.flipped[self.i]
        if is_flipped:
            terms = self.schedule.rows(terms, np.arange(n)[::-1], 0)
        assert isinstance(carried, Carried)  # noqa: S101 - chosen so
        skip = carried.first is not None
        if carried.first is not None:
            shape = (1, *call.shape)
            first = self.schedule.value(carried.first)
            first = self.batch.add("reshape", (first, shape), shape, call.dtype)
            terms = self.schedule.joined([first, terms])
        shape = (n + skip, *call.shape)
        found = self.batch.add(function, (terms,), shape, call.dtype)
        steps = np.arange(skip, n + skip)
        found = self.schedule.rows(found, steps[::-1] if is_flipped else steps, 0)
        self._put(place, BATCHED, found)
        return True

    # -- cycles ------------------------------------------------------------------------

    def _scan(self, group: list[int]) -> None:
        """Add the calls of a cycle as one call, which runs step by step."""
        members = set(group)
        calls = [self._example(place) for place in group]
        static = {place: self._static(place) for place in group}
        if (
            any(call.weak for call in calls)
            or any(self._reads_objects(place) for place in group)
            or any(
                differing and call.function not in ELEMENTWISE
                for call, differing in zip(calls, static.values(), strict=True)
            )
            or any(place in members for place in self.loop.lacking())
        ):
            return self._each(group)
        self.scanned |= members
        return _ScanMaker(self, group, static).add()


_FILLED: Final = {"zeros_like": 0, "ones_like": 1}


@final
class _ScanMaker:
    """Makes the body of a scan, and its arguments."""

    def __init__(
        self, steps: Steps, group: list[int], static: dict[int, dict[int, list[Any]]]
    ) -> None:
        self.steps = steps
        self.group = group
        self.static = static
        self.body = Plan()
        self.carried: dict[tuple[int, int], int] = {}  # place and first to a number
        self.inputs: list[tuple[Call, Slot, int]] = []

    def add(self) -> None:
        steps, schedule = self.steps, self.steps.schedule
        loop, members = steps.loop, set(self.group)
        # what each call reads: its own places, what is carried, or an operand
        reads: dict[int, list[Any]] = {}
        carries: dict[tuple[int, int | None], Call] = {}
        outer: dict[tuple[Slot, bool, bool], Operand] = {}
        for place in self.group:
            read = schedule.table.read_by(loop.example(place))
            reads[place] = []
            for way, at in zip(loop.ways[place], read, strict=True):
                if isinstance(way, Local | Carried) and way.place in members:
                    reads[place].append(way)
                    if isinstance(way, Carried):
                        carries[way.place, way.first] = schedule.call_of(at)
                    continue
                x = steps._operand(way, schedule.call_of(at))
                outer[x.slot, x.is_batched, x.weak] = x
                reads[place].append(x)
            for index, each in self.static[place].items():
                x = steps._literals(each)
                outer[x.slot, True, True] = x
                self.static[place][index] = [x]
        stacked = [x for x in outer.values() if x.is_batched]
        fixed = [x for x in outer.values() if not x.is_batched]
        names: dict[Any, Slot] = {}
        for key, call in carries.items():
            names[key] = self._input(call.shape, call.dtype, call.weak)
        for x in (*stacked, *fixed):
            names[x.slot, x.is_batched, x.weak] = self._input(x.shape, x.dtype, x.weak)
        made: dict[int, Slot] = {}
        for place in self.group:
            operands = []
            for x in reads[place]:
                if isinstance(x, Local):
                    operands.append(made[x.place])
                elif isinstance(x, Carried):
                    operands.append(names[x.place, x.first])
                else:
                    operands.append(names[x.slot, x.is_batched, x.weak])
            made[place] = self._copy(steps._example(place), operands, place, names)
        kept = [place for place in self.group if self._is_kept(place, members)]
        scan = Scan(
            self.body,
            tuple(made[place] for place, _ in carries),
            tuple(made[place] for place in kept),
            len(stacked),
            loop.times,
            schedule.flipped[steps.i],
        )
        firsts = [schedule.value(first) for _, first in carries]  # type: ignore[arg-type]
        given = (*firsts, *[x.slot for x in (*stacked, *fixed)])
        several = schedule.add(scan, given, (), np.dtype(object))
        for i, place in enumerate(kept):
            call = steps._example(place)
            shape = (loop.times, *call.shape)
            slot = schedule.add("getitem", (several, i), shape, call.dtype)
            steps.places[place] = Place(BATCHED, slot)
        for i, (place, _) in enumerate(carries):
            if place not in kept:
                call = steps._example(place)
                at = (several, len(kept) + i)
                slot = schedule.add("getitem", at, call.shape, call.dtype)
                steps.places[place] = Place(LAST, slot)
        steps.report["carried"] += len(self.group)

    def _is_kept(self, place: int, members: set[int]) -> bool:
        steps, schedule = self.steps, self.steps.schedule
        is_carried = any(
            isinstance(way, Carried) and way.place == place
            for member in members
            for way in steps.loop.ways[member]
        )
        return (
            schedule.is_asked_early(steps.i, place)
            or any(reader not in members for reader in steps.readers[place])
            or steps.loop.example(place) in schedule.table.checks
            or (schedule.is_asked(steps.i, place) and not is_carried)
        )

    def _input(self, shape: Any, dtype: Any, weak: bool) -> Slot:
        self.body.calls.append(Call("input", (), (), shape, dtype, weak))
        slot = Slot(len(self.body.calls) - 1)
        self.body.inputs.append(slot)
        return slot

    def _copy(
        self, call: Call, operands: list[Slot], place: int, names: dict[Any, Slot]
    ) -> Slot:
        given = iter(operands)
        arguments = [next(given) if type(x) is Slot else x for x in call.arguments]
        options = tuple(
            (name, next(given) if type(x) is Slot else x) for name, x in call.options
        )
        for index, (x,) in self.static[place].items():
            arguments[index] = names[x.slot, True, True]
        self.body.calls.append(
            call._replace(arguments=tuple(arguments), options=options)
        )
        return Slot(len(self.body.calls) - 1)
