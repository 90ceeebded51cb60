"""Epochs, data sets of arrays, and streams that go on from a position."""

from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl.errors import (
    BatchSizeNotPositive,
    CheckpointError,
    EmptyBatches,
    EmptyDataset,
    LoadError,
    Thrown,
)
from tapem_dsl.train import (
    ArrayDataset,
    DataLoader,
    Dataset,
    Position,
    Stream,
    lcg_next,
    shuffle_pairs,
)

HOWS = st.sampled_from([True, False, "lcg", "numpy"])


def rows(n: int) -> ArrayDataset[Any]:
    pytree = {"x": np.arange(2.0 * n).reshape(n, 2), "y": np.arange(n)}
    return ArrayDataset.of_tree("t", pytree).unwrap()


@given(seed=st.integers(0, 2**40), size=st.integers(0, 50))
def test_the_order_is_torchleans_bit_for_bit(seed: int, size: int) -> None:
    last, pairs = shuffle_pairs(seed, range(size))
    expected = [x for _, x in sorted(pairs)]
    given_seed, shuffled = Dataset.of_list(range(size)).shuffle(seed)
    assert (given_seed, shuffled.to_list()) == (last, expected)
    if size:
        given_seed, order = rows(size).shuffle(seed)
        assert (given_seed, order.order.tolist()) == (last, expected)


def test_long_runs_of_keys_are_those_of_the_generator() -> None:
    state = 7
    for _ in range(100_000):
        state = lcg_next(state)
    assert Dataset.of_list(range(100_000)).shuffle(7)[0] == state


@given(seed=st.integers(0, 2**62), size=st.integers(1, 30))
def test_numpy_shuffles_reproducibly_too(seed: int, size: int) -> None:
    data = Dataset.of_list(range(size))
    after, shuffled = data.shuffle(seed, how="numpy")
    assert data.shuffle(seed, how="numpy") == (after, shuffled)
    assert sorted(shuffled.to_list()) == data.to_list()
    assert after >= 0
    assert rows(size).shuffle(seed, how="numpy")[1].order.tolist() == shuffled.to_list()


def test_another_way_to_shuffle_is_refused() -> None:
    how: Any = "coin"
    with pytest.raises(ValueError, match="takes 'lcg' or 'numpy' for how, not 'coin'"):
        Dataset.of_list([1]).shuffle(0, how=how)


@given(
    size=st.integers(1, 20),
    batch=st.integers(1, 7),
    how=HOWS,
    drop=st.booleans(),
    seed=st.integers(0, 99),
)
def test_an_epoch_holds_every_sample_once(
    size: int, batch: int, how: Any, drop: bool, seed: int
) -> None:
    data = Dataset.of_list(range(size))
    loader = DataLoader(data, batch, how, seed, drop)
    after, batches = loader.epoch("t").unwrap()
    assert loader == DataLoader(data, batch, how, seed, drop)
    flat = [x for some in batches for x in some]
    if drop:
        assert all(len(some) == batch for some in batches)
        assert len(flat) == size - size % batch
    else:
        assert sorted(flat) == list(range(size))
    assert (after.seed == seed) is (how is False) or how is not False
    assert after.dataset.size() == size
    of_rows = DataLoader(rows(size), batch, how, seed, drop)
    _, pytrees = of_rows.epoch("t").unwrap()
    assert [batch["y"].tolist() for batch in pytrees] == [
        list(some) for some in batches
    ]


def test_shuffles_add_up_over_epochs() -> None:
    loader = DataLoader(Dataset.of_list(range(6)), 6, shuffle=True)
    first, one = loader.epoch("t").unwrap()
    _, two = first.epoch("t").unwrap()
    assert list(one[0]) == [0, 4, 2, 5, 1, 3]
    _, again = Dataset.of_list(list(one[0])).shuffle(1109335178)
    assert list(two[0]) == again.to_list()


@pytest.mark.parametrize("data", [Dataset.of_list([1, 2, 3]), rows(3)])
def test_an_epoch_may_be_a_tuple_or_collated(data: Any) -> None:
    loader = DataLoader(data, 2)
    _, batches = loader.epoch_array("t").unwrap()
    assert len(batches) == 2
    collated = loader.epoch_collate("t", lambda batch: Success(len(batch)))
    assert collated.unwrap()[1] in ([2, 1], [2, 2])
    failed = loader.epoch_collate("t", lambda batch: Failure(Thrown("no")))
    assert failed == Failure(Thrown("no"))


