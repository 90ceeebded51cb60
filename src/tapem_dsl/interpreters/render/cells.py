"""The cells of a table: one tuple of texts for each line that is shown of a tape."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.render.folding import Fold, Gap, Line
from tapem_dsl.interpreters.render.texts import (
    clipped,
    describe_op,
    describe_value,
)
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.node import Node, operands
from tapem_dsl.tape.tape import Tape

# Any, throughout: tapes and gradients of any scalar type.

GradientMap: TypeAlias = Mapping[Any, Any] | Sequence[Any]
"""
Gradients by id: the dict of ``backward``, or the sequence of ``backward_dense``.

A node without a gradient is not in the dict, and ``None`` in the sequence.
"""

COLUMNS: Final = (
    *("id", "op", "parents", "shape", "dtype", "flag", "name", "value", "gradient"),
)


class Cells(NamedTuple):
    """The texts of one line, by column, and the node if the line shows one."""

    texts: tuple[str, ...]
    node: Node[Any] | None


def cells_of_node(id: int, node: Node[Any], gradients: GradientMap | None) -> Cells:
    """
    Return the texts of a node.

    >>> import numpy as np
    >>> cells_of_node(0, Node(None, (), np.float64(3), True, "w"), {0: 1.0}).texts
    ('0', 'leaf', '', '()', 'float64', 'grad', 'w', '3', '1')
    """
    texts = (
        str(id),
        describe_op(node.op),
        clipped(" ".join(map(_parent, operands(node)))),
        clipped(node.value.shape),
        str(node.value.dtype),
        "grad" if node.requires_grad else "-",
        "" if node.name is None else clipped(node.name),
        describe_value(node.value),
        "" if gradients is None else _gradient(id, gradients),
    )
    return Cells(texts, node)


def cells_of(
    tape: Tape[Any], line: Line, gradients: GradientMap | None, depth: int = 0
) -> list[Cells]:
    """
    Return the texts of a line, and of what is folded in it.

    >>> from tapem_dsl import leaf
    >>> cells_of(leaf(1.0).exec().unwrap(), Gap(0, 1), None)[0].texts[:2]
    ('0', '1 more')
    """
    marks = "| " * depth
    if isinstance(line, Fold):
        head = _aside(f"{marks}{_ids(line.start, line.stop)}", told(line))
        body = (cells_of(tape, x, gradients, depth + 1) for x in line.body)
        return [head, *(cells for part in body for cells in part)]
    if isinstance(line, Gap):
        ids = _ids(line.start, line.stop)
        return [_aside(f"{marks}{ids}", f"{line.stop - line.start:,} more")]
    found = cells_of_node(line.id, tape[NodeId(line.id)], gradients)
    first, *others = found.texts
    return [Cells((f"{marks}{first}", *others), found.node)]


def told(fold: Fold) -> str:
    """
    Say how often which nodes repeat.

    >>> told(Fold(3, 2, 1000, ()))
    'x 1,000, 2 nodes each'
    """
    each = f", {fold.period:,} nodes each" if fold.period > 1 else ""
    return f"x {fold.times:,}{each}"


def check_tape(tape: object, function: str) -> None:
    """
    Refuse what is no tape, with the fix.

    >>> check_tape((0, 1), "to_text")
    Traceback (most recent call last):
    ...
    TypeError: to_text takes a Tape, not (0, 1); run the program first: out, tape =
    program.run().unwrap()
    """
    if type(tape) is not Tape:
        raise TypeError(
            f"{function} takes a Tape, not {short_repr(tape)}; "
            "run the program first: out, tape = program.run().unwrap()"
        )


def check_gradients_by_id(gradients: object, function: str) -> None:
    """
    Refuse what is no map of gradients, with the fix.

    >>> check_gradients_by_id(3, "to_text")
    Traceback (most recent call last):
    ...
    TypeError: to_text takes gradients by id, as backward returns them, not 3
    """
    if gradients is not None and not isinstance(gradients, Mapping | Sequence):
        raise TypeError(
            f"{function} takes gradients by id, as backward returns them, "
            f"not {short_repr(gradients)}"
        )


def _aside(ids: str, text: str) -> Cells:
    return Cells((ids, text, *[""] * (len(COLUMNS) - 2)), None)


def _ids(start: int, stop: int) -> str:
    return f"{start}" if stop == start + 1 else f"{start}-{stop - 1}"


def _parent(parent: object) -> str:
    return str(parent) if type(parent) is int else short_repr(parent)


def _gradient(id: int, gradients: GradientMap) -> str:
    if isinstance(gradients, Mapping):
        found = gradients.get(id)
    else:
        found = gradients[id] if id < len(gradients) else None
    return "" if found is None else describe_value(found)
