"""`fit`, `step_of` and what they return."""

import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from returns.result import Failure, Success

from tapem_dsl import (
    Do,
    NodeId,
    TapeError,
    add,
    bce_with_logits,
    const,
    do,
    dot,
    jit,
    log,
    mean_scalar_over,
    mul,
    optim,
    tree,
    value_and_grad,
    value_of,
)
from tapem_dsl.errors import CheckpointError, EmptyBatches, EmptyDataset, Step, Thrown
from tapem_dsl.optim import Transform
from tapem_dsl.tape.equality import same
from tapem_dsl.train import (
    ArrayDataset,
    DataLoader,
    Dataset,
    EpochReport,
    Fitted,
    Metric,
    StepReport,
    eval_list,
    fit,
    plot_history,
    save_checkpoint,
    step_of,
)

# Any, throughout: pytrees, and what types would refuse.

RNG: Final = np.random.default_rng(0)
X: Final = RNG.normal(size=(23, 3))
Y: Final = (X @ [1.0, -2.0, 3.0] > 0).astype(float)
DATA: Final[Dataset[Any]] = Dataset.of_list(zip(X, Y, strict=True))
ROWS: Final[ArrayDataset[Any]] = ArrayDataset.of_tree("t", (X, Y)).unwrap()
PARAMS: Final = {"w": np.zeros(3), "b": np.float64(0)}
ADAM: Final = optim.adam(0.1)
LOADER: Final = DataLoader(DATA, 8, shuffle=True, seed=3)
FITTING: Final[Any] = fit
figure_of: Final[Any] = plot_history


@do
def loss_of(p: dict[str, NodeId], sample: Any) -> Do[NodeId]:
    x = yield from const(sample[0])
    y = yield from const(sample[1])
    logit = yield from add((yield from dot(p["w"], x)), p["b"])
    return (yield from bce_with_logits(logit, y))


@do
def log_of_product(w: NodeId, x: float) -> Do[NodeId]:
    return (yield from log((yield from mul(w, (yield from const(x))))))


@do
def mean_of(p: dict[str, NodeId], batch: Any) -> Do[NodeId]:
    return (yield from mean_scalar_over("t", batch, lambda x: loss_of(p, x)))


# -- one step --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [None, "numpy", "xla"])
@pytest.mark.parametrize("batch", [DATA.to_list(), (X, Y)], ids=["list", "rows"])
def test_a_step_descends_the_mean_of_the_losses(engine: Any, batch: Any) -> None:
    state = ADAM.init(PARAMS)
    params: Any = PARAMS
    loss, gradients = value_and_grad(mean_of)(params, DATA.to_list()).unwrap()
    after: Any
    moved, after = ADAM.move(gradients, state, PARAMS)
    step: Any = step_of(loss_of, ADAM)
    step = step if engine is None else jit(step, engine=engine)
    for _ in range(2):  # noted, and run
        found = step(PARAMS, state, batch).unwrap()
        assert found[0] == pytest.approx(loss, rel=1e-12)
        assert found[2].steps == after.steps
        for name, array in moved.items():
            assert found[1][name] == pytest.approx(array, rel=1e-12)
    assert same(PARAMS, {"w": np.zeros(3), "b": np.float64(0)})


def test_a_step_is_a_value() -> None:
    step = step_of(loss_of, ADAM, tag="t")
    assert step == step_of(loss_of, ADAM, tag="t") != step_of(loss_of, ADAM)
    assert pickle.loads(pickle.dumps(step)) == step


def test_a_batch_has_samples() -> None:
    step: Any = step_of(loss_of, ADAM, tag="t")
    state = ADAM.init(PARAMS)
    assert step(PARAMS, state, []) == Failure(EmptyDataset("t"))
    assert step(PARAMS, state, (X[:0], Y[:0])) == Failure(EmptyDataset("t"))
    for bad in (3.0, (), (X, Y[:5]), {"x": X, "y": 1.0}):
        with pytest.raises(TypeError, match="a batch is a list of samples, or a pytr"):
            step(PARAMS, state, bad)


