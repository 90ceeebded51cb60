"""Samples that are the rows of arrays, which need not fit in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, final, overload

import numpy as np
from returns.result import Failure, Result, Success
from typing_extensions import override

from tapem_dsl import tree
from tapem_dsl.arguments import check_fields
from tapem_dsl.errors import (
    BatchSizeNotPositive,
    EmptyDataset,
    LoadError,
    TapeError,
)
from tapem_dsl.program.arguments import int_argument, tag_argument
from tapem_dsl.tape.equality import same, structural
from tapem_dsl.train.data.dataset import Batched, Shuffling, order_of

P = TypeVar("P")

Order: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"


@final
@dataclass(frozen=True, slots=True, eq=False)
class ArrayDataset(Batched[P]):
    """
    A pytree of arrays whose first axes are one, and the order in which to take rows.

    The arrays may be ``np.memmap``: only the rows of a batch are read, when it is asked
    for. Shuffling and splitting make new orders, 8 bytes a sample, and copy no row.

    Lean: none; its ``Dataset`` is in memory. PyTorch: ``TensorDataset``.

    >>> pairs = {"x": np.arange(6.0).reshape(3, 2), "y": np.array([0.0, 1.0, 2.0])}
    >>> data = ArrayDataset.of_tree("demo", pairs).unwrap()
    >>> data.size(), data.get(2)
    (3, {'x': array([4., 5.]), 'y': np.float64(2.0)})
    """

    data: P
    order: Order

    def __post_init__(self) -> None:
        """Check the order, and keep it from being written to."""
        check_fields(self, order=np.ndarray)
        self.order.setflags(write=False)

    @staticmethod
    def of_tree(tag: str, pytree: P) -> "Result[ArrayDataset[P], TapeError]":
        """
        Take a pytree of arrays, in their order.

        Fails with:
            :class:`LoadError`: no arrays at all, first axes that differ, or a masked
            array, whose mask no batch would have.

        >>> ArrayDataset.of_tree("demo", (np.ones(2), np.ones(3)))
        <Failure: demo: length mismatch: 2 vs 3>
        """
        tag_argument(tag, "ArrayDataset.of_tree")
        arrays = tree.leaves(pytree)
        if not arrays or any(not np.ndim(array) for array in arrays):
            text = ": expected arrays of rows"
            return Failure(LoadError(tag, text))
        if any(isinstance(array, np.ma.MaskedArray) for array in arrays):
            text = ": a masked array would lose its mask; fill it: x.filled(0.0)"
            return Failure(LoadError(tag, text))
        first, *rest = (len(array) for array in arrays)
        for other in rest:
            if other != first:
                text = f": length mismatch: {first} vs {other}"
                return Failure(LoadError(tag, text))
        return Success(ArrayDataset(pytree, np.arange(first)))

    def size(self) -> int:
        """Count the samples."""
        return len(self.order)

    def get(self, at: int) -> P:
        """
        Read one sample; counts from the end too.

        Raises:
            IndexError: there are fewer.
        """
        which = self.order[int_argument(at, "ArrayDataset.get, at")]
        return tree.map(lambda array: np.array(array[which])[()], self.data)

    # Any: an index of NumPy's, of one row or of many.
    def rows(self, which: Any) -> P:
        """Read rows by their places in the arrays."""
        return tree.map(lambda array: np.asarray(array)[which], self.data)

    def shuffle(
        self, seed: int, *, how: Shuffling = "lcg"
    ) -> "tuple[int, ArrayDataset[P]]":
        """
        Reorder as :meth:`Dataset.shuffle` does: the same seeds give the same orders.

        >>> data = ArrayDataset.of_tree("demo", np.arange(6.0)).unwrap()
        >>> seed, shuffled = data.shuffle(0)
        >>> seed, shuffled.order.tolist()
        (1109335178, [0, 4, 2, 5, 1, 3])
        """
        state, order = order_of(self.size(), seed, how)
        return state, ArrayDataset(self.data, self.order[order])

    def split_at(self, count: int) -> "tuple[ArrayDataset[P], ArrayDataset[P]]":
        """
        Give the first ``count`` samples, and the rest.

        Raises:
            ValueError: ``count`` is negative.
        """
        if int_argument(count, "ArrayDataset.split_at, count") < 0:
            raise ValueError(f"split_at takes a count of samples, not {count}")
        first, rest = self.order[:count], self.order[count:]
        return ArrayDataset(self.data, first), ArrayDataset(self.data, rest)

    def batches(self, tag: str, batch_size: int) -> "Result[Batches[P], TapeError]":
        """
        Cut into consecutive pytrees of ``batch_size`` rows; the last may be shorter.

        Each is read when it is asked for.

        Fails with:
            :class:`BatchSizeNotPositive`, checked first; :class:`EmptyDataset`.

        >>> data = ArrayDataset.of_tree("demo", np.arange(3.0)).unwrap()
        >>> list(data.batches("demo", 2).unwrap())
        [array([0., 1.]), array([2.])]
        """
        tag_argument(tag, "ArrayDataset.batches")
        if int_argument(batch_size, "ArrayDataset.batches, batch_size") <= 0:
            return Failure(BatchSizeNotPositive(tag, batch_size=batch_size))
        if not self.size():
            return Failure(EmptyDataset(tag))
        starts = range(0, self.size(), batch_size)
        return Success(Batches(self, batch_size, starts))

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
    Packs of rows, read one by one when they are asked for.

    >>> data = ArrayDataset.of_tree("demo", np.arange(3.0)).unwrap()
    >>> len(data.batches("demo", 2).unwrap())
    2
    """

    dataset: ArrayDataset[P]
    size: int
    """How many rows a batch has; the last may have fewer."""

    starts: range

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, dataset=ArrayDataset, size=None, starts=range)

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
