"""Optimisers, schedules, loaders and reports are values: ``==``, a hash, pickle."""

import copy
import logging
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from operator import eq
from typing import Any, Final

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import Do, NodeId, TapeM, do, optim, scale, train, value_and_grad
from tapem_dsl.optim import Transform
from tapem_dsl.tape.equality import same
from tapem_dsl.train import Dataset, StepReport


def halve(w: float) -> Any:
    return Success((w / 2, StepReport(w)))


def squared(p: NodeId) -> TapeM[NodeId]:
    return train.mean_scalar_over("t", [1.0], lambda _: TapeM.from_value(p))


@do
def halved(p: NodeId) -> Do[NodeId]:
    return (yield from scale(p, 0.5))


def rows() -> Any:
    pytree = {"x": np.arange(18.0).reshape(9, 2)}
    return train.ArrayDataset.of_tree("t", pytree).unwrap()


def table() -> Any:
    return optim.ParamTable((optim.ParamEntry(NodeId(0), "w", np.ones(2)),))


# Any, in both: values of whatever type.
EACH: Final[dict[str, Callable[[float], Any]]] = {
    "AdaGrad": optim.AdaGrad,
    "Adadelta": optim.Adadelta,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "ArrayDataset": lambda x: rows().shuffle(int(8 * x))[1],
    "Batches": lambda x: rows().batches("t", int(4 * x)).unwrap(),
    "Constant": optim.Constant,
    "CosineAnnealing": lambda x: optim.CosineAnnealing(x, 3),
    "CosineAnnealingLR": lambda x: optim.CosineAnnealingLR(x, 3),
    "CsvOptions": lambda x: train.CsvOptions(delimiter=";" if x < 0.4 else ","),
    "Cyclic": lambda x: optim.Cyclic(x, 1.0, 3),
    "DataLoader": lambda x: train.DataLoader(rows(), 2, shuffle=True, seed=int(8 * x)),
    "Dataset": lambda x: Dataset.of_list([x, np.ones(2)]),
    "EpochReport": lambda x: train.EpochReport(1, x, StepReport(x)),
    "Exponential": lambda x: optim.Exponential(x, 0.5),
    "Fitted": lambda x: train.Fitted({"w": np.full(2, x)}, x, train.Position(0, 0, 0)),
    "LRFinder": lambda x: optim.LRFinder(x, 1.0, 3),
    "LinearWarmup": lambda x: optim.LinearWarmup(x, 3),
    "LogEntry": lambda x: train.LogEntry(train.Level.INFO, str(x)),
    "Metric": lambda x: train.Metric("m", x),
    "Momentum": optim.Momentum,
    "NpyArray": lambda x: train.parse_npy(train.npy_bytes(np.full(2, x))).unwrap(),
    "OneCycle": lambda x: optim.OneCycle(x, 10),
    "OneCycleLR": lambda x: optim.OneCycleLR(x, 10),
    "Optimizer": lambda x: optim.Optimizer(
        (optim.ParamGroup((NodeId(0),), optim.Adam(), x),)
    ).init(table()),
    "Pair": lambda x: train.Pair(np.float64(x), np.float64(1)),
    "ParamEntry": lambda x: optim.ParamEntry(NodeId(0), "w", np.full(2, x)),
    "ParamGroup": lambda x: optim.ParamGroup((NodeId(0),), optim.Adam(), x),
    "ParamTable": lambda x: table().set(NodeId(0), np.full(2, x)),
    "Position": lambda x: (
        train.Stream(train.DataLoader(rows(), 1, seed=int(8 * x))).position
    ),
    "ReportSum": lambda x: train.ReportSum(1, x),
    "RmsProp": optim.RmsProp,
    "Sgd": optim.Sgd,
    "StepDecay": lambda x: optim.StepDecay(x, 0.5, 3),
    "StepReport": lambda x: StepReport(x, (train.Metric("m", x),)),
    "Stepped": lambda x: optim.Stepped(int(8 * x), ()),
    "Stream": lambda x: train.Stream(train.DataLoader(rows(), 1, seed=int(8 * x))),
    "Trainer": lambda x: train.Trainer(x, halve).with_report_logger(
        logging.getLogger("tapem_dsl.tests.values")
    ),
    "ValueAndGrad": lambda x: value_and_grad(squared if x < 0.4 else halved),
    "WarmupCosine": lambda x: optim.WarmupCosine(x, 2, 10),
    "WarmupCosineLR": lambda x: optim.WarmupCosineLR(x, 0.1, 2, 10),
    # what functions give
    "adadelta": optim.adadelta,
    "adagrad": lambda x: optim.adagrad(optim.Exponential(x, 0.5)),
    "adam": optim.adam,
    "adamw": lambda x: optim.adamw(optim.WarmupCosine(x, 2, 10), weight_decay=0.1),
    "by_leaf": lambda x: optim.by_leaf(optim.Adam(), x),
    "chain": lambda x: optim.chain(optim.clip_by_norm(1.0), optim.adam(x)),
    "clip_by_norm": lambda x: optim.clip_by_norm(x, error_if_nonfinite=False),
    "clip_by_percentile": optim.clip_by_percentile,
    "clip_by_value": optim.clip_by_value,
    "momentum": optim.momentum,
    "rmsprop": optim.rmsprop,
    "sgd": optim.sgd,
}
ABSTRACT: Final = {"UpdateRule", "Transform"}
NO_VALUES: Final = {"Level", "LineFormatter"}
"""An enumeration, and a formatter of ``logging``."""


