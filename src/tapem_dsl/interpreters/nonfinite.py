"""Where the first value or gradient that is not finite comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, final

import numpy as np

from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import Array, Tracer
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.tape.ancestors import with_ancestors
from tapem_dsl.tape.node import Node, summary, summary_of_value
from tapem_dsl.tape.tape import Tape

_SHOWN: Final = 10

# Any, throughout: nodes of any scalar type.


@final
@dataclass(frozen=True, slots=True)
class NonFinite:
    """
    The first value or gradient of a tape that is not finite, and what leads to it.

    Args:
        id: its node.
        of: whether it is the node's value or its gradient.
        index: the first entry that is not finite.
        entry: that entry: ``nan``, ``inf`` or ``-inf``.
        node: the node.
        ancestry: of a value, all nodes that it depends on; of a gradient, all nodes
            that it came through. The nearest in the tape are first.

    ``str()`` lists the node and the nearest of its ancestry.

    >>> from tapem_dsl import exp, leaf
    >>> found = first_nonfinite(leaf(1000.0, "x").bind(exp).exec().unwrap())
    >>> print(found)
    the value of node 1, exp(0), is inf; it depends on
      0: leaf 'x' = 1000.0
    """

    id: NodeId
    of: Literal["value", "gradient"]
    index: tuple[int, ...]
    entry: str
    node: Node[Any]
    ancestry: dict[NodeId, Node[Any]] = field(repr=False)

    def __str__(self) -> str:
        at = f" at {self.index}" if self.index else ""
        what = f"the {self.of} of node {self.id}, {summary(self.node)}, is {self.entry}"
        preposition = "it depends on" if self.of == "value" else "it came through"
        lines = [
            f"  {id}: {summary(node)} = {summary_of_value(node.value)}"
            for id, node in list(self.ancestry.items())[:_SHOWN]
        ]
        hidden = len(self.ancestry) - len(lines)
        lines += [f"  and {hidden} more"] if hidden else []
        return "\n".join([f"{what}{at}{f'; {preposition}' if lines else ''}", *lines])


def first_nonfinite(
    tape: Tape[Any], gradients: Mapping[NodeId, Array] | None = None
) -> NonFinite | None:
    """
    Find the first value, or else the first gradient, that is infinite or NaN.

    Values are looked through in the order of the run, and gradients in that of the
    sweep, from the output down. A dual number is finite if its parts are.

    Args:
        tape: the tape.
        gradients: what ``backward_scalar`` or ``backward`` returned for it, without
            ``wrt``, which leaves out the nodes between.

    Returns:
        ``None`` if everything is finite.

    Lean: none. PyTorch: ``torch.autograd.detect_anomaly``, while it runs. JAX:
    ``jax_debug_nans``.

    >>> from tapem_dsl import backward_scalar, inv, leaf
    >>> out, tape = leaf(1e-200, "x").bind(inv).run().unwrap()
    >>> print(first_nonfinite(tape))
    None
    >>> print(first_nonfinite(tape, backward_scalar(tape, out).unwrap()))
    the gradient of node 0, leaf 'x', is -inf; it came through
      1: inv(0) = 1e+200
    """
    check_argument("first_nonfinite", "tape", tape, Tape)
    nodes = tape.nodes()
    for id, node in zip(tape.ids(), nodes, strict=True):
        if (found := _first_entry(node.value)) is not None:
            *ancestry, _ = with_ancestors(nodes, [index_of(id)])
            return NonFinite(id, "value", *found, node, _named(nodes, ancestry[::-1]))
    if gradients is None:
        return None
    check_argument("first_nonfinite", "gradients", gradients, Mapping)
    for id in sorted(gradients, reverse=True):
        if (found := _first_entry(gradients[id])) is not None:
            through = _consumers(nodes, index_of(id), set(map(index_of, gradients)))
            node = tape[id]
            return NonFinite(id, "gradient", *found, node, _named(nodes, through))
    return None


def _first_entry(value: Any) -> tuple[tuple[int, ...], str] | None:
    """Return the index and text of the first entry that is not finite."""
    if isinstance(value, Tracer):
        found = (_first_entry(part) for part in value.parts())
        return next((entry for entry in found if entry is not None), None)
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.kind != "f":
        return None
    finite = np.isfinite(value)
    if finite.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~finite)[0])
    return index, str(np.asarray(value)[index])


def _named(nodes: list[Node[Any]], ids: Iterable[int]) -> dict[NodeId, Node[Any]]:
    return {NodeId(id): nodes[id] for id in ids}


def _consumers(nodes: list[Node[Any]], index: int, among: set[int]) -> list[int]:
    """List the nodes with a gradient that depend on one, the nearest first."""
    reached = {index}
    for id in range(index + 1, len(nodes)):
        if id in among and not reached.isdisjoint(map(index_of, nodes[id].parents)):
            reached.add(id)
    return sorted(reached - {index})