@pytest.mark.parametrize("data", [DATA, ROWS, LOADER, replace(LOADER, dataset=ROWS)])
@pytest.mark.parametrize("compiled", [False, True])
def test_data_are_no_batch(data: Any, compiled: bool) -> None:
    step: Any = step_of(loss_of, ADAM)
    step = jit(step) if compiled else step
    with pytest.raises(TypeError, match=r"; take one of its batches: \.") as caught:
        step(PARAMS, ADAM.init(PARAMS), data)
    assert type(data).__name__ in str(caught.value)


def test_a_function_that_gives_no_program_is_named() -> None:
    step: Any = step_of(lambda p, x: 1.5, ADAM)  # type: ignore[arg-type,return-value] # the mistake
    with pytest.raises(TypeError, match=r"lambda> returned 1\.5, which is no program"):
        step(PARAMS, ADAM.init(PARAMS), [1.0])


# -- epochs ----------------------------------------------------------------------------


def test_fit_takes_the_steps_of_a_loop_of_ones_own() -> None:
    step, params, state = step_of(loss_of, ADAM), PARAMS, ADAM.init(PARAMS)
    loader, history = LOADER, []
    for epoch in range(3):
        loader, batches = loader.epoch("t").unwrap()
        total = 0.0
        for batch in batches:
            loss, params, state = step(params, state, batch).unwrap()
            total += float(loss) * len(batch)
        history.append(EpochReport(epoch, total / 23))
    fitted = fit(loss_of, PARAMS, LOADER, ADAM, epochs=3, engine=None).unwrap()
    assert same((fitted.params, fitted.state), (params, state))
    assert fitted.history == tuple(history)
    assert (fitted.position.epoch, fitted.position.batch) == (3, 0)
    assert history[2].loss < history[0].loss


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_an_engine_gives_what_the_eager_run_gives(engine: Any) -> None:
    def run(engine: Any) -> Fitted[Any, Any]:
        options: Any = {"epochs": 2, "held_out": DATA, "engine": engine}
        return fit(loss_of, PARAMS, LOADER, ADAM, **options).unwrap()

    ours, eager = run(engine), run(None)
    np.testing.assert_allclose(ours.params["w"], eager.params["w"], rtol=1e-10)
    for one, other in zip(ours.history, eager.history, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-10)
        assert one.watched == pytest.approx(other.watched, rel=1e-10)


def test_the_arguments_stay_as_they_are() -> None:
    params = {"w": np.zeros(3), "b": np.zeros(())}
    fit(loss_of, params, LOADER, ADAM, epochs=1).unwrap()
    assert same(params, {"w": np.zeros(3), "b": np.zeros(())})
    assert params["w"].flags.writeable


def test_no_epoch_gives_what_was_given() -> None:
    fitted = fit(loss_of, PARAMS, LOADER, ADAM, epochs=0).unwrap()
    assert same(fitted.params, PARAMS)
    assert fitted.history == ()


def test_an_epoch_may_have_any_number_of_steps() -> None:
    options: Any = {"engine": None, "epochs": 2, "steps_per_epoch": 4}
    fitted = fit(loss_of, PARAMS, LOADER, ADAM, **options).unwrap()
    assert fitted.state.steps == 8
    assert (fitted.position.epoch, fitted.position.batch) == (2, 2)


def test_rows_of_arrays_are_samples() -> None:
    listed = fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, held_out=DATA, engine=None)
    loader = replace(LOADER, dataset=ROWS)
    rows = fit(loss_of, PARAMS, loader, ADAM, epochs=2, held_out=ROWS, engine=None)
    assert same(rows.unwrap().params, listed.unwrap().params)
    assert rows.unwrap().history == listed.unwrap().history


