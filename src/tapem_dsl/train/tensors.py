"""Arrays and data sets from lists of numbers, with the row that is wrong."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl.core.errors import LoadError, TapeError
from tapem_dsl.train.dataset import Dataset

X = TypeVar("X")
Y = TypeVar("Y")

Floats: TypeAlias = NDArray[np.float64]


def vector_of_list(
    tag: str, n: int, entries: Iterable[float]
) -> Result[Floats, TapeError]:
    """
    Make a vector of ``n`` numbers.

    Fails with:
        :class:`LoadError`: there are more or fewer, or an integer is too large.

    Lean: ``vectorOfList``, and ``vectorOfArray``.

    >>> vector_of_list("demo", 3, [1.0, 2.0])
    <Failure: demo: expected 3 entries, got 2>
    """
    given = list(entries)
    if len(given) != n:
        return Failure(LoadError(tag, f": {_expected(n, len(given))}"))
    return _array(tag, given)


def matrix_of_lists(
    tag: str, m: int, n: int, rows: Iterable[Sequence[float]]
) -> Result[Floats, TapeError]:
    """
    Make a matrix of ``m`` rows of ``n`` numbers.

    Fails with:
        :class:`LoadError`: there are more or fewer rows, the first bad row, or an
        integer that is too large.

    Lean: ``matrixOfLists``, and ``matrixOfArrays``.

    >>> matrix_of_lists("demo", 2, 2, [[1.0, 2.0], [3.0]])
    <Failure: demo: row 2: expected 2 entries, got 1 (row=2)>
    """
    given = [list(row) for row in rows]
    if len(given) != m:
        text = f": expected {m} rows, got {len(given)}"
        return Failure(LoadError(tag, text))
    for number, row in enumerate(given, 1):
        if len(row) != n:
            text = f": row {number}: {_expected(n, len(row))}"
            return Failure(LoadError(tag, text, row=number))
    return _array(tag, given).map(lambda array: array.reshape(m, n))


def dataset_of_pairs(
    tag: str, xs: Sequence[X], ys: Sequence[Y]
) -> Result[Dataset[tuple[X, Y]], TapeError]:
    """
    Pair inputs with targets.

    Fails with:
        :class:`LoadError`: there are more of the one than of the other.

    Lean: ``datasetOfPairs``.

    >>> dataset_of_pairs("demo", [1.0], [2.0, 3.0])
    <Failure: demo: length mismatch: 1 vs 2>
    """
    if len(xs) != len(ys):
        text = f": length mismatch: {len(xs)} vs {len(ys)}"
        return Failure(LoadError(tag, text))
    return Success(Dataset.of_list(zip(xs, ys, strict=True)))


def dataset_of_list_vectors(
    tag: str, n: int, rows: Iterable[Iterable[float]]
) -> Result[Dataset[Floats], TapeError]:
    """
    Make a data set of vectors of ``n`` numbers.

    Fails with:
        :class:`LoadError`: of the first bad row, as :func:`vector_of_list`.

    Lean: ``datasetOfListVectors``.

    >>> dataset_of_list_vectors("demo", 1, [[1.0], [2.0]]).map(Dataset.size)
    <Success: 2>
    """
    vectors = []
    for row in rows:
        vector = vector_of_list(tag, n, row)
        if isinstance(vector, Failure):
            return Failure(vector.failure())
        vectors.append(vector.unwrap())
    return Success(Dataset.of_list(vectors))


def _expected(n: int, got: int) -> str:
    return f"expected {n} entries, got {got}"


# Any: numbers, or lists of them.
def _array(tag: str, entries: list[Any]) -> Result[Floats, TapeError]:
    try:
        array = np.array(entries, np.float64)
    except OverflowError:
        text = ": an integer is beyond the range of float64"
        return Failure(LoadError(tag, text))
    array.setflags(write=False)
    return Success(array)