def test_every_record_and_every_optimiser_is_tried() -> None:
    records = {
        name
        for name, kind in (vars(train) | vars(optim)).items()
        if isinstance(kind, type)
    }
    makers = {
        name
        for name, maker in (vars(train) | vars(optim)).items()
        if callable(maker)
        and "Transform" in str(getattr(maker, "__annotations__", {}).get("return"))
    }
    assert records - ABSTRACT - NO_VALUES | makers == set(EACH) - {"ValueAndGrad"}


@pytest.mark.parametrize("name", EACH)
def test_records_and_optimisers_are_values(name: str) -> None:
    make = EACH[name]
    one, again, other = make(0.25), make(0.25), make(0.5)
    assert one is not again
    equal = same if isinstance(one, tuple) else eq  # a tuple asks arrays for a truth
    assert equal(one, again)
    assert not equal(one, other)
    for copied in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), copy.copy(one)):
        assert type(copied) is type(one)
        assert equal(copied, one)
        assert isinstance(one, tuple) or hash(copied) == hash(one) == hash(again)
    name = fields(one)[0].name if is_dataclass(one) else one._fields[0]
    with pytest.raises(AttributeError):
        setattr(one, name, None)


def test_an_optimiser_from_a_pickle_goes_on_as_the_first() -> None:
    optimiser = optim.chain(
        optim.clip_by_norm(1.0), optim.adamw(optim.WarmupCosine(0.1, 2, 9))
    )
    p: Any = {"w": np.ones(3)}
    state = optimiser.init(p)
    for _ in range(3):
        p, state = optimiser.move({"w": np.full(3, 2.0)}, state, p)
    loaded: tuple[Transform[Any], Any] = pickle.loads(pickle.dumps((optimiser, state)))
    again = loaded[0].move({"w": np.ones(3)}, loaded[1], p)
    expected = optimiser.move({"w": np.ones(3)}, state, p)
    np.testing.assert_array_equal(again[0]["w"], expected[0]["w"])


def test_what_differs_in_one_part_differs() -> None:
    assert optim.adam(0.1) != optim.adamw(0.1, weight_decay=0)
    assert optim.adam(0.1) != optim.by_leaf(optim.Adam(beta1=0.5), 0.1)
    assert optim.Sgd() == optim.Sgd(0)
    assert optim.sgd(0.1) == optim.by_leaf(optim.Sgd(), 0.1)
    assert optim.chain(optim.sgd(0.1)) != optim.sgd(0.1)
    assert optim.clip_by_norm(1.0) != optim.clip_by_value(1.0)
    assert len({optim.adam(0.1), optim.adam(0.1), optim.adam(0.2)}) == 2
    assert repr(optim.sgd(0.1)) == "ByLeaf(rule=Sgd(weight_decay=0), rate=0.1)"


def test_a_transform_of_ones_own_goes_into_a_chain() -> None:
    class Doubled(Transform[int]):
        def init(self, parameters: Any, /) -> int:
            return 0

        def update(self, gradients: Any, state: int, parameters: Any, /) -> Any:
            return 2 * gradients, state + 1

    optimiser = optim.chain(Doubled(), optim.sgd(1.0))
    p, state = optimiser.move(np.ones(1), optimiser.init(np.ones(1)), np.ones(1))
    assert (p.tolist(), state[0]) == ([-1.0], 1)
