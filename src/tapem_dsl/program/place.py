"""Where a run stands: the do-blocks on the machine's stack, and the items of folds."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import length_hint
from pathlib import Path
from types import CodeType, GeneratorType, TracebackType
from typing import Any, Final

from tapem_dsl.errors import Item, Line, Place, Skipped, Step, TapeError
from tapem_dsl.errors.place import Where
from tapem_dsl.messages import printable, written
from tapem_dsl.tape.node import Node


# Any, below: frames of the machine, nodes of any scalar type.
def placed(
    error: TapeError,
    stack: Sequence[Any],
    nodes: Sequence[Node[Any]],
    run: object = None,
) -> TapeError:
    """
    Return an error with its place; to a place from another run, the chain is added.

    Args:
        error: an error from elsewhere: one that has a place in this run keeps it.
        stack: the frames of the machine.
        nodes: the nodes of the run.
        run: stands for the run.

    >>> import numpy as np
    >>> from tapem_dsl.errors import OpError
    >>> w = Node(None, (), np.float64(1), True, "w")
    >>> placed(OpError("add", ids=(0,)), [], [w]).place.nodes
    ('0: w, leaf, float64[]',)
    """
    chain = chain_of(stack)
    if error.place:
        if not chain:
            return error
        whole = _cut((*error.place.chain, *chain))
        state = error.place.state if (last := _state_of(stack)) is None else last
        return error.at(replace(error.place, chain=whole, state=state, run=run))
    facts = error.facts()
    ids: Any = facts.get("ids", (facts.get("id"),))
    shown = [id for id in ids if isinstance(id, int) and 0 <= id < len(nodes)]
    names = tuple(described(id, nodes[id]) for id in shown[:_NODES])
    return error.at(Place(chain, names, _state_of(stack), run))


def described(id: int, node: Node[Any]) -> str:
    """
    Describe a node in one line.

    >>> import numpy as np
    >>> described(3, Node(None, (), np.float64(1), True, None))
    '3: leaf, float64[]'
    """
    op = "leaf" if node.op is None else written(node.op)
    name = [] if node.name is None else [node.name]
    dtype = getattr(node.value, "dtype", type(node.value).__name__)
    shape = list(getattr(node.value, "shape", ()))
    return printable(f"{id}: {', '.join([*name, op])}, {dtype}{shape}")


def chain_of(stack: Sequence[Any]) -> tuple[Where, ...]:
    """Return where the frames stand, outermost last; of many both ends."""
    skipped = len(stack) - _INNER - _OUTER
    if skipped <= 0:
        return _chain(stack)
    inner, outer = _chain(stack[-_INNER:]), _chain(stack[:_OUTER])
    return (*inner, Skipped(skipped), *outer)


def _cut(chain: tuple[Where, ...]) -> tuple[Where, ...]:
    """Leave out the middle of a chain that went through many runs."""
    hidden = chain[_INNER:-_OUTER]
    if len(hidden) <= 1:
        return chain
    count = sum(x.count if isinstance(x, Skipped) else 1 for x in hidden)
    return (*chain[:_INNER], Skipped(count), *chain[-_OUTER:])


_INNER: Final = 48
_OUTER: Final = 16
"""How many frames are shown of a long chain."""

_NODES: Final = 8
"""How many nodes of an error are described."""


def _chain(stack: Sequence[Any]) -> tuple[Where, ...]:
    chain: list[Where] = []
    above: Any = None
    for frame in reversed(stack):
        if type(frame) is not GeneratorType:
            if _is_fold(frame):
                chain.append(_item(frame.items, frame.count))
        elif frame.gi_frame is not None and _is_ours(frame.gi_code, *_MEANS):
            _add_sample(chain, frame, above)
        else:
            chain += reversed([*_parts(frame)])
        above = frame
    return tuple(chain)


def _is_fold(frame: Any) -> bool:
    return hasattr(frame, "count")


def _add_sample(chain: list[Where], mean: Any, above: Any) -> None:
    """Add the sample that a mean is at: the first one is apart from its fold."""
    known = mean.gi_frame.f_locals
    count, tag = len(known["xs"]), known.get("tag")
    last = chain[-1] if chain else None
    step = getattr(above, "step", None)
    if isinstance(last, Item) and _module(step) == mean.gi_frame.f_globals["__name__"]:
        chain[-1] = Item(last.position + 1, count + 1, tag)
    elif isinstance(last, Item) and _is_ours(getattr(above, "gi_code", None), *_MEANS):
        chain[-1] = Item(last.position, last.count, tag)  # a mean made in float32
    elif count or "x0" in known:
        chain.append(Item(0, count + 1, tag))


def _module(function: object) -> str:
    return getattr(function, "__module__", "")


_MEANS: Final = ("_mean_scalar_over", "_mean_in_float32")


def _is_ours(code: CodeType | None, *names: str) -> bool:
    """Whether code is of a function of the library, of one of some names if given."""
    if code is None or not code.co_filename.startswith(_PACKAGE):
        return False
    return not names or code.co_name in names


def _parts(block: "GeneratorType[Any, Any, Any]") -> Iterator[Where]:
    """List where a do-block and the generators that it delegates to stand."""
    generator: Any = block
    while type(generator) is GeneratorType:
        frame, code = generator.gi_frame, generator.gi_code
        if frame is None:  # it raised
            return
        if not _is_ours(code):
            yield Line(code.co_qualname, code.co_filename, frame.f_lineno)
        elif (where := _of_loop(frame)) is not None:
            yield where
        generator = generator.gi_yieldfrom


def _of_loop(frame: Any) -> Where | None:
    """Return the item or step that a loop of the library is at."""
    name, known = frame.f_code.co_name, frame.f_locals
    if name in ("_map_m", "_for_m") and "remaining" in known:
        return _item(known["remaining"], len(known["items"]))
    if name == _STEPS and "number" in known:
        return Step(known["number"], known["epoch_of"](known["state"]))
    if name in _MEANS and "x0" in known:
        return Item(0, len(known["xs"]) + 1, known.get("tag"))
    return None


def _state_of(stack: Sequence[Any]) -> Any:
    """Return the state of the outermost loop of training, ``None`` if there is none."""
    for frame in stack:
        if type(frame) is GeneratorType and _is_ours(frame.gi_code, _STEPS):
            return frame.gi_frame.f_locals.get("state") if frame.gi_frame else None
    return None


def loops_of(traceback: TracebackType | None) -> tuple[Where, ...]:
    """
    Return the items and steps at which the loops of the innermost block stood.

    The block raised, so it is a generator without a frame, and is no more on the stack.

    Args:
        traceback: from the run of the program on; runs within it are left out.
    """
    found: list[Where] = []
    runs = 0
    while traceback is not None:
        frame = traceback.tb_frame
        if _is_ours(frame.f_code):
            runs += frame.f_code.co_name == "execute"
            where = _of_loop(frame)
            if runs == 1 and where is not None:
                found.append(where)
        traceback = traceback.tb_next
    return tuple(reversed(found))


def _item(remaining: Iterator[Any], count: int) -> Item:
    """Return the item that a loop is at, by how many remain."""
    return Item(count - length_hint(remaining) - 1, count)


_STEPS: Final = "_run_steps_m"

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
"""Blocks of the library show their items, not their lines."""
