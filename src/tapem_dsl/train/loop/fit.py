"""The short way to train: epochs of steps, evaluation, checkpoints, early stopping."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar, final

from returns.result import Failure, Result, Success

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument, check_path, items_of
from tapem_dsl.errors import EmptyBatches, Place, Step, TapeError, failed
from tapem_dsl.interpreters.compiled import jit
from tapem_dsl.interpreters.compiled.noting import ValueRead
from tapem_dsl.optim import Transform
from tapem_dsl.program.checks import function_argument
from tapem_dsl.tape.value import frozen
from tapem_dsl.train.data.arrays import ArrayDataset
from tapem_dsl.train.data.dataset import MAKE_ONE, Batched
from tapem_dsl.train.data.loader import DataLoader
from tapem_dsl.train.data.stream import Stream, no_batches
from tapem_dsl.train.loop.evaluation import (
    ReportResult,
    eval_batches,
    eval_list,
    mean_report,
)
from tapem_dsl.train.loop.fitted import (
    EpochReport,
    Fitted,
    check_fitted,
    epochs_without_progress,
    load_fitted,
    plain_report,
    rebuilt,
    save_fitted,
)
from tapem_dsl.train.loop.reports import ReportSum, StepReport
from tapem_dsl.train.loop.trainer import Track, run_steps, tracked
from tapem_dsl.train.loop.training_step import (
    Program,
    check_program_and_optimiser,
    mean_loss,
    plain,
    samples_of,
    step_of,
    values_of,
)

X = TypeVar("X")
P = TypeVar("P")
S = TypeVar("S")
# Any: a function of whatever arguments and result.
F = TypeVar("F", bound=Callable[..., Any])

EngineName: TypeAlias = Literal["numpy", "xla"]


def fit(  # noqa: PLR0913 - by keyword, as in Keras
    program: Program[X],
    params: P,
    loader: DataLoader[list[X]] | DataLoader[X],
    optimiser: Transform[S],
    *,
    epochs: int,
    steps_per_epoch: int | None = None,
    held_out: Batched[list[X]] | Batched[X] | None = None,
    report_of: Callable[[P, X], ReportResult] | None = None,
    patience: int | None = None,
    callbacks: Iterable[Callable[[Fitted[P, S]], object]] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    engine: EngineName | None = "numpy",
    track: Track = iter,
    tag: str = "fit",
) -> Result[Fitted[P, S], TapeError]:
    """
    Train parameters on the batches of a loader; return them with the history.

    After each epoch ``fit`` evaluates, saves the checkpoint, calls the callbacks in
    order, and decides whether to stop early. It changes none of its arguments, and no
    callback can change the training: each gets parameters and a state of its own.

    Unless ``engine`` is ``None``, the program is compiled: Python cannot read the
    numbers of a sample, and random numbers that the program draws, such as a dropout
    mask, are drawn once and then the same in every step. Draw them into the batch, with
    :func:`step_of`, or pass ``engine=None``.

    Args:
        program: the loss of one sample, as :func:`step_of` takes it.
        params: a pytree of arrays and numbers, as the first parameters.
        loader: the data set, the batch size, the shuffling and its seed. Its batches
            are samples of a ``Dataset``, or rows of an ``ArrayDataset``.
        optimiser: a transform, such as ``optim.adam(1e-3)``.
        epochs: how many epochs the training has, with those before a resumed run.
        steps_per_epoch: by default an epoch is one pass over the data. A resumed run
            may have another number.
        held_out: data to evaluate after each epoch, in batches of the loader's size.
        report_of: returns the report of one held-out sample, under the parameters; by
            default its loss is the program's.
        patience: how many epochs in a row may pass without a lower loss, held-out if
            there is one, before the training stops. By default it does not stop early.
            The last parameters are returned, not the best.
        callbacks: each takes the :class:`Fitted` so far.
        checkpoint: a file to save after each epoch, in a folder that exists.
        resume: whether to go on from the checkpoint, which must exist. If not, the
            first epoch replaces an old file. ``resume=Path(file).exists()`` starts a
            run and goes on with it.
        engine: how :func:`~tapem_dsl.jit` runs a step; ``None`` runs it eagerly, for
            programs in which Python reads values or draws random numbers.
        track: iterates over all steps and may show progress: ``rich.progress.track``.
        tag: names the training in errors.

    Laws:
        A run of ``m`` epochs that is resumed for ``n`` epochs gives the same bits as
        one of ``n`` epochs. Equal arguments give equal results, by bits.

    Fails with:
        What the program, ``report_of`` and :meth:`DataLoader.epoch` fail with;
        :class:`EmptyBatches` where ``drop_last`` leaves no batch;
        :class:`CheckpointError` when it resumes from another checkpoint or with another
        loader. The ``place`` of a failure in a step has the step, counted from 0 over
        all epochs, and in ``place.state`` the last good ``params``, ``state`` and
        ``batches``.

    Raises:
        TypeError, ValueError: an argument of another type, or out of its range;
            ``track`` ends early; Python reads a value under ``jit``.
        ValueError, OSError, ModuleNotFoundError: as :func:`save_checkpoint`, where the
            checkpoint cannot be written. That is checked before the first step.
        What a step raises has a note with its number.

    Cost:
        Under ``jit`` the first step of each size of batch is compiled: the last batch
        of an epoch may be shorter.

    Source:
        Keras: ``Model.fit``. PyTorch Lightning: ``Trainer.fit``. Lean: ``Trainer.run``.

    >>> from tapem_dsl import Do, NodeId, const, do, mse_loss, mul, train
    >>> from tapem_dsl.optim import sgd
    >>> @do
    ... def loss_of(w: NodeId, point: tuple[float, float]) -> Do[NodeId]:
    ...     x = yield from const(point[0])
    ...     y = yield from const(point[1])
    ...     return (yield from mse_loss((yield from mul(w, x)), y))
    >>> points = train.Dataset.of_list([(1.0, 3.0), (2.0, 6.0)])
    >>> loader = train.DataLoader(points, batch_size=2)
    >>> fitted = train.fit(loss_of, 0.0, loader, sgd(0.1), epochs=9).unwrap()
    >>> float(round(fitted.params, 3)), fitted.history[0].loss
    (2.994, 22.5)
    """
    check_program_and_optimiser("fit", program, optimiser)
    check_argument("fit", "epochs", epochs, "count")
    _check_positive("steps_per_epoch", steps_per_epoch)
    _check_positive("patience", patience)
    _check_data(loader, held_out, report_of)
    _check_checkpoint(checkpoint, resume)
    callbacks = items_of("fit", "callbacks", callbacks, Callable)
    check_argument("fit", "engine", engine, ("numpy", "xla", None))
    check_argument("fit", "track", track, Callable)
    check_argument("fit", "tag", tag, str)

    data: DataLoader[Any] = loader  # Any: its batches, of either type
    training = _Training(
        compiled(step_of(program, optimiser, tag=tag), engine),
        _evaluation(program, held_out, report_of, data.batch_size, engine, tag),
        patience,
        checkpoint,
        callbacks,
        tag,
    )
    begun = values_of(params).map(
        lambda values: Fitted(values, optimiser.init(values), Stream(data).position)
    )
    if checkpoint is not None and resume:
        begun = begun.bind(partial(load_fitted, tag, checkpoint))
    return Result.do(
        last
        for fitted in begun
        for batches in Stream.at(tag, data, fitted.position)
        for of_pass in _steps_of_pass(data, tag)
        for last in training.run(
            fitted, batches, epochs, steps_per_epoch or of_pass, of_pass, track
        )
    )


def compiled(function: F, engine: EngineName | None) -> F:
    """
    Return a function as an engine runs it.

    >>> compiled(abs, None)
    <built-in function abs>
    """
    if engine is None:
        return function
    run: Any = jit(function, engine=engine)  # Any: it is called as the function is

    def called(*args: Any) -> Any:
        try:
            return run(*args)
        except ValueRead as error:
            error.add_note(_EAGER)
            raise

    noted: Any = called
    result: F = noted
    return result


_EAGER: Final = (
    "fit runs the program under jit, also with the numbers of the sample; "
    "pass engine=None to fit, and Python may read them"
)


class _Run(NamedTuple):
    """What passes from step to step; the last good one is in a failure's place."""

    # Any: pytrees, of types that NamedTuple cannot have as parameters together.
    params: Any
    state: Any
    batches: Stream[Any]
    steps: int
    """The number of steps taken, over all epochs."""


