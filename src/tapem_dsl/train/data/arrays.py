"""Data sets of the rows of arrays, which need not fit in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, final, overload

import numpy as np
from returns.result import Result, Success
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument, check_fields
from tapem_dsl.errors import (
    BatchSizeNotPositive,
    EmptyDataset,
    LoadError,
    TapeError,
    failed,
)
from tapem_dsl.interpreters.render import samples_to_html
from tapem_dsl.tape.equality import same, structural
from tapem_dsl.train.data.dataset import Batched, Shuffling, order_of

P = TypeVar("P")

Order: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"


@final
@dataclass(frozen=True, slots=True, eq=False)
class ArrayDataset(Batched[P]):
    """
    A pytree of arrays with first axes of one length, and an order of their rows.

    Sample ``i`` holds row ``order[i]`` of each array. The arrays may be ``np.memmap``:
    a batch reads its own rows only, when it is indexed. Shuffling and splitting make a
    new order of 8 bytes a sample, and copy no row.

    Lean: none; its ``Dataset`` is in memory. PyTorch: ``TensorDataset``.

    >>> pairs = {"x": np.arange(6.0).reshape(3, 2), "y": np.array([0.0, 1.0, 2.0])}
    >>> data = ArrayDataset.of_tree("demo", pairs).unwrap()
    >>> data.size(), data.get(2)
    (3, {'x': array([4., 5.]), 'y': np.float64(2.0)})
    """

    data: P
    order: Order

    def __post_init__(self) -> None:
        check_fields(self, order=np.ndarray)
        self.order.setflags(write=False)

    @staticmethod
    def of_tree(tag: str, pytree: P) -> "Result[ArrayDataset[P], TapeError]":
        """
        Return the data set of a pytree of arrays, in the order of their rows.

        Fails with:
            :class:`LoadError`: no arrays, first axes of different lengths, or a masked
            array, whose mask the batches would lose.

        >>> ArrayDataset.of_tree("demo", (np.ones(2), np.ones(3)))
        <Failure: demo: length mismatch: 2 vs 3>
        """
        check_argument("ArrayDataset.of_tree", "tag", tag, str)
        arrays = tree.leaves(pytree)
        if not arrays or any(not np.ndim(array) for array in arrays):
            text = ": expected arrays of rows"
            return failed(LoadError(tag, text))
        if any(isinstance(array, np.ma.MaskedArray) for array in arrays):
            text = ": a masked array would lose its mask; fill it: x.filled(0.0)"
            return failed(LoadError(tag, text))
        first, *rest = (len(array) for array in arrays)
        for other in rest:
            if other != first:
                text = f": length mismatch: {first} vs {other}"
                return failed(LoadError(tag, text))
        return Success(ArrayDataset(pytree, np.arange(first)))

    @override
    def size(self) -> int:
        return len(self.order)

    def get(self, at: int) -> P:
        """
        Return one sample; a negative index counts from the end.

        Raises:
            IndexError: there are fewer samples.
        """
        check_argument("ArrayDataset.get", "at", at, int)
        which = self.order[at]
        return tree.map(lambda array: np.array(array[which])[()], self.data)

    # Any: an index of NumPy's, of one row or of many.
    def rows(self, which: Any) -> P:
        """Return rows by their positions in the arrays."""
        return tree.map(lambda array: np.asarray(array)[which], self.data)

    @override
    def shuffle(
        self, seed: int, *, how: Shuffling = "lcg"
    ) -> "tuple[int, ArrayDataset[P]]":
        """
        Return the next seed and a new order, the same as :meth:`Dataset.shuffle`'s.

        >>> data = ArrayDataset.of_tree("demo", np.arange(6.0)).unwrap()
        >>> seed, shuffled = data.shuffle(0)
        >>> seed, shuffled.order.tolist()
        (1109335178, [0, 4, 2, 5, 1, 3])
        """
        state, order = order_of(self.size(), seed, how)
        return state, ArrayDataset(self.data, self.order[order])

    def split_at(self, count: int) -> "tuple[ArrayDataset[P], ArrayDataset[P]]":
        """
        Return the first ``count`` samples, and the rest.

        Raises:
            ValueError: ``count`` is negative.
        """
        check_argument("ArrayDataset.split_at", "count", count, "count")
        first, rest = self.order[:count], self.order[count:]
        return ArrayDataset(self.data, first), ArrayDataset(self.data, rest)

    @override
    def batches(self, tag: str, batch_size: int) -> "Result[Batches[P], TapeError]":
        """
        Return consecutive pytrees of ``batch_size`` rows; the last may be shorter.

        Each is read when it is indexed.

        Fails with:
            :class:`BatchSizeNotPositive`, checked first; :class:`EmptyDataset`.

        >>> data = ArrayDataset.of_tree("demo", np.arange(3.0)).unwrap()
        >>> list(data.batches("demo", 2).unwrap())
        [array([0., 1.]), array([2.])]
        """
        check_argument("ArrayDataset.batches", "tag", tag, str)
        check_argument("ArrayDataset.batches", "batch_size", batch_size, int)
        if batch_size <= 0:
            return failed(BatchSizeNotPositive(tag, batch_size=batch_size))
        if not self.size():
            return failed(EmptyDataset(tag))
        starts = range(0, self.size(), batch_size)
        return Success(Batches(self, batch_size, starts))

    def _repr_html_(self) -> str:
        """Return what a notebook shows; it reads the first rows only."""
        return samples_to_html("ArrayDataset", self.size(), self.get)

    @structural
    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        """Shallow: samples may be arrays."""
        return hash((ArrayDataset, len(self.order)))


@final
@dataclass(frozen=True, slots=True)
class Batches(Sequence[P]):
    """
    A sequence of batches, each a pytree of rows that is read when it is indexed.

    >>> data = ArrayDataset.of_tree("demo", np.arange(3.0)).unwrap()
    >>> len(data.batches("demo", 2).unwrap())
    2
    """

    dataset: ArrayDataset[P]
    size: int
    """The number of rows of a batch; the last may have fewer."""

    starts: range

    def __post_init__(self) -> None:
        check_fields(self, dataset=ArrayDataset, size="count", starts=range)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, at: int) -> P: ...
    @overload
    def __getitem__(self, at: slice) -> "Batches[P]": ...
    @override
    def __getitem__(self, at: int | slice) -> "P | Batches[P]":
        if isinstance(at, slice):
            return Batches(self.dataset, self.size, self.starts[at])
        start = self.starts[at]
        return self.dataset.rows(self.dataset.order[start : start + self.size])

    @override
    def __iter__(self) -> Iterator[P]:
        return (self[at] for at in range(len(self)))
