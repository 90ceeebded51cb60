"""Every argument of what `tapem_dsl.train` has, given what it cannot take."""

import inspect
import logging
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import NodeId, const, leaf, optim, train, tree
from tapem_dsl.optim import Optimizer, ParamEntry, ParamGroup, ParamTable, Sgd
from tapem_dsl.optim.schedules import Scheduler
from tapem_dsl.train import (
    ArrayDataset,
    DataLoader,
    Dataset,
    LogEntry,
    Metric,
    ReportSum,
    StepReport,
    Stream,
    Trainer,
)
from tests.kinds import Kind

# Any, throughout: what types would refuse is what is tried here.

LOOSE: Final[Any] = train
LOOSE_OPTIM: Final[Any] = optim
REPORT: Final = StepReport(1.0)
EPOCH: Final = train.EpochReport(0, 1.0)
METRIC: Final = Metric("a", 1.0)
DATA: Final = Dataset.of_list([1.0, 2.0])
ARRAYS: Final[Any] = ArrayDataset.of_tree("t", np.ones(3)).unwrap()
LOADER: Final = DataLoader(DATA, 1)
TABLE: Final = ParamTable((ParamEntry(NodeId(0), "w", np.float64(1)),))
GROUP: Final = ParamGroup((NodeId(0),), Sgd(), 0.1)
PROGRAM: Final = const(1.0)
TAPE: Final = leaf(1.0).exec().unwrap()


TEXT: Final = Kind("t", 3, None, b"t", PROGRAM, [1.0])
INTEGER: Final = Kind(1, "1", 1.5, True, None, [1], PROGRAM)
COUNT: Final = Kind(1, *INTEGER.bad, -1)
NUMBER: Final = Kind(1.0, "x", None, True, 1j, [1.0], PROGRAM)
FLAG: Final = Kind(True, "no", None, 1, PROGRAM)
FUNCTION: Final = Kind(lambda x: Success(REPORT), 3, "f", None, PROGRAM, [1.0])
COLLECTION: Final = Kind([1.0, 2.0], 3, None, PROGRAM, {1.0})
METRICS: Final = Kind((METRIC,), 3, None, PROGRAM, {METRIC}, (1.0,), ("a",), METRIC)
DATASET: Final = Kind(DATA, [1.0], 3, None, PROGRAM, np.ones(2), Dataset)
PATH: Final = Kind("no such file", b"f", 3, None, PROGRAM)
SHAPE: Final = Kind((), [1], "1", 1.5, (True,))
ID: Final = Kind(NodeId(0), "0", None, True, PROGRAM)
ARRAY: Final = Kind(np.float64(1), "x", None, PROGRAM, [1.0])
TABLES: Final = Kind(TABLE, 3, None, [TABLE], PROGRAM)
OPTIONS: Final = Kind(train.CsvOptions(), ";", None, True, train.CsvOptions)

KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(["tag", "message", "name"], TEXT),
    **dict.fromkeys(["position", "at", "batch_size", "seed", "state"], INTEGER),
    **dict.fromkeys(["step", "steps", "size", "total", "warmup", "count"], COUNT),
    **dict.fromkeys(["m", "n", "epoch", "batch"], COUNT),
    **dict.fromkeys(["value", "loss", "loss_sum", "number", "rate"], NUMBER),
    **dict.fromkeys(
        ["base", "maximum", "minimum", "initial", "final", "start"], NUMBER
    ),
    **dict.fromkeys(["peak", "decay", "factor", "divisor", "final_divisor"], NUMBER),
    **dict.fromkeys(["rise", "rho", "epsilon", "weight_decay", "momentum"], NUMBER),
    **dict.fromkeys(["beta1", "beta2", "most", "percent", "learning_rate"], NUMBER),
    **dict.fromkeys(["dampening"], NUMBER),
    **dict.fromkeys(["skip_header", "trim_cells", "allow_empty_lines"], FLAG),
    **dict.fromkeys(["drop_last", "nesterov", "three_phase"], FLAG),
    **dict.fromkeys(["error_if_nonfinite"], FLAG),
    **dict.fromkeys(
        ["report_of", "collate", "track", "program_of", "loss_of"], FUNCTION
    ),
    **dict.fromkeys(["function", "logger"], FUNCTION),
    **dict.fromkeys(["samples", "batches", "data", "xs", "ys"], COLLECTION),
    **dict.fromkeys(["metrics", "metrics_sum", "a", "b"], METRICS),
    **dict.fromkeys(["dataset", "other"], DATASET),
    **dict.fromkeys(["mode", "anneal"], Kind("cos", "cats", 3, None, PROGRAM)),
    **dict.fromkeys(["steps_per_epoch", "patience"], Kind(1, *COUNT.bad, 0)),
    "program": FUNCTION,
    "optimiser": Kind(optim.sgd(0.1), optim.sgd, 0.1, None, Sgd(), PROGRAM),
    "held_out": Kind(DATA, [1.0], 3, PROGRAM, np.ones(2), Dataset),
    "callbacks": Kind((print,), print, 3, None, PROGRAM, (3,)),
    "checkpoint": Kind("no such file", b"f", 3, PROGRAM),
    "resume": Kind(False, "no", None, 1, PROGRAM),
    "engine": Kind("numpy", "torch", 3, PROGRAM),
    "history": Kind((EPOCH,), 3, None, (REPORT,), PROGRAM),
    "figure": Kind(None, 3, "x", PROGRAM),
    "path": PATH,
    "options": OPTIONS,
    "shape": SHAPE,
    "id": ID,
    "param": ARRAY,
    "grad": ARRAY,
    "table": TABLES,
    "shuffle": Kind(True, "x", 3, None, PROGRAM),
    "how": Kind("lcg", "x", 3, None, PROGRAM),
    "text": Kind("1,2", b"1,2", 3, None),
    "content": Kind(train.npy_bytes(np.ones(1)), "x", 3, None),
    "delimiter": Kind(",", "", ",,", 3, None),
    "rows": Kind([[1.0]], 3, None, PROGRAM, [1.0], [["a"]], [[None]], [[True]]),
    "entries": Kind([1.0], 3, None, PROGRAM, ["a"], [None], [True], ["1"]),
    "report": Kind(REPORT, 0.5, None, PROGRAM),
    "reports": Kind([REPORT], 3, None, [0.5], REPORT),
    "level": Kind(train.Level.INFO, "info", None, 1.5),
    "entry": Kind(LogEntry(train.Level.INFO, "x"), "x", None),
    "loader": Kind(LOADER, [1], None, DATA, PROGRAM),
    "groups": Kind((GROUP,), GROUP, 3, None, (Sgd(),), (ParamGroup,)),
    "ids": Kind((NodeId(0),), 0, None, "w", ("w",), (True,)),
    "rule": Kind(Sgd(), Sgd, "sgd", None),
    "states": Kind({}, None, 3, [1.0]),
    "gradients": Kind({NodeId(0): np.float64(1)}, None, 3, [1.0]),
    "tape": Kind(TAPE, 3, None, PROGRAM),
    "starts": Kind(range(1), 3, None, [0]),
    "order": Kind(np.arange(3), 3, None, [0, 1, 2]),
    "schedule": Kind(optim.Constant(0.1), 3, "x", PROGRAM),
    # tried elsewhere
    "into": Kind(np.float64),
    "grads": Kind({}),
    "which": Kind(0),
    "map.function": Kind(lambda *leaves: leaves[0]),
    # of one owner
    "Stream.at.position": Kind(Stream(LOADER).position, None, 3, (0, 0, 0)),
    "ReportSum.add.other": Kind(ReportSum.of_report(REPORT), REPORT, None, 3),
    "ReportSum.count": COUNT,
    "Batches.dataset": Kind(ARRAYS, DATA, None, [1.0]),
    "Position.epoch": INTEGER,
    "Position.batch": INTEGER,
    "Position.size": INTEGER,
    "Position.shuffle": Kind("lcg", "x", 3, None, True),
    "StepReport.render.step": INTEGER,
    "mean_scalar_over.xs": Kind([1.0], 3, None, PROGRAM, {1.0}, np.ones(2)),
    "mean_scalar_over_array.xs": Kind([1.0], 3, None, PROGRAM, {1.0}, "ab"),
    "mean_scalar_over_dataset.xs": DATASET,
    "eval_batches.batches": Kind([[1.0]], 3, None, PROGRAM, {(1.0,)}, [1.0], [None]),
    "EpochReport.held_out": Kind(REPORT, 3, 0.5, PROGRAM, EPOCH),
    "fit.epochs": Kind(0, *COUNT.bad),
    "eval_dataset.dataset": Kind(DATA, *DATASET.bad, ARRAYS),
    "ParamTable.entries": Kind(TABLE.entries, 3, None, (1.0,), TABLE.entries[0]),
    "ParamEntry.value": ARRAY,
    "ParamTable.set.value": ARRAY,
    "run_steps.step": Kind(lambda n: Success((n, n)), *FUNCTION.bad),
    "run_steps_m.step": FUNCTION,
    "Trainer.step": FUNCTION,
    "Trainer.with_report_logger.logger": Kind(logging.getLogger("t"), 3, None, "x"),
    "log_entry.logger": Kind(logging.getLogger("t"), 3, None, "x"),
    "dataset_of_list_vectors.n": COUNT,
    "npy_bytes.array": Kind(np.ones(1), "x", None, 1j, [None]),
    "Cyclic.mode": Kind("triangular", "cats", 3, None, PROGRAM),
    "save_checkpoint.path": Kind("x", *PATH.bad, ""),
    "chain.transforms": Kind(optim.sgd(0.1), optim.sgd, 3, None, [optim.sgd(0.1)]),
}
"""By the parameter's name, or by its owner's and its own."""