def test_over_rationals_all_is_exact(tmp_path: Path) -> None:
    def square(w: NodeId, x: Fraction) -> Any:
        return const(x).bind(lambda x: mul(w, x)).bind(lambda y: mul(y, y))

    data = Dataset.of_list([Fraction(1), Fraction(2)])
    loader, rule = DataLoader(data, 2), optim.sgd(Fraction(1, 10))
    options: Any = {"held_out": data, "checkpoint": tmp_path / "a"}
    args: Any = (square, Fraction(1), loader, rule)
    fit(*args, epochs=1, **options).unwrap()
    fitted = fit(*args, epochs=2, resume=True, **options).unwrap()
    assert fitted.params == Fraction(1, 4)
    assert fitted.history[0] == EpochReport(
        0, Fraction(5, 2), StepReport(Fraction(5, 8))
    )
    assert [type(report.loss) for report in fitted.history] == [Fraction, Fraction]


# -- evaluation and early stopping -----------------------------------------------------


def report_of(params: Any, sample: Any) -> Any:
    right = (sample[0] @ params["w"] + params["b"] > 0) == sample[1]
    return Success(StepReport(1 - right, (Metric("accuracy", float(right)),)))


@pytest.mark.parametrize("data", [DATA, ROWS], ids=["list", "rows"])
def test_held_out_samples_are_reported(data: Any) -> None:
    options: Any = {"epochs": 1, "held_out": data, "report_of": report_of}
    fitted = fit(loss_of, PARAMS, LOADER, ADAM, **options).unwrap()
    mean = eval_list("t", DATA, lambda x: report_of(fitted.params, x)).unwrap()
    found = fitted.history[0].held_out
    assert found is not None
    assert found.loss == pytest.approx(mean.loss, abs=1e-12)
    assert found.metrics[0].value == pytest.approx(mean.metrics[0].value, abs=1e-12)
    assert "held-out loss=" in fitted.history[0].render()
    assert fitted.history[0].render().endswith(f", {found.metrics[0].render()}")


def losses(*values: float) -> Any:
    """Return a report that has one loss after the other."""
    given = iter(values)
    return lambda params, sample: Success(StepReport(next(given)))


@pytest.mark.parametrize(
    ("patience", "values", "epochs"),
    [
        (1, (3.0, 2.0, 2.0, 1.0), 3),
        (2, (3.0, 2.0, 2.0, 1.0, 1.0, 1.0), 6),
        (2, (np.nan, np.nan, 1.0), 2),
        (None, (1.0,) * 7, 7),
    ],
)
def test_the_training_stops_where_the_loss_does_not_fall(
    patience: Any, values: Any, epochs: int
) -> None:
    options: Any = {"held_out": Dataset.of_list([DATA.data[0]]), "patience": patience}
    options |= {"report_of": losses(*values), "engine": None}
    fitted = fit(loss_of, PARAMS, LOADER, ADAM, epochs=7, **options).unwrap()
    assert len(fitted.history) == epochs


def test_without_held_out_data_the_loss_of_training_is_watched() -> None:
    still = optim.sgd(0.0)
    options: Any = {"patience": 2, "engine": None}
    fitted = fit(loss_of, PARAMS, DataLoader(DATA, 23), still, epochs=9, **options)
    assert len(fitted.unwrap().history) == 3


# -- callbacks, progress ---------------------------------------------------------------


def test_callbacks_are_called_in_order_after_each_epoch(tmp_path: Path) -> None:
    said: list[Any] = []
    file = tmp_path / "a"

    def first(fitted: Fitted[Any, Any]) -> None:
        assert file.exists()
        said.append(("first", fitted))

    def second(fitted: Fitted[Any, Any]) -> bool:
        said.append(("second", fitted))
        return True

    options: Any = {"callbacks": [first, second], "checkpoint": file, "engine": None}
    last = fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, **options).unwrap()
    names = [name for name, _ in said]
    assert names == ["first", "second", "first", "second"]
    assert [len(fitted.history) for _, fitted in said] == [1, 1, 2, 2]
    assert said[-1][1] == last
    one = fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, engine=None).unwrap()
    assert said[0][1] == one
    assert hash(one) == hash(said[0][1])


