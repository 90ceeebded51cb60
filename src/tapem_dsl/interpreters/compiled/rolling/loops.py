"""Loops: parts of a plan whose steps make the same calls on operands of one pattern."""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final, TypeAlias, final

import numpy as np

from tapem_dsl.interpreters.compiled.rolling.graphs import components
from tapem_dsl.interpreters.compiled.rolling.table import Table
from tapem_dsl.interpreters.periods import (
    LEAST,
    Numbers,
    Run,
    run_of,
    runs_in,
)


@dataclass(frozen=True, slots=True)
class Same:
    """An operand that is one value from before the loop, in all steps."""

    at: int


@dataclass(frozen=True, slots=True)
class Local:
    """An operand that a place of the same step computes."""

    place: int


@dataclass(frozen=True, slots=True)
class Carried:
    """An operand that a place of the step before computes."""

    place: int
    first: int | None
    """Its position in the first step; ``None`` if that is a sum's first term."""

    def begin(self) -> int:
        """Return its position in the first step."""
        if self.first is None:
            raise LookupError("the first term of a sum has nothing before it")
        return self.first


@dataclass(frozen=True, slots=True)
class Stacked:
    """An operand that is another value from before the loop in each step."""

    at: Numbers


Way: TypeAlias = Same | Local | Carried | Stacked


@final
@dataclass(slots=True, eq=False)
class Loop:
    """
    Steps of the same calls; the place of a call is its number within a step.

    The first step may lack the calls that add to sums: their first terms are there
    instead.
    """

    start: int
    period: int
    times: int
    positions: Numbers
    """Of steps and places; where a call is lacking, that of the sum's first term."""

    ways: list[list[Way]] = field(default_factory=list)
    sums: list[list[int]] = field(default_factory=list)
    """The places that only add to one sum, sum by sum."""

    @property
    def stop(self) -> int:
        """The position behind its last call."""
        return int(self.positions[-1, -1]) + 1

    def example(self, place: int) -> int:
        """Return the position of a call of a place."""
        return int(self.positions[-1, place])

    def lacking(self) -> list[int]:
        """List the places whose call the first step lacks."""
        return [
            place
            for place, ways in enumerate(self.ways)
            if any(isinstance(way, Carried) and way.first is None for way in ways)
        ]


def loops_in(table: Table) -> tuple[list[Loop], list[Run]]:
    """
    Find loops that do not overlap, first those that hold most calls.

    Returns:
        the loops, in order; and what repeats, but is none, for its steps read what
        other ones compute in no pattern.

    >>> from tapem_dsl.interpreters.compiled.plan import Plan
    >>> plan = Plan()
    >>> xs = [plan.input(np.float64(1)) for _ in range(5)]
    >>> ys = [plan.call("exp", (x,), (), np.float64(2.7)) for x in xs]
    >>> [(loop.start, loop.period, loop.times) for loop in loops_in(Table(plan, ys))[0]]
    [(0, 1, 5)]
    """
    n = len(table.kinds)
    unfit: list[Run] = []
    taken = np.zeros(n, np.bool_)
    runs = runs_in(table.kinds)
    heapify(runs)
    found: list[Loop] = []
    fits = _FITS + n // _CALLS_PER_FIT
    while runs and fits > 0:
        run = heappop(runs)
        free = _free(taken, run)
        if free != [run]:
            for part in free:
                heappush(runs, part)
            continue
        loop, steps = _best_fit(table, run)
        fits -= 1
        if loop is None:
            unfit.append(run)
            rest = run.part(run.start + max(1, steps) * run.period, run.stop)
            others = [rest, *(_longer(run, m) for m in {2, 3, steps})]
        else:
            loop = with_first_step(table, loop)
            if taken[loop.start : loop.stop].any():
                continue
            taken[loop.start : loop.stop] = True
            found.append(loop)
            others = [run.part(run.start, loop.start), run.part(loop.stop, run.stop)]
        for other in others:
            if other.is_long():
                heappush(runs, other)
    left = [run for run in unfit if not taken[run.start : run.stop].any()]
    return sorted(found, key=lambda loop: loop.start), left


_FITS: Final = 64
_CALLS_PER_FIT: Final = 50
"""How many runs are tried: the best ones first, 100 us each, 2 us a call in all."""


def _longer(run: Run, steps: int) -> Run:
    """Return the same part of a sequence, several steps of which are one."""
    if steps < 2 or run.period * steps > run.length // LEAST:
        return run.part(run.start, run.start)
    return run_of(run.start, run.length, run.period * steps)


