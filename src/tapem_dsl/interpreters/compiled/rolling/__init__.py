"""Rolling up: a plan whose repetitions are computed at once, or in short loops."""

from collections.abc import Sequence

from tapem_dsl.interpreters.compiled.plan import Plan, Slot
from tapem_dsl.interpreters.compiled.rolling.loops import loops_in
from tapem_dsl.interpreters.compiled.rolling.schedule import Schedule
from tapem_dsl.interpreters.compiled.rolling.steps import Steps
from tapem_dsl.interpreters.compiled.rolling.table import Table


def rolled(plan: Plan, outputs: Sequence[Slot]) -> tuple[Plan, list[Slot], list[str]]:
    """Return a plan of the same results but for the order of sums, and its outputs."""
    reports: list[str] = []
    outputs = list(outputs)
    for _ in range(_LEVELS):
        table = Table(plan, outputs)
        loops = loops_in(table)
        if not loops:
            break
        schedule = Schedule(table, loops)
        starts = {loop.start: i for i, loop in enumerate(loops)}
        position = 0
        while position < len(table.calls):
            if position in starts:
                i = starts[position]
                steps = Steps(schedule, i)
                steps.add_all()
                loop = loops[i]
                counts = ", ".join(f"{n} {how}" for how, n in steps.report.items())
                reports.append(f"{loop.times} steps of {loop.period} calls: {counts}")
                position = loop.stop
            else:
                schedule.flat(position)
                position += 1
        outputs = [schedule.value(at) for at in table.outputs]
        plan = schedule.plan
    return plan, outputs, reports


_LEVELS = 4
