"""Rolling a plan up: from its calls to loops, and from loops to fewer calls."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, final

from tapem_dsl.interpreters.compiled.calls import needed
from tapem_dsl.interpreters.compiled.plan import Plan, Scan, Slot
from tapem_dsl.interpreters.compiled.rolling.costs import cost_of
from tapem_dsl.interpreters.compiled.rolling.graphs import components
from tapem_dsl.interpreters.compiled.rolling.loops import Loop, Same, loops_in
from tapem_dsl.interpreters.compiled.rolling.regroup import by_depth
from tapem_dsl.interpreters.compiled.rolling.scans import add_scan
from tapem_dsl.interpreters.compiled.rolling.schedule import ALIKE, Schedule
from tapem_dsl.interpreters.compiled.rolling.steps import Steps
from tapem_dsl.interpreters.compiled.rolling.sums import add_product, add_sum
from tapem_dsl.interpreters.compiled.rolling.table import Table


@final
@dataclass(slots=True)
class Rolled:
    """A plan of the same results as another, but for the order of sums."""

    plan: Plan
    outputs: list[Slot]
    report: list[str] = field(default_factory=list)
    """What was rolled up, and what was not."""


def rolled(plan: Plan, outputs: Sequence[Slot], *, always: bool) -> Rolled:
    """
    Roll the repetitions of a plan up.

    What repeats becomes one call over arrays with one more first axis: the loop over
    samples first, then, among the calls that this leaves, the loops inside of it.

    Args:
        plan: of calls that were noted.
        outputs: the values that are wanted.
        always: whether to do so also where an estimate says that it costs more.

    >>> import numpy as np
    >>> plan = Plan()
    >>> xs = [plan.input(np.float64(1)) for _ in range(4)]
    >>> ys = [plan.call("exp", (x,), (), np.float64(2.7)) for x in xs]
    >>> found = rolled(plan, ys, always=True)
    >>> found.report
    ['4 steps of 1 call: 1 batched']
    >>> found.plan.calls[4:6]
    [stack(%0, %1, %2, %3) -> float64[4], exp(%4) -> float64[4]]
    """
    found = Rolled(plan, list(outputs))
    _roll_all(found, always=always)
    if found.plan.count() >= _ENOUGH:
        is_irregular = _FEW * found.plan.count() > plan.count()
        start = Rolled(plan, list(outputs)) if is_irregular else found
        _regroup(found, start, always=always)
    if found.plan is not plan:
        _prune(found)
    for at, call in enumerate(found.plan.calls):
        if isinstance(call.function, Scan):
            scan = _with_rolled_body(call.function, found.report, always=always)
            found.plan.calls[at] = call._replace(function=scan)
    found.report = [
        line if times == 1 else f"{times} times {line}"
        for line, times in Counter(found.report).items()
    ]
    return found


_LEVELS: Final = 4
"""How many loops in each other are looked for."""

_ENOUGH: Final = 256
"""From how many calls on those of one kind and depth are looked for."""


def _roll_all(found: Rolled, *, always: bool) -> None:
    """Roll up the outermost loops, then those among the calls that are left."""
    for level in range(_LEVELS):
        lines = _roll(found, always=always, is_first=level == 0)
        found.report += [f"then {line}" if level else line for line in lines]
        if not lines:
            break


_FEW: Final = 10
"""A plan is irregular if more than one in so many calls is left."""


def _regroup(found: Rolled, start: Rolled, *, always: bool) -> None:
    """Roll up calls of one kind and depth, if that is estimated to save time."""
    regrouped = by_depth(start.plan, start.outputs)
    if regrouped is None:
        return
    other = Rolled(*regrouped)
    _roll_all(other, always=always)
    before, after = (
        sum(cost_of(x.plan.calls[at]) for at in _needed(x)) for x in (found, other)
    )
    if other.report and after < before:
        counts = f"{start.plan.count():,} became {other.plan.count():,}"
        found.plan, found.outputs = other.plan, other.outputs
        if start is not found:
            found.report.clear()
        found.report.append(f"calls of one kind and depth: {counts}")


def _prune(found: Rolled) -> None:
    """Leave out calls that nothing needs, such as the terms of a product."""
    schedule = Schedule(Table(found.plan, found.outputs), [])
    _scheduled(schedule)
    found.outputs = [schedule.value(at) for at in schedule.table.outputs]
    found.plan = schedule.plan


def _needed(found: Rolled) -> list[Slot]:
    checks = [check.slot for check in found.plan.checks]
    return needed(found.plan, [*found.outputs, *checks])


def _with_rolled_body(scan: Scan, report: list[str], *, always: bool) -> Scan:
    body = rolled(scan.body, (*scan.carried, *scan.kept), always=always)
    if not body.report:
        return scan
    report += [f"in a step of {scan.times}: {line}" for line in body.report]
    carried = tuple(body.outputs[: len(scan.carried)])
    kept = tuple(body.outputs[len(scan.carried) :])
    return Scan(
        body.plan, carried, kept, scan.stacked, scan.times, reverse=scan.reverse
    )


def _roll(found: Rolled, *, always: bool, is_first: bool) -> list[str]:
    """Roll up the outermost loops; say what was rolled up and what was not."""
    table = Table(found.plan, found.outputs)
    loops, unfit = loops_in(table)
    if is_first:
        found.report += [
            f"{_times(run.length // run.period, run.period)}: left as they are, for "
            "they read what other steps compute"
            for run in sorted(unfit)[:_SHOWN]
        ]
    else:
        loops = [loop for loop in loops if not _takes_rows(table, loop)]
    for _ in range(_TRIES if loops else 0):
        schedule = Schedule(table, loops)
        every, bounds = _scheduled(schedule)
        new = Rolled(schedule.plan, [schedule.value(at) for at in table.outputs])
        dear = set() if always else _dear(schedule, new, bounds)
        if not dear:
            found.plan, found.outputs = new.plan, new.outputs
            return [_line(steps) for steps in every]
        found.report += [
            f"{_size(loops[i])}: left as they are, rolled up they would cost more"
            for i in sorted(dear)[:_SHOWN]
        ]
        loops = [loop for i, loop in enumerate(loops) if i not in dear]
        if not loops:
            break
    return []


_TRIES: Final = 3
"""How often loops that would cost more are left out, and the others tried again."""


def _takes_rows(table: Table, loop: Loop) -> bool:
    """Return whether a loop only takes entries of an array that another one made."""
    call = table.calls[loop.start]
    if loop.period > 1 or call.function != "getitem":
        return False
    return type(call.arguments[1]) is int and isinstance(loop.ways[0][0], Same)


def _scheduled(schedule: Schedule) -> tuple[list[Steps], list[tuple[int, int]]]:
    """Add all calls; return the loops, and which calls became of each."""
    every, bounds = [], []
    numbers = {loop.start: i for i, loop in enumerate(schedule.loops)}
    position = 0
    while position < len(schedule.table.calls):
        i = numbers.get(position)
        if i is None:
            schedule.flat(position)
            position += 1
        else:
            before = len(schedule.plan.calls)
            every.append(Steps(schedule, i))
            _add_loop(every[-1])
            bounds.append((before, len(schedule.plan.calls)))
            position = schedule.loops[i].stop
    return every, bounds


def _add_loop(steps: Steps) -> None:
    """Add the calls of all steps, and their checks."""
    groups = components(steps.readers)
    for place in [group[0] for group in groups if len(group) == 1]:
        if steps.is_alike(place):
            steps.add_alike(place)
    for group in groups:
        place = group[0]
        if steps.places[place].how == ALIKE:
            continue
        if len(group) == 1 and place not in steps.readers[place]:
            steps.add_plain(place)
        elif not (
            (group in steps.loop.sums and add_sum(steps, group))
            or (len(group) == 1 and add_product(steps, place))
            or add_scan(steps, group)
        ):
            steps.add_each(group)
    for place in range(steps.loop.period):
        steps.schedule.check(steps.i, place)


def _dear(schedule: Schedule, new: Rolled, bounds: list[tuple[int, int]]) -> set[int]:
    """Return the loops whose calls would take longer than before."""
    is_needed = set(_needed(new))
    dear = set()
    for i, (first, last) in enumerate(bounds):
        loop = schedule.loops[i]
        places = range(loop.period)
        calls = [schedule.table.calls[loop.example(place)] for place in places]
        before = loop.times * sum(map(cost_of, calls))
        after = sum(
            cost_of(new.plan.calls[at]) for at in range(first, last) if at in is_needed
        )
        if after > before:
            dear.add(i)
    return dear


def _size(loop: Loop) -> str:
    return _times(loop.times, loop.period)


def _times(times: int, period: int) -> str:
    calls = "1 call" if period == 1 else f"{period:,} calls"
    return f"{times:,} steps of {calls}"


_SHOWN: Final = 3
"""How many parts that could not be rolled up are reported."""


def _line(steps: Steps) -> str:
    counts = ", ".join(f"{n} {how}" for how, n in steps.counts.items())
    return f"{_size(steps.loop)}: {counts}"
