"""Where a failure arose: do-blocks, items, nodes, and steps of training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
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

    >>> str(Item(2, 40))
    'item 2 of 40'
    """

    position: int
    count: int | None = None

    def __str__(self) -> str:
        of = "" if self.count is None else f" of {self.count}"
        return f"item {self.position}{of}"


Where: TypeAlias = Line | Item


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
    """The do-blocks that were running and the items of folds, outermost last."""

    nodes: tuple[str, ...] = ()
    """The nodes that the error names: id, name, op, dtype and shape."""

    step: int | None = None
    """The step of a training loop, counted from 0."""

    epoch: int | None = None
    """The epoch of the data that the step was to read."""

    # Any: whatever the training loop passes from step to step.
    state: Any = None
    """The state before that step: the last good one."""

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return self != NOWHERE

    def __str__(self) -> str:
        return "\n".join(f"  {line}" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from (f"at {where}" for where in self.chain)
        yield from (f"node {node}" for node in self.nodes)
        if self.step is not None:
            epoch = "" if self.epoch is None else f" of epoch {self.epoch}"
            yield f"in step {self.step}{epoch}; place.state is the state before it"

    def within(self, where: Where) -> "Place":
        """
        Return the place with one more outer part.

        >>> Place().within(Item(0, 2)).chain
        (Item(position=0, count=2),)
        """
        return replace(self, chain=(*self.chain, where))


NOWHERE: Final = Place()