@pytest.mark.parametrize("empty", [Dataset.of_list([]), rows(1).split_at(0)[0]])
def test_a_batch_size_of_0_and_an_empty_dataset_are_failures(empty: Any) -> None:
    for method in ("epoch", "epoch_array"):
        sized = getattr(DataLoader(empty, 0), method)("t").failure()
        assert isinstance(sized, BatchSizeNotPositive)
        assert sized.message == "t: batchSize must be > 0"
        assert isinstance(
            getattr(DataLoader(empty, 1), method)("t").failure(), EmptyDataset
        )
    collated = DataLoader(empty, 1).epoch_collate("t", Success)
    assert collated.failure().message == "t: empty dataset"


# -- rows of arrays --------------------------------------------------------------------


def test_rows_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    file = np.lib.format.open_memmap(
        tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(5, 2)
    )
    file[:] = np.arange(10).reshape(5, 2)
    data = ArrayDataset.of_tree("t", file).unwrap()
    batches = data.batches("t", 2).unwrap()
    file[4] = -1
    assert batches[2].tolist() == [[-1, -1]]
    assert [len(batch) for batch in batches[1:]] == [2, 1]
    assert type(batches[0]) is np.ndarray
    assert data.split_at(2)[1].size() == 3


def test_first_axes_of_different_lengths_are_refused() -> None:
    for pytree, text in (
        ((np.ones(2), np.ones(3)), "t: length mismatch: 2 vs 3"),
        ((np.ones(2), 1.0), "t: expected arrays of rows"),
        ((), "t: expected arrays of rows"),
        (
            {"x": np.ma.array([1.0, 2.0], mask=[True, False])},
            "t: a masked array would lose its mask; fill it: x.filled(0.0)",
        ),
    ):
        error = ArrayDataset.of_tree("t", pytree).failure()
        assert isinstance(error, LoadError)
        assert error.message == text


def test_data_sets_of_arrays_are_values() -> None:
    assert rows(3) == rows(3)
    assert rows(3).shuffle(1)[1] != rows(3)
    assert hash(rows(3)) == hash(rows(3))
    with pytest.raises(ValueError, match="split_at takes a count"):
        rows(3).split_at(-1)


# -- streams ---------------------------------------------------------------------------


@given(
    size=st.integers(1, 7),
    batch=st.integers(1, 4),
    how=HOWS,
    steps=st.integers(0, 12),
    more=st.integers(1, 6),
)
def test_a_stream_goes_on_from_its_position(
    size: int, batch: int, how: Any, steps: int, more: int
) -> None:
    loader = DataLoader(Dataset.of_list(range(size)), batch, how)
    stream = Stream(loader)
    for _ in range(steps):
        stream, _ = stream.next("t").unwrap()
    again = Stream.at("t", loader, stream.position).unwrap()
    for _ in range(more):
        stream, one = stream.next("t").unwrap()
        again, two = again.next("t").unwrap()
        assert one == two
        assert stream.position == again.position


def test_a_position_of_another_seed_is_refused() -> None:
    loader = DataLoader(Dataset.of_list(range(4)), 2, shuffle=True)
    error = Stream.at("t", loader, Position(1, 0, 5)).failure()
    assert isinstance(error, CheckpointError)
    assert error.what == "another loader: seed is 0, and was another"
    plain = DataLoader(Dataset.of_list(range(4)), 2, seed=3)
    at_seven = Stream(replace(plain, seed=7)).position
    error = Stream.at("t", plain, at_seven).failure()
    assert error.message == "t: another loader: seed is 3, and was another"


loaders = st.builds(
    lambda size, *rest: DataLoader(Dataset.of_list(range(size)), *rest),
    st.integers(1, 4),
    st.integers(1, 3),
    HOWS,
    st.just(7),
    st.booleans(),
)


def facts(loader: DataLoader[Any]) -> dict[str, object]:
    shuffle = loader.shuffle
    how = shuffle if isinstance(shuffle, str) else "lcg" if shuffle else ""
    return {
        "size": loader.dataset.size(),
        "batch_size": loader.batch_size,
        "shuffle": how,
        "drop_last": loader.drop_last,
    }


