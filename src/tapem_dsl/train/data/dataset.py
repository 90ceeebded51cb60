"""Samples in memory, and TorchLean's reproducible shuffle."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Literal, TypeAlias, TypeVar, final

import numpy as np
from returns.result import Failure, Result, Success
from typing_extensions import override

from tapem_dsl.arguments import check_argument, items_of
from tapem_dsl.errors import BatchSizeNotPositive, EmptyDataset, TapeError, failed
from tapem_dsl.interpreters.render import samples_to_html
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.equality import same, structural

X = TypeVar("X")
Y = TypeVar("Y")
B_co = TypeVar("B_co", covariant=True)

Shuffling: TypeAlias = Literal["lcg", "numpy"]
"""Which generator decides an order: TorchLean's, or NumPy's."""

MAKE_ONE: Final = "; make one: Dataset.of_list(...)"
"""The fix in messages where a data set was expected."""

_SHOWN: Final = 6
_MULTIPLIER: Final = 1103515245
_INCREMENT: Final = 12345
_MODULUS: Final = 2**31


class Batched(ABC, Generic[B_co]):
    """
    The methods that a loader needs of a data set; ``B`` is the type of its batches.

    >>> data: Batched[list[int]] = Dataset.of_list([1, 2])
    >>> data.size()
    2
    """

    __slots__ = ()

    @abstractmethod
    def size(self) -> int:
        """Return the number of samples."""

    @abstractmethod
    def shuffle(
        self, seed: int, *, how: Shuffling = "lcg"
    ) -> "tuple[int, Batched[B_co]]":
        """Return the seed of the next epoch, and the samples in another order."""

    @abstractmethod
    def batches(self, tag: str, batch_size: int) -> Result[Sequence[B_co], TapeError]:
        """Return consecutive batches."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset(Batched[list[X]]):
    """
    An immutable sequence of samples.

    ``==`` is structural and exact, also for samples that hold arrays.

    Laws:
        - ``Dataset.of_list(xs).to_list() == xs``
        - ``Dataset.of_list(xs).size() == len(xs)``
        - ``not Dataset.of_list([x, *xs]).is_empty()``

    Lean: ``Dataset``. PyTorch: ``torch.utils.data.Dataset`` in memory.

    >>> Dataset.of_list([1, 2, 3]).map(lambda x: x * 10)
    Dataset(data=(10, 20, 30))
    """

    data: tuple[X, ...] = ()

    _holds_its_fields: ClassVar[bool] = True
    """For ``jit``: one that is made of other samples holds these, and no more."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", items_of("Dataset", "data", self.data))

    @classmethod
    def of_list(cls, samples: Iterable[Y]) -> "Dataset[Y]":
        """
        Return the data set of samples, in order.

        >>> Dataset.of_list([1, 2])
        Dataset(data=(1, 2))
        """
        return Dataset(items_of("Dataset.of_list", "samples", samples))

    def to_list(self) -> list[X]:
        """
        Return the samples in order, in a new list.

        >>> Dataset.of_list([1, 2]).to_list()
        [1, 2]
        """
        return list(self.data)

    @override
    def size(self) -> int:
        """
        Return the number of samples; also ``len(dataset)``.

        >>> Dataset.of_list([1, 2]).size()
        2
        """
        return len(self.data)

    def is_empty(self) -> bool:
        """
        Return whether there is no sample.

        >>> Dataset.of_list([]).is_empty()
        True
        """
        return not self.data

    def get(self, position: int) -> X | None:
        """
        Return one sample, or ``None`` for a position that is negative or too large.

        Lean: ``get?``.

        >>> Dataset.of_list([1, 2]).get(1), Dataset.of_list([1, 2]).get(2)
        (2, None)
        """
        check_argument("Dataset.get", "position", position, int)
        return self.data[position] if 0 <= position < len(self.data) else None

    def map(self, function: Callable[[X], Y]) -> "Dataset[Y]":
        """
        Return the data set of a function's results, sample by sample.

        >>> Dataset.of_list([1, 2]).map(str)
        Dataset(data=('1', '2'))
        """
        check_argument("Dataset.map", "function", function, Callable)
        return Dataset(tuple(function(x) for x in self.data))

    def append(self, other: "Dataset[X]") -> "Dataset[X]":
        """
        Return the data set of these samples, then another's.

        >>> Dataset.of_list([1]).append(Dataset.of_list([2]))
        Dataset(data=(1, 2))
        """
        check_argument("Dataset.append", "other", other, Dataset)
        return Dataset(self.data + other.data)

    def split_at(self, count: int) -> "tuple[Dataset[X], Dataset[X]]":
        """
        Return the first ``count`` samples, or all if there are fewer, and the rest.

        Raises:
            ValueError: a negative count.

        >>> Dataset.of_list([1, 2, 3]).split_at(2)
        (Dataset(data=(1, 2)), Dataset(data=(3,)))
        """
        check_argument("Dataset.split_at", "count", count, "count")
        return Dataset(self.data[:count]), Dataset(self.data[count:])

    @override
    def shuffle(self, seed: int, *, how: Shuffling = "lcg") -> "tuple[int, Dataset[X]]":
        """
        Return the seed of the next epoch, and the samples in an order set by ``seed``.

        Args:
            seed: an integer of at least 0.
            how: ``"lcg"`` sorts by the keys of a linear congruential generator, which
                is TorchLean's order, bit for bit. ``"numpy"`` uses NumPy's generator,
                whose statistics are better.

        Lean: ``shuffle``.

        >>> Dataset.of_list(range(6)).shuffle(0)
        (1109335178, Dataset(data=(0, 4, 2, 5, 1, 3)))
        """
        state, order = order_of(len(self.data), seed, how)
        return state, Dataset(tuple(self.data[i] for i in order.tolist()))

    @override
    def batches(self, tag: str, batch_size: int) -> "Result[list[list[X]], TapeError]":
        """
        Return consecutive lists of ``batch_size`` samples; the last may be shorter.

        Fails with:
            :class:`BatchSizeNotPositive`, checked first; :class:`EmptyDataset`.

        Lean: ``batches`` and ``batchesArray``.

        >>> Dataset.of_list([1, 2, 3]).batches("epoch", 2)
        <Success: [[1, 2], [3]]>
        >>> Dataset.of_list([]).batches("epoch", 2)
        <Failure: epoch: empty dataset>
        """
        check_argument("Dataset.batches", "tag", tag, str)
        check_argument("Dataset.batches", "batch_size", batch_size, int)
        if batch_size <= 0:
            return failed(BatchSizeNotPositive(tag, batch_size=batch_size))
        if not self.data:
            return failed(EmptyDataset(tag))
        starts = range(0, len(self.data), batch_size)
        return Success([list(self.data[i : i + batch_size]) for i in starts])

    def __repr__(self) -> str:
        shown = [short_repr(x) for x in self.data[:_SHOWN]]
        hidden = len(self.data) - len(shown)
        if hidden:
            return f"Dataset(data=({', '.join(shown)}, ... {hidden:,} more))"
        return f"Dataset(data=({', '.join(shown)}{',' * (len(shown) == 1)}))"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return samples_to_html("Dataset", len(self), self.data.__getitem__)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[X]:
        return iter(self.data)

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        return hash((Dataset, len(self.data)))


def collect(results: Iterable[Result[X, TapeError]]) -> Result[list[X], TapeError]:
    """
    Return the values of all results, or the first failure.

    >>> collect([Success(1), Success(2)])
    <Success: [1, 2]>
    """
    values = []
    for result in results:
        if isinstance(result, Failure):
            return failed(result.failure())
        values.append(result.unwrap())
    return Success(values)


def order_of(
    size: int, seed: int, how: Shuffling
) -> tuple[int, "np.ndarray[tuple[int], np.dtype[np.intp]]"]:
    """
    Return the seed of the next epoch, and the indices of the samples in a new order.

    Raises:
        ValueError: ``how`` is unknown, or the seed is negative for NumPy's generator.

    >>> state, order = order_of(6, 0, "lcg")
    >>> state, order.tolist()
    (1109335178, [0, 4, 2, 5, 1, 3])
    """
    check_argument("shuffle", "seed", seed, int)
    check_argument("shuffle", "how", how, ("lcg", "numpy"))
    if how == "lcg":
        keys = lcg_keys(seed, size)
        return int(keys[-1] if size else seed), np.argsort(keys, kind="stable")
    rng = np.random.default_rng(int(seed))
    order = rng.permutation(size)
    return int(rng.integers(2**63)), order


def lcg_keys(seed: int, size: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """
    Return the next ``size`` states of :func:`lcg_next`, all at once.

    ``k`` steps are ``a[k] * state + c[k]`` for some ``a[k]`` and ``c[k]``; each pass
    doubles their number.

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
    start = np.uint64(int(seed) % _MODULUS)
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]] = (a * start + c)[:size] % modulus
    return keys


def lcg_next(state: int) -> int:
    """
    Return the next state of the shuffle's linear congruential generator.

    Its period is 2**31.

    Lean: ``lcgNext``.

    >>> lcg_next(0), lcg_next(12345)
    (12345, 1406932606)
    """
    check_argument("lcg_next", "state", state, int)
    return (_MULTIPLIER * int(state) + _INCREMENT) % _MODULUS


def shuffle_pairs(seed: int, samples: Sequence[X]) -> tuple[int, list[tuple[int, X]]]:
    """
    Return the generator's last state, and each sample after its key, a state.

    Lean: ``shufflePairs``.

    >>> shuffle_pairs(0, "ab")
    (1406932606, [(12345, 'a'), (1406932606, 'b')])
    """
    check_argument("shuffle_pairs", "seed", seed, int)
    state, pairs = int(seed), []
    for x in items_of("shuffle_pairs", "samples", samples):
        state = lcg_next(state)
        pairs.append((state, x))
    return state, pairs
