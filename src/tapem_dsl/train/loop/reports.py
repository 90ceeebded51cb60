"""Metrics, reports of steps, and sums of reports."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from numbers import Real
from typing import Final, TypeAlias, final

import numpy as np
from returns.result import Result, Success

from tapem_dsl.arguments import (
    check_argument,
    check_fields,
    items_of,
    wrong_return,
)
from tapem_dsl.errors import MetricMismatch, TapeError, failed

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
        check_fields(self, value=Real)

    def render(self) -> str:
        """Return ``name=value``."""
        return f"{self.name}={render_number(self.value)}"


@final
@dataclass(frozen=True, slots=True)
class StepReport:
    """
    The report of one step of training or evaluation: a loss, and metrics.

    Lean: ``StepReport``.

    >>> StepReport(0.5, (Metric("accuracy", 1.0),)).render(3)
    'step 3: loss=0.500000, accuracy=1.000000'
    """

    loss: Number
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, loss=Real)
        metrics = items_of("StepReport", "metrics", self.metrics, Metric)
        object.__setattr__(self, "metrics", metrics)

    def render(self, step: int) -> str:
        """
        Return one line, with the number of the step.

        Lean: ``renderReport``.
        """
        check_argument("StepReport.render", "step", step, int)
        line = f"step {step}: loss={render_number(self.loss)}"
        return f"{line}, {render_metrics(self.metrics)}" if self.metrics else line


def checked_report(function: str, given: object) -> StepReport:
    """
    Return what a user's function returned, if it is a :class:`StepReport`.

    Raises:
        TypeError: it is not a :class:`StepReport`.

    >>> checked_report("the step of Trainer", 0.5)
    Traceback (most recent call last):
    ...
    TypeError: the step of Trainer must return a StepReport, not 0.5 (float); wrap it: \
StepReport(...)
    """
    if isinstance(given, StepReport):
        return given
    raise wrong_return(function, "a StepReport", given, "; wrap it: StepReport(...)")


def render_number(number: Number) -> str:
    """
    Return the text of a number as Lean's ``toString`` does: floats with six decimals.

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
    Return one line with all metrics.

    Lean: ``renderMetrics``.

    >>> render_metrics([Metric("a", 1.0), Metric("b", Fraction(2))])
    'a=1.000000, b=2'
    """
    given = items_of("render_metrics", "metrics", metrics, Metric)
    return ", ".join(metric.render() for metric in given)


def render_reports(reports: Iterable[StepReport]) -> list[str]:
    """
    Return a line for each report, numbered from 0.

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
    Return the sums of two lists of metrics, position by position.

    Fails with:
        :class:`MetricMismatch`: the names at a position differ, or one list is longer.

    Lean: ``addMetrics``.

    >>> add_metrics("test", [Metric("a", 1.0)], [Metric("b", 2.0)])
    <Failure: test: metric name mismatch: a vs b (names=('a', 'b'))>
    """
    check_argument("add_metrics", "tag", tag, str)
    a = items_of("add_metrics", "a", a, Metric)
    b = items_of("add_metrics", "b", b, Metric)
    added = []
    for x, y in zip(a, b, strict=False):
        if x.name != y.name:
            what = f"name mismatch: {x.name} vs {y.name}"
            return failed(MetricMismatch(tag, what, names=(x.name, y.name)))
        added.append(Metric(x.name, x.value + y.value))
    if len(a) != len(b):
        left = tuple(metric.name for metric in (*a[len(b) :], *b[len(a) :]))
        return failed(MetricMismatch(tag, "length mismatch", names=left))
    return Success(tuple(added))


def scale_metrics(count: int, metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """
    Return each metric times a count.

    Lean: ``scaleMetrics``.

    >>> scale_metrics(3, [Metric("a", 2.0)])
    (Metric(name='a', value=6.0),)
    """
    check_argument("scale_metrics", "count", count, "count")
    given = items_of("scale_metrics", "metrics", metrics, Metric)
    return tuple(Metric(m.name, in_double(m.value) * count) for m in given)


def in_double(number: Number) -> Number:
    """
    Return a float16 or float32 as a float, so that sums of many keep their precision.

    >>> in_double(np.float16(0.5)), in_double(Fraction(1, 3))
    (0.5, Fraction(1, 3))
    """
    given: object = number  # annotations leave out NumPy's scalars
    narrow = isinstance(given, np.floating) and given.dtype.itemsize < _DOUBLE
    return float(number) if narrow else number


_DOUBLE: Final = 8
"""The bytes of a Python float."""


@final
@dataclass(frozen=True, slots=True)
class ReportSum:
    """
    The sum of reports, and their number of samples; float32 is added in float64.

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
        check_fields(self, count="count", loss_sum=Real)
        metrics = items_of("ReportSum", "metrics_sum", self.metrics_sum, Metric)
        object.__setattr__(self, "metrics_sum", metrics)

    @staticmethod
    def of_report(report: StepReport) -> "ReportSum":
        """Return the sum of one sample's report."""
        return ReportSum.of_batch(1, report)

    @staticmethod
    def of_batch(count: int, report: StepReport) -> "ReportSum":
        """Return the sum that has this mean report of ``count`` samples."""
        check_argument("ReportSum.of_batch", "count", count, "count")
        check_argument("ReportSum.of_batch", "report", report, StepReport)
        metrics = scale_metrics(count, report.metrics)
        return ReportSum(count, in_double(report.loss) * count, metrics)

    def add(self, tag: str, other: "ReportSum") -> "Result[ReportSum, TapeError]":
        """Return the sum of both, as :func:`add_metrics` adds metrics."""
        check_argument("ReportSum.add", "tag", tag, str)
        check_argument("ReportSum.add", "other", other, ReportSum)
        loss = self.loss_sum + other.loss_sum
        return add_metrics(tag, self.metrics_sum, other.metrics_sum).map(
            lambda metrics: ReportSum(self.count + other.count, loss, metrics)
        )

    def mean(self) -> StepReport:
        """
        Return the mean report; of no samples, what Lean's ``x / 0`` is.

        That is NaN or an infinity for floats, and 0 for rationals.

        >>> ReportSum(0, 0.0, (Metric("a", Fraction(1)),)).mean()
        StepReport(loss=nan, metrics=(Metric(name='a', value=Fraction(0, 1)),))
        """
        metrics = [Metric(m.name, self._per_sample(m.value)) for m in self.metrics_sum]
        return StepReport(self._per_sample(self.loss_sum), tuple(metrics))

    def _per_sample(self, total: Number) -> Number:
        if self.count:
            return total / self.count
        return Fraction(0) if isinstance(total, Fraction) else float(total) * inf
