"""Samples in memory, and TorchLean's reproducible shuffle."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeAlias, TypeVar, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_type, said
from tapem_dsl.errors import BatchSizeNotPositive, EmptyDataset, TapeError
from tapem_dsl.program.arguments import (
    int_argument,
    items_argument,
    tag_argument,
)
from tapem_dsl.tape.equality import same, structural

X = TypeVar("X")
Y = TypeVar("Y")
B_co = TypeVar("B_co", covariant=True)

Shuffling: TypeAlias = Literal["lcg", "numpy"]
"""Which generator decides an order: TorchLean's, or NumPy's."""

MAKE_ONE: Final = "; make one: Dataset.of_list(...)"
"""What to write where a data set of whatever kind was expected."""

_MULTIPLIER: Final = 1103515245
_INCREMENT: Final = 12345
_MODULUS: Final = 2**31


class Batched(ABC, Generic[B_co]):
    """
    What a loader asks of a data set, whose batches are of one type.

    >>> data: Batched[list[int]] = Dataset.of_list([1, 2])
    >>> data.size()
    2
    """

    __slots__ = ()

    @abstractmethod
    def size(self) -> int:
        """Count the samples."""

    @abstractmethod
    def shuffle(
        self, seed: int, *, how: Shuffling = "lcg"
    ) -> "tuple[int, Batched[B_co]]":
        """Give the next seed, and the samples in another order."""

    @abstractmethod
    def batches(self, tag: str, batch_size: int) -> Result[Sequence[B_co], TapeError]:
        """Cut into consecutive batches."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset(Batched[list[X]]):
    """
    An immutable sequence of samples.

    ``==`` is structural and exact, also where samples hold arrays.

    Laws:
        - ``Dataset.of_list(xs).to_list() == xs``
        - ``Dataset.of_list(xs).size() == len(xs)``
        - ``not Dataset.of_list([x, *xs]).is_empty()``

    Lean: ``Dataset``. PyTorch: ``torch.utils.data.Dataset`` in memory.

    >>> Dataset.of_list([1, 2, 3]).map(lambda x: x * 10)
    Dataset(data=(10, 20, 30))
    """

    data: tuple[X, ...] = ()

    def __post_init__(self) -> None:
        """Hold a tuple, whatever was given."""
        object.__setattr__(self, "data", items_argument(self.data, "Dataset"))

    @classmethod
    def of_list(cls, samples: Iterable[Y]) -> "Dataset[Y]":
        """
        Take samples in order.

        >>> Dataset.of_list([1, 2])
        Dataset(data=(1, 2))
        """
        return Dataset(items_argument(samples, "Dataset.of_list"))

    def to_list(self) -> list[X]:
        """
        Give the samples in order, in a new list.

        >>> Dataset.of_list([1, 2]).to_list()
        [1, 2]
        """
        return list(self.data)

    def size(self) -> int:
        """
        Count the samples; also ``len(dataset)``.

        >>> Dataset.of_list([1, 2]).size()
        2
        """
        return len(self.data)

    def is_empty(self) -> bool:
        """
        Tell whether there is no sample.

        >>> Dataset.of_list([]).is_empty()
        True
        """
        return not self.data

    def get(self, position: int) -> X | None:
        """
        Give one sample, or ``None`` beyond the ends; a negative position is beyond.

        Lean: ``get?``.

        >>> Dataset.of_list([1, 2]).get(1), Dataset.of_list([1, 2]).get(2)
        (2, None)
        """
        at = int_argument(position, "Dataset.get, position")
        return self.data[at] if 0 <= at < len(self.data) else None

    def map(self, function: Callable[[X], Y]) -> "Dataset[Y]":
        """
        Apply a function to each sample.

        >>> Dataset.of_list([1, 2]).map(str)
        Dataset(data=('1', '2'))
        """
        check_type("Dataset.map", "function", function, Callable)
        return Dataset(tuple(function(x) for x in self.data))

    def append(self, other: "Dataset[X]") -> "Dataset[X]":
        """
        Give these samples, then another data set's.

        >>> Dataset.of_list([1]).append(Dataset.of_list([2]))
        Dataset(data=(1, 2))
        """
        check_type("Dataset.append", "other", other, Dataset)
        return Dataset(self.data + other.data)

    def split_at(self, count: int) -> "tuple[Dataset[X], Dataset[X]]":
        """
        Give the first ``count`` samples and the rest; past the end, all and none.

        Raises:
            ValueError: a negative count.

        >>> Dataset.of_list([1, 2, 3]).split_at(2)
        (Dataset(data=(1, 2)), Dataset(data=(3,)))
        """
        int_argument(count, "Dataset.split_at, count")
        if count < 0:
            raise ValueError(f"split_at takes a count of samples, not {count}")
        return Dataset(self.data[:count]), Dataset(self.data[count:])

    def shuffle(self, seed: int, *, how: Shuffling = "lcg") -> "tuple[int, Dataset[X]]":
        """
        Reorder reproducibly, and give the seed of the next epoch with the new order.

        Args:
            seed: any integer that is not negative.
            how: ``"lcg"`` sorts by the keys of a linear congruential generator:
                TorchLean's order, bit for bit; ``"numpy"`` asks NumPy's, whose
                statistics are better.

        Lean: ``shuffle``.

        >>> Dataset.of_list(range(6)).shuffle(0)
        (1109335178, Dataset(data=(0, 4, 2, 5, 1, 3)))
        """
        state, order = order_of(len(self.data), seed, how)
        return state, Dataset(tuple(self.data[i] for i in order.tolist()))

    def batches(self, tag: str, batch_size: int) -> "Result[list[list[X]], TapeError]":
        """
        Cut into consecutive lists of ``batch_size`` samples; the last may be shorter.

        Fails with:
            :class:`BatchSizeNotPositive`, checked first; :class:`EmptyDataset`.

        Lean: ``batches``, and ``batchesArray``, which is the same here.

        >>> Dataset.of_list([1, 2, 3]).batches("epoch", 2)
        <Success: [[1, 2], [3]]>
        >>> Dataset.of_list([]).batches("epoch", 2)
        <Failure: epoch: empty dataset>
        """
        tag_argument(tag, "Dataset.batches")
        if int_argument(batch_size, "Dataset.batches, batch_size") <= 0:
            return Failure(BatchSizeNotPositive(tag, batch_size=batch_size))
        if not self.data:
            return Failure(EmptyDataset(tag))
        starts = range(0, len(self.data), batch_size)
        return Success([list(self.data[i : i + batch_size]) for i in starts])

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[X]:
        return iter(self.data)

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        """Shallow: samples may be arrays."""
        return hash((Dataset, len(self.data)))


