"""Loops of steps: a state threaded through, a report for each, a logger beside."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import (
    check_count,
    check_fields,
    check_type,
    checked_pair,
    checked_result,
    said,
)
from tapem_dsl.errors import TapeError
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.train.loop.evaluation import Number, StepReport, checked_report

S = TypeVar("S")
O = TypeVar("O")  # noqa: E741 - an output
F = TypeVar("F", bound=np.generic)

Track: TypeAlias = Callable[[range], Iterable[int]]
"""Goes through the steps' numbers and may show how far it is: ``rich``'s ``track``."""


def run_steps_m(
    steps: int, init: S, step: Callable[[S], TapeM[tuple[S, O], F]]
) -> TapeM[tuple[S, list[O]], F]:
    """
    Thread a state through so many steps of a program, and collect what they give.

    Lean: ``runStepsM``, at the monad ``TapeM``.

    >>> from tapem_dsl import const
    >>> count = lambda n: const(float(n)).map(lambda id: (n + 1, id))
    >>> run_steps_m(3, 0, count).eval()
    <Success: (3, [0, 1, 2])>
    """
    check_count("run_steps_m", "steps", steps)
    check_type("run_steps_m", "step", step, Callable)
    return _run_steps_m(steps, init, step)


@do
def _run_steps_m(
    steps: int, init: S, step: Callable[[S], TapeM[tuple[S, O], F]]
) -> Do[tuple[S, list[O]], F]:
    state, outputs = init, []
    for _ in range(steps):
        program: object = step(state)
        if not isinstance(program, TapeM):
            raise TypeError(
                f"the step of run_steps_m gives a program, not {said(program)}; "
                "make one: pure(...)"
            )
        pair = yield from program
        state, output = checked_pair("the step of run_steps_m", pair)
        outputs.append(output)
    return state, outputs


def run_steps(
    steps: int,
    init: S,
    step: Callable[[S], Result[tuple[S, O], TapeError]],
    *,
    track: Track = iter,
) -> Result[tuple[S, list[O]], TapeError]:
    """
    Thread a state through so many steps, and collect what they give.

    Args:
        steps: how many.
        init: the first state.
        step: from a state to the next, and an output; its first failure ends the loop.
        track: goes through the steps' numbers, say to show progress.

    Raises:
        TypeError: the step gives no ``Result`` of a pair.
        ValueError: a negative number of steps.

    Lean: ``runStepsM`` at ``Except``; C: ``runSteps``.

    >>> run_steps(3, 1, lambda n: Success((2 * n, n)))
    <Success: (8, [1, 2, 4])>
    """
    check_count("run_steps", "steps", steps)
    check_type("run_steps", "step", step, Callable)
    check_type("run_steps", "track", track, Callable)
    state, outputs = init, []
    for _ in track(range(steps)):
        result = checked_result("the step of run_steps", step(state))
        if isinstance(result, Failure):
            return Failure(result.failure())
        state, output = checked_pair("the step of run_steps", result.unwrap())
        outputs.append(output)
    return Success((state, outputs))


# Any state: to say nothing of it.
def no_log(index: int, state: object, report: StepReport) -> None:
    """
    Say nothing.

    Lean: ``noLog``; C: ``withoutLogging``.

    >>> no_log(0, None, StepReport(1.0))
    """


@final
@dataclass(frozen=True, slots=True)
class Trainer(Generic[S]):
    """
    A first state, a step, and what to say of each step.

    ``run`` can be called any number of times: nothing in the trainer changes.

    Raises:
        TypeError: the step or the logger is no function; in a run, the step gives no
            ``Result`` of a state and a :class:`StepReport`.

    Lean: ``Trainer``. PyTorch Lightning: ``Trainer``.

    >>> halve = lambda w: Success((w / 2, StepReport(w)))
    >>> Trainer(1.0, halve).run_losses(3)
    <Success: [1.0, 0.5, 0.25]>
    """

    init: S
    step: Callable[[S], Result[tuple[S, StepReport], TapeError]]
    logger: Callable[[int, S, StepReport], None] = no_log
    """Takes the step's number, counted from 0, the state after it, and its report."""

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, step=Callable, logger=Callable)

    def run(
        self, steps: int, *, track: Track = iter
    ) -> Result[tuple[S, list[StepReport]], TapeError]:
        """
        Run so many steps; the first failure ends it.

        >>> count = lambda n: Success((n + 1, StepReport(float(n))))
        >>> Trainer(0, count).run(2).map(lambda result: result[0])
        <Success: 2>
        """

        def logged(
            numbered: tuple[int, S],
        ) -> Result[tuple[tuple[int, S], StepReport], TapeError]:
            index, state = numbered
            result: Result[tuple[S, StepReport], TapeError] = checked_result(
                "the step of Trainer", self.step(state)
            )
            return result.map(lambda pair: self._logged(index, pair))

        ran = run_steps(steps, (0, self.init), logged, track=track)
        return ran.map(lambda result: (result[0][1], result[1]))

    def _logged(
        self, index: int, pair: tuple[S, StepReport]
    ) -> tuple[tuple[int, S], StepReport]:
        state, report = checked_pair("the step of Trainer", pair)
        checked_report("the step of Trainer", report)
        self.logger(index, state, report)
        return (index + 1, state), report

    def run_losses(
        self, steps: int, *, track: Track = iter
    ) -> Result[list[Number], TapeError]:
        """
        Run, and give the losses only.

        Lean: ``runLosses``.

        >>> Trainer(0, lambda n: Success((n, StepReport(0.5)))).run_losses(1)
        <Success: [0.5]>
        """
        ran = self.run(steps, track=track)
        return ran.map(lambda result: [report.loss for report in result[1]])

    def with_logger(self, logger: Callable[[int, S, StepReport], None]) -> "Trainer[S]":
        """
        Give a trainer that says something else.

        Lean: ``Trainer.withLogger``.

        >>> stay = Trainer(0, lambda n: Success((n, StepReport(0.5))))
        >>> _ = stay.with_logger(lambda i, n, report: print(i, report.loss)).run(2)
        0 0.5
        1 0.5
        """
        return replace(self, logger=logger)

    def with_report_logger(self, logger: logging.Logger) -> "Trainer[S]":
        """
        Give a trainer that logs each step's report as information.

        Lean: ``Trainer.withReportLogger``.

        >>> from tapem_dsl.train.loop.loggers import stdout_logger
        >>> stay = Trainer(0, lambda n: Success((n, StepReport(0.5))))
        >>> _ = stay.with_report_logger(stdout_logger("doctest of tapem_dsl")).run(1)
        [info] step 0: loss=0.500000
        """
        check_type("with_report_logger", "logger", logger, logging.Logger)
        return self.with_logger(_ReportLogger(logger))


@final
@dataclass(frozen=True, slots=True)
class _ReportLogger:
    """Logs reports: a value, so that its trainer compares and pickles."""

    logger: logging.Logger

    def __call__(self, index: int, state: object, report: StepReport) -> None:
        self.logger.info("%s", report.render(index))
