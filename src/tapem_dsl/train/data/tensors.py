"""Arrays and data sets from lists of numbers, with the row that is wrong."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_count, check_type, items_of
from tapem_dsl.errors import LoadError, TapeError
from tapem_dsl.program.arguments import tag_argument
from tapem_dsl.train.data.dataset import Dataset

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
    tag_argument(tag, "vector_of_list")
    check_count("vector_of_list", "n", n)
    given = _numbers("vector_of_list", "entries", entries)
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
    tag_argument(tag, "matrix_of_lists")
    check_count("matrix_of_lists", "m", m)
    check_count("matrix_of_lists", "n", n)
    check_type("matrix_of_lists", "rows", rows, Iterable)
    given = [
        _numbers("matrix_of_lists", f"rows[{at}]", row) for at, row in enumerate(rows)
    ]
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
    tag_argument(tag, "dataset_of_pairs")
    xs = items_of("dataset_of_pairs", "xs", xs, object)
    ys = items_of("dataset_of_pairs", "ys", ys, object)
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
    tag_argument(tag, "dataset_of_list_vectors")
    check_count("dataset_of_list_vectors", "n", n)
    check_type("dataset_of_list_vectors", "rows", rows, Iterable)
    vectors = []
    for at, row in enumerate(rows):
        numbers = _numbers("dataset_of_list_vectors", f"rows[{at}]", row)
        vector = vector_of_list(tag, n, numbers)
        if isinstance(vector, Failure):
            return Failure(vector.failure())
        vectors.append(vector.unwrap())
    return Success(Dataset.of_list(vectors))


def _numbers(owner: str, name: str, entries: Iterable[float]) -> list[float]:
    """Take the entries of a vector, each of which is a number."""
    check_type(owner, name, entries, Iterable)
    given = list(entries)
    if any(not issubclass(kind, float) for kind in set(map(type, given))):
        items_of(owner, name, given, Real)
    return given


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