@final
@dataclass(frozen=True, slots=True)
class _Training(Generic[P, S]):
    """What a training does, apart from where it starts."""

    step: Callable[[P, S, Any], Result[tuple[Any, P, S], TapeError]]
    evaluate: Callable[[P], Result[StepReport | None, TapeError]]
    patience: int | None
    checkpoint: str | os.PathLike[str] | None
    callbacks: tuple[Callable[[Fitted[P, S]], object], ...]
    tag: str

    def run(
        self,
        fitted: Fitted[P, S],
        batches: Stream[Any],
        epochs: int,
        steps: int,
        of_pass: int,
        track: Track,
    ) -> Result[Fitted[P, S], TapeError]:
        """Run the epochs that are missing, up to the first failure."""
        done = batches.epoch * of_pass + batches.batch
        run = _Run(fitted.params, fitted.state, batches, done)
        missing = max(epochs - len(fitted.history), 0)
        if missing and self.checkpoint is not None:
            check_fitted(self.checkpoint, fitted)
        numbers = tracked("fit", track, range(done, done + missing * steps))
        while len(fitted.history) < epochs and not self._stops(fitted.history):
            result = self._epoch(run, fitted.history, steps, numbers)
            if isinstance(result, Failure):
                return failed(result.failure())
            run, report = result.unwrap()
            history = (*fitted.history, report)
            fitted = Fitted(run.params, run.state, run.batches.position, history)
            if self.checkpoint is not None:
                save_fitted(self.checkpoint, fitted)
            for callback in self.callbacks:
                callback(rebuilt(fitted))
        if len(fitted.history) == epochs:
            next(numbers, None)  # a bar that shows progress comes to its end
        return Success(fitted)

    def _stops(self, history: tuple[EpochReport, ...]) -> bool:
        without = epochs_without_progress(history)
        return self.patience is not None and without >= self.patience

    def _epoch(
        self,
        run: _Run,
        history: tuple[EpochReport, ...],
        steps: int,
        numbers: Iterator[int],
    ) -> Result[tuple[_Run, EpochReport], TapeError]:
        empty = EmptyBatches(self.tag, "batch list")
        return Result.do(
            (after, EpochReport(len(history), plain(mean.loss), held_out))
            for after, sums in run_steps(
                steps, run, self._step, track=lambda all_: islice(numbers, len(all_))
            )
            for mean in mean_report(self.tag, map(Success, sums), empty)
            for held_out in self._evaluated(after)
        )

    def _step(self, run: _Run) -> Result[tuple[_Run, ReportSum], TapeError]:
        return Result.do(
            (
                _Run(params, state, batches, run.steps + 1),
                ReportSum.of_batch(_count(batch), StepReport(plain(loss))),
            )
            for batches, batch in run.batches.next(self.tag)
            for loss, params, state in self._stepped(run, batch)
        )

    def _stepped(
        self, run: _Run, batch: Any
    ) -> Result[tuple[Any, Any, Any], TapeError]:
        try:
            return self.step(run.params, run.state, batch)
        except Exception as error:
            number = Step(run.steps, run.batches.epoch)
            error.add_note(str(Place((number,))))
            raise

    def _evaluated(self, run: _Run) -> Result[StepReport | None, TapeError]:
        """Evaluate; a failure has the last step in its place, and what is after it."""
        last = Step(run.steps - 1)
        return self.evaluate(run.params).alt(
            lambda error: error.at(replace(error.place.within(last), state=run))
        )