class InLists(Transform[list[Any]]):
    """Descends, and keeps the last gradients in a list, writeable."""

    def init(self, parameters: Any, /) -> list[Any]:
        return [tree.map(np.zeros_like, parameters)]

    def update(
        self, gradients: Any, state: list[Any], parameters: Any, /
    ) -> tuple[Any, list[Any]]:
        changes = tree.map(lambda g, last: -0.1 * g - 0.01 * last, gradients, state[0])
        return changes, [tree.map(lambda g: 1.0 * g, gradients)]


@pytest.mark.parametrize("engine", [None, "numpy", "xla"])
def test_callbacks_change_nothing_of_the_training(engine: Any) -> None:
    refused = []

    def change(fitted: Fitted[Any, Any]) -> None:
        fitted.params["layers"][0] = np.full(3, 9.0)
        fitted.params["b"] = np.float64(9)
        fitted.params["more"] = 1.0
        for array in tree.leaves((fitted.params["layers"][1:], fitted.state)):
            if isinstance(array, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    array[:] = 9.0
                refused.append(array)
        fitted.state.clear()

    def look(fitted: Fitted[Any, Any]) -> None:
        assert list(fitted.params) == ["layers", "b"]
        assert len(fitted.state) == 1

    def loss_of_layers(p: Any, sample: Any) -> Any:
        return loss_of({"w": p["layers"][0], "b": p["b"]}, sample)

    start = {"layers": [np.zeros(3), np.ones(3)], "b": np.float64(0)}
    args: Any = (loss_of_layers, start, LOADER, InLists())
    plain = fit(*args, epochs=2, engine=engine).unwrap()
    options: Any = {"engine": engine, "callbacks": [change, look]}
    assert fit(*args, epochs=2, **options).unwrap() == plain
    assert len(refused) == 6


def test_reports_change_nothing_of_the_training() -> None:
    def change(params: Any, sample: Any) -> Any:
        report = StepReport(float(params["b"]))
        params.update(w=np.full(3, 9.0))
        return Success(report)

    args: Any = (loss_of, PARAMS, LOADER, ADAM)
    plain = fit(*args, epochs=2, engine=None).unwrap()
    options: Any = {"held_out": DATA, "report_of": change, "engine": None}
    changed = fit(*args, epochs=2, **options).unwrap()
    assert same(changed.params, plain.params)


def test_a_track_has_all_steps() -> None:
    def error(kind: Any, track: Any) -> str:
        with pytest.raises(kind) as caught:
            fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, track=track, engine=None)
        return str(caught.value)

    nothing = error(TypeError, lambda steps: None)
    assert nothing == (
        "the track of fit must return a collection, not None (NoneType); "
        "did you forget `return`?"
    )
    for many in (0, 2, 3, 4):
        ended = error(ValueError, lambda steps, many=many: steps[:many])
        assert ended == (
            f"the track of fit ended after {many} of 6 steps; it must yield each of "
            "them"
        )


def test_progress_is_that_of_all_steps(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []

    def track(steps: range) -> Any:
        for step in steps:
            seen.append(step)
            yield step
        seen.append("end")

    options: Any = {"track": track, "engine": None}
    fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, **options).unwrap()
    assert seen == [0, 1, 2, 3, 4, 5, "end"]
    assert capsys.readouterr() == ("", "")
    seen.clear()
    same_loss: Any = {
        "held_out": DATA,
        "report_of": lambda p, x: Success(StepReport(1)),
    }
    options |= {"patience": 1, **same_loss}
    fit(loss_of, PARAMS, LOADER, ADAM, epochs=5, **options).unwrap()
    assert seen == [0, 1, 2, 3, 4, 5]


# -- checkpoints -----------------------------------------------------------------------


