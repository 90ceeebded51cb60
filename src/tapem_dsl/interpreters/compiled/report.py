"""What a function under ``jit`` says of its plans."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

from tapem_dsl.interpreters.compiled.engines import SafeRunner
from tapem_dsl.interpreters.compiled.plan import Plan
from tapem_dsl.messages import short_repr

# Any, below: arguments and results of whatever function is compiled.


@final
@dataclass(frozen=True, slots=True)
class Compiled:
    """One plan of a function, ready to run."""

    plan: Plan
    noted: int
    """How many calls the plan had before it was rolled up."""

    rolled: list[str]
    """What was rolled up, and what was not."""

    run: SafeRunner
    rebuild: Callable[[list[Any]], Any]
    """From the outputs of a run to the result of the function."""

    seconds: float


def report_of(
    function: object,
    every: list[Compiled],
    eager: Iterable[tuple[str, int]],
    runs: int,
) -> str:
    """
    Say what was compiled, what was not, and why.

    Args:
        function: that is compiled.
        every: its plans.
        eager: why the function ran as it is, and how often.
        runs: how often a plan ran.

    >>> print(report_of(abs, [], [("it returns a set", 2)], 0))
    abs: 0 plans, 0 runs of a plan
    as it is, 2 times: it returns a set
    """
    name = name_of(function)
    lines = [f"{name}: {_count(len(every), 'plan')}, {_count(runs, 'run')} of a plan"]
    for i, compiled in enumerate(every):
        plan = compiled.plan
        calls = _count(plan.count(), "call")
        if compiled.noted != plan.count():
            calls += f" instead of {compiled.noted:,}"
        lines.append(
            f"plan {i}: {_count(len(plan.inputs), 'input')}, {calls}, "
            f"{_count(len(plan.checks), 'check')}, "
            f"made in {compiled.seconds * 1e3:.1f} ms"
        )
        lines += [f"    {line}" for line in compiled.rolled]
    for reason, times in eager:
        lines.append(f"as it is, {_count(times, 'time')}: {reason}")
    return "\n".join(lines)


def name_of(function: object) -> str:
    """
    Return what a function is called.

    >>> name_of(abs)
    'abs'
    """
    return getattr(function, "__qualname__", None) or short_repr(function)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n:,} {what}s"
