"""Metrics, reports of steps, and their means over samples and batches."""

from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Final, TypeAlias, TypeVar, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import (
    check_argument,
    check_fields,
    check_type,
    checked_result,
    items_of,
    said,
)
from tapem_dsl.errors import (
    EmptyBatches,
    EmptyDataset,
    MetricMismatch,
    TapeError,
)
from tapem_dsl.program.arguments import int_argument, tag_argument
from tapem_dsl.train.data.dataset import MAKE_ONE, Batched, Dataset

X = TypeVar("X")

Number: TypeAlias = float | Fraction
"""A loss or a metric; a ``Fraction`` stays exact."""


@final
@dataclass(frozen=True, slots=True)
class Metric:
    """
    A number with a name.

    Lean: ``Metric``.

    >>> Metric("accuracy", 0.25).render()
    'accuracy=0.250000'
    """

    name: str
    value: Number

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, name=str, value=Real)

    def render(self) -> str:
        """Write ``name=value``."""
        return f"{self.name}={render_number(self.value)}"


@final
@dataclass(frozen=True, slots=True)
class StepReport:
    """
    What one step of training or evaluation says: a loss, and metrics.

    Lean: ``StepReport``.

    >>> StepReport(0.5, (Metric("accuracy", 1.0),)).render(3)
    'step 3: loss=0.500000, accuracy=1.000000'
    """

    loss: Number
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields, and hold a tuple of metrics, whatever was given."""
        check_fields(self, loss=Real)
        metrics = items_of("StepReport", "metrics", self.metrics, Metric)
        object.__setattr__(self, "metrics", metrics)

    def render(self, step: int) -> str:
        """
        Write one line, with the number of the step.

        Lean: ``renderReport``.
        """
        check_argument("StepReport.render", "step", step, int)
        line = f"step {step}: loss={render_number(self.loss)}"
        return f"{line}, {render_metrics(self.metrics)}" if self.metrics else line


def checked_report(function: str, given: object) -> StepReport:
    """
    Give a report back, if it is one.

    Raises:
        TypeError: it is none, with the fix.

    >>> checked_report("the step of Trainer", 0.5)
    Traceback (most recent call last):
    ...
    TypeError: the step of Trainer gives a StepReport, not 0.5 (float); wrap it: \
StepReport(...)
    """
    if isinstance(given, StepReport):
        return given
    raise TypeError(
        f"{function} gives a StepReport, not {said(given)}; wrap it: StepReport(...)"
    )


def render_number(number: Number) -> str:
    """
    Write a number as Lean's ``toString`` does: floats with six decimals.

    >>> [render_number(x) for x in (0.25, float("nan"), float("-inf"), Fraction(1, 2))]
    ['0.250000', 'NaN', '-inf', '1/2']
    """
    check_argument("render_number", "number", number, Real)
    if isinstance(number, Fraction):
        return str(number)
    number = float(number)
    return "NaN" if number != number else f"{number:.6f}"  # noqa: PLR0124 - NaN only


def render_metrics(metrics: Iterable[Metric]) -> str:
    """
    Write metrics on one line.

    Lean: ``renderMetrics``.

    >>> render_metrics([Metric("a", 1.0), Metric("b", Fraction(2))])
    'a=1.000000, b=2'
    """
    given = items_of("render_metrics", "metrics", metrics, Metric)
    return ", ".join(metric.render() for metric in given)


def render_reports(reports: Iterable[StepReport]) -> list[str]:
    """
    Write a line for each report, numbered from 0.

    Lean: ``renderReports``.

    >>> render_reports([StepReport(1.0)])
    ['step 0: loss=1.000000']
    """
    given = items_of("render_reports", "reports", reports, StepReport)
    return [report.render(step) for step, report in enumerate(given)]


def add_metrics(
    tag: str, a: Sequence[Metric], b: Sequence[Metric]
) -> Result[tuple[Metric, ...], TapeError]:
    """
    Add metrics, name by name, in their places.

    Fails with:
        :class:`MetricMismatch`: names differ, or one list is longer; whichever comes
        first from the left.

    Lean: ``addMetrics``.

    >>> add_metrics("test", [Metric("a", 1.0)], [Metric("b", 2.0)])
    <Failure: test: metric name mismatch: a vs b (names=('a', 'b'))>
    """
    tag_argument(tag, "add_metrics")
    a = items_of("add_metrics", "a", a, Metric)
    b = items_of("add_metrics", "b", b, Metric)
    added = []
    for x, y in zip(a, b, strict=False):
        if x.name != y.name:
            what = f"name mismatch: {x.name} vs {y.name}"
            return Failure(MetricMismatch(tag, what, names=(x.name, y.name)))
        added.append(Metric(x.name, x.value + y.value))
    if len(a) != len(b):
        left = tuple(metric.name for metric in (*a[len(b) :], *b[len(a) :]))
        return Failure(MetricMismatch(tag, "length mismatch", names=left))
    return Success(tuple(added))


def scale_metrics(count: int, metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """
    Multiply each metric by a count.

    Lean: ``scaleMetrics``.

    >>> scale_metrics(3, [Metric("a", 2.0)])
    (Metric(name='a', value=6.0),)
    """
    check_argument("scale_metrics", "count", count, None)
    given = items_of("scale_metrics", "metrics", metrics, Metric)
    return tuple(Metric(m.name, in_double(m.value) * count) for m in given)


def in_double(number: Number) -> Number:
    """
    Widen a narrower float of NumPy's, so that sums of many keep their digits.

    >>> in_double(np.float16(0.5)), in_double(Fraction(1, 3))
    (0.5, Fraction(1, 3))
    """
    given: object = number  # to a checker it is none of NumPy's
    narrow = isinstance(given, np.floating) and given.dtype.itemsize < _DOUBLE
    return float(number) if narrow else number


_DOUBLE: Final = 8
"""Bytes of a float of Python's."""