@given(one=loaders, other=loaders, steps=st.integers(0, 4))
def test_a_place_of_another_loader_is_refused_saying_what_differs(
    one: DataLoader[Any], other: DataLoader[Any], steps: int
) -> None:
    stream = Stream(one)
    for _ in range(steps):
        if isinstance(taken := stream.next("t"), Success):
            stream, _ = taken.unwrap()
    was, now = facts(one), facts(other)
    differing = [
        f"{name} was {was[name]!r} and is {now[name]!r}"
        for name in was
        if was[name] != now[name]
    ]
    result = Stream.at("t", other, stream.position)
    if differing:
        what = f"another loader: {', '.join(differing)}"
        assert result == Failure(CheckpointError("t", what))
        assert result.failure().message == f"t: {what}"
    else:
        assert result.unwrap().position == stream.position
    assert Stream.at("t", one, stream.position).unwrap() == stream


def test_a_place_is_numbers_and_a_text_whatever_a_loader_was_given() -> None:
    size: Any = np.int64(2)
    seed: Any = np.int64(3)
    loader = DataLoader(rows(5), size, True, seed, drop_last=True)
    place = Stream(loader).position
    assert place == Position(0, 0, 3, 5, 2, "lcg", drop_last=True)
    assert [type(part) for part in astuple(place)] == [
        int,
        int,
        int,
        int,
        int,
        str,
        bool,
    ]
    assert Stream.at("t", loader, place).unwrap() == Stream(loader)


def test_epochs_that_are_all_one_are_not_run_again() -> None:
    loader = DataLoader(Dataset.of_list(range(5)), 2)
    stream = Stream.at("t", loader, Position(10**15, 1, 0)).unwrap()
    assert stream.next("t").unwrap()[1] == [2, 3]


@pytest.mark.parametrize("place", [(0, 2, 3), (0, -1, 3), (-4, 0, 3)])
def test_a_place_that_is_not_there_is_a_failure(place: Any) -> None:
    loader = DataLoader(Dataset.of_list(range(5)), 4, shuffle=True, seed=3)
    error = Stream.at("t", loader, Position(*place)).failure()
    assert isinstance(error, CheckpointError)


def test_what_is_done_to_a_batch_does_not_reach_the_stream() -> None:
    stream = Stream(DataLoader(Dataset.of_list([1, 2, 3, 4]), 2))
    stream, _ = stream.next("t").unwrap()
    _, second = stream.next("t").unwrap()
    second.append(99)
    assert stream.next("t").unwrap()[1] == [3, 4]
    data = rows(3)
    data.get(0)["x"][:] = -1.0
    assert data.get(0)["x"].tolist() == [0, 1]
    assert not data.order.flags.writeable


def test_shuffles_of_rows_add_up_and_one_is_read_in_the_new_order() -> None:
    seed, once = rows(6).shuffle(0)
    _, twice = once.shuffle(seed)
    inner = [once.order.tolist()[i] for i in rows(6).shuffle(seed)[1].order]
    assert twice.order.tolist() == inner
    assert once.get(1)["y"] == once.order[1] == 4
    assert once.get(-1)["y"] == 3


def test_a_last_batch_is_left_out_in_every_epoch() -> None:
    stream = Stream(DataLoader(Dataset.of_list(range(5)), 2, "lcg", drop_last=True))
    for _ in range(9):
        stream, batch = stream.next("t").unwrap()
        assert len(batch) == 2
    assert (stream.position.epoch, stream.position.batch) == (4, 1)


def test_a_stream_of_nothing_fails_and_says_so() -> None:
    dropping = DataLoader(Dataset.of_list([1]), 2, drop_last=True)
    error = Stream(dropping).next("t").failure()
    assert isinstance(error, EmptyBatches)
    cause = "drop_last leaves out all 1 samples, for batch_size is 2"
    assert error.message == f"t: empty batch list: {cause}"
    nothing: Dataset[int] = Dataset.of_list([])
    empty = DataLoader(nothing, 1)
    assert isinstance(Stream(empty).next("t").failure(), EmptyDataset)
    again = Stream.at("t", empty, Position(1, 0, 0))
    assert isinstance(again.failure(), EmptyDataset)
