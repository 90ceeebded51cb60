"""Where a failure arose: do-blocks, items, nodes, and steps of training."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class Line:
    """
    A line of a do-block.

    >>> str(Line("loss_of", "digits.py", 12))
    'digits.py, line 12, in loss_of'
    """

    function: str
    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}, in {self.function}"


@final
@dataclass(frozen=True, slots=True)
class Item:
    """
    An item of a collection, counted from 0, as in ``fold_m`` and ``map_m``.

    >>> str(Item(2, 40, "digits"))
    'item 2 of 40 of digits'
    """

    position: int
    count: int | None = None
    tag: str | None = None
    """Of the call of the training layer."""

    def __str__(self) -> str:
        of = "" if self.count is None else f" of {self.count}"
        tag = "" if self.tag is None else f" of {self.tag}"
        return f"item {self.position}{of}{tag}"


@final
@dataclass(frozen=True, slots=True)
class Step:
    """
    A step of a training loop, counted from 0.

    >>> str(Step(3, epoch=1))
    'step 3, in epoch 1 of the data'
    """

    number: int
    epoch: int | None = None
    """The epoch of the data that the step was to read, if a stream is in the state."""

    def __str__(self) -> str:
        epoch = "" if self.epoch is None else f", in epoch {self.epoch} of the data"
        return f"step {self.number}{epoch}"


@final
@dataclass(frozen=True, slots=True)
class Skipped:
    """
    Parts of a chain that are not shown.

    >>> str(Skipped(900))
    '(900 more)'
    """

    count: int

    def __str__(self) -> str:
        return f"({self.count} more)"


Where: TypeAlias = Line | Item | Step | Skipped


@final
@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a failure arose, as far as it is known.

    Two errors that differ in their places only are equal.

    >>> place = Place((Line("loss_of", "digits.py", 12), Item(3, 9)), ("0: w, leaf",))
    >>> print(place)
      at digits.py, line 12, in loss_of
      at item 3 of 9
      node 0: w, leaf
    """

    chain: tuple[Where, ...] = ()
    """The do-blocks, the items of folds and the steps of loops, outermost last."""

    nodes: tuple[str, ...] = ()
    """The nodes that the error names: id, name, op, dtype and shape."""

    # Any: whatever the training loop passes from step to step.
    state: Any = field(default=None, compare=False, repr=False)
    """In a training loop, the last good state; it lives as long as the error does."""

    run: object = field(default=None, compare=False, repr=False)
    """The run of a program in which the failure was met last, by identity."""

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return bool(self.chain or self.nodes)

    def __str__(self) -> str:
        return "\n".join(f"  {line}" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from (f"at {where}" for where in self.chain)
        yield from (f"node {node}" for node in self.nodes)
        if self.state is not None:
            yield "place.state is the last good state"

    def within(self, where: Where) -> "Place":
        """
        Return the place with one more outer part.

        >>> Place().within(Item(0, 2)).chain
        (Item(position=0, count=2, tag=None),)
        """
        return replace(self, chain=(*self.chain, where))


NOWHERE: Final = Place()
