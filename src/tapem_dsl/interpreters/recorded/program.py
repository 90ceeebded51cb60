"""Reverse mode as a program: a sweep that records itself; gradients are nodes."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from returns.result import Failure, Result

from tapem_dsl.arrays import Array, Tracer
from tapem_dsl.errors import InvalidNodeId, InvalidOutputId, TapeError
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.recorded.recorder import Recorder
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse.accumulate import Slots
from tapem_dsl.interpreters.reverse.seeds import check_seed
from tapem_dsl.interpreters.reverse.sparse import Reached, reduced_first
from tapem_dsl.interpreters.reverse.sweep import sweep
from tapem_dsl.interpreters.reverse.wanted import (
    check_wanted,
    ids_of,
    visits,
)
from tapem_dsl.interpreters.tracer import levels_of
from tapem_dsl.program.instruction import Extend
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape, snapshot

GradientIds: TypeAlias = dict[NodeId, NodeId]
"""Of each node that was reached, the node that is its cotangent."""


def backward_m(
    out: NodeId,
    *,
    seed: NodeId | None = None,
    wrt: Iterable[NodeId] | None = None,
) -> TapeM[GradientIds, Any]:
    """
    Sweep from one output down and record the sweep: gradients become nodes.

    What the sweep computes is appended to the tape as ordinary ops, so that a gradient
    can be used in a further loss (a penalty, a step of an inner optimisation) and be
    differentiated again, to any order: by a sweep, by this or by duals. The values are
    those of :func:`backward`, as the rules are.

    Args:
        out: the node to differentiate.
        seed: the node of its cotangent, of its shape and scalar type; 1 if none is
            given, for a scalar output.
        wrt: the nodes whose cotangents are wanted, all if ``None``. Only what leads to
            them is recorded.

    Gives:
        the id of the cotangent for each node that was reached. Two nodes may share one;
        what the output does not depend on has none.

    Fails with:
        :class:`InvalidOutputId`, :class:`InvalidNodeId`, :class:`SeedShapeMismatch`,
        :class:`GradientDTypeMismatch`; :class:`RequirementNotMet` for a frozen node in
        ``wrt``; what rules fail with; :class:`OutsideDomain`
        where the sweep would go back out of a level of duals that the output carries.

    Gradient:
        through all that was recorded. Constants of the rules, the shift of a softmax
        and one-hot rows, pass nothing on. Gradients carry the levels of duals that the
        output or the seed carries, also gradients of nodes that do not.

    Cost:
        Two to six nodes for each node that is visited, 2 us each, and their work; 0.1
        us for each node of the tape besides.

    Source:
        Lean: none, TorchLean's tape is first-order. PyTorch: ``torch.autograd.grad(...,
        create_graph=True)``. JAX: ``jax.grad``, which nests.

    >>> from tapem_dsl import leaf, do, mul, value_of
    >>> @do
    ... def second_derivative_of_cube(at):
    ...     x = yield from leaf(at)
    ...     square = yield from mul(x, x)
    ...     cube = yield from mul(square, x)
    ...     first = yield from backward_m(cube, wrt=[x])
    ...     second = yield from backward_m(first[x], wrt=[x])
    ...     return (yield from value_of(second[x]))
    >>> second_derivative_of_cube(5.0).eval()
    <Success: 30.0>
    """
    index_of(out, "backward_m, out")
    if seed is not None:
        index_of(seed, "backward_m, seed")
    wanted = None if wrt is None else ids_of(wrt)
    return program(Extend(_backward_m, (out, seed, wanted)))


# Any: a program's scalar is known where it is run.
def _backward_m(
    tape: Tape[Any],
    out: NodeId,
    seed: NodeId | None,
    wrt: tuple[NodeId, ...] | None,
) -> Result[tuple[GradientIds, Tape[Any]], TapeError]:
    nodes = tape.nodes()
    size = len(nodes)
    top = index_of(out)
    if not 0 <= top < size:
        return Failure(InvalidOutputId(id=out, size=size))
    if seed is not None and not 0 <= index_of(seed) < size:
        return Failure(InvalidNodeId("backward_m", id=seed, size=size))

    def run() -> tuple[GradientIds, Tape[Any]]:
        if wrt is not None:
            check_wanted(nodes, wrt, out)
        reached = _reached(nodes, top)
        value: Array = nodes[top].value
        around: Array = value if seed is None else nodes[seed].value
        values: list[Array] = [around, *(nodes[id].value for id in reached)]
        plain = not any(isinstance(x, Tracer) for x in values)
        recorder = Recorder(nodes, plain=plain)
        below = nodes[: top + 1]
        for id in reached:
            below[id] = recorder.node(NodeId(id))
        g = recorder.literal(1, value, ()) if seed is None else recorder.at(seed)
        check_seed(nodes[top], out, g)
        of: Array = below[top].value
        g = of.lift(g)
        keep = None if wrt is None else frozenset(wrt)
        ids, live = visits(below, keep, reached)
        slots: Slots = [None] * len(below)
        slots[top] = g
        sweep(below, slots, ids, live, keep, levels_of(g))
        gradients = Reached(
            (NodeId(id), g.id)
            for id, g in enumerate(slots)
            if g is not None and (keep is None or id in keep)
        )
        return gradients, snapshot(nodes, len(nodes))

    swept = as_result(run)
    return swept if seed is not None else swept.alt(reduced_first)


def _reached(nodes: list[Node[Any]], out: int) -> list[int]:
    """List what a sweep from a node meets, in increasing order."""
    met: set[int] = {out}
    pending: list[int] = [out]
    while pending:
        node = nodes[pending.pop()]
        if node.op is None or not node.requires_grad:
            continue
        for parent in map(index_of, node.parents):
            if 0 <= parent <= out and parent not in met:
                met.add(parent)
                pending.append(parent)
    return sorted(met)