@pytest.mark.parametrize("engine", [None, "numpy", "xla"])
@pytest.mark.parametrize("length", [None, 4])
def test_a_resumed_run_gives_the_bits_of_one_that_never_stopped(
    engine: Any, length: Any, tmp_path: Path
) -> None:
    file = tmp_path / "a"
    options: Any = {"engine": engine, "steps_per_epoch": length, "held_out": DATA}
    optimiser = optim.chain(optim.clip_by_norm(0.5), optim.adamw(0.1))
    args: Any = (loss_of, {"w": np.zeros(3), "b": 0.0}, LOADER, optimiser)
    whole = fit(*args, epochs=3, checkpoint=tmp_path / "b", **options).unwrap()
    fit(*args, epochs=1, checkpoint=file, **options).unwrap()
    resumed = fit(*args, epochs=3, checkpoint=file, resume=True, **options).unwrap()
    assert resumed == whole
    assert file.read_bytes() == (tmp_path / "b").read_bytes()
    again = fit(*args, epochs=2, checkpoint=file, resume=True, **options).unwrap()
    assert again == whole
    assert len(again.history) == 3


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, Fraction])
def test_reports_of_any_numbers_are_resumed(kind: Any, tmp_path: Path) -> None:
    def report(params: Any, sample: Any) -> Any:
        return Success(StepReport(kind(2), (Metric("three", kind(3)),)))

    options: Any = {"held_out": DATA, "report_of": report, "engine": None}
    options |= {"checkpoint": tmp_path / "a"}
    first = fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, **options).unwrap()
    again = fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, resume=True, **options)
    assert again.unwrap() == first
    assert first.history[0].held_out == StepReport(2, (Metric("three", 3),))


def test_a_resumed_run_counts_on(tmp_path: Path) -> None:
    seen: list[int] = []

    def track(steps: range) -> range:
        seen.extend(steps)
        return steps

    options: Any = {"checkpoint": tmp_path / "a", "engine": None, "track": track}
    fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, **options).unwrap()
    fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, resume=True, **options).unwrap()
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_run_that_stopped_early_stays_so(tmp_path: Path) -> None:
    options: Any = {"patience": 1, "engine": None, "checkpoint": tmp_path / "a"}
    args: Any = (loss_of, PARAMS, DataLoader(DATA, 23), optim.sgd(0.0))
    stopped = fit(*args, epochs=5, **options).unwrap()
    assert fit(*args, epochs=5, resume=True, **options).unwrap() == stopped
    assert len(stopped.history) == 2


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    file = tmp_path / "a"
    options: Any = {"epochs": 1, "checkpoint": file, "resume": True, "tag": "t"}

    def error(params: Any, loader: Any, optimiser: Any) -> TapeError:
        result = fit(loss_of, params, loader, optimiser, **options)
        found: TapeError = result.failure()
        assert isinstance(found, CheckpointError)
        return found

    missing = error(PARAMS, LOADER, ADAM)
    assert missing.message == f"t: {file}: no file is there"
    fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, checkpoint=file).unwrap()
    other = replace(LOADER, batch_size=7)
    assert "batch_size was 8 and is 7" in error(PARAMS, other, ADAM).message
    assert "another pytree" in error(PARAMS, LOADER, optim.sgd(0.1)).message
    shorter = {"w": np.zeros(2), "b": np.float64(0)}
    assert "w is float64[3], not float64[2]" in error(shorter, LOADER, ADAM).message


@pytest.mark.parametrize("text", ["x", "[3]", '[[0, {"type": "float"}, null]]'])
def test_a_history_of_something_else_is_no_history(text: str, tmp_path: Path) -> None:
    file = tmp_path / "a"
    start = fit(loss_of, PARAMS, LOADER, ADAM, epochs=0).unwrap()
    parts = {"params": start.params, "state": start.state, "position": start.position}
    save_checkpoint(file, parts | {"history": text})
    result = fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, checkpoint=file, resume=True)
    what = "its history cannot be read"
    assert result == Failure(CheckpointError("fit", what, path=str(file)))