RATES: Final = {
    f"{name}.rate": NUMBER
    for name in ("sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw", "adadelta")
}

OPEN: Final = {
    *("pytree", "ArrayDataset.data", "like", "init", "others", "updates"),
    *("params", "parameters"),
    *("parameter", "_cached", "l2_norm.gradients"),
    *("require_grad_tensor.tag", "require_value_tensor.tag"),
    *("require_scalar_value.tag",),
}
"""What takes any value, is a pytree, or is tried elsewhere."""

BARE: Final = {
    "Fitted",
    "Pair",
    "NpyArray",
    "Stepped",
    "Level",
    "LineFormatter",
    "no_log",
}
"""Results, states and what does nothing: they hold what they are given."""

INSTANCES: Final[list[Any]] = [
    *(DATA, ARRAYS, REPORT, METRIC, ReportSum.of_report(REPORT), LOADER, TABLE, GROUP),
    *(Optimizer((GROUP,)), Stream(LOADER)),
    Trainer(0, lambda n: Success((n, REPORT))),
]


TARGETS: Final[dict[str, Any]] = {
    **vars(train),
    **vars(optim),
    **{name: getattr(tree, name) for name in ("map", "param", "const")},
}


def targets() -> Iterator[tuple[str, Any]]:
    for name, value in TARGETS.items():
        if name[0] == "_" or name in BARE:
            continue
        if isinstance(value, FunctionType) or (
            inspect.isclass(value) and not inspect.isabstract(value)
        ):
            yield name, value
    for instance in INSTANCES:
        owner = type(instance).__name__
        for name, method in vars(type(instance)).items():
            bound = getattr(instance, name)
            if name[0] != "_" and isinstance(
                method, FunctionType | staticmethod | classmethod
            ):
                yield f"{owner}.{name}", bound


