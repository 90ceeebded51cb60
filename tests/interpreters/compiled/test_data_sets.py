"""The samples of a data set are inputs of a plan."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapem_dsl import jit, mul, value_and_grad
from tapem_dsl.errors import TapeError
from tapem_dsl.tape.equality import same
from tapem_dsl.train import ArrayDataset, Dataset

# Any, throughout: arguments of any type.

ROW = np.arange(3.0)


def total(samples: Any) -> Any:
    return sum((x * y for x, y in samples.data), 0.0)


SETS: list[Callable[[Dataset[Any]], Any]] = [
    total,
    lambda data: data,
    lambda data: data.map(lambda pair: pair[0] * 2.0),
    lambda data: data.split_at(3),
    lambda data: data.batches("epoch", 4),
    lambda data: data.shuffle(3),
    lambda data: (data.size(), data.is_empty(), data.get(2), data.get(99)),
    lambda data: data.append(data).to_list(),
    lambda data: type(data) is Dataset,
]


@pytest.mark.parametrize("size", [1, 5, 30])
@pytest.mark.parametrize("function", SETS)
def test_the_samples_of_a_data_set_are_inputs(
    function: Callable[[Dataset[Any]], Any], size: int
) -> None:
    step = jit(function)
    for start in (0.0, 1.0, 2.0):
        data = Dataset.of_list([(ROW + i, start + i) for i in range(size)])
        assert same(step(data), function(data))
    assert step.report().splitlines()[0].endswith("1 plan, 2 runs of a plan")


def test_a_loss_over_a_data_set_has_the_eager_gradient() -> None:
    def loss(w: Any) -> Any:
        return mul(w, w)

    def slopes(w: Any, data: Dataset[Any]) -> Any:
        found = value_and_grad(loss)(w)
        return found.map(lambda pair: data.map(lambda x: x * pair[1]))

    step = jit(slopes)
    for start in (0.0, 1.0):
        data = Dataset.of_list([ROW + start + i for i in range(12)])
        assert same(step(np.float64(3.0), data), slopes(np.float64(3.0), data))
    assert "1 plan, 1 run of a plan" in step.report()


def test_data_sets_that_read_rows_run_as_they_are() -> None:
    def first(data: Any) -> Any:
        return data.get(0) * 2.0

    rows = ArrayDataset.of_tree("demo", np.arange(6.0).reshape(3, 2)).unwrap()
    step = jit(first)
    assert same(step(rows), np.array([0.0, 2.0]))
    assert "a ArrayDataset is computed with as it is" in step.report()
    batches = rows.batches("demo", 2).unwrap()
    double = jit(lambda batch: batch * 2.0)
    for batch in batches:
        assert same(double(batch), batch * 2.0)
    assert "as it is" not in double.report()


def test_a_failure_of_a_data_set_is_the_same() -> None:
    step = jit(lambda data: data.batches("epoch", 2))
    error: TapeError = step(Dataset.of_list([])).failure()
    assert "empty dataset" in error.message
