"""Where a run stands: the do-blocks on the machine's stack, and the items of folds."""

from collections.abc import Iterator, Sequence
from operator import length_hint
from pathlib import Path
from types import GeneratorType
from typing import Any, Final

from tapem_dsl.errors import Item, Line, Place, TapeError
from tapem_dsl.errors.place import Where
from tapem_dsl.tape.node import Node


# Any, below: frames of the machine, nodes of any scalar type.
def placed(
    error: TapeError, stack: Sequence[Any], nodes: Sequence[Node[Any]]
) -> TapeError:
    """
    Return an error with its place; one that has a place keeps it.

    >>> import numpy as np
    >>> from tapem_dsl.errors import OpError
    >>> w = Node(None, (), np.float64(1), True, "w")
    >>> placed(OpError("add", ids=(0,)), [], [w]).place.nodes
    ('0: w, leaf, float64[]',)
    """
    if error.place:
        return error
    facts = error.facts()
    ids: Any = facts.get("ids", (facts.get("id"),))
    shown = [id for id in ids if isinstance(id, int) and 0 <= id < len(nodes)]
    names = tuple(described(id, nodes[id]) for id in shown[:_NODES])
    return error.at(Place(chain_of(stack), names))


def described(id: int, node: Node[Any]) -> str:
    """
    Describe a node in one line.

    >>> import numpy as np
    >>> described(3, Node(None, (), np.float64(1), True, None))
    '3: leaf, float64[]'
    """
    op = "leaf" if node.op is None else repr(node.op)
    name = [] if node.name is None else [node.name]
    dtype = getattr(node.value, "dtype", type(node.value).__name__)
    shape = list(getattr(node.value, "shape", ()))
    return f"{id}: {', '.join([*name, op])}, {dtype}{shape}"


def chain_of(stack: Sequence[Any]) -> tuple[Where, ...]:
    """Return where the frames of a stack stand, outermost last; at most 64 of them."""
    chain: list[Where] = []
    for frame in reversed(stack):
        if type(frame) is GeneratorType:
            chain += reversed([*_lines(frame)])
        elif hasattr(frame, "count"):  # a fold
            chain.append(_item(frame.items, frame.count))
        if len(chain) >= _PARTS:
            break
    return tuple(chain)


def _item(remaining: Iterator[Any], count: int) -> Item:
    """Return the item that a loop is at, by how many remain."""
    return Item(count - length_hint(remaining) - 1, count)


_NODES: Final = 8
"""How many nodes of an error are described."""

_PARTS: Final = 64
"""How many parts of a chain are shown."""


def _lines(block: "GeneratorType[Any, Any, Any]") -> Iterator[Where]:
    """List the lines of a do-block and of the generators that it delegates to."""
    generator: Any = block
    while type(generator) is GeneratorType:
        frame, code = generator.gi_frame, generator.gi_code
        if frame is None:  # it raised
            return
        if code.co_filename == _COMBINATORS and "remaining" in frame.f_locals:
            yield _item(frame.f_locals["remaining"], len(frame.f_locals["items"]))
        elif code.co_filename != _BIND:
            yield Line(code.co_qualname, code.co_filename, frame.f_lineno)
        generator = generator.gi_yieldfrom


_BIND: Final = str(Path(__file__).with_name("tapem.py"))
"""Each `yield from m` goes through ``TapeM.__iter__``."""

_COMBINATORS: Final = str(Path(__file__).with_name("combinators.py"))
