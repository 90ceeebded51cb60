"""Reverse mode as a program: a recorded sweep, whose gradients are nodes."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from returns.result import Result

from tapem_dsl.arrays import Tracer
from tapem_dsl.errors import InvalidNodeId, InvalidOutputId, TapeError, failed
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
"""From each node that was reached to the node of its cotangent."""


def backward_m(
    out: NodeId,
    *,
    seed: NodeId | None = None,
    wrt: Iterable[NodeId] | None = None,
) -> TapeM[GradientIds, Any]:
    """
    Sweep from one output down and record the sweep: gradients become nodes.

    The sweep appends ordinary ops to the tape, so that a gradient can be part of a
    further loss, and a sweep, :func:`backward_m` or duals differentiate it again. The
    rules and the values are those of :func:`backward`.

    Args:
        out: the node to differentiate.
        seed: the node of its cotangent, of its shape and scalar type; 1 if ``None``,
            for a scalar output.
        wrt: the nodes whose cotangents are wanted, all if ``None``. Only what leads to
            them is recorded.

    Returns:
        The id of the cotangent of each node that was reached; nodes may share one.

    Fails with:
        :class:`InvalidOutputId`, :class:`InvalidNodeId`, :class:`SeedShapeMismatch`,
        :class:`GradientDTypeMismatch`; :class:`RequirementNotMet` for a frozen node in
        ``wrt``; what rules fail with; :class:`OutsideDomain` where an op leaves a level
        of duals that the output carries.

    Gradient:
        through all that was recorded but the constants of rules, such as one-hot rows.
        All gradients carry the levels of duals of the output and the seed.

    Cost:
        Two to six nodes for each node that is visited, 2 us each, and their work; 0.1
        us for each node of the tape.

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
        return failed(InvalidOutputId(id=out, size=size))
    if seed is not None and not 0 <= index_of(seed) < size:
        return failed(InvalidNodeId("backward_m", id=seed, size=size))

    keep = None if wrt is None else frozenset(wrt)

    def run() -> tuple[GradientIds, Tape[Any]]:
        if wrt is not None:
            check_wanted(nodes, wrt, out)
        ids = _record_sweep(nodes, out, seed, keep)
        return ids, snapshot(nodes, len(nodes))

    swept = as_result(run)
    return swept if seed is not None else swept.alt(reduced_first)


def _record_sweep(
    nodes: list[Node[Any]],
    out: NodeId,
    seed: NodeId | None,
    keep: frozenset[NodeId] | None,
) -> GradientIds:
    """Append what a sweep computes to the nodes, and return the ids of gradients."""
    top = index_of(out)
    reached = _reached(nodes, top)
    met = reached if seed is None else [*reached, index_of(seed)]
    plain = not any(isinstance(nodes[id].value, Tracer) for id in met)
    recorder = Recorder(nodes, plain=plain)
    below = nodes[: top + 1]
    for id in reached:
        below[id] = recorder.node(NodeId(id))
    value = nodes[top].value
    g = recorder.literal(1, value, ()) if seed is None else recorder.at(seed)
    check_seed(nodes[top], out, g)
    slots: Slots = [None] * len(below)
    slots[top] = g = recorder.at(out).lift(g)
    ids, live = visits(below, keep, reached)
    sweep(below, slots, ids, live, keep, levels_of(g))
    return Reached(
        (NodeId(id), g.id)
        for id, g in enumerate(slots)
        if g is not None and (keep is None or id in keep)
    )


def _reached(nodes: list[Node[Any]], out: int) -> list[int]:
    """Return the ids of the nodes that a sweep from a node meets, ascending."""
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