def _evaluation(
    program: Program[X],
    held_out: Batched[Any] | None,
    report_of: Callable[[P, X], ReportResult] | None,
    batch_size: int,
    engine: EngineName | None,
    tag: str,
) -> Callable[[P], Result[StepReport | None, TapeError]]:
    """Return the evaluation of parameters: ``None`` without data."""
    if held_out is None:
        return lambda params: Success(None)
    loss_of = compiled(partial(mean_loss, program, tag), engine)

    def report_of_batch(params: P, batch: Any) -> ReportResult:
        if report_of is None:
            return loss_of(params, batch).map(lambda loss: StepReport(plain(loss)))
        own = tree.map(frozen, params)
        return eval_list(tag, samples_of(batch), partial(report_of, own))

    return lambda params: (
        held_out.batches(tag, batch_size)
        .bind(lambda given: eval_batches(tag, given, partial(report_of_batch, params)))
        .map(plain_report)
    )


def _steps_of_pass(loader: DataLoader[Any], tag: str) -> Result[int, TapeError]:
    """Return the number of steps of one pass over the data."""

    def counted(epoch: tuple[object, Sequence[Any]]) -> Result[int, TapeError]:
        count = len(epoch[1])
        return Success(count) if count else failed(no_batches(tag, loader))

    return loader.epoch(tag).bind(counted)


def _count(batch: Any) -> int:
    return len(batch) if isinstance(batch, list) else len(tree.leaves(batch)[0])


def _check_positive(name: str, given: int | None) -> None:
    if given is None:
        return
    check_argument("fit", name, given, "count")
    if not given:
        raise ValueError(f"fit takes a count from 1 on for {name}, not {given}")


def _check_data(loader: DataLoader[Any], held_out: object, report_of: object) -> None:
    check_argument("fit", "loader", loader, DataLoader)
    data: list[object] = [loader.dataset]
    if held_out is not None:
        check_argument("fit", "held_out", held_out, Batched, MAKE_ONE)
        data.append(held_out)
    if report_of is not None:
        function_argument(report_of, "fit", "report_of")
        if held_out is None:
            raise ValueError("fit takes report_of for held_out only, which is None")
    for dataset in data:
        if isinstance(dataset, ArrayDataset) and isinstance(dataset.data, list):
            what = "fit takes an ArrayDataset of a tuple or dict of arrays, not of a"
            raise TypeError(f"{what} list: a batch that is a list has samples")


def _check_checkpoint(checkpoint: object, resume: object) -> None:
    check_argument("fit", "resume", resume, (False, True))
    if checkpoint is not None:
        check_path("fit", checkpoint)
    elif resume:
        raise ValueError("fit takes a checkpoint to resume from, not None")