@final
@dataclass(frozen=True, slots=True)
class ReportSum:
    """
    Reports added up, and how many samples they speak of; float32 in double precision.

    Lean: ``ReportSum``.

    >>> half, one = ReportSum.of_batch(1, StepReport(0.5)), ReportSum.of_batch(3,
    ... StepReport(1.0))
    >>> half.add("test", one).map(ReportSum.mean)
    <Success: StepReport(loss=0.875, metrics=())>
    """

    count: int
    loss_sum: Number
    metrics_sum: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields, and hold a tuple of metrics, whatever was given."""
        check_fields(self, count=None, loss_sum=Real)
        metrics = items_of("ReportSum", "metrics_sum", self.metrics_sum, Metric)
        object.__setattr__(self, "metrics_sum", metrics)

    @staticmethod
    def of_report(report: StepReport) -> "ReportSum":
        """Start from the report of one sample."""
        return ReportSum.of_batch(1, report)

    @staticmethod
    def of_batch(count: int, report: StepReport) -> "ReportSum":
        """Start from the mean report of so many samples."""
        check_argument("ReportSum.of_batch", "count", count, None)
        check_type("ReportSum.of_batch", "report", report, StepReport)
        metrics = scale_metrics(count, report.metrics)
        return ReportSum(count, in_double(report.loss) * count, metrics)

    def add(self, tag: str, other: "ReportSum") -> "Result[ReportSum, TapeError]":
        """Add field by field; metrics must go together."""
        tag_argument(tag, "ReportSum.add")
        check_type("ReportSum.add", "other", other, ReportSum)
        loss = self.loss_sum + other.loss_sum
        return add_metrics(tag, self.metrics_sum, other.metrics_sum).map(
            lambda metrics: ReportSum(self.count + other.count, loss, metrics)
        )

    def mean(self) -> StepReport:
        """Divide by the number of samples."""
        metrics = [Metric(m.name, m.value / self.count) for m in self.metrics_sum]
        return StepReport(self.loss_sum / self.count, tuple(metrics))


def eval_list(
    tag: str,
    samples: Iterable[X],
    report_of: Callable[[X], Result[StepReport, TapeError]],
) -> Result[StepReport, TapeError]:
    """
    Give the mean report of samples.

    Args:
        tag: names the call in errors.
        samples: in order.
        report_of: the report of one sample; its first failure ends the evaluation.

    Fails with:
        :class:`EmptyDataset`; :class:`MetricMismatch`; whatever ``report_of`` gives.

    Raises:
        TypeError: ``report_of`` gives no ``Result`` of a :class:`StepReport`.

    Lean: ``evalList``, and ``evalArray``.

    >>> eval_list("test", [1.0, 2.0], lambda x: Success(StepReport(x)))
    <Success: StepReport(loss=1.5, metrics=())>
    """
    _check("eval_list", tag, report_of, samples=samples)
    sums = (_report(tag, report_of(x)).map(ReportSum.of_report) for x in samples)
    return _mean(tag, sums, EmptyDataset(tag))


def eval_dataset(
    tag: str,
    dataset: Dataset[X],
    report_of: Callable[[X], Result[StepReport, TapeError]],
) -> Result[StepReport, TapeError]:
    """
    Give the mean report of a data set: :func:`eval_list` of its list.

    Lean: ``evalDataset``.

    >>> eval_dataset("test", Dataset.of_list([]), lambda x: Success(StepReport(x)))
    <Failure: test: empty dataset>
    """
    _check("eval_dataset", tag, report_of)
    check_type("eval_dataset", "dataset", dataset, Dataset)
    return eval_list(tag, dataset.to_list(), report_of)


def eval_batches(
    tag: str,
    batches: Iterable[Sequence[X]],
    report_of: Callable[[Sequence[X]], Result[StepReport, TapeError]],
) -> Result[StepReport, TapeError]:
    """
    Give the mean report of batches, each weighted by how many samples it has.

    Fails with:
        :class:`EmptyBatches`: no batches, or one without samples, when it is reached;
        :class:`MetricMismatch`; whatever ``report_of`` gives.

    Raises:
        TypeError: ``report_of`` gives no ``Result`` of a :class:`StepReport`.

    Lean: ``evalBatches``.

    >>> eval_batches("test", [[1.0, 3.0], [5.0]], lambda b: Success(StepReport(b[0])))
    <Success: StepReport(loss=2.3333333333333335, metrics=())>
    """
    _check("eval_batches", tag, report_of, batches=batches)
    sums = (_of_batch(tag, batch, report_of) for batch in batches)
    return _mean(tag, sums, EmptyBatches(tag, "batch list"))


def eval_dataset_batches(
    tag: str,
    dataset: Dataset[X],
    batch_size: int,
    report_of: Callable[[Sequence[X]], Result[StepReport, TapeError]],
) -> Result[StepReport, TapeError]:
    """
    Cut a data set into batches and evaluate them.

    Lean: ``evalDatasetBatches``.

    >>> data = Dataset.of_list([1.0, 3.0])
    >>> eval_dataset_batches("test", data, 2, lambda b: Success(StepReport(b[1])))
    <Success: StepReport(loss=3.0, metrics=())>
    """
    _check("eval_dataset_batches", tag, report_of)
    check_type("eval_dataset_batches", "dataset", dataset, Batched, MAKE_ONE)
    int_argument(batch_size, "eval_dataset_batches, batch_size")
    batches = dataset.batches(tag, batch_size)
    return batches.bind(lambda given: eval_batches(tag, given, report_of))


def _check(function: str, tag: str, report_of: object, **collections: object) -> None:
    """Check what all evaluations take."""
    tag_argument(tag, function)
    for name, given in collections.items():
        check_type(function, name, given, Iterable)
    check_type(function, "report_of", report_of, Callable)


def _of_batch(
    tag: str,
    batch: Sequence[X],
    report_of: Callable[[Sequence[X]], Result[StepReport, TapeError]],
) -> Result[ReportSum, TapeError]:
    check_type(
        *("eval_batches", "a batch", batch, Sized),
        "; cut a list of samples into batches with Dataset.batches",
    )
    if not len(batch):
        return Failure(EmptyBatches(tag, "batch"))
    report = _report(tag, report_of(batch))
    return report.map(lambda report: ReportSum.of_batch(len(batch), report))


def _report(tag: str, given: object) -> Result[StepReport, TapeError]:
    """Check what ``report_of`` gave."""
    function = f"{tag}: report_of"
    result: Result[StepReport, TapeError] = checked_result(function, given)
    return result.map(lambda report: checked_report(function, report))


def _mean(
    tag: str, sums: Iterable[Result[ReportSum, TapeError]], empty: TapeError
) -> Result[StepReport, TapeError]:
    """Add from the left, up to the first failure."""
    total: ReportSum | None = None
    for one in sums:
        if isinstance(one, Failure):
            return Failure(one.failure())
        new = one.unwrap()
        added = Success(new) if total is None else total.add(tag, new)
        if isinstance(added, Failure):
            return Failure(added.failure())
        total = added.unwrap()
    return Failure(empty) if total is None else Success(total.mean())
