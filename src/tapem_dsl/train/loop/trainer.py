"""Training loops: a state passed from step to step, reports, and a logger."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import (
    check_argument,
    check_fields,
    checked_pair,
    checked_result,
    wrong_return,
)
from tapem_dsl.errors import Step, TapeError, failed
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.train.data.stream import Stream
from tapem_dsl.train.loop.reports import Number, StepReport, checked_report

S = TypeVar("S")
O = TypeVar("O")  # noqa: E741 - the output of a step
F = TypeVar("F", bound=np.generic)

Track: TypeAlias = Callable[[range], Iterable[int]]
"""Iterates over all steps and may show progress, as ``rich``'s ``track`` does."""


def run_steps_m(
    steps: int, init: S, step: Callable[[S], TapeM[tuple[S, O], F]]
) -> TapeM[tuple[S, list[O]], F]:
    """
    Run a step ``steps`` times as one program, and collect the outputs.

    Each step takes the state that the one before returned.

    A failure of a step has in its ``place`` the step, and the state before it.

    Lean: ``runStepsM`` in the monad ``TapeM``.

    >>> from tapem_dsl import const
    >>> count = lambda n: const(float(n)).map(lambda id: (n + 1, id))
    >>> run_steps_m(3, 0, count).eval()
    <Success: (3, [0, 1, 2])>
    """
    check_argument("run_steps_m", "steps", steps, "count")
    check_argument("run_steps_m", "step", step, Callable)
    return _run_steps_m(steps, init, step)


