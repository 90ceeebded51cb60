"""Gradients by name: of the nodes of a tape, or of the leaves of a pytree."""

from collections.abc import Mapping
from typing import Any

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.render.cells import (
    GradientMap,
    check_gradients_by_id,
    check_tape,
)
from tapem_dsl.interpreters.render.texts import clipped, describe_value
from tapem_dsl.messages import cell_width, padded, printable
from tapem_dsl.tape.node import summary
from tapem_dsl.tape.tape import Tape

# Any, throughout: gradients of any scalar type.


def gradients_to_text(
    gradients: GradientMap | Any, tape: Tape[Any] | None = None, *, most: int = 40
) -> str:
    """
    Return gradients line by line: what each is of, its shape and its value.

    Args:
        gradients: gradients by id, as ``backward`` returns them; without a tape, any
            pytree of gradients, such as :func:`grad` returns.
        tape: the tape of the ids. A leaf is shown by its name, another node as the op
            over its operands.
        most: how many gradients are shown at most.

    Raises:
        TypeError: the tape is no tape, or with a tape the gradients are not by id.

    Lean: none. PyTorch: a loop over ``module.named_parameters()``.

    >>> import numpy as np
    >>> from tapem_dsl import backward_scalar, mul, param
    >>> w = param(3.0, "w")
    >>> out, tape = w.bind(lambda w: mul(w, w)).run().unwrap()
    >>> print(gradients_to_text(backward_scalar(tape, out).unwrap(), tape))
    w          ()  6
    mul(0, 0)  ()  1
    >>> print(gradients_to_text({"w": np.arange(3.0), "bias": np.float64(2)}))
    w     (3,)  [0 1 2]
    bias  ()    2
    """
    check_argument("gradients_to_text", "most", most, "count")
    pairs = _of_leaves(gradients) if tape is None else _of_nodes(gradients, tape)
    hidden = max(len(pairs) - max(most, 1), 0)
    shown = pairs[: len(pairs) - hidden]
    cells = [
        (clipped(name, 40), str(getattr(value, "shape", ())), describe_value(value))
        for name, value in shown
    ]
    wide = [max((cell_width(row[at]) for row in cells), default=0) for at in range(2)]
    lines = [
        f"{padded(name, wide[0])}  {padded(shape, wide[1])}  {value}"
        for name, shape, value in cells
    ]
    if hidden:
        lines.append(f"... {hidden:,} more")
    return "\n".join(lines) or "no gradients"


def _of_leaves(pytree: object) -> list[tuple[str, Any]]:
    leaves, structure = tree.flatten(pytree)
    return list(zip(structure.paths(), leaves, strict=True))


def _of_nodes(gradients: Any, tape: Tape[Any]) -> list[tuple[str, Any]]:
    check_tape(tape, "gradients_to_text")
    check_gradients_by_id(gradients, "gradients_to_text")
    by_id: dict[Any, Any] = dict(
        gradients if isinstance(gradients, Mapping) else enumerate(gradients)
    )
    return [(_name(tape, id), g) for id, g in by_id.items() if g is not None]


def _name(tape: Tape[Any], id: NodeId) -> str:
    node = tape.get_node(id)
    if node is None:
        return f"node {id}, not on the tape"
    if node.op is not None:
        return printable(summary(node))
    return f"leaf {id}" if node.name is None else clipped(node.name)
