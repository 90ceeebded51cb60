"""Batches one after the other, epoch after epoch, from a place that can be saved."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from operator import index
from typing import Generic, NamedTuple, Self, TypeVar, final

from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_fields, check_type
from tapem_dsl.errors import CheckpointError, EmptyBatches, TapeError
from tapem_dsl.program.arguments import tag_argument
from tapem_dsl.train.data.loader import DataLoader

B = TypeVar("B")


class _Place(NamedTuple):
    """The fields of a :class:`Position`, before they are checked."""

    epoch: int
    batch: int
    seed: int
    size: int = 0
    batch_size: int = 0
    shuffle: str = ""
    drop_last: bool = False


class Position(_Place):
    """
    A place in a stream, and what the loader was: numbers and a text, for a checkpoint.

    ``Stream(loader).position`` is the first one.

    Args:
        epoch: how many epochs are over.
        batch: how many batches of this one are over.
        seed: the loader's at the start of this epoch, to be recognised by.
        size: how many samples the data set has.
        batch_size: the loader's; 0 in a position made by hand, which does not say what
            it was.
        shuffle: ``"lcg"``, ``"numpy"``, or ``""`` where nothing is shuffled.
        drop_last: the loader's.

    Raises:
        TypeError, ValueError: of another type, or a word that there is not.

    >>> Position(epoch=2, batch=5, seed=7).batch
    5
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0913, PLR0917 - as many as there are fields
        cls,
        epoch: int,
        batch: int,
        seed: int,
        size: int = 0,
        batch_size: int = 0,
        shuffle: str = "",
        drop_last: bool = False,  # noqa: FBT001, FBT002 - a field
    ) -> Self:
        """Check the fields."""
        place = super().__new__(
            cls, epoch, batch, seed, size, batch_size, shuffle, drop_last
        )
        check_fields(place, epoch=int, batch=int, seed=int, size=int, batch_size=int)
        check_fields(place, shuffle=("lcg", "numpy", ""), drop_last=(False, True))
        return place


@final
@dataclass(frozen=True, slots=True)
class Stream(Generic[B]):
    """
    A loader's epochs as one endless sequence of batches; nothing in it changes.

    >>> from tapem_dsl.train import Dataset
    >>> stream = Stream(DataLoader(Dataset.of_list(range(3)), 2, shuffle=True))
    >>> for _ in range(3):
    ...     stream, batch = stream.next("demo").unwrap()
    ...     print(batch, stream.position[:3])
    [0, 2] (0, 1, 0)
    [1] (1, 0, 654583775)
    [2, 1] (1, 1, 654583775)
    """

    loader: DataLoader[B]
    """As it is at the start of this epoch."""

    epoch: int = 0
    batch: int = 0
    _given: "tuple[DataLoader[B], Sequence[B]] | None" = field(
        default=None, repr=False, compare=False
    )
    """This epoch's batches, and the loader after it: made once an epoch."""

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, loader=DataLoader, epoch=None, batch=None)

    @property
    def position(self) -> Position:
        """Say which place this is."""
        loader = self.loader
        return Position(
            *(self.epoch, self.batch, index(loader.seed)),
            size=loader.dataset.size(),
            batch_size=index(loader.batch_size),
            shuffle="lcg" if loader.shuffle is True else loader.shuffle or "",
            drop_last=bool(loader.drop_last),
        )

    @staticmethod
    def at(
        tag: str, loader: DataLoader[B], position: Position
    ) -> "Result[Stream[B], TapeError]":
        """
        Find a place again, from the loader that the stream once started with.

        Fails with:
            :class:`CheckpointError`: another loader, by batch size, shuffling, seed,
            ``drop_last`` or how many samples there are, and which of these; no such
            place; whatever an epoch fails with. Samples are not compared.

        Cost:
            A shuffle for each epoch that is over; no batch is read.

        >>> from tapem_dsl.train import Dataset
        >>> loader = DataLoader(Dataset.of_list(range(3)), 2, shuffle=True)
        >>> stream, _ = Stream(loader).next("demo").unwrap()
        >>> again = Stream.at("demo", loader, stream.position)
        >>> again.bind(lambda stream: stream.next("demo")).unwrap()[1]
        [1]
        >>> other = DataLoader(Dataset.of_list(range(3)), 1, shuffle=True)
        >>> Stream.at("demo", other, stream.position)
        <Failure: demo: another loader: batch_size was 2 and is 1>
        """
        tag_argument(tag, "Stream.at")
        check_type("Stream.at", "loader", loader, DataLoader)
        check_type("Stream.at", "position", position, Position)
        if position.epoch < 0 or position.batch < 0:
            return Failure(CheckpointError(tag, f"no place is {position}"))
        differing = _differing(position, Stream(loader).position)
        if position.batch_size and differing:
            what = f"another loader: {differing}"
            return Failure(CheckpointError(tag, what))
        # where nothing is shuffled all epochs are one
        for _ in range(position.epoch if loader.shuffle else min(position.epoch, 1)):
            result = loader.epoch(tag)
            if isinstance(result, Failure):
                return Failure(result.failure())
            loader, _ = result.unwrap()
        if loader.seed != position.seed:
            what = f"the loader's seed is {loader.seed}, not {position.seed}"
            return Failure(CheckpointError(tag, what))
        stream = Stream(loader, position.epoch, position.batch)
        if not position.batch:
            return Success(stream)
        return loader.epoch(tag).bind(lambda given: stream._found(tag, *given))

    def _found(
        self, tag: str, after: DataLoader[B], batches: Sequence[B]
    ) -> "Result[Stream[B], TapeError]":
        """Check that the epoch has the place at all."""
        if self.batch >= len(batches):
            what = f"an epoch has {len(batches)} batches, so none is {self.batch}"
            return Failure(CheckpointError(tag, what))
        return Success(replace(self, _given=(after, batches)))

    def next(self, tag: str) -> "Result[tuple[Stream[B], B], TapeError]":
        """
        Give the stream from the next place on, and the batch at this one.

        Fails with:
            As :meth:`DataLoader.epoch`; :class:`EmptyBatches` for a loader that drops
            its only batch.
        """
        tag_argument(tag, "Stream.next")
        given = self.loader.epoch(tag) if self._given is None else Success(self._given)
        return given.bind(lambda given: self._taken(tag, *given))

    def _taken(
        self, tag: str, after: DataLoader[B], batches: Sequence[B]
    ) -> "Result[tuple[Stream[B], B], TapeError]":
        if not len(batches):
            return Failure(EmptyBatches(tag, "batch list"))
        if self.batch + 1 < len(batches):
            later = Stream(self.loader, self.epoch, self.batch + 1, (after, batches))
        else:
            later = Stream(after, self.epoch + 1)
        batch = batches[self.batch]
        return Success((later, copy(batch) if isinstance(batch, list) else batch))


def _differing(then: Position, now: Position) -> str:
    """Say where two loaders differ, but for the seed, which epochs change."""
    return ", ".join(
        f"{name} was {was!r} and is {value!r}"
        for name, was, value in zip(then._fields, then, now, strict=True)
        if name not in ("epoch", "batch", "seed") and was != value
    )
