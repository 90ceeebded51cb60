"""From loops to a shorter plan, whose calls are of one step or of all at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from tapem_dsl.interpreters.compiled.calls import exact, moved
from tapem_dsl.interpreters.compiled.plan import Call, Plan, Slot, slice_of
from tapem_dsl.interpreters.compiled.rolling.loops import Carried, Loop, Same, Stacked
from tapem_dsl.interpreters.compiled.rolling.table import Table
from tapem_dsl.interpreters.periods import LEAST, Numbers

ALIKE: Final = "alike"
BATCHED: Final = "batched"
SUMMED: Final = "summed"
CARRIED: Final = "carried"
EACH: Final = "step by step"
NOT_KEPT: Final = "not kept"


@dataclass(slots=True)
class Place:
    """
    What became of a place of a loop.

    ``alike``: one value for all steps. ``batched``: an array of one value a step.
    ``summed`` and ``carried``: the value of the last step, the only one that is needed.
    ``step by step``: one call for each step, as before. ``not kept``: nothing yet, or a
    value within a scan that is not needed outside of it.
    """

    how: str = NOT_KEPT
    slot: Slot | None = None

    def value(self) -> Slot:
        """Return the one value of all steps."""
        if self.slot is None:
            raise LookupError(f"a value is needed of a place that is {self.how}")
        return self.slot


@final
class Schedule:
    """
    A plan in the making: the calls of a table, loops by loops.

    >>> plan = Plan()
    >>> x = plan.input(np.float64(1))
    >>> table = Table(plan, [plan.call("exp", (x,), (), np.float64(2.7))])
    >>> schedule = Schedule(table, [])
    >>> schedule.flat(0)
    >>> schedule.plan
    %0 = input -> float64[]
    %1 = exp(%0) -> float64[]
    """

    def __init__(self, table: Table, loops: Sequence[Loop]) -> None:
        self.table = table
        self.loops = loops
        self.plan = Plan()
        self.made: dict[int, Slot] = {}  # positions to values of the new plan
        self._stacks: dict[bytes, Slot] = {}
        self._known: dict[Any, Slot] = {}  # Any: what calls have in common
        for i, slot in enumerate(table.given):
            call = table.plan.calls[slot]
            if call.function == "input":
                self.made[-1 - i] = self.copy(call, [])
                self.plan.inputs.append(self.made[-1 - i])
        n = len(table.calls)
        self.owner = np.full(n, -1, np.intp)
        self.place = np.zeros(n, np.intp)
        self.step = np.zeros(n, np.intp)
        for i, loop in enumerate(loops):
            steps = np.arange(loop.times)[:, None] + np.zeros(loop.period, np.intp)
            places = np.zeros((loop.times, 1), np.intp) + np.arange(loop.period)
            is_there = np.ones(loop.positions.shape, np.bool_)
            is_there[0, loop.lacking()] = False
            at = loop.positions[is_there]
            self.owner[at] = i
            self.place[at] = places[is_there]
            self.step[at] = steps[is_there]
        self.places = [[Place() for _ in range(loop.period)] for loop in loops]
        self.flipped = [False for _ in loops]
        self._asks = [np.zeros((2, loop.period), np.bool_) for loop in loops]
        self._ask_for_all()

    # -- what is wanted ----------------------------------------------------------------

    def _ask_for_all(self) -> None:
        """Note which values of loops are read from outside of them."""
        table = self.table
        counts = np.diff(table.offsets)
        self._ask(table.operands[np.repeat(self.owner < 0, counts)])
        self._ask(np.array(table.outputs, np.intp))
        for loop in self.loops:
            for ways in loop.ways:
                for way in ways:
                    if isinstance(way, Stacked):
                        self._ask(way.at)
                    elif isinstance(way, Same):
                        self._ask(np.array([way.at]))
                    elif isinstance(way, Carried) and way.first is not None:
                        self._ask(np.array([way.first]))

    def _ask(self, positions: Numbers) -> None:
        at = positions[positions >= 0]
        at = at[self.owner[at] >= 0]
        for i in np.unique(self.owner[at]).tolist():
            mine = at[self.owner[at] == i]
            is_last = self.step[mine] == self.loops[i].times - 1
            self._asks[i][0, self.place[mine[is_last]]] = True
            self._asks[i][1, self.place[mine[~is_last]]] = True

    def is_asked(self, i: int, place: int) -> bool:
        """Return whether a value of a place is read from outside of its loop."""
        return bool(self._asks[i][:, place].any())

    def is_needed_early(
        self, i: int, place: int, members: Collection[int], readers: Sequence[int]
    ) -> bool:
        """
        Return whether a value of a step before the last one is needed of a cycle.

        Args:
            i: the loop.
            place: in the cycle.
            members: the places of the cycle.
            readers: the places of the loop that read this one.
        """
        return (
            bool(self._asks[i][1, place])
            or any(reader not in members for reader in readers)
            or self.loops[i].example(place) in self.table.checks
        )

    # -- values ------------------------------------------------------------------------

    def value(self, position: int) -> Slot:
        """Return the value of a position in the new plan."""
        if position not in self.made:
            self.made[position] = self._value(position)
        return self.made[position]

    def _value(self, position: int) -> Slot:
        if position < 0:
            slot = self.table.given[-1 - position]
            return self.plan.constant(self.table.plan.constants[slot])
        i = int(self.owner[position])
        there = self.places[i][int(self.place[position])]
        if there.how != BATCHED:
            return there.value()
        call = self.table.calls[position]
        index = self._index(i, int(self.step[position]))
        return self.plan.add("getitem", (there.value(), index), call.shape, call.dtype)

    # Any: steps, one or an array of them.
    def _index(self, i: int, step: Any) -> Any:
        return self.loops[i].times - 1 - step if self.flipped[i] else step

    def copy(self, call: Call, operands: Sequence[Slot]) -> Slot:
        """Add a call on other operands."""
        return self.plan.append(moved(call, operands))

    def once(self, call: Call, operands: Sequence[Slot]) -> Slot:
        """Add a call unless an equal one is there that was added so."""
        static = [x for x in call.arguments if type(x) is not Slot]
        key = (call.function, exact((*static, *call.options)), *operands)
        if key not in self._known:
            self._known[key] = self.copy(call, operands)
        return self._known[key]

    def call_of(self, position: int) -> Call:
        """Return the call that computes a position, or gives it."""
        if position < 0:
            return self.table.plan.calls[self.table.given[-1 - position]]
        return self.table.calls[position]

    def direction(self, positions: Numbers) -> int:
        """Return 1 if values lie one behind the other in an array, -1 if reversed."""
        first, last = positions[[0, -1]].tolist()
        if first < 0 or last < 0:
            return int(last < first) - int(last > first)
        i = int(self.owner[first])
        if i < 0 or i != self.owner[last]:
            return 0
        a, b = self._index(i, self.step[[first, last]]).tolist()
        return int(b > a) - int(b < a)

    # -- arrays of values --------------------------------------------------------------

    def stacked(self, positions: Numbers) -> Slot:
        """Return the array of values, which all have one shape and dtype."""
        key = positions.tobytes()
        if key not in self._stacks:
            self._stacks[key] = self._stacked(positions)
        return self._stacks[key]

    def _stacked(self, positions: Numbers) -> Slot:
        is_given, at = positions < 0, np.maximum(positions, 0)
        sources = np.where(is_given, -1, self.owner[at])
        places = np.where(sources < 0, -1, self.place[at])
        batched = [
            i >= 0 and self.places[i][j].how == BATCHED
            for i, j in zip(sources.tolist(), places.tolist(), strict=True)
        ]
        sources = np.where(batched, sources, -1)
        places = np.where(batched, places, -1)
        edges = np.flatnonzero((np.diff(sources) != 0) | (np.diff(places) != 0)) + 1
        pieces = np.split(positions, edges)
        starts = [0, *edges.tolist()]
        if len(pieces) > _PIECES:
            return self._listed(positions)
        return self.joined(
            [
                self._slice(piece) if batched[start] else self._listed(piece)
                for start, piece in zip(starts, pieces, strict=True)
            ]
        )

    def joined(self, parts: Sequence[Slot]) -> Slot:
        """Return the arrays one behind the other."""
        if len(parts) == 1:
            return parts[0]
        calls = [self.plan.calls[part] for part in parts]
        shape = (sum(call.shape[0] for call in calls), *calls[0].shape[1:])
        dtype = calls[0].dtype
        return self.plan.add("concat", tuple(parts), shape, dtype, axis=0)

    def _slice(self, positions: Numbers) -> Slot:
        """Return a part of the array of one place."""
        i = int(self.owner[positions[0]])
        there = self.places[i][self.place[positions[0]]]
        steps = self._index(i, self.step[positions])
        return self.rows(there.value(), steps, 0)

    def rows(self, array: Slot, indices: Numbers, axis: int) -> Slot:
        """Take entries along an axis, as a view if they are equally far apart."""
        call = self.plan.calls[array]
        extent = call.shape[axis]
        shape = (*call.shape[:axis], len(indices), *call.shape[axis + 1 :])
        part = slice_of(indices, extent)
        if part is None:
            at = np.array(indices)
            at.setflags(write=False)
            given = (array, self.plan.constant(at), axis)
            return self.plan.add("take", given, shape, call.dtype)
        if part == slice(None):
            return array
        index = (*(slice(None),) * axis, part)
        return self.plan.add("getitem", (array, index), shape, call.dtype)

    def _listed(self, positions: Numbers) -> Slot:
        """Return an array of values that have nothing in common."""
        call = self.call_of(int(positions[0]))
        shape = (len(positions), *call.shape)
        if (positions == positions[0]).all():
            given = (self.value(int(positions[0])), shape)
            return self.plan.add("broadcast_to", given, shape, call.dtype)
        slots = tuple([self.value(at) for at in positions.tolist()])
        if all(slot in self.plan.constants for slot in slots):
            whole = np.stack([self.plan.constants[slot] for slot in slots])
            whole.setflags(write=False)
            return self.plan.constant(whole)
        return self.plan.add("stack", slots, shape, call.dtype)

    # -- calls outside of loops --------------------------------------------------------

    def flat(self, position: int) -> None:
        """Add a call as it was."""
        call = self.table.calls[position]
        read = self.table.read_by(position)
        if call.function == "outer_sum" and len(read) >= 2 * LEAST:
            self.made[position] = self._outer_sum(call, read)
        elif call.function == "sum_of":
            self.made[position] = self._sum_of(call, read)
        else:
            operands = [self.value(at) for at in read]
            self.made[position] = self.copy(call, operands)
        if position in self.table.checks:
            check = self.table.checks[position]
            self.plan.checks.append(check._replace(slot=self.made[position]))

    def _sum_of(self, call: Call, read: list[int]) -> Slot:
        """Add a sum of many terms, those of one place at once."""
        places: dict[Any, list[tuple[int, int]]] = {}
        for at in read:
            i, j, index = self._origin(at)
            places.setdefault((i, j) if i >= 0 else at, []).append((index, at))
        totals: list[Slot] = []
        for terms in places.values():
            positions = np.array([at for _, at in sorted(terms)])
            if len(positions) < LEAST:
                totals += [self.value(at) for at in positions.tolist()]
            else:
                x = self.stacked(positions)
                totals.append(
                    self.plan.add("sum_of_rows", (x,), call.shape, call.dtype)
                )
        if len(totals) == 1:
            return totals[0]
        return self.plan.add("sum_of", tuple(totals), call.shape, call.dtype)

    def _outer_sum(self, call: Call, read: list[int]) -> Slot:
        """Add a sum of outer products, those of one loop's values as one matrix."""
        half = len(read) // 2
        pairs: dict[Any, list[tuple[int, int, int]]] = {}
        for left, right in zip(read[:half], read[half:], strict=True):
            (i, j, at), (k, m, _) = self._origin(left), self._origin(right)
            key = (i, j, k, m) if i >= 0 else (left, right)
            pairs.setdefault(key, []).append((at, left, right))
        lefts, rights = [], []
        for group in pairs.values():
            group.sort()
            if len(group) < LEAST:
                lefts += [self.value(left) for _, left, _ in group]
                rights += [self.value(right) for _, _, right in group]
            else:
                lefts.append(self._matrix([left for _, left, _ in group]))
                rights.append(self._matrix([right for _, _, right in group]))
        return self.plan.add("outer_sum", (*lefts, *rights), call.shape, call.dtype)

    def _origin(self, position: int) -> tuple[int, int, int]:
        """Return the loop and the place of a value, and where their array has it."""
        if position < 0 or self.owner[position] < 0:
            return -1, -1, 0
        i = int(self.owner[position])
        return i, int(self.place[position]), self._index(i, int(self.step[position]))

    def _matrix(self, positions: list[int]) -> Slot:
        """Return the rows of many vectors or matrices as one matrix."""
        whole = self.stacked(np.array(positions))
        call = self.plan.calls[whole]
        if len(call.shape) == 2:
            return whole
        shape = (call.shape[0] * call.shape[1], call.shape[2])
        return self.plan.add("reshape", (whole, shape), shape, call.dtype)

    # -- checks of loops ---------------------------------------------------------------

    def check(self, i: int, place: int) -> None:
        """Add the checks of a place, those of all steps as one."""
        loop = self.loops[i]
        check = self.table.checks.get(loop.example(place))
        if check is None:
            return
        there = self.places[i][place]
        first = int(place in loop.lacking())  # there the first step has no such call
        if there.how == EACH:
            at = loop.positions[first:, place].tolist()
            slots = [self.value(position) for position in at]
        elif there.how == BATCHED:
            steps = np.sort(self._index(i, np.arange(first, loop.times)))
            found = self.rows(there.value(), steps, 0)
            times = loop.times - first
            slots = [self._every(found, times, expected=check.expected)]
            check = check._replace(expected=True)
        else:
            slots = [there.value()]
        self.plan.checks += [check._replace(slot=slot) for slot in slots]

    def _every(self, found: Slot, times: int, *, expected: bool) -> Slot:
        """Return whether all truth values are as expected."""
        truth = np.dtype(np.bool_)
        if self.plan.calls[found].dtype != truth:
            found = self.plan.add("not_equal", (found, 0), (times,), truth)
        if not expected:
            found = self.plan.add("logical_not", (found,), (times,), truth)
        return self.plan.add("all", (found,), (), truth)


_PIECES: Final = 16
