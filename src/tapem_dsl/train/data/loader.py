"""Epochs of batches; the next epoch's loader is a value that the first one gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, final

from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_fields, check_type, checked_result
from tapem_dsl.errors import TapeError
from tapem_dsl.program.arguments import int_argument, tag_argument
from tapem_dsl.train.data.dataset import MAKE_ONE, Batched, Shuffling

B = TypeVar("B")
C = TypeVar("C")


@final
@dataclass(frozen=True, slots=True)
class DataLoader(Generic[B]):
    """
    A data set, how to cut it into batches, and whether to shuffle it before.

    Nothing in it changes: an epoch gives the loader of the next one, which holds the
    shuffled data and the next seed, so that shuffles add up as TorchLean's do.

    Lean: ``DataLoader``. PyTorch: ``torch.utils.data.DataLoader``.

    >>> from tapem_dsl.train import Dataset
    >>> loader = DataLoader(Dataset.of_list(range(6)), 4, shuffle=True)
    >>> loader.epoch("demo").map(lambda given: (given[0].seed, given[1]))
    <Success: (1109335178, [[0, 4, 2, 5], [1, 3]])>
    """

    dataset: Batched[B]
    batch_size: int
    shuffle: bool | Shuffling = False
    """``True`` is ``"lcg"``, TorchLean's order."""

    seed: int = 0
    drop_last: bool = False
    """Whether to leave out a last batch that is shorter, also if it is the only one."""

    def __post_init__(self) -> None:
        """Check the fields; a batch size that is not positive is an epoch's failure."""
        check_type("DataLoader", "dataset", self.dataset, Batched, MAKE_ONE)
        int_argument(self.batch_size, "DataLoader, batch_size")
        check_fields(self, shuffle=(False, True, "lcg", "numpy"))
        int_argument(self.seed, "DataLoader, seed")
        check_fields(self, drop_last=(False, True))

    def epoch(self, tag: str) -> "Result[tuple[DataLoader[B], Sequence[B]], TapeError]":
        """
        Give the loader of the next epoch, and the batches of this one.

        Fails with:
            :class:`BatchSizeNotPositive`, :class:`EmptyDataset`.

        Lean: ``epoch``.

        >>> from tapem_dsl.train import Dataset
        >>> DataLoader(Dataset.of_list([]), 1).epoch("demo")
        <Failure: demo: empty dataset>
        """
        tag_argument(tag, "DataLoader.epoch")
        seed, dataset = self.seed, self.dataset
        if self.shuffle:
            how: Shuffling = "lcg" if self.shuffle is True else self.shuffle
            seed, dataset = dataset.shuffle(seed, how=how)
        after = replace(self, dataset=dataset, seed=seed)
        whole = dataset.size() // self.batch_size if self.batch_size > 0 else 0
        return dataset.batches(tag, self.batch_size).map(
            lambda batches: (after, batches[:whole] if self.drop_last else batches)
        )

    def epoch_array(
        self, tag: str
    ) -> "Result[tuple[DataLoader[B], tuple[B, ...]], TapeError]":
        """
        Give :meth:`epoch` with its batches in a tuple, all read.

        Lean: ``epochArray``.

        >>> from tapem_dsl.train import Dataset
        >>> loader = DataLoader(Dataset.of_list([1, 2, 3]), 2, drop_last=True)
        >>> loader.epoch_array("demo").map(lambda given: given[1])
        <Success: ([1, 2],)>
        """
        return self.epoch(tag).map(lambda given: (given[0], tuple(given[1])))

    def epoch_collate(
        self, tag: str, collate: Callable[[B], Result[C, TapeError]]
    ) -> "Result[tuple[DataLoader[B], list[C]], TapeError]":
        """
        Give :meth:`epoch` with each batch made into something else, in order.

        Fails with:
            As :meth:`epoch`; the first failure of ``collate``.

        Raises:
            TypeError: ``collate`` gives no ``Result``.

        Lean: ``epochCollate``.

        >>> from tapem_dsl.train import Dataset
        >>> loader = DataLoader(Dataset.of_list([1, 2, 3]), 2)
        >>> loader.epoch_collate("demo", lambda b: Success(sum(b))).map(lambda x: x[1])
        <Success: [3, 3]>
        """
        check_type("epoch_collate", "collate", collate, Callable)
        result = self.epoch(tag)
        if isinstance(result, Failure):
            return Failure(result.failure())
        after, batches = result.unwrap()
        collated: list[C] = []
        for batch in batches:
            one = checked_result("the collate of epoch_collate", collate(batch))
            if isinstance(one, Failure):
                return Failure(one.failure())
            collated.append(one.unwrap())
        return Success((after, collated))
