"""Epochs of batches; each epoch returns the loader of the next one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, final

from returns.result import Result

from tapem_dsl.arguments import check_argument, check_fields, checked_result
from tapem_dsl.errors import TapeError
from tapem_dsl.train.data.dataset import MAKE_ONE, Batched, Shuffling, collect

B = TypeVar("B")
C = TypeVar("C")


@final
@dataclass(frozen=True, slots=True)
class DataLoader(Generic[B]):
    """
    A data set, its batch size, and whether to shuffle it before each epoch.

    A loader is immutable: an epoch returns the loader of the next one, which holds the
    shuffled data and the next seed. So each epoch shuffles the order of the one before,
    as in TorchLean.

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
    """Whether to leave out a shorter last batch, also if it is the only batch."""

    def __post_init__(self) -> None:
        check_argument("DataLoader", "dataset", self.dataset, Batched, MAKE_ONE)
        check_fields(self, shuffle=(False, True, "lcg", "numpy"))

    def epoch(self, tag: str) -> "Result[tuple[DataLoader[B], Sequence[B]], TapeError]":
        """
        Return the loader of the next epoch, and the batches of this one.

        Fails with:
            :class:`BatchSizeNotPositive`, :class:`EmptyDataset`.

        Lean: ``epoch``.

        >>> from tapem_dsl.train import Dataset
        >>> DataLoader(Dataset.of_list([]), 1).epoch("demo")
        <Failure: demo: empty dataset>
        """
        check_argument("DataLoader.epoch", "tag", tag, str)
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
        Return as :meth:`epoch` does, with the batches in a tuple, all read.

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
        Return as :meth:`epoch` does, with ``collate`` applied to each batch in order.

        Fails with:
            As :meth:`epoch`; the first failure of ``collate``.

        Raises:
            TypeError: ``collate`` does not return a ``Result``.

        Lean: ``epochCollate``.

        >>> from returns.result import Success
        >>> from tapem_dsl.train import Dataset
        >>> loader = DataLoader(Dataset.of_list([1, 2, 3]), 2)
        >>> loader.epoch_collate("demo", lambda b: Success(sum(b))).map(lambda x: x[1])
        <Success: [3, 3]>
        """
        check_argument("epoch_collate", "collate", collate, Callable)

        def checked(batch: B) -> Result[C, TapeError]:
            result: Result[C, TapeError] = checked_result(
                "the collate of epoch_collate", collate(batch)
            )
            return result

        return self.epoch(tag).bind(
            lambda given: collect(map(checked, given[1])).map(
                lambda collated: (given[0], collated)
            )
        )
