"""Arrays and data sets made of lists."""

from typing import Any

import pytest
from returns.result import Success

from tapem_dsl.errors import LoadError
from tapem_dsl.train import (
    Dataset,
    dataset_of_list_vectors,
    dataset_of_pairs,
    matrix_of_lists,
    vector_of_list,
)


def test_lists_become_arrays() -> None:
    assert vector_of_list("t", 2, [1, 2.5]).unwrap().tolist() == [1, 2.5]
    assert matrix_of_lists("t", 0, 3, []).unwrap().shape == (0, 3)
    assert matrix_of_lists("t", 2, 1, [[1], [2]]).unwrap().tolist() == [[1], [2]]
    assert dataset_of_pairs("t", [1], ["a"]) == Success(Dataset.of_list([(1, "a")]))
    assert dataset_of_list_vectors("t", 1, [[1.0]]).unwrap().size() == 1
    assert not vector_of_list("t", 1, [1.0]).unwrap().flags.writeable


@pytest.mark.parametrize(
    ("result", "text", "row"),
    [
        (vector_of_list("t", 3, [1.0]), "t: expected 3 entries, got 1", None),
        (matrix_of_lists("t", 2, 1, [[1.0]]), "t: expected 2 rows, got 1", None),
        (
            matrix_of_lists("t", 2, 1, [[1.0], []]),
            "t: row 2: expected 1 entries, got 0",
            2,
        ),
        (dataset_of_pairs("t", [1], []), "t: length mismatch: 1 vs 0", None),
        (
            dataset_of_list_vectors("t", 2, [[1.0, 2.0], [3.0]]),
            "t: expected 2 entries, got 1",
            2,
        ),
    ],
)
def test_lists_of_wrong_lengths_fail_with_their_place(
    result: Any, text: str, row: int | None
) -> None:
    error = result.failure()
    assert isinstance(error, LoadError)
    assert (error.message, error.row) == (text, row)


def test_an_integer_beyond_double_precision_is_a_failure() -> None:
    text = "t: an integer is beyond the range of float64"
    for result in (
        vector_of_list("t", 1, [10**400]),
        matrix_of_lists("t", 1, 1, [[-(10**400)]]),
        dataset_of_list_vectors("t", 1, [[10**400]]),
    ):
        assert result.failure().message == text


def test_an_integer_beyond_double_precision_names_its_row() -> None:
    error = dataset_of_list_vectors("t", 1, [[1], [10**400]]).failure()
    assert isinstance(error, LoadError)
    assert error.row == 2
