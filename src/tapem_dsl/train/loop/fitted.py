"""What a training has reached: parameters, state and history, also in a file."""

import json
import os
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Generic, TypeVar, final

from returns.result import Result, Success

from tapem_dsl import tree
from tapem_dsl.arguments import check_fields
from tapem_dsl.errors import CheckpointError, TapeError, failed
from tapem_dsl.files import decoded, encoded
from tapem_dsl.tape.equality import same, structural
from tapem_dsl.tape.value import frozen
from tapem_dsl.train.checkpoint import (
    check_savable,
    load_checkpoint,
    save_checkpoint,
)
from tapem_dsl.train.data.stream import Position
from tapem_dsl.train.loop.reports import (
    Metric,
    Number,
    StepReport,
    render_metrics,
    render_number,
)
from tapem_dsl.train.loop.training_step import plain

P = TypeVar("P")
S = TypeVar("S")


@final
@dataclass(frozen=True, slots=True)
class EpochReport:
    """
    The report of one epoch of training.

    Keras: an entry of ``History.history``.

    >>> EpochReport(0, 0.5, StepReport(0.25)).render()
    'epoch 0: loss=0.500000, held-out loss=0.250000'
    """

    epoch: int
    """Counted from 0."""

    loss: Number
    """The mean over the epoch's samples, each before the step that it was part of."""

    held_out: StepReport | None = None
    """The report on held-out data after the epoch."""

    def __post_init__(self) -> None:
        check_fields(self, epoch="count", loss=Real)
        if self.held_out is not None:
            check_fields(self, held_out=StepReport)

    @property
    def watched(self) -> Number:
        """Return what early stopping watches: the held-out loss, if there is one."""
        return self.loss if self.held_out is None else self.held_out.loss

    def render(self) -> str:
        """Return one line."""
        line = f"epoch {self.epoch}: loss={render_number(self.loss)}"
        if self.held_out is None:
            return line
        line += f", held-out loss={render_number(self.held_out.loss)}"
        metrics = self.held_out.metrics
        return f"{line}, {render_metrics(metrics)}" if metrics else line


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fitted(Generic[P, S]):
    """
    What :func:`fit` has reached after an epoch; equal fields make it equal, by bits.

    Keras: ``History``, with the weights. Lean: the result of ``Trainer.run``.

    >>> Fitted({"w": 1.0}, 0, Position(0, 0, 0)).history
    ()
    """

    params: P
    """A pytree of read-only arrays."""

    state: S
    """The optimiser's state."""

    position: Position
    """The position of the next batch."""

    history: tuple[EpochReport, ...] = ()
    """The reports of all epochs, also of those before a resumed run."""

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        """Shallow: parameters are arrays."""
        return hash((Fitted, self.history))


def epochs_without_progress(history: tuple[EpochReport, ...]) -> int:
    """
    Return the number of epochs since the lowest loss; NaN is never the lowest.

    >>> epochs_without_progress(tuple(EpochReport(0, x) for x in (3.0, 1.0, 1.0, 2.0)))
    2
    """
    lowest: Number = float("inf")
    since = 0
    for report in history:
        since += 1
        if report.watched < lowest:
            lowest, since = report.watched, 0
    return since


def rebuilt(fitted: Fitted[P, S]) -> Fitted[P, S]:
    """
    Return the same parameters and state, in containers of its own.

    Whoever changes its dicts and lists changes no other's. The arrays are shared, and
    read-only.

    >>> params = {"w": 1.0}
    >>> rebuilt(Fitted(params, 0, Position(0, 0, 0))).params is params
    False
    """
    params, state = tree.map(frozen, (fitted.params, fitted.state))
    return replace(fitted, params=params, state=state)


def check_fitted(path: str | os.PathLike[str], fitted: Fitted[Any, Any]) -> None:
    """Check that :func:`save_fitted` can write, as :func:`check_savable`."""
    check_savable(path, _packed(fitted))


def save_fitted(path: str | os.PathLike[str], fitted: Fitted[Any, Any]) -> None:
    """Write all that a run needs to go on, as :func:`save_checkpoint`."""
    save_checkpoint(path, _packed(fitted))


def load_fitted(
    tag: str, path: str | os.PathLike[str], start: Fitted[P, S]
) -> "Result[Fitted[P, S], TapeError]":
    """
    Return what was saved; ``start`` has the same structure, and no history.

    Fails with:
        As :func:`load_checkpoint`.

    >>> load_fitted("resume", "no such file", Fitted(1.0, 0, Position(0, 0, 0)))
    <Failure: resume: no such file: no file is there>
    """

    def unpacked(found: dict[str, Any]) -> Result[Fitted[P, S], TapeError]:
        try:
            history = tuple(_report(*entry) for entry in json.loads(found["history"]))
        except (KeyError, TypeError, ValueError, ArithmeticError):
            what = "its history cannot be read"
            return failed(CheckpointError(tag, what, path=os.fspath(path)))
        return Success(
            Fitted(found["params"], found["state"], found["position"], history)
        )

    return load_checkpoint(tag, path, _packed(start)).bind(unpacked)


# Any: the JSON of a report, and parts of a checkpoint.


def _packed(fitted: Fitted[Any, Any]) -> dict[str, Any]:
    """Return a pytree that has the same structure however long the history is."""
    return {
        "params": fitted.params,
        "state": fitted.state,
        "position": fitted.position,
        "history": json.dumps([_json(report) for report in fitted.history]),
    }


def _json(report: EpochReport) -> list[Any]:
    held_out = report.held_out
    if held_out is None:
        return [report.epoch, encoded(report.loss), None]
    metrics = [[metric.name, encoded(metric.value)] for metric in held_out.metrics]
    return [report.epoch, encoded(report.loss), [encoded(held_out.loss), metrics]]


def _report(epoch: int, loss: Any, held_out: Any) -> EpochReport:
    if held_out is None:
        return EpochReport(epoch, decoded(loss))
    metrics = tuple(Metric(name, decoded(value)) for name, value in held_out[1])
    return EpochReport(epoch, decoded(loss), StepReport(decoded(held_out[0]), metrics))


def plain_report(report: StepReport) -> StepReport:
    """
    Return a report with its numbers as :func:`plain`, as a file gives them back.

    >>> import numpy as np
    >>> plain_report(StepReport(np.float32(0.5)))
    StepReport(loss=0.5, metrics=())
    """
    metrics = tuple(Metric(m.name, plain(m.value)) for m in report.metrics)
    return StepReport(plain(report.loss), metrics)