def parameters_of(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def kind_of(owner: str, parameter: str) -> Kind | None:
    if OPEN & {parameter, f"{owner}.{parameter}"}:
        return None
    return (
        RATES.get(f"{owner}.{parameter}")
        or KINDS.get(f"{owner}.{parameter}")
        or KINDS[parameter]
    )


def mistakes() -> Iterator[Any]:
    for owner, function in targets():
        for parameter in parameters_of(function):
            kind = kind_of(owner, parameter.name)
            for bad in () if kind is None else kind.bad:
                if parameter.default is None and bad is None:
                    continue
                id = f"{owner}-{parameter.name}-{type(bad).__name__}"
                yield pytest.param(owner, function, parameter.name, bad, id=id)


def called(owner: str, function: Any, wrong: str, bad: Any) -> None:
    """Call with good values for all but one parameter."""
    positional: list[Any] = []
    by_name: dict[str, Any] = {}
    for x in parameters_of(function):
        if x.name != wrong and x.default is not x.empty:
            continue
        kind = kind_of(owner, x.name)
        value = bad if x.name == wrong else np.float64(1) if kind is None else kind.good
        if x.kind is x.KEYWORD_ONLY or x.default is not x.empty:
            by_name[x.name] = value
        else:
            positional.append(value)
    function(*positional, **by_name)


@pytest.mark.parametrize(("owner", "function", "parameter", "bad"), list(mistakes()))
def test_a_wrong_argument_raises_at_the_call_and_is_named(
    owner: str, function: Any, parameter: str, bad: Any
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        called(owner, function, parameter, bad)
    assert "tapem_dsl" in str(caught.traceback[-1].path)
    said = str(caught.value)
    named = {parameter, owner.rpartition(".")[2], "node id", "an id", "CSV", "NPY"}
    assert any(word in said for word in named), said
    given = {repr(bad), type(bad).__name__, "program", "class", str(bad)}
    given |= {repr(x) for x in bad} if isinstance(bad, tuple | list | set) else set()
    assert any(text in said for text in given), said
    assert re.search(r"[;:,]|such as|takes|yield from| not ", said), said
    assert len(said) < 300, said


@pytest.mark.parametrize(("owner", "function"), list(targets()))
def test_the_good_values_are_taken(
    owner: str, function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called(owner, function, "", None)


SCHEDULES: Final[list[Any]] = [
    kind
    for kind in vars(optim).values()
    if inspect.isclass(kind) and issubclass(kind, Scheduler)
]


@pytest.mark.parametrize("kind", SCHEDULES, ids=lambda kind: kind.__name__)
def test_a_step_of_a_schedule_is_a_count(kind: Any) -> None:
    needed = [x for x in parameters_of(kind) if x.default is x.empty]
    schedule = kind(*(KINDS[x.name].good for x in needed))
    assert schedule(np.int64(3)) == schedule(3)
    for bad in COUNT.bad:
        error = ValueError if bad == -1 else TypeError
        with pytest.raises(error, match=rf"{kind.__name__} takes a count .* for step"):
            schedule(bad)


def test_every_schedule_is_tried() -> None:
    called_with_a_step = {
        kind
        for kind in vars(optim).values()
        if inspect.isclass(kind) and "__call__" in dir(kind)
    }
    assert set(SCHEDULES) == called_with_a_step


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LOOSE.eval_list([1.0], "t", const), "eval_list takes a text for tag"),
        (
            lambda: LOOSE.DataLoader([1, 2], 2),
            r"Batched for dataset, not \[1, 2\] .*; make one: Dataset.of_list",
        ),
        (lambda: LOOSE.DataLoader(Success(DATA), 2), r"; unwrap it: \.unwrap\(\)"),
        (lambda: LOOSE.Dataset(Success([1.0])), r"; unwrap it: \.unwrap\(\)"),
        (lambda: LOOSE.parse_csv("1;2", ";"), "; make one: CsvOptions"),
        (lambda: LOOSE.vector_of_list("t", 1, ["a" * 999]), r"entries\[0\], .*\.\.\."),
        (lambda: LOOSE.eval_batches("t", [1.0], const), "cut a list of samples into"),
        (lambda: LOOSE.Metric("a", True), r"not True \(bool\); convert .*float\("),
        (lambda: LOOSE.Metric("a", np.True_), r"convert it: float\("),
        (lambda: LOOSE.StepReport(np.array(0.5)), r"convert it: float\("),
        (lambda: LOOSE.StepReport(np.ones(2)), r"array\(\[1\., 1\.\]\) \(ndarray\)$"),
        (lambda: LOOSE.Position("a", 0, 0), "takes an integer for epoch, not 'a'"),
        (
            lambda: LOOSE_OPTIM.Optimizer(GROUP),
            r"for groups, not .*; put it in a tuple: ",
        ),
        (lambda: LOOSE_OPTIM.adam(PROGRAM), "takes a number or a schedule for rate"),
    ],
)
def test_messages_say_what_to_write(call: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_numpys_numbers_and_lists_are_taken() -> None:
    assert DataLoader(DATA, 0).epoch("t").failure().message.startswith("t: ")
    assert Metric("a", Fraction(1, 3)).render() == "a=1/3"
    listed: Any = [METRIC]
    assert StepReport(np.float32(0.5), listed).metrics == (METRIC,)  # type: ignore[arg-type] # NumPy's too
    assert ParamGroup([NodeId(0)], Sgd(), 0.1) == GROUP  # type: ignore[arg-type] # a list too
    assert DataLoader(DATA, np.int64(2), seed=np.int64(3)).epoch("t").unwrap()  # type: ignore[arg-type] # NumPy's too
    floats: Any = np.arange(3, dtype=np.float16)
    assert train.vector_of_list("t", 3, floats).unwrap().tolist() == [0, 1, 2]