def test_a_run_may_be_resumed_with_epochs_of_another_length(tmp_path: Path) -> None:
    seen: list[int] = []

    def track(steps: range) -> range:
        seen.extend(steps)
        return steps

    loader = DataLoader(Dataset.of_list([1.0, 1.0]), 1)
    rule, file = optim.sgd(0.2), tmp_path / "a"
    args: Any = (log_of_product, 1.0, loader, rule)
    options: Any = {"engine": None, "checkpoint": file}
    fit(*args, epochs=1, steps_per_epoch=3, **options).unwrap()
    # 1, 0.8, 0.55, 0.19, -0.88
    options |= {"resume": True, "track": track}
    result = fit(*args, epochs=3, steps_per_epoch=5, **options)
    assert result.failure().place.chain[-1] == Step(4, epoch=2)
    assert seen == list(range(3, 13))
    whole = fit(*args, epochs=9, engine=None)
    assert whole.failure().place.chain[-1] == Step(4, epoch=2)


SAVED: Final[Any] = {"epochs": 1, "engine": None}


def no_step(p: Any, sample: Any) -> Any:
    raise AssertionError("a step was run")


def test_a_file_that_cannot_be_written_is_found_before_the_first_step(
    tmp_path: Path,
) -> None:
    places: list[Any] = [tmp_path / "none" / "a", tmp_path, ""]
    kinds = [FileNotFoundError, IsADirectoryError, ValueError]
    for file, kind in zip(places, kinds, strict=True):
        with pytest.raises(kind):
            fit(no_step, PARAMS, LOADER, ADAM, checkpoint=file, **SAVED)
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_no_file_holds_are_found_before_the_first_step(
    tmp_path: Path,
) -> None:
    start = {"w": np.zeros(3, np.longdouble)}
    file = tmp_path / "a"
    with pytest.raises(ValueError, match=r"cannot hold the .*128 at 'params\.w'"):
        fit(no_step, start, LOADER, ADAM, checkpoint=file, **SAVED)
    assert list(tmp_path.iterdir()) == []


def test_the_check_of_a_file_leaves_it_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    with pytest.raises(AssertionError, match="a step was run"):
        fit(no_step, PARAMS, LOADER, ADAM, checkpoint=file, **SAVED)
    fit(no_step, PARAMS, LOADER, ADAM, epochs=0, checkpoint=file).unwrap()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_one_script_starts_a_run_and_goes_on_with_it(tmp_path: Path) -> None:
    file = tmp_path / "a"

    def script(epochs: int) -> Fitted[Any, Any]:
        options: Any = {"checkpoint": file, "resume": file.exists(), "engine": None}
        return fit(loss_of, PARAMS, LOADER, ADAM, epochs=epochs, **options).unwrap()

    script(1)
    whole = fit(loss_of, PARAMS, LOADER, ADAM, epochs=3, engine=None).unwrap()
    assert script(3) == whole


# -- failures --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [None, "numpy", "xla"])
def test_a_failure_has_its_place_and_the_last_good_state(engine: Any) -> None:
    loader = DataLoader(Dataset.of_list([1.0, 2.0, 3.0, -4.0]), 2)
    still = optim.sgd(0.0)
    result = fit(log_of_product, 1.0, loader, still, epochs=3, engine=engine, tag="t")
    place = result.failure().place
    text = str(place)
    assert f"in {log_of_product.__name__}" in text
    assert "item 1 of 2 of t" in text
    assert place.chain[-1] == Step(1, epoch=0)
    assert place.state.params == 1.0
    assert place.state.state.steps == 1
    assert place.state.batches.position.batch == 1


def test_a_step_is_counted_over_all_epochs() -> None:
    loader = DataLoader(Dataset.of_list([1.0, 1.0]), 1)
    result = fit(log_of_product, 1.0, loader, optim.sgd(0.4), epochs=9, engine=None)
    # 1, 0.6, -0.06...
    assert result.failure().place.chain[-1] == Step(2, epoch=1)