def _free(taken: "np.typing.NDArray[np.bool_]", run: Run) -> list[Run]:
    """Return the parts of a run that no loop has, if they are long enough."""
    held = taken[run.start : run.stop]
    if not held.any():
        return [run]
    edges = np.flatnonzero(np.diff(~held, prepend=False, append=False)) + run.start
    parts = [run.part(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]
    return [part for part in parts if part.is_long()]


def _best_fit(table: Table, run: Run) -> tuple[Loop | None, int]:
    """Return the loop of a run, cut where fewest values pass from step to step."""
    shift = _cut(table, run)
    loop, steps = fitted(table, run.start + shift, run.period, _times(run, shift))
    if loop is None and shift:
        loop, steps = fitted(table, run.start, run.period, _times(run, 0))
    wider = _longer(run, steps)
    if loop is not None and steps < _times(run, shift) and wider.is_long():
        shift = _cut(table, wider)
        other, _ = fitted(table, run.start + shift, wider.period, _times(wider, shift))
        if other is not None and other.stop - other.start > loop.stop - loop.start:
            return other, other.times
    return loop, steps


def _times(run: Run, shift: int) -> int:
    return (run.length - shift) // run.period


def _cut(table: Table, run: Run) -> int:
    """Return where in a period a step begins: where fewest values are carried."""
    period = run.period
    if run.length // period <= LEAST:
        return 0
    first, last = table.offsets[[run.start + period, run.start + 2 * period]]
    counts = np.diff(table.offsets[run.start + period : run.start + 2 * period + 1])
    reader = np.repeat(np.arange(period), counts)
    read = table.operands[first:last] - (run.start + period)
    near = read >= -period
    reader, read = reader[near], read[near]
    crossed = np.zeros(2 * period + 1, np.intp)  # between read and reader
    np.add.at(crossed, read + 1 + period, 1)
    np.add.at(crossed, reader + 1 + period, -1)
    cuts = np.cumsum(crossed)[:-1]
    cost = cuts[:period] + cuts[period:]
    most = min(period, run.length - LEAST * period + 1)
    return int(np.argmin(cost[:most]))


def fitted(
    table: Table, start: int, period: int, times: int
) -> tuple[Loop | None, int]:
    """
    Return the loop of so many steps from some position on, or of as many as fit.

    Returns:
        the loop, ``None`` if too few steps fit; and how many do.
    """
    if times < LEAST:
        return None, 0
    first, width = table.offsets[start], table.offsets[start + period]
    width = int(width - first)
    read = table.operands[first : first + width * times].reshape(times, width)
    base = start + period * np.arange(times)[:, None]
    place = read - base
    is_local = place[0] >= 0
    is_carried = ~is_local & (read[1] >= start)
    fits = np.where(is_local, place == place[0], read < start)
    fits[1:, is_carried] = (place[1:] == place[1])[:, is_carried]
    fits[1:, is_carried] &= (place[1] < 0)[is_carried]
    fits[1:, is_carried] &= (place[1] >= -period)[is_carried]
    good = fits.all(axis=1)
    times = times if good.all() else int(good.argmin())
    if times < LEAST:
        return None, times
    read, place = read[:times], place[:times]
    columns: list[Way] = []
    alike = (read == read[0]).all(axis=0)
    for i in range(width):
        if is_local[i]:
            columns.append(Local(int(place[0, i])))
        elif is_carried[i]:
            columns.append(Carried(int(place[1, i]) + period, int(read[0, i])))
        elif alike[i]:
            columns.append(Same(int(read[0, i])))
        else:
            columns.append(Stacked(read[:, i].copy()))
    offsets = (table.offsets[start : start + period + 1] - first).tolist()
    ways = [columns[a:b] for a, b in pairwise(offsets)]
    positions = base[:times] + np.arange(period)
    loop = Loop(start, period, times, positions, ways)
    loop.sums = _sums(table, loop)
    return loop, times


def _sums(table: Table, loop: Loop) -> list[list[int]]:
    """List the cycles of places that only add to what the place before them added."""
    found = []
    for group in components(readers_in(loop)):
        members = set(group)
        carried = [
            way
            for place in group
            for way in loop.ways[place]
            if isinstance(way, Carried) and way.place in members
        ]
        # of several, each step would add to what another sum was
        if len(carried) == 1 and all(
            _adds(table, loop, place, members) for place in group
        ):
            found.append(group)
    return found


def readers_in(loop: Loop) -> list[list[int]]:
    """List for each place those that read it, in the same step or the next one."""
    readers: list[list[int]] = [[] for _ in range(loop.period)]
    for reader, ways in enumerate(loop.ways):
        for way in ways:
            if isinstance(way, Local | Carried):
                readers[way.place].append(reader)
    return readers


def _adds(table: Table, loop: Loop, place: int, members: set[int]) -> bool:
    call = table.calls[loop.example(place)]
    ways = loop.ways[place]
    if call.function != "add" or len(ways) != 2 or call.weak:
        return False
    inside = [isinstance(w, Local | Carried) and w.place in members for w in ways]
    operands = [table.plan.calls[slot] for slot in call.slots()]
    return sum(inside) == 1 and all(
        (x.shape, x.dtype, x.weak) == (call.shape, call.dtype, False) for x in operands
    )


def term_of(loop: Loop, place: int) -> int:
    """Return which operand of an addition of a sum is the term."""
    (members,) = [group for group in loop.sums if place in group]
    first = loop.ways[place][0]
    return int(isinstance(first, Local | Carried) and first.place in members)


def with_first_step(table: Table, loop: Loop) -> Loop:
    """
    Join to a loop the step before it, which only lacks the additions to sums.

    So begins each mean: the first loss is added to nothing, and the first contribution
    to a cotangent is stored.
    """
    lacking = [
        place
        for group in loop.sums
        for place in group
        if isinstance(loop.ways[place][1 - term_of(loop, place)], Carried)
    ]
    start = loop.start - (loop.period - len(lacking))
    if not lacking or start < 0:
        return loop
    position, first = start, np.full(loop.period, -1, np.intp)
    for place in range(loop.period):
        if place not in lacking:
            if table.kinds[position] != table.kinds[loop.example(place)]:
                return loop
            first[place] = position
            position += 1
    ways: list[list[Way]] = []
    for place in range(loop.period):
        if place in lacking:
            term = term_of(loop, place)
            joined = _sum_from_first(loop, place, term, start, first)
        else:
            read = table.read_by(int(first[place]))
            joined = _ways_from_first(loop, place, read, start, first)
        if joined is None:
            return loop
        ways.append(joined)
    if not _follows(loop, start, first):
        return loop
    positions = np.vstack([first, loop.positions])
    return Loop(start, loop.period, loop.times + 1, positions, ways, loop.sums)


def _follows(loop: Loop, start: int, first: Numbers) -> bool:
    """Return whether a loop goes on from a first step, and reads it in no other way."""
    for way in (way for ways in loop.ways for way in ways):
        if isinstance(way, Carried) and way.first != first[way.place]:
            return False
        if isinstance(way, Same | Stacked) and np.any(np.asarray(way.at) >= start):
            return False
    return True


def _sum_from_first(
    loop: Loop, place: int, term: int, start: int, first: Numbers
) -> list[Way] | None:
    """
    Return the operands of an addition that the first step lacks.

    Its value there is its term: that position is put into ``first``.
    """
    ways = list(loop.ways[place])
    way, carried = ways[term], ways[1 - term]
    if not isinstance(carried, Carried):
        return None
    if isinstance(way, Local):
        first[place] = first[way.place]
    elif isinstance(way, Same):
        first[place] = way.at
    elif isinstance(way, Stacked) and carried.place == place:
        first[place] = carried.begin()  # the sum of one term
        ways[term] = Stacked(np.concatenate(([carried.begin()], way.at)))
        if first[place] >= start:
            return None
    else:
        return None
    ways[1 - term] = Carried(carried.place, None)
    return ways


def _ways_from_first(
    loop: Loop, place: int, read: list[int], start: int, first: Numbers
) -> list[Way] | None:
    """Return the operands of a call, with those that the first step reads."""
    ways: list[Way] = []
    for way, at in zip(loop.ways[place], read, strict=True):
        if isinstance(way, Local):
            if first[way.place] != at:
                return None
            ways.append(way)
        elif at >= start:
            return None
        elif isinstance(way, Same):
            if way.at != at:
                return None
            ways.append(way)
        elif isinstance(way, Stacked):
            ways.append(Stacked(np.concatenate(([at], way.at))))
        else:
            ways.append(Carried(way.place, at))
    return ways
