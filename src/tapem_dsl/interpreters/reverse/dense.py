"""Reverse mode with one slot for each node, as TorchLean's engine has it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl.arrays import Array
from tapem_dsl.errors import (
    AccumulationShapeMismatch,
    GradientArrayLengthMismatch,
    GradientArrayOutOfBounds,
    GradientArrayShapeMismatch,
    NodeMissing,
    Refused,
    TapeError,
    UpstreamShapeMismatch,
    failed,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse.accumulate import Slots
from tapem_dsl.interpreters.reverse.run import nodes_of, run_sweep
from tapem_dsl.interpreters.reverse.seeds import Seed, check_dtype, in_scalar_of
from tapem_dsl.interpreters.reverse.sweep import sweep
from tapem_dsl.interpreters.reverse.wanted import visits
from tapem_dsl.interpreters.tracer import Layer, levels_of, raised
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.node import A, Node
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import zeros_like


def backward_dense(
    tape: Tape[A], out: NodeId, seed: Seed, *, wrt: Iterable[NodeId] | None = None
) -> Result[tuple[NDArray[A] | None, ...], TapeError]:
    """
    Sweep from one output down, and give every node's cotangent, or ``None``.

    All ids below the output are visited in descending order; contributions arrive from
    higher ids first and, within one node, in the order of its parents. Nodes that
    nothing reaches run no rule, so that a singular node off the path poisons nothing; a
    node that is reached runs its rule even if its cotangent is zero. The seed is stored
    whatever the output's flag.

    Args:
        tape: where the output is.
        out: the node to differentiate.
        seed: its cotangent, of its shape and scalar type.
        wrt: the nodes whose cotangents are wanted, all if ``None``. Only nodes that
            depend on them run, and other cotangents are freed as the sweep goes. One
            that the output does not depend on has no entry.

    Fails with:
        :class:`InvalidOutputId`, :class:`SeedShapeMismatch`,
        :class:`GradientDTypeMismatch`; :class:`InvalidNodeId` in ``wrt``, and
        :class:`RequirementNotMet` for a frozen node in it; for nodes and
        rules of your own :class:`MissingRule`, :class:`InvalidParentId`,
        :class:`ContributionShapeMismatch`.

    Cost:
        About a microsecond a visited node, and what its rule costs.

    Source:
        Lean: ``Tape.backwardDense``. PyTorch: ``torch.autograd.grad``, which also gives
        interior nodes only on demand.

    >>> from tapem_dsl import leaf, mul
    >>> out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    >>> backward_dense(tape, out, 1.0)
    <Success: (np.float64(6.0), np.float64(1.0))>
    """
    slots = run_sweep(tape, out, seed, wrt)
    return slots.map(lambda g: tuple(g + [None] * (len(tape) - len(g))))


def backward_dense_all(
    tape: Tape[A], out: NodeId, seed: Seed
) -> Result[tuple[NDArray[A], ...], TapeError]:
    """
    Sweep as :func:`backward_dense` does, and give zeros where it gives ``None``.

    Source:
        Lean: ``Tape.backwardDenseAll``, the later generation; an earlier one ran every
        rule, also off the path, and could make NaN of nothing.

    >>> from tapem_dsl import const, mul
    >>> out, tape = const(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    >>> backward_dense_all(tape, out, 1.0)
    <Success: (np.float64(0.0), np.float64(1.0))>
    """
    return backward_dense(tape, out, seed).map(
        lambda slots: tuple(
            zeros_like(node.value) if g is None else g
            for node, g in zip(tape, slots, strict=True)
        )
    )


def backward_dense_from(
    tape: Tape[A], grads: Sequence[Seed]
) -> Result[tuple[NDArray[A], ...], TapeError]:
    """
    Sweep the whole tape from a cotangent for every node, given in advance.

    Every flagged node runs its rule, also with a zero cotangent. The levels of duals
    that any cotangent but 0, or its node, carries are in all gradients.

    Fails with:
        :class:`GradientArrayLengthMismatch`, :class:`GradientArrayShapeMismatch`,
        :class:`GradientDTypeMismatch`, and what rules fail with.

    Source:
        Lean: ``Tape.backwardDenseFrom``.

    >>> from tapem_dsl import leaf, mul
    >>> out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    >>> backward_dense_from(tape, [0.5, 1.0])
    <Success: (np.float64(6.5), np.float64(1.0))>
    """
    nodes = nodes_of(tape)
    _check_slots(grads)
    if len(grads) != len(nodes):
        error = GradientArrayLengthMismatch(expected=len(nodes), found=len(grads))
        return failed(error)

    def run() -> tuple[NDArray[A], ...]:
        slots = [in_scalar_of(node, g) for node, g in zip(nodes, grads, strict=True)]
        ambient = _raise_seeds(nodes, slots)
        ids, live = visits(nodes, None)
        for id in ids:
            _from_step(nodes, slots, id, live, ambient)
        return tuple(slots)

    return as_result(run, nodes)


def backward_dense_step(
    tape: Tape[A], grads: Sequence[Seed | None], id: NodeId
) -> Result[tuple[NDArray[A] | None, ...], TapeError]:
    """
    Visit one node of a sweep: pass its cotangent on to its parents.

    :func:`backward_dense` is the fold of this from the seeded slots over descending
    ids.

    Fails with:
        :class:`GradientArrayOutOfBounds`, :class:`NodeMissing`,
        :class:`UpstreamShapeMismatch`, :class:`AccumulationShapeMismatch`,
        :class:`GradientDTypeMismatch`, and what rules fail with.

    Source:
        Lean: ``Tape.backwardDenseStep``.

    >>> from tapem_dsl import leaf, mul
    >>> out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    >>> backward_dense_step(tape, [None, 1.0], out)
    <Success: (np.float64(6.0), np.float64(1.0))>
    """
    nodes = nodes_of(tape)
    _check_slots(grads)
    at = index_of(id, "id")
    if not 0 <= at < len(grads):
        return failed(GradientArrayOutOfBounds(id=id, length=len(grads)))
    if at >= len(nodes) and grads[at] is not None:
        return failed(NodeMissing(id=id, size=len(nodes)))

    def run() -> tuple[NDArray[A] | None, ...]:
        slots: Slots = [
            g if g is None or slot >= len(nodes) else in_scalar_of(nodes[slot], g)
            for slot, g in enumerate(grads)
        ]
        if at < len(nodes):
            _step(nodes, slots, at, _ambient(nodes, slots))
        return tuple(slots)

    return as_result(run, nodes)


# -- from checked arguments to slots ---------------------------------------------------


def _check_slots(grads: object) -> None:
    if not isinstance(grads, Sequence | np.ndarray):
        raise TypeError(
            "grads takes a list with a cotangent for each node, "
            f"not {short_repr(grads)}"
        )


# -- one step --------------------------------------------------------------------------


def _raise_seeds(nodes: list[Node[Any]], slots: list[Array]) -> frozenset[int]:
    """Raise all seeds to the levels of all seeds and their nodes; tell these levels."""
    seeded = _seeded(nodes, slots)
    zero: Array = np.float64(0)
    for id in seeded:
        zero = raised(raised(slots[id], nodes[id].value), zero)
    for id in seeded:
        slots[id] = raised(slots[id], zero)
    return levels_of(zero)


def _ambient(nodes: list[Node[Any]], slots: Sequence[Array | None]) -> frozenset[int]:
    """Return the levels of the output: the last node whose cotangent is not 0."""
    found = _seeded(nodes, slots)
    if not found:
        return frozenset()
    return levels_of(slots[found[-1]]) | levels_of(nodes[found[-1]].value)


def _seeded(nodes: list[Node[Any]], slots: Sequence[Array | None]) -> list[int]:
    """List the nodes whose cotangents are not 0, unless nothing has levels."""
    within = list(zip(nodes, slots, strict=False))
    if not any(levels_of(x) for node, g in within for x in (node.value, g)):
        return []
    return [i for i, (_, g) in enumerate(within) if g is not None and _nonzero(g)]


def _nonzero(g: Array) -> bool:
    """Return whether any entry of any part is not 0."""
    return any(map(_nonzero, g.parts())) if isinstance(g, Layer) else bool(np.any(g))


def _step(
    nodes: list[Node[Any]], slots: Slots, id: int, ambient: frozenset[int]
) -> None:
    node, g = nodes[id], slots[id]
    if g is None or node.op is None or not node.requires_grad:
        return
    if g.shape != node.value.shape:
        name, expected, found = node.op.name, node.value.shape, g.shape
        raise Refused(
            UpstreamShapeMismatch(name, id=NodeId(id), expected=expected, found=found)
        )
    check_dtype("slot", node, id, g)
    for parent in _flagged_parents(nodes, node):
        if parent >= len(slots):
            length = len(slots)
            raise Refused(GradientArrayOutOfBounds(id=NodeId(parent), length=length))
        existing, shape = slots[parent], nodes[parent].value.shape
        if existing is None:
            continue
        if existing.shape != shape:
            raise Refused(
                AccumulationShapeMismatch(existing=existing.shape, contribution=shape)
            )
        check_dtype("slot", nodes[parent], parent, existing)
    slots[id] = raised(g, node.value)
    _, live = visits(nodes, None)
    sweep(nodes, slots, (id,), live, ambient=ambient)


def _from_step(
    nodes: list[Node[Any]],
    slots: list[Array],
    id: int,
    live: list[bool],
    ambient: frozenset[int],
) -> None:
    node = nodes[id]
    if not node.requires_grad:
        return
    for slot in (id, *_flagged_parents(nodes, node)):
        expected, found = nodes[slot].value.shape, slots[slot].shape
        if found != expected:
            bad = NodeId(slot)
            raise Refused(
                GradientArrayShapeMismatch(id=bad, expected=expected, found=found)
            )
        check_dtype("slot", nodes[slot], slot, slots[slot])
    sweep(nodes, slots, (id,), live, ambient=ambient)


def _flagged_parents(nodes: list[Node[Any]], node: Node[Any]) -> list[int]:
    size = len(nodes)
    known = [parent for parent in map(index_of, node.parents) if 0 <= parent < size]
    return [parent for parent in known if nodes[parent].requires_grad]
