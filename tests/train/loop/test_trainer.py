"""Loops of steps, their reports and their log lines."""

import logging
from typing import Any

import pytest
import rich.progress
from returns.result import Failure, Success

from tapem_dsl import NodeId, TapeM, const, throw
from tapem_dsl.errors import Thrown
from tapem_dsl.train import (
    Level,
    LineFormatter,
    LogEntry,
    Metric,
    StepReport,
    Trainer,
    log_entry,
    run_steps,
    run_steps_m,
    stdout_logger,
)


def halve(w: float) -> Any:
    return Success((w / 2, StepReport(w, (Metric("w", w),))))


def fails_at(last: int) -> Any:
    def step(n: int) -> Any:
        if n == last:
            return Failure(Thrown("enough"))
        return Success((n + 1, StepReport(float(n))))

    return step


def test_states_are_threaded_and_reports_collected_in_order() -> None:
    assert run_steps(3, 1, lambda n: Success((2 * n, n))) == Success((8, [1, 2, 4]))
    state, reports = Trainer(1.0, halve).run(3).unwrap()
    assert state == 0.125
    assert [report.loss for report in reports] == [1, 0.5, 0.25]
    assert Trainer(1.0, halve).run_losses(2) == Success([1, 0.5])
    assert Trainer(1.0, halve).run(0) == Success((1.0, []))


def test_a_failure_ends_the_loop_and_nothing_after_it_is_said() -> None:
    said: list[int] = []
    trainer = Trainer(0, fails_at(2)).with_logger(
        lambda i, state, report: said.append(i)
    )
    assert trainer.run(9) == Failure(Thrown("enough"))
    assert said == [0, 1]


def test_the_logger_sees_the_state_after_the_step() -> None:
    said: list[Any] = []
    trainer = Trainer(1.0, halve).with_logger(lambda *given: said.append(given))
    trainer.run(2)
    assert [(i, state, report.loss) for i, state, report in said] == [
        (0, 0.5, 1.0),
        (1, 0.25, 0.5),
    ]


def test_steps_of_programs_share_one_tape() -> None:
    def step(id: NodeId) -> TapeM[tuple[NodeId, NodeId], Any]:
        return const(1.0).map(lambda new: (new, id))

    (last, outputs), tape = run_steps_m(3, NodeId(-1), step).run().unwrap()
    assert last == 2
    assert outputs == [-1, 0, 1]
    assert len(tape) == 3


def test_a_step_that_fails_ends_the_program() -> None:
    def step(n: int) -> TapeM[tuple[int, int], Any]:
        return throw("no") if n else const(1.0).map(lambda _: (1, 1))

    assert run_steps_m(3, 0, step).run() == Failure(Thrown("no"))


def test_many_steps_take_no_stack() -> None:
    state, outputs = run_steps(100_000, 0, lambda n: Success((n + 1, None))).unwrap()
    assert state == len(outputs) == 100_000


def test_rich_shows_how_far_it_is() -> None:
    def track(steps: range) -> Any:
        return rich.progress.track(steps, disable=True)

    assert Trainer(1.0, halve).run_losses(2, track=track) == Success([1, 0.5])


def test_a_track_yields_each_step() -> None:
    trainer: Any = Trainer(1.0, halve)
    with pytest.raises(ValueError, match="track of run_steps ended after 1 of 2 steps"):
        trainer.run(2, track=lambda steps: steps[1:])
    with pytest.raises(TypeError, match=r"track .* a collection, not None .*`return`"):
        trainer.run(2, track=lambda steps: None)


# -- logging ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (Level.DEBUG, "[debug] hello"),
        (Level.INFO, "[info] hello"),
        (Level.WARN, "[warn] hello"),
        (Level.ERROR, "[error] hello"),
    ],
)
def test_lines_are_torchleans(
    level: Level, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = LogEntry(level, "hello")
    assert entry.render() == line
    log_entry(stdout_logger("tapem_dsl.tests", Level.DEBUG), entry)
    assert capsys.readouterr().out == f"{line}\n"


def test_a_message_is_not_a_format(capsys: pytest.CaptureFixture[str]) -> None:
    log_entry(stdout_logger("tapem_dsl.tests"), LogEntry(Level.INFO, "100 %s"))
    assert capsys.readouterr().out == "[info] 100 %s\n"


def test_reports_are_logged_at_info(capsys: pytest.CaptureFixture[str]) -> None:
    logger = stdout_logger("tapem_dsl.tests")
    Trainer(1.0, halve).with_report_logger(logger).run(2)
    assert capsys.readouterr().out.splitlines() == [
        "[info] step 0: loss=1.000000, w=1.000000",
        "[info] step 1: loss=0.500000, w=0.500000",
    ]
    quiet = stdout_logger("tapem_dsl.tests", Level.ERROR)
    Trainer(1.0, halve).with_report_logger(quiet).run(2)
    assert capsys.readouterr().out == ""


def test_a_users_handlers_stay() -> None:
    logger, handler = logging.getLogger("tapem_dsl.own"), logging.NullHandler()
    logger.addHandler(handler)
    for _ in range(2):
        stdout_logger("tapem_dsl.own")
    assert handler in logger.handlers
    assert len(logger.handlers) == 2


def test_other_levels_take_the_name_of_the_one_below() -> None:
    def line(level: int) -> str:
        record = logging.LogRecord("a", level, "", 0, "x", None, None)
        return LineFormatter().format(record)

    assert line(1) == "[debug] x"
    assert line(logging.INFO + 5) == "[info] x"
    assert line(logging.CRITICAL) == "[error] x"
