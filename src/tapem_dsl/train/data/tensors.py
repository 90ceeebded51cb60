"""Arrays and data sets from lists of numbers; failures name the bad row."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl.arguments import check_argument, items_of
from tapem_dsl.errors import LoadError, TapeError, failed
from tapem_dsl.train.data.dataset import Dataset, collect

X = TypeVar("X")
Y = TypeVar("Y")

Floats: TypeAlias = NDArray[np.float64]


def vector_of_list(
    tag: str, n: int, entries: Iterable[float]
) -> Result[Floats, TapeError]:
    """
    Return the vector of ``n`` numbers, read-only.

    Fails with:
        :class:`LoadError`: more or fewer numbers, or an integer beyond float64.

    Lean: ``vectorOfList`` and ``vectorOfArray``.

    >>> vector_of_list("demo", 3, [1.0, 2.0])
    <Failure: demo: expected 3 entries, got 2>
    """
    check_argument("vector_of_list", "tag", tag, str)
    check_argument("vector_of_list", "n", n, "count")
    return _vector(tag, n, _numbers("vector_of_list", "entries", entries))


def matrix_of_lists(
    tag: str, m: int, n: int, rows: Iterable[Sequence[float]]
) -> Result[Floats, TapeError]:
    """
    Return the matrix of ``m`` rows of ``n`` numbers, read-only.

    Fails with:
        :class:`LoadError`: more or fewer rows, the first row of more or fewer numbers,
        or an integer beyond float64.

    Lean: ``matrixOfLists`` and ``matrixOfArrays``.

    >>> matrix_of_lists("demo", 2, 2, [[1.0, 2.0], [3.0]])
    <Failure: demo: row 2: expected 2 entries, got 1 (row=2)>
    """
    check_argument("matrix_of_lists", "tag", tag, str)
    check_argument("matrix_of_lists", "m", m, "count")
    check_argument("matrix_of_lists", "n", n, "count")
    check_argument("matrix_of_lists", "rows", rows, Iterable)
    given = [
        _numbers("matrix_of_lists", f"rows[{at}]", row) for at, row in enumerate(rows)
    ]
    if len(given) != m:
        text = f": expected {m} rows, got {len(given)}"
        return failed(LoadError(tag, text))
    for number, row in enumerate(given, 1):
        if len(row) != n:
            text = f": row {number}: {_expected(n, len(row))}"
            return failed(LoadError(tag, text, row=number))
    return _array(tag, given).map(lambda array: array.reshape(m, n))


def dataset_of_pairs(
    tag: str, xs: Sequence[X], ys: Sequence[Y]
) -> Result[Dataset[tuple[X, Y]], TapeError]:
    """
    Return the data set of pairs of inputs and targets.

    Fails with:
        :class:`LoadError`: their numbers differ.

    Lean: ``datasetOfPairs``.

    >>> dataset_of_pairs("demo", [1.0], [2.0, 3.0])
    <Failure: demo: length mismatch: 1 vs 2>
    """
    check_argument("dataset_of_pairs", "tag", tag, str)
    xs = items_of("dataset_of_pairs", "xs", xs)
    ys = items_of("dataset_of_pairs", "ys", ys)
    if len(xs) != len(ys):
        text = f": length mismatch: {len(xs)} vs {len(ys)}"
        return failed(LoadError(tag, text))
    return Success(Dataset.of_list(zip(xs, ys, strict=True)))


def dataset_of_list_vectors(
    tag: str, n: int, rows: Iterable[Iterable[float]]
) -> Result[Dataset[Floats], TapeError]:
    """
    Return the data set of vectors of ``n`` numbers.

    Fails with:
        As :func:`vector_of_list` for the first bad row, which the error names.

    Lean: ``datasetOfListVectors``.

    >>> dataset_of_list_vectors("demo", 1, [[1.0], [2.0]]).map(Dataset.size)
    <Success: 2>
    """
    check_argument("dataset_of_list_vectors", "tag", tag, str)
    check_argument("dataset_of_list_vectors", "n", n, "count")
    check_argument("dataset_of_list_vectors", "rows", rows, Iterable)
    vectors = (
        _vector(tag, n, _numbers("dataset_of_list_vectors", f"rows[{at}]", row), at + 1)
        for at, row in enumerate(rows)
    )
    return collect(vectors).map(Dataset.of_list)


def _vector(
    tag: str, n: int, given: list[float], row: int | None = None
) -> Result[Floats, TapeError]:
    if len(given) != n:
        return failed(LoadError(tag, f": {_expected(n, len(given))}", row=row))
    return _array(tag, given, row)


def _numbers(owner: str, name: str, entries: Iterable[float]) -> list[float]:
    """Return the entries of a vector, each of which must be a number."""
    check_argument(owner, name, entries, Iterable)
    given = list(entries)
    if any(not issubclass(kind, float) for kind in set(map(type, given))):
        items_of(owner, name, given, Real)
    return given


def _expected(n: int, got: int) -> str:
    return f"expected {n} entries, got {got}"


# Any: numbers, or lists of them.
def _array(
    tag: str, entries: list[Any], row: int | None = None
) -> Result[Floats, TapeError]:
    try:
        array = np.array(entries, np.float64)
    except OverflowError:
        text = ": an integer is beyond the range of float64"
        return failed(LoadError(tag, text, row=row))
    array.setflags(write=False)
    return Success(array)