@do
def _run_steps_m(
    steps: int, init: S, step: Callable[[S], TapeM[tuple[S, O], F]]
) -> Do[tuple[S, list[O]], F]:
    state, outputs = init, []
    epoch_of = _epoch_of  # noqa: F841 - by these names a failure finds its step
    for number in range(steps):  # noqa: B007 - as above
        program: object = step(state)
        if not isinstance(program, TapeM):
            fix = "; make one: pure(...)"
            raise wrong_return("the step of run_steps_m", "a program", program, fix)
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
    Run a step ``steps`` times, and collect the outputs.

    Args:
        steps: the number of steps.
        init: the first state.
        step: takes a state, and returns the next state and an output; its first failure
            ends the loop, and has in its ``place`` the step, and the state before it.
        track: iterates over the steps, and may show progress.

    Raises:
        TypeError: the step does not return a ``Result`` of a pair, or ``track`` no
            collection.
        ValueError: a negative number of steps; ``track`` ends early.

    Lean: ``runStepsM`` in ``Except``; generation C: ``runSteps``.

    >>> run_steps(3, 1, lambda n: Success((2 * n, n)))
    <Success: (8, [1, 2, 4])>
    """
    check_argument("run_steps", "steps", steps, "count")
    check_argument("run_steps", "step", step, Callable)
    check_argument("run_steps", "track", track, Callable)
    return _run(steps, init, step, track, lambda state: state)


# Any, below: whatever passes from step to step.
def _run(
    steps: int,
    init: S,
    step: Callable[[S], Result[tuple[S, O], TapeError]],
    track: Track,
    shown: Callable[[S], Any],
) -> Result[tuple[S, list[O]], TapeError]:
    """Run the steps; a failure has the state before it, as it is to be shown."""
    state, outputs = init, []
    for index in tracked("run_steps", track, range(steps)):
        result = checked_result("the step of run_steps", step(state))
        if isinstance(result, Failure):
            error: TapeError = result.failure()
            last = shown(state)
            place = error.place.within(Step(index, _epoch_of(last)))
            return failed(error.at(replace(place, state=last)))
        state, output = checked_pair("the step of run_steps", result.unwrap())
        outputs.append(output)
    return Success((state, outputs))


def tracked(owner: str, track: Track, steps: range) -> Iterator[int]:
    """
    Iterate over steps as ``track`` does, which must not end before they do.

    Raises:
        TypeError: ``track`` does not return a collection.
        ValueError: it ended before.

    >>> list(tracked("fit", lambda steps: steps[:1], range(3)))
    Traceback (most recent call last):
    ...
    ValueError: the track of fit ended after 1 of 3 steps; it must yield each of them
    """
    given: object = track(steps)
    if not isinstance(given, Iterable):
        fix = "; did you forget `return`?" if given is None else ""
        raise wrong_return(f"the track of {owner}", "a collection", given, fix)
    count = 0
    for count, number in enumerate(given, 1):  # noqa: B007 - counted to the end
        yield number
    if count < len(steps):
        ended = f"the track of {owner} ended after {count} of {len(steps)} steps"
        raise ValueError(f"{ended}; it must yield each of them")


def _epoch_of(state: object) -> int | None:
    """Return the epoch of the stream in a state, if there is one."""
    parts = state if isinstance(state, tuple) else [state]
    if is_dataclass(state) and not isinstance(state, Stream):
        parts = [getattr(state, field.name) for field in fields(state)]
    streams = [x for x in parts if isinstance(x, Stream)]
    return streams[0].position.epoch if streams else None


def no_log(index: int, state: object, report: StepReport) -> None:
    """
    Log nothing: the default logger of :class:`Trainer`.

    Lean: ``noLog``; generation C: ``withoutLogging``.

    >>> no_log(0, None, StepReport(1.0))
    """


@final
@dataclass(frozen=True, slots=True)
class Trainer(Generic[S]):
    """
    An initial state, a step, and a logger of the steps' reports.

    A trainer is immutable, so each ``run`` starts from the initial state.

    Raises:
        TypeError: the step or the logger is not a function; in a run, the step does not
            return a ``Result`` of a state and a :class:`StepReport`.

    Lean: ``Trainer``. PyTorch Lightning: ``Trainer``.

    >>> halve = lambda w: Success((w / 2, StepReport(w)))
    >>> Trainer(1.0, halve).run_losses(3)
    <Success: [1.0, 0.5, 0.25]>
    """

    init: S
    step: Callable[[S], Result[tuple[S, StepReport], TapeError]]
    logger: Callable[[int, S, StepReport], None] = no_log
    """Takes a step's number, counted from 0, the state after it, and its report."""

    def __post_init__(self) -> None:
        check_fields(self, step=Callable, logger=Callable)

    def run(
        self, steps: int, *, track: Track = iter
    ) -> Result[tuple[S, list[StepReport]], TapeError]:
        """
        Run steps up to the first failure; return the last state and all reports.

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

        check_argument("run_steps", "steps", steps, "count")
        check_argument("run_steps", "track", track, Callable)
        start = (0, self.init)
        ran = _run(steps, start, logged, track, lambda numbered: numbered[1])
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
        Run steps up to the first failure; return the losses.

        Lean: ``runLosses``.

        >>> Trainer(0, lambda n: Success((n, StepReport(0.5)))).run_losses(1)
        <Success: [0.5]>
        """
        ran = self.run(steps, track=track)
        return ran.map(lambda result: [report.loss for report in result[1]])

    def with_logger(self, logger: Callable[[int, S, StepReport], None]) -> "Trainer[S]":
        """
        Return the trainer with another logger.

        Lean: ``Trainer.withLogger``.

        >>> stay = Trainer(0, lambda n: Success((n, StepReport(0.5))))
        >>> _ = stay.with_logger(lambda i, n, report: print(i, report.loss)).run(2)
        0 0.5
        1 0.5
        """
        return replace(self, logger=logger)

    def with_report_logger(self, logger: logging.Logger) -> "Trainer[S]":
        """
        Return the trainer that logs each step's report at the level INFO.

        Lean: ``Trainer.withReportLogger``.

        >>> from tapem_dsl.train.loop.loggers import stdout_logger
        >>> stay = Trainer(0, lambda n: Success((n, StepReport(0.5))))
        >>> _ = stay.with_report_logger(stdout_logger("doctest of tapem_dsl")).run(1)
        [info] step 0: loss=0.500000
        """
        check_argument("with_report_logger", "logger", logger, logging.Logger)
        return self.with_logger(_ReportLogger(logger))


@final
@dataclass(frozen=True, slots=True)
class _ReportLogger:
    """Logs reports; a record, so that its trainer compares and pickles."""

    logger: logging.Logger

    def __call__(self, index: int, state: object, report: StepReport) -> None:
        self.logger.info("%s", report.render(index))