def test_a_failed_evaluation_has_the_step_and_the_parameters() -> None:
    def refuse(params: Any, sample: Any) -> Any:
        return Failure(Thrown("no"))

    options: Any = {"held_out": DATA, "report_of": refuse, "engine": None}
    result = fit(loss_of, PARAMS, LOADER, ADAM, epochs=2, **options)
    assert result == Failure(Thrown("no"))
    place = result.failure().place
    assert place.chain[-1] == Step(2)
    one = fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, engine=None).unwrap()
    assert same(place.state.params, one.params)


def test_data_and_parameters_may_be_bad() -> None:
    def error(params: Any, loader: Any) -> Any:
        return fit(loss_of, params, loader, ADAM, epochs=1, tag="t").failure()

    assert error(PARAMS, replace(LOADER, batch_size=0)).message.startswith("t: batchS")
    assert error(PARAMS, DataLoader(Dataset.of_list([]), 2)) == EmptyDataset("t")
    dropped = DataLoader(DATA, 50, drop_last=True)
    cause = "drop_last leaves out all 23 samples, for batch_size is 50"
    assert error(PARAMS, dropped) == EmptyBatches("t", f"batch list: {cause}")
    longer: Any = {"epochs": 1, "steps_per_epoch": 2, "tag": "t"}
    assert fit(loss_of, PARAMS, dropped, ADAM, **longer) == Failure(
        EmptyBatches("t", f"batch list: {cause}")
    )
    integers = {"w": np.zeros(3, int), "b": 0.0}
    assert "w" in str(error(integers, LOADER))


def test_an_exception_of_a_callback_leaves_the_checkpoint(tmp_path: Path) -> None:
    def stop(fitted: object) -> None:
        raise KeyboardInterrupt

    args: Any = (loss_of, PARAMS, LOADER, ADAM)
    options: Any = {"checkpoint": tmp_path / "a", "engine": None}
    with pytest.raises(KeyboardInterrupt):
        fit(*args, epochs=2, callbacks=[stop], **options)
    resumed = fit(*args, epochs=2, resume=True, **options).unwrap()
    assert resumed == fit(*args, epochs=2, engine=None).unwrap()


def test_eagerly_python_may_read_values() -> None:
    @do
    def branching(w: NodeId, sample: Any) -> Do[NodeId]:
        return (yield from (mul(w, w) if sample > 1 else add(w, w)))

    args: Any = (branching, 1.0, DataLoader(Dataset.of_list([1.0, 2.0]), 2), ADAM)
    assert fit(*args, epochs=1, engine=None).unwrap().history[0].loss == 1.5
    with pytest.raises(TypeError, match="jit"):
        fit(*args, epochs=1)


READERS: Final[dict[str, Any]] = {
    "NumPy": lambda sample: np.log(sample[0] + 9),
    "float": lambda sample: float(sample[1]),
    "branch": lambda sample: 1 if sample[1] > 0.5 else 2,
    "index": lambda sample: [1.0, 2.0][int(sample[1])],
    "method": lambda sample: sample[0].tolist(),
}


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_sample_that_python_reads_asks_for_no_engine(read: Any, engine: Any) -> None:
    def reading(p: dict[str, NodeId], sample: Any) -> Any:
        read(sample)
        return loss_of(p, sample)

    with pytest.raises(TypeError, match="under jit") as caught:
        fit(reading, PARAMS, LOADER, ADAM, epochs=1, engine=engine)
    assert any("pass engine=None to fit" in x for x in caught.value.__notes__)
    fit(reading, PARAMS, LOADER, ADAM, epochs=1, engine=None).unwrap()