def order_of(
    size: int, seed: int, how: Shuffling
) -> tuple[int, "np.ndarray[tuple[int], np.dtype[np.intp]]"]:
    """
    Give the seed of the next epoch, and the order in which to take so many samples.

    Raises:
        ValueError: a way to shuffle that there is not, or a negative seed for NumPy's.

    >>> state, order = order_of(6, 0, "lcg")
    >>> state, order.tolist()
    (1109335178, [0, 4, 2, 5, 1, 3])
    """
    if how == "lcg":
        keys = lcg_keys(seed, size)
        last = int(keys[-1]) if size else int_argument(seed, "shuffle, seed")
        return last, np.argsort(keys, kind="stable")
    if how != "numpy":
        raise ValueError(f"shuffle by 'lcg' or by 'numpy', not by {said(how)}")
    rng = np.random.default_rng(int_argument(seed, "shuffle, seed"))
    order = rng.permutation(size)
    return int(rng.integers(2**63)), order


def lcg_keys(seed: int, size: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """
    Give the next states of the generator, all at once.

    The step is ``a * s + c``, and so is any number of steps, with another ``a`` and
    ``c``: those of the second half of a run are made of those of the first.

    >>> lcg_keys(0, 6)[-1] == shuffle_pairs(0, range(6))[0]
    np.True_
    """
    a = np.array([_MULTIPLIER], np.uint64)
    c = np.array([_INCREMENT], np.uint64)
    modulus = np.uint64(_MODULUS)
    while len(a) < size:
        a, c = (
            np.concatenate([a, a * a[-1] % modulus]),
            np.concatenate([c, (a * c[-1] + c) % modulus]),
        )
    start = np.uint64(int_argument(seed, "shuffle, seed") % _MODULUS)
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]] = (a * start + c)[:size] % modulus
    return keys


def lcg_next(state: int) -> int:
    """
    Advance the linear congruential generator of the shuffle; its period is 2**31.

    Lean: ``lcgNext``.

    >>> lcg_next(0), lcg_next(12345)
    (12345, 1406932606)
    """
    return (
        _MULTIPLIER * int_argument(state, "lcg_next, state") + _INCREMENT
    ) % _MODULUS


def shuffle_pairs(seed: int, samples: Sequence[X]) -> tuple[int, list[tuple[int, X]]]:
    """
    Give each sample the generator's next state as its key, and the last state.

    Lean: ``shufflePairs``.

    >>> shuffle_pairs(0, "ab")
    (1406932606, [(12345, 'a'), (1406932606, 'b')])
    """
    state = int_argument(seed, "shuffle_pairs, seed")
    pairs = []
    for x in items_argument(samples, "shuffle_pairs"):
        state = lcg_next(state)
        pairs.append((state, x))
    return state, pairs
