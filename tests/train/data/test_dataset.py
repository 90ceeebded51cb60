"""Data sets: lemmas, order, batches, and TorchLean's shuffle bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tapem_dsl.tape.equality import same
from tapem_dsl.testing.strategies import EVERY_DTYPE, tensors
from tapem_dsl.train import Dataset, lcg_next, shuffle_pairs
from tests.oracles import usual

LISTS = st.lists(st.integers())
SAMPLES: st.SearchStrategy[Any] = st.one_of(
    st.fractions(max_denominator=9),
    st.tuples(st.integers(), st.text(max_size=3)),
    *(tensors(shape, dtype) for dtype in EVERY_DTYPE for shape in ((), (3,), (2, 3))),
)
"""Rationals, pairs, and arrays of every scalar type, rows of rows among them."""


@usual
@given(st.lists(SAMPLES, max_size=6))
def test_to_list_of_list_is_the_list(xs: list[Any]) -> None:
    given_back = Dataset.of_list(xs).to_list()
    assert type(given_back) is list
    assert same(given_back, xs)
    assert same(Dataset.of_list(Dataset.of_list(xs)).to_list(), xs)


@usual
@given(st.lists(SAMPLES, max_size=6))
def test_size_of_list_is_its_length(xs: list[Any]) -> None:
    assert Dataset.of_list(xs).size() == len(Dataset.of_list(xs)) == len(xs)


@usual
@given(SAMPLES, st.lists(SAMPLES, max_size=3))
def test_a_list_with_a_head_is_not_empty(x: Any, xs: list[Any]) -> None:
    assert Dataset.of_list([x, *xs]).is_empty() is False
    assert Dataset.of_list([]).is_empty() is True


@given(LISTS, LISTS)
def test_append_map_and_iteration_keep_order(xs: list[int], ys: list[int]) -> None:
    both = Dataset.of_list(xs).append(Dataset.of_list(ys))
    assert list(both) == xs + ys
    assert both.map(str).to_list() == [str(x) for x in xs + ys]


@given(LISTS, st.integers(0, 20))
def test_split_at_gives_the_first_and_the_rest(xs: list[int], count: int) -> None:
    first, rest = Dataset.of_list(xs).split_at(count)
    assert first.to_list() == xs[:count]
    assert first.append(rest) == Dataset.of_list(xs)


def test_split_at_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="not -1"):
        Dataset.of_list([1]).split_at(-1)


@given(LISTS, st.integers(-3, 20))
def test_get_is_none_beyond_the_ends(xs: list[int], index: int) -> None:
    expected = xs[index] if 0 <= index < len(xs) else None
    assert Dataset.of_list(xs).get(index) == expected


@given(LISTS, st.integers(1, 7))
def test_batches_are_consecutive_and_all_there(xs: list[int], size: int) -> None:
    result = Dataset.of_list(xs).batches("t", size)
    if not xs:
        assert result.failure().message == "t: empty dataset"
        return
    batches = result.unwrap()
    assert [x for batch in batches for x in batch] == xs
    assert len(batches) == -(-len(xs) // size)
    assert all(len(batch) == size for batch in batches[:-1])


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("xs", [[], [1]])
def test_a_batch_size_that_is_not_positive_is_refused_first(
    xs: list[int], size: int
) -> None:
    error = Dataset.of_list(xs).batches("t", size).failure()
    assert error.message == "t: batchSize must be > 0"


def test_the_golden_shuffle() -> None:
    state, shuffled = Dataset.of_list(range(6)).shuffle(0)
    assert shuffled.to_list() == [0, 4, 2, 5, 1, 3]
    assert state == 1109335178
    keys = [key for key, _ in shuffle_pairs(0, range(6))[1]]
    assert keys == [12345, 1406932606, 654583775, 1449466924, 229283573, 1109335178]


@given(LISTS, st.integers(0, 2**31 - 1))
def test_a_shuffle_is_a_permutation_and_its_state_seeds_the_next(
    xs: list[int], seed: int
) -> None:
    dataset = Dataset.of_list(xs)
    state, once = dataset.shuffle(seed)
    assert sorted(once.to_list()) == sorted(xs)
    assert dataset.to_list() == xs
    expected = seed
    for _ in xs:
        expected = lcg_next(expected)
    assert state == expected
    assert once.shuffle(state) == dataset.shuffle(seed)[1].shuffle(state)


def test_equality_is_exact_and_looks_into_arrays() -> None:
    def tensors(x: float) -> Dataset[Any]:
        return Dataset.of_list([np.array([x, 1.0])])

    assert tensors(1.0) == tensors(1.0)
    assert hash(tensors(1.0)) == hash(tensors(2.0))
    assert tensors(1.0) != tensors(2.0)
    assert Dataset.of_list([1]) != Dataset.of_list([True])
    assert Dataset.of_list([1]) != (1,)
    assert Dataset.of_list([1]).batches("t", 1) == Success([[1]])
