"""Where the first value or gradient that is not finite comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import Array, Tracer
from tapem_dsl.errors import Place, TapeError, failed
from tapem_dsl.errors.place import NOWHERE, Where
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.check import checked
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.reverse.seeds import Seed
from tapem_dsl.program.machine import execute
from tapem_dsl.program.place import chain_of
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.ancestors import with_ancestors
from tapem_dsl.tape.node import Node, summary, summary_of_value
from tapem_dsl.tape.tape import EMPTY, Tape

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
        place: the do-blocks in which the program recorded the node, if it is known.

    ``str()`` lists the node and the nearest of its ancestry.

    >>> from tapem_dsl import exp, leaf
    >>> found = first_nonfinite(leaf(1000.0, "x").bind(exp))
    >>> print(found.unwrap())
    the value of node 1, exp(0), is inf; it depends on
      0: leaf 'x' = 1000.0
    """

    id: NodeId
    of: Literal["value", "gradient"]
    index: tuple[int, ...]
    entry: str
    node: Node[Any]
    ancestry: dict[NodeId, Node[Any]] = field(repr=False)
    place: Place = NOWHERE

    def __str__(self) -> str:
        at = f" at {self.index}" if self.index else ""
        what = f"the {self.of} of node {self.id}, {summary(self.node)}, is {self.entry}"
        preposition = "; it depends on" if self.of == "value" else "; it came through"
        preposition = preposition if self.ancestry else ""
        lines = [
            f"  {id}: {summary(node)} = {summary_of_value(node.value)}"
            for id, node in list(self.ancestry.items())[:_SHOWN]
        ]
        hidden = len(self.ancestry) - len(lines)
        lines += [f"  and {hidden} more"] if hidden else []
        lines += [str(self.place)] if self.place else []
        return "\n".join([f"{what}{at}{preposition}", *lines])


def first_nonfinite(
    source: Tape[Any] | TapeM[Any, Any],
    gradients: Mapping[NodeId, Array] | None = None,
    *,
    out: NodeId | None = None,
    seed: Seed | None = None,
) -> Result[NonFinite | None, TapeError]:
    """
    Find the first value, or else the first gradient, that is infinite or NaN.

    Values are looked through in the order of the run, and gradients in that of the
    sweep, from the output down. A dual number is finite if its parts are.

    Args:
        source: a program, which is run from the empty tape and then known by its lines;
            or a tape.
        gradients: what ``backward_scalar`` or ``backward`` returned for the tape,
            without ``wrt``, which leaves out the nodes between.
        out: the node to sweep from, if gradients are to be computed; of a program that
            returns an id and is given a seed, by default this id.
        seed: the cotangent of the output, by default 1.

    Returns:
        ``None`` if everything is finite. What was found has the ``place`` in the
        program where the node was recorded. A program that fails after that is no
        failure here.

    Fails with:
        What the program fails with, if all that it recorded is finite; what
        :func:`backward` fails with; :class:`UnsoundTape` for a tape that no run made.

    Raises:
        TypeError: ``source`` is no program and no tape; a program is given gradients,
            or a seed and it returns no id.

    Cost:
        The place of every node is noted, which takes about 10 us for each do-block that
        is open: use it to look for a fault, not to train.

    Lean: none. PyTorch: ``torch.autograd.detect_anomaly``. JAX: ``jax_debug_nans``.

    >>> from tapem_dsl import inv, leaf
    >>> out, tape = leaf(1e-200, "x").bind(inv).run().unwrap()
    >>> first_nonfinite(tape)
    <Success: None>
    >>> print(first_nonfinite(tape, out=out).unwrap())
    the gradient of node 0, leaf 'x', is -inf; it came through
      1: inv(0) = 1e+200
    """
    if isinstance(source, TapeM):
        if gradients is not None:
            raise TypeError(
                "first_nonfinite takes gradients of a tape, and was given a program; "
                "pass seed=1.0, and it computes them"
            )
        return _of_program(source, out, seed)
    check_argument("first_nonfinite", "source", source, Tape, "; or pass a program")
    if gradients is not None:
        check_argument("first_nonfinite", "gradients", gradients, Mapping)
    return checked(source).bind(lambda tape: _of_tape(tape, gradients, out, seed))


def _of_tape(
    tape: Tape[Any],
    gradients: Mapping[NodeId, Array] | None,
    out: NodeId | None,
    seed: Seed | None,
) -> Result[NonFinite | None, TapeError]:
    nodes = tape.nodes()
    found = _first_value(nodes)
    if found is None and gradients is not None:
        found = _first_gradient(nodes, gradients)
    if found is not None or out is None:
        return Success(found)
    swept = backward(tape, out, 1 if seed is None else seed)
    return swept.map(lambda reached: _first_gradient(nodes, reached))


def _of_program(
    program: TapeM[Any, Any], out: NodeId | None, seed: Seed | None
) -> Result[NonFinite | None, TapeError]:
    chains = _Chains()
    ran = execute(program, EMPTY, chains.note)
    if isinstance(ran, Failure):
        early = chains.located(_first_value(chains.nodes))
        return failed(ran.failure()) if early is None else Success(early)
    value, tape = ran.unwrap()
    if out is None and seed is not None:
        out = NodeId(index_of(value, "first_nonfinite, the program's value"))
    return _of_tape(tape, None, out, seed).map(chains.located)


class _Chains:
    """Notes where each node was recorded."""

    def __init__(self) -> None:
        self.nodes: list[Node[Any]] = []
        self._chains: list[tuple[Where, ...]] = []

    def note(self, nodes: list[Node[Any]], known: int, stack: list[Any]) -> None:
        """Note the place of the nodes after those that are known."""
        chain = chain_of(stack)
        self._chains[known:] = [chain] * (len(nodes) - known)
        self.nodes = nodes

    def located(self, found: NonFinite | None) -> NonFinite | None:
        """Return what was found with its place."""
        if found is None:
            return None
        return replace(found, place=Place(self._chains[index_of(found.id)]))


def _first_value(nodes: list[Node[Any]]) -> NonFinite | None:
    for index, node in enumerate(nodes):
        if (found := _first_entry(node.value)) is not None:
            *ancestry, _ = with_ancestors(nodes, [index])
            named = _named(nodes, reversed(ancestry))
            return NonFinite(NodeId(index), "value", *found, node, named)
    return None


def _first_gradient(
    nodes: list[Node[Any]], gradients: Mapping[NodeId, Array]
) -> NonFinite | None:
    for id in sorted(gradients, reverse=True):
        if (found := _first_entry(gradients[id])) is not None:
            index = index_of(id)
            through = _consumers(nodes, index, set(map(index_of, gradients)))
            named = _named(nodes, through)
            return NonFinite(id, "gradient", *found, nodes[index], named)
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