def test_samples_of_many_lengths_ask_for_no_engine() -> None:
    def square(w: NodeId, x: Any) -> Any:
        return const(x).bind(lambda x: dot(x, x)).bind(lambda y: mul(w, y))

    data: Dataset[Any] = Dataset.of_list([np.ones(n) for n in range(1, 10)])
    with pytest.warns(UserWarning, match=r"8 plans of .*train\.fit: engine=None"):
        fit(square, 1.0, DataLoader(data, 1), ADAM, epochs=1).unwrap()
    fit(square, 1.0, DataLoader(data, 1), ADAM, epochs=1, engine=None).unwrap()


def test_a_value_that_python_reads_asks_for_no_engine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @do
    def shown(p: dict[str, NodeId], sample: Any) -> Do[NodeId]:
        loss = yield from loss_of(p, sample)
        yield from value_of(loss).map(print)
        return loss

    with pytest.raises(TypeError, match="under jit") as caught:
        fit(shown, PARAMS, LOADER, ADAM, epochs=1)
    assert any("pass engine=None to fit" in x for x in caught.value.__notes__)
    fit(shown, PARAMS, LOADER, ADAM, epochs=1, engine=None).unwrap()
    assert len(capsys.readouterr().out.splitlines()) == 23


@pytest.mark.parametrize("engine", [None, "numpy"])
def test_what_a_step_raises_has_its_number(engine: Any) -> None:
    data = Dataset.of_list([(np.ones(3), 1.0)] * 3 + [(np.full(3, np.inf), 1.0)])
    rule = optim.chain(optim.clip_by_norm(1.0), optim.sgd(0.1))
    start = {"w": np.zeros(3), "b": 0.0}
    with pytest.raises(ValueError, match="clip_by_norm") as caught:
        fit(loss_of, start, DataLoader(data, 1), rule, epochs=2, engine=engine)
    assert caught.value.__notes__[-1] == "  at step 3, in epoch 0 of the data"


# -- mistakes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resume": True}, "fit takes a checkpoint to resume from, not None"),
        ({"report_of": report_of}, "fit takes report_of for held_out only"),
        ({"steps_per_epoch": 0}, "a count from 1 on for steps_per_epoch, not 0"),
        ({"patience": 0}, "a count from 1 on for patience, not 0"),
        ({"engine": "torch"}, "'numpy' or 'xla' or None for engine, not 'torch'"),
    ],
)
def test_options_that_contradict_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FITTING(loss_of, PARAMS, LOADER, ADAM, epochs=1, **options)


def test_arrays_in_a_list_are_refused() -> None:
    listed: Any = ArrayDataset.of_tree("t", [X, Y]).unwrap()
    with pytest.raises(TypeError, match="of a tuple or dict of arrays, not of a list"):
        fit(loss_of, PARAMS, DataLoader(listed, 8), ADAM, epochs=1)
    with pytest.raises(TypeError, match="of a tuple or dict of arrays, not of a list"):
        fit(loss_of, PARAMS, LOADER, ADAM, epochs=1, held_out=listed)


# -- pictures --------------------------------------------------------------------------


def test_a_picture_has_a_part_for_the_losses_and_one_for_each_metric() -> None:
    def report(accuracy: float) -> StepReport:
        return StepReport(1 - accuracy, (Metric("accuracy", accuracy),))

    history = [EpochReport(i, 2.0 - i, report(i / 2)) for i in range(2)]
    losses, accuracy = figure_of(history).axes
    assert losses.get_ylabel() == "loss"
    lines = {line.get_label(): line.get_xydata().tolist() for line in losses.lines}
    assert lines == {"training": [[0, 2], [1, 1]], "held out": [[0, 1], [1, 0.5]]}
    assert accuracy.get_ylabel() == "accuracy"
    assert accuracy.lines[0].get_ydata().tolist() == [0, 0.5]


def test_a_picture_may_be_part_of_another() -> None:
    part = figure_of([]).subfigures(1, 1)
    assert figure_of([EpochReport(0, 1.0)], part) is part
    assert len(part.axes) == 1
