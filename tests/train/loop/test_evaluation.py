"""Metrics, reports and their means."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl.errors import EmptyBatches, EmptyDataset, MetricMismatch, Thrown
from tapem_dsl.train import (
    ArrayDataset,
    DataLoader,
    Dataset,
    Metric,
    ReportSum,
    StepReport,
    add_metrics,
    eval_batches,
    eval_dataset,
    eval_dataset_batches,
    eval_list,
    render_metrics,
    render_number,
    render_reports,
    scale_metrics,
)

fractions = st.fractions(max_denominator=9, min_value=-9, max_value=9)


def report(x: Fraction) -> Success[StepReport]:
    return Success(StepReport(x, (Metric("twice", 2 * x),)))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.25, "0.250000"),
        (float("nan"), "NaN"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (-0.0, "-0.000000"),
        (Fraction(1, 2), "1/2"),
        (Fraction(3), "3"),
        (3, "3.000000"),
    ],
)
def test_numbers_are_written_as_lean_writes_them(number: Any, text: str) -> None:
    assert render_number(number) == text


def test_reports_are_lines() -> None:
    two = (Metric("a", 1.0), Metric("b", Fraction(1, 3)))
    assert render_metrics(two) == "a=1.000000, b=1/3"
    reports = [StepReport(0.5), StepReport(Fraction(1, 2), two)]
    assert render_reports(reports) == [
        "step 0: loss=0.500000",
        "step 1: loss=1/2, a=1.000000, b=1/3",
    ]


def test_metrics_go_together_name_by_name() -> None:
    a, b = Metric("a", 1.0), Metric("b", 2.0)
    assert add_metrics("t", [a, b], [a, b]) == Success(
        (Metric("a", 2.0), Metric("b", 4.0))
    )
    shorter = add_metrics("t", [a], [a, b]).failure()
    assert isinstance(shorter, MetricMismatch)
    assert shorter.message == "t: metric length mismatch"
    assert shorter.names == ("b",)
    other = add_metrics("t", [a, b], [a, a]).failure()
    assert other.message == "t: metric name mismatch: b vs a"
    assert add_metrics("t", [a, b], [b]).failure().message.endswith("a vs b")
    assert scale_metrics(0, [a]) == (Metric("a", 0.0),)


@given(xs=st.lists(fractions, min_size=1, max_size=6))
def test_the_mean_of_samples_is_the_mean(xs: list[Fraction]) -> None:
    mean = sum(xs, Fraction(0)) / len(xs)
    expected = Success(StepReport(mean, (Metric("twice", 2 * mean),)))
    assert eval_list("t", xs, report) == expected
    assert eval_dataset("t", Dataset.of_list(xs), report) == expected


@given(xs=st.lists(fractions, min_size=1, max_size=9), size=st.integers(1, 4))
def test_batches_weigh_as_many_as_they_hold(xs: list[Fraction], size: int) -> None:
    def of_batch(batch: Any) -> Any:
        return eval_list("inner", batch, report)

    whole = eval_list("t", xs, report)
    assert eval_dataset_batches("t", Dataset.of_list(xs), size, of_batch) == whole


ROWS: Any = {"x": np.arange(6.0).reshape(3, 2), "y": np.array([0.0, 3.0, 9.0])}


@pytest.mark.parametrize(
    ("pytree", "targets_of"),
    [
        (ROWS, lambda batch: batch["y"]),
        ((ROWS["x"], ROWS["y"]), lambda batch: batch[1]),
        ([ROWS["x"], ROWS["y"]], lambda batch: batch[1]),
        (ROWS["y"], lambda batch: batch),
    ],
    ids=["dict", "tuple", "list", "array"],
)
def test_a_pytree_of_arrays_weighs_as_many_as_its_rows(
    pytree: Any, targets_of: Any
) -> None:
    def of_batch(batch: Any) -> Any:
        return Success(StepReport(float(np.mean(targets_of(batch)))))

    data: Any = ArrayDataset.of_tree("t", pytree).unwrap()
    assert eval_dataset_batches("t", data, 2, of_batch) == Success(StepReport(4.0))
    _, batches = DataLoader(data, 2).epoch("t").unwrap()
    assert eval_batches("t", batches, of_batch) == Success(StepReport(4.0))
    if not isinstance(pytree, list):  # a list on its own is a list of samples
        assert eval_batches("t", list(batches), of_batch) == Success(StepReport(4.0))


def test_the_mean_of_no_samples_is_what_lean_divides_to() -> None:
    metrics = (Metric("a", 1.0), Metric("b", -1.0), Metric("c", Fraction(2)))
    mean = ReportSum(0, 0.0, metrics).mean()
    assert np.isnan(float(mean.loss))
    assert [metric.value for metric in mean.metrics] == [np.inf, -np.inf, 0]
    assert isinstance(mean.metrics[2].value, Fraction)


def test_nothing_to_evaluate_is_a_failure() -> None:
    assert eval_list("t", [], report) == Failure(EmptyDataset("t"))
    none = eval_batches("t", [], lambda batch: Success(StepReport(1.0)))
    assert none.failure().message == "t: empty batch list"
    reached = []

    def counted(batch: Any) -> Any:
        reached.append(batch)
        return Success(StepReport(1.0))

    empty = eval_batches("t", [[1], [], [2]], counted)
    assert empty == Failure(EmptyBatches("t", "batch"))
    assert empty.failure().message == "t: empty batch"
    assert reached == [[1]]
    sized = eval_dataset_batches("t", Dataset.of_list([1]), 0, counted)
    assert sized.failure().message == "t: batchSize must be > 0"


def test_the_first_failure_ends_an_evaluation() -> None:
    asked = []

    def fails(x: int) -> Any:
        asked.append(x)
        return Failure(Thrown("no")) if x == 1 else Success(StepReport(1.0))

    assert eval_list("t", [0, 1, 2], fails) == Failure(Thrown("no"))
    assert asked == [0, 1]

    def named(x: int) -> Any:
        return Success(StepReport(1.0, (Metric(str(x), 1.0),)))

    assert isinstance(eval_list("t", [0, 1], named).failure(), MetricMismatch)


def test_sums_are_values() -> None:
    one = ReportSum.of_report(StepReport(2.0, (Metric("a", 4.0),)))
    three = ReportSum.of_batch(3, StepReport(1.0, (Metric("a", 0.0),)))
    both = one.add("t", three).unwrap()
    assert both == ReportSum(4, 5.0, (Metric("a", 4.0),))
    assert both.mean() == StepReport(1.25, (Metric("a", 1.0),))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_means_of_many_narrow_losses_keep_their_digits(dtype: Any) -> None:
    tenth = dtype(0.1)

    def report_of(_: Any) -> Success[StepReport]:
        return Success(StepReport(tenth, (Metric("tenth", tenth),)))

    one = eval_list("t", range(70_000), report_of).unwrap()
    batched = eval_batches("t", [range(70_000)] * 2, report_of).unwrap()
    for mean in (one, batched):
        for value in (mean.loss, mean.metrics[0].value):
            assert value == pytest.approx(float(tenth), rel=1e-11)
