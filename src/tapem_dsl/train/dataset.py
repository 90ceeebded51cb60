"""Samples in memory, and TorchLean's reproducible shuffle."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import index
from typing import Final, Generic, TypeVar, final

from returns.result import Failure, Result, Success

from tapem_dsl.core.combinators import items_argument
from tapem_dsl.core.errors import BatchSizeNotPositive, EmptyDataset, TapeError
from tapem_dsl.core.same import same, structural

X = TypeVar("X")
Y = TypeVar("Y")

_MULTIPLIER: Final = 1103515245
_INCREMENT: Final = 12345
_MODULUS: Final = 2**31


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset(Generic[X]):
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
        object.__setattr__(self, "data", tuple(self.data))

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
        return self.data[position] if 0 <= position < len(self.data) else None

    def map(self, function: Callable[[X], Y]) -> "Dataset[Y]":
        """
        Apply a function to each sample.

        >>> Dataset.of_list([1, 2]).map(str)
        Dataset(data=('1', '2'))
        """
        return Dataset(tuple(function(x) for x in self.data))

    def append(self, other: "Dataset[X]") -> "Dataset[X]":
        """
        Give these samples, then another data set's.

        >>> Dataset.of_list([1]).append(Dataset.of_list([2]))
        Dataset(data=(1, 2))
        """
        return Dataset(self.data + other.data)

    def split_at(self, count: int) -> "tuple[Dataset[X], Dataset[X]]":
        """
        Give the first ``count`` samples and the rest; past the end, all and none.

        Raises:
            ValueError: a negative count.

        >>> Dataset.of_list([1, 2, 3]).split_at(2)
        (Dataset(data=(1, 2)), Dataset(data=(3,)))
        """
        if count < 0:
            raise ValueError(f"split_at takes a count of samples, not {count}")
        return Dataset(self.data[:count]), Dataset(self.data[count:])

    def shuffle(self, seed: int) -> "tuple[int, Dataset[X]]":
        """
        Reorder by the keys of a linear congruential generator.

        Gives the generator's last state, which seeds the next epoch, and the new order:
        TorchLean's, bit for bit.

        Lean: ``shuffle``.

        >>> Dataset.of_list(range(6)).shuffle(0)
        (1109335178, Dataset(data=(0, 4, 2, 5, 1, 3)))
        """
        state, pairs = shuffle_pairs(seed, self.data)
        ordered = sorted(pairs, key=lambda pair: pair[0])
        return state, Dataset(tuple(x for _, x in ordered))

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
        if index(batch_size) <= 0:
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


def lcg_next(state: int) -> int:
    """
    Advance the linear congruential generator of the shuffle; its period is 2**31.

    Lean: ``lcgNext``.

    >>> lcg_next(0), lcg_next(12345)
    (12345, 1406932606)
    """
    return (_MULTIPLIER * state + _INCREMENT) % _MODULUS


def shuffle_pairs(seed: int, samples: Sequence[X]) -> tuple[int, list[tuple[int, X]]]:
    """
    Give each sample the generator's next state as its key, and the last state.

    Lean: ``shufflePairs``.

    >>> shuffle_pairs(0, "ab")
    (1406932606, [(12345, 'a'), (1406932606, 'b')])
    """
    state = index(seed)
    pairs = []
    for x in samples:
        state = lcg_next(state)
        pairs.append((state, x))
    return state, pairs
