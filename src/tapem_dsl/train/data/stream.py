"""An endless stream of batches, with a position that a checkpoint can save."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from operator import index
from typing import Generic, Literal, TypeVar, final

from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_argument, check_fields
from tapem_dsl.errors import CheckpointError, EmptyBatches, TapeError, failed
from tapem_dsl.train.data.loader import DataLoader

B = TypeVar("B")


@final
@dataclass(frozen=True, slots=True)
class Position:
    """
    A position in a stream, and its loader's settings: plain data for a checkpoint.

    ``Stream(loader).position`` is the first position.

    Args:
        epoch: the number of finished epochs.
        batch: the number of finished batches of this epoch.
        seed: the loader's seed at the start of this epoch.
        size: the number of samples of the data set.
        batch_size: the loader's; 0 means unknown, so that :meth:`Stream.at` does not
            compare loaders.
        shuffle: ``"lcg"``, ``"numpy"``, or ``""`` for no shuffling.
        drop_last: the loader's.

    Raises:
        TypeError, ValueError: an argument of another type, or an unknown ``shuffle``.

    >>> Position(epoch=2, batch=5, seed=7).batch
    5
    """

    epoch: int
    batch: int
    seed: int
    size: int = 0
    batch_size: int = 0
    shuffle: Literal["lcg", "numpy", ""] = ""
    drop_last: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@final
@dataclass(frozen=True, slots=True)
class Stream(Generic[B]):
    """
    A loader's epochs as one endless sequence of batches; a stream is immutable.

    >>> from tapem_dsl.train import Dataset
    >>> stream = Stream(DataLoader(Dataset.of_list(range(3)), 2, shuffle=True))
    >>> for _ in range(3):
    ...     stream, batch = stream.next("demo").unwrap()
    ...     print(batch, stream.position.epoch, stream.position.batch)
    [0, 2] 0 1
    [1] 1 0
    [2, 1] 1 1
    """

    loader: DataLoader[B]
    """The loader at the start of this epoch."""

    epoch: int = 0
    batch: int = 0
    _cached: "tuple[DataLoader[B], Sequence[B]] | None" = field(
        default=None, repr=False, compare=False
    )
    """The result of ``loader.epoch``, computed once an epoch."""

    def __post_init__(self) -> None:
        check_fields(self, loader=DataLoader, epoch="count", batch="count")

    @property
    def position(self) -> Position:
        """Return the position of the next batch."""
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
        Return the stream at a position, from the loader that the stream started with.

        Fails with:
            :class:`CheckpointError`: the loader has another batch size, shuffling,
            seed, ``drop_last`` or number of samples, named in the message; the position
            does not exist. Samples are not compared.
            As :meth:`DataLoader.epoch`.

        Cost:
            A shuffle for each finished epoch; no batch is read.

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
        check_argument("Stream.at", "tag", tag, str)
        check_argument("Stream.at", "loader", loader, DataLoader)
        check_argument("Stream.at", "position", position, Position)
        if position.epoch < 0 or position.batch < 0:
            return failed(CheckpointError(tag, f"no such position: {position}"))
        differing = _differing(position, Stream(loader).position)
        if position.batch_size and differing:
            what = f"another loader: {differing}"
            return failed(CheckpointError(tag, what))
        given = loader
        # without shuffling all epochs are equal
        for _ in range(position.epoch if loader.shuffle else min(position.epoch, 1)):
            result = loader.epoch(tag)
            if isinstance(result, Failure):
                return failed(result.failure())
            loader, _ = result.unwrap()
        if loader.seed != position.seed:
            what = f"another loader: seed is {given.seed}, and was another"
            return failed(CheckpointError(tag, what))
        stream = Stream(loader, position.epoch, position.batch)
        if not position.batch:
            return Success(stream)
        return loader.epoch(tag).bind(lambda epoch: stream._found(tag, *epoch))

    def _found(
        self, tag: str, after: DataLoader[B], batches: Sequence[B]
    ) -> "Result[Stream[B], TapeError]":
        """Check that the epoch has a batch at this position."""
        if self.batch >= len(batches):
            what = f"an epoch has {len(batches)} batches, so none is {self.batch}"
            return failed(CheckpointError(tag, what))
        return Success(replace(self, _cached=(after, batches)))

    def next(self, tag: str) -> "Result[tuple[Stream[B], B], TapeError]":
        """
        Return the stream at the next position, and the batch at this one.

        Fails with:
            As :meth:`DataLoader.epoch`; :class:`EmptyBatches` for a loader that drops
            its only batch.
        """
        check_argument("Stream.next", "tag", tag, str)
        given = (
            self.loader.epoch(tag) if self._cached is None else Success(self._cached)
        )
        return given.bind(lambda given: self._next(tag, *given))

    def _next(
        self, tag: str, after: DataLoader[B], batches: Sequence[B]
    ) -> "Result[tuple[Stream[B], B], TapeError]":
        if not len(batches):
            return failed(no_batches(tag, self.loader))
        if self.batch + 1 < len(batches):
            later = Stream(self.loader, self.epoch, self.batch + 1, (after, batches))
        else:
            later = Stream(after, self.epoch + 1)
        batch = batches[self.batch]
        return Success((later, copy(batch) if isinstance(batch, list) else batch))


def no_batches(tag: str, loader: DataLoader[B]) -> EmptyBatches:
    """
    Return the error of an epoch that has no batch.

    >>> from tapem_dsl.train import Dataset
    >>> loader = DataLoader(Dataset.of_list([1, 2]), 3, drop_last=True)
    >>> print(no_batches("demo", loader).message)
    demo: empty batch list: drop_last leaves out all 2 samples, for batch_size is 3
    """
    what = "batch list"
    if loader.drop_last:
        samples = f"all {loader.dataset.size()} samples"
        what += f": drop_last leaves out {samples}, for batch_size is"
        what += f" {loader.batch_size}"
    return EmptyBatches(tag, what)


def _differing(then: Position, now: Position) -> str:
    """Say where two loaders differ; the seed changes with the epoch, so it may."""
    fields = ("size", "batch_size", "shuffle", "drop_last")
    pairs = [(name, getattr(then, name), getattr(now, name)) for name in fields]
    return ", ".join(f"{name} was {a!r} and is {b!r}" for name, a, b in pairs if a != b)
