"""Mean reports over samples and batches."""

from collections.abc import Callable, Iterable, Sequence, Sized
from typing import TypeAlias, TypeVar

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument, checked_result
from tapem_dsl.errors import EmptyBatches, EmptyDataset, Item, TapeError, failed
from tapem_dsl.train.data.arrays import Batches
from tapem_dsl.train.data.dataset import MAKE_ONE, Batched, Dataset
from tapem_dsl.train.loop.reports import ReportSum, StepReport, checked_report

X = TypeVar("X")

ReportResult: TypeAlias = Result[StepReport, TapeError]


def eval_list(
    tag: str,
    samples: Iterable[X],
    report_of: Callable[[X], ReportResult],
) -> ReportResult:
    """
    Return the mean report of samples.

    Args:
        tag: names the call in errors.
        samples: in order.
        report_of: returns the report of one sample; its first failure ends the
            evaluation.

    Fails with:
        :class:`EmptyDataset`; :class:`MetricMismatch`; what ``report_of`` fails with.

    Raises:
        TypeError: ``report_of`` does not return a ``Result`` of a :class:`StepReport`.

    Lean: ``evalList`` and ``evalArray``.

    >>> eval_list("test", [1.0, 2.0], lambda x: Success(StepReport(x)))
    <Success: StepReport(loss=1.5, metrics=())>
    """
    _check("eval_list", tag, report_of, samples=samples)
    sums = (_report(tag, report_of(x)).map(ReportSum.of_report) for x in samples)
    return mean_report(tag, sums, EmptyDataset(tag))


def eval_dataset(
    tag: str,
    dataset: Dataset[X],
    report_of: Callable[[X], ReportResult],
) -> ReportResult:
    """
    Return the mean report of a data set: :func:`eval_list` of its list.

    Lean: ``evalDataset``.

    >>> eval_dataset("test", Dataset.of_list([]), lambda x: Success(StepReport(x)))
    <Failure: test: empty dataset>
    """
    _check("eval_dataset", tag, report_of)
    check_argument("eval_dataset", "dataset", dataset, Dataset)
    return eval_list(tag, dataset.to_list(), report_of)


def eval_batches(
    tag: str,
    batches: Iterable[Sequence[X]],
    report_of: Callable[[Sequence[X]], ReportResult],
) -> ReportResult:
    """
    Return the mean report of batches, each weighted by its number of samples.

    A list is a batch of samples. A pytree of arrays, as :class:`ArrayDataset` makes
    them, is a batch of as many samples as its arrays have rows.

    Fails with:
        :class:`EmptyBatches`: no batches, or one without samples, when it is reached;
        :class:`MetricMismatch`; what ``report_of`` fails with.

    Raises:
        TypeError: ``report_of`` does not return a ``Result`` of a :class:`StepReport`.

    Lean: ``evalBatches``.

    >>> eval_batches("test", [[1.0, 3.0], [5.0]], lambda b: Success(StepReport(b[0])))
    <Success: StepReport(loss=2.3333333333333335, metrics=())>
    """
    _check("eval_batches", tag, report_of, batches=batches)
    of_rows = isinstance(batches, Batches)
    sums = (_of_batch(tag, batch, report_of, of_rows) for batch in batches)
    return mean_report(tag, sums, EmptyBatches(tag, "batch list"))


def eval_dataset_batches(
    tag: str,
    dataset: Dataset[X],
    batch_size: int,
    report_of: Callable[[Sequence[X]], ReportResult],
) -> ReportResult:
    """
    Return the mean report of a data set's batches, as :func:`eval_batches`.

    Lean: ``evalDatasetBatches``.

    >>> data = Dataset.of_list([1.0, 3.0])
    >>> eval_dataset_batches("test", data, 2, lambda b: Success(StepReport(b[1])))
    <Success: StepReport(loss=3.0, metrics=())>
    """
    _check("eval_dataset_batches", tag, report_of)
    check_argument("eval_dataset_batches", "dataset", dataset, Batched, MAKE_ONE)
    check_argument("eval_dataset_batches", "batch_size", batch_size, int)
    batches = dataset.batches(tag, batch_size)
    return batches.bind(lambda given: eval_batches(tag, given, report_of))


def _check(function: str, tag: str, report_of: object, **collections: object) -> None:
    """Check the arguments that all evaluations take."""
    check_argument(function, "tag", tag, str)
    for name, given in collections.items():
        check_argument(function, name, given, Iterable)
    check_argument(function, "report_of", report_of, Callable)


def _of_batch(
    tag: str,
    batch: Sequence[X],
    report_of: Callable[[Sequence[X]], ReportResult],
    of_rows: bool,  # noqa: FBT001 - a private function
) -> Result[ReportSum, TapeError]:
    count = None if isinstance(batch, list) and not of_rows else _rows(batch)
    if count is None:
        check_argument(
            *("eval_batches", "a batch", batch, Sized),
            "; cut a list of samples into batches with Dataset.batches",
        )
        count = len(batch)
    if not count:
        return failed(EmptyBatches(tag, "batch"))
    report = _report(tag, report_of(batch))
    return report.map(lambda report: ReportSum.of_batch(count, report))


def _rows(batch: object) -> int | None:
    """Return the number of rows of a pytree of arrays; ``None`` of anything else."""
    leaves = tree.leaves(batch)
    if not all(isinstance(leaf, np.ndarray) and leaf.ndim for leaf in leaves):
        return None
    lengths = {len(leaf) for leaf in leaves}
    return lengths.pop() if len(lengths) == 1 else None


def _report(tag: str, given: object) -> ReportResult:
    """Return what ``report_of`` returned, checked."""
    function = f"{tag}: report_of"
    result: ReportResult = checked_result(function, given)
    return result.map(lambda report: checked_report(function, report))


def mean_report(
    tag: str, sums: Iterable[Result[ReportSum, TapeError]], empty: TapeError
) -> ReportResult:
    """
    Return the mean of sums added from the left, or the first failure.

    >>> sums = [Success(ReportSum(1, 2.0)), Success(ReportSum(3, 2.0))]
    >>> mean_report("demo", sums, EmptyDataset("demo"))
    <Success: StepReport(loss=1.0, metrics=())>
    """
    total: ReportSum | None = None
    for position, one in enumerate(sums):
        if isinstance(one, Failure):
            error: TapeError = one.failure()
            return failed(error.at(error.place.within(Item(position))))
        new = one.unwrap()
        added = Success(new) if total is None else total.add(tag, new)
        if isinstance(added, Failure):
            return failed(added.failure())
        total = added.unwrap()
    return failed(empty) if total is None else Success(total.mean())
