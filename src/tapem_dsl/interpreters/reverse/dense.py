"""Reverse mode with one slot for each node, as TorchLean's engine has it."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl.arrays import Array, namespace_of
from tapem_dsl.errors import (
    AccumulationShapeMismatch,
    GradientArrayLengthMismatch,
    GradientArrayOutOfBounds,
    GradientArrayShapeMismatch,
    GradientDTypeMismatch,
    InvalidOutputId,
    NodeMissing,
    Refused,
    SeedShapeMismatch,
    TapeError,
    UpstreamShapeMismatch,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.reverse.sweep import Slots, sweep
from tapem_dsl.interpreters.reverse.wanted import (
    frozen_among,
    ids_of,
    prune,
)
from tapem_dsl.interpreters.tracer import Layer, levels_of, raised
from tapem_dsl.messages import said
from tapem_dsl.tape.node import A, Node
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import SCALARS, as_value, frozen

R = TypeVar("R")

Seed: TypeAlias = float | Fraction | NDArray[Any] | np.generic
"""
A cotangent from outside; Python numbers are rounded into the tape's scalar type.

Any: whether an array has the tape's scalar type is checked when it is used.
"""


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
            _zero(node) if g is None else g for node, g in zip(tape, slots, strict=True)
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
    nodes = _nodes_of(tape)
    _check_slots(grads)
    if len(grads) != len(nodes):
        error = GradientArrayLengthMismatch(expected=len(nodes), found=len(grads))
        return Failure(error)

    def run() -> tuple[NDArray[A], ...]:
        slots = [in_scalar_of(node, g) for node, g in zip(nodes, grads, strict=True)]
        ambient = _raise_seeds(nodes, slots)
        for id in reversed(range(len(nodes))):
            _from_step(nodes, slots, id, ambient)
        return tuple(slots)

    return as_result(run)


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
    nodes = _nodes_of(tape)
    _check_slots(grads)
    at = index_of(id, "id")
    if not 0 <= at < len(grads):
        return Failure(GradientArrayOutOfBounds(id=id, length=len(grads)))
    if at >= len(nodes) and grads[at] is not None:
        return Failure(NodeMissing(id=id, size=len(nodes)))

    def run() -> tuple[NDArray[A] | None, ...]:
        slots: Slots = [
            g if g is None or slot >= len(nodes) else in_scalar_of(nodes[slot], g)
            for slot, g in enumerate(grads)
        ]
        if at < len(nodes):
            _step(nodes, slots, at, _ambient(nodes, slots))
        return tuple(slots)

    return as_result(run)


# -- from checked arguments to slots ---------------------------------------------------


def run_sweep(
    tape: Tape[Any], out: NodeId, seed: Seed, wrt: Iterable[NodeId] | None
) -> Result[Slots, TapeError]:
    """
    Check the arguments and sweep; the slots end at the output.

    >>> from tapem_dsl import EMPTY
    >>> run_sweep(EMPTY, NodeId(0), 1.0, None)
    <Failure: autograd: invalid output id (id=0, size=0)>
    """
    nodes = _nodes_of(tape)
    top = index_of(out, "out")
    if not 0 <= top < len(nodes):
        return Failure(InvalidOutputId(id=out, size=len(nodes)))
    del nodes[top + 1 :]
    keep = None if wrt is None else frozenset(ids_of(wrt))
    unwanted = None if keep is None else frozen_among(tape.nodes(), keep, out)

    def run() -> Slots:
        if unwanted is not None:
            raise unwanted
        node = nodes[top]
        g = in_scalar_of(node, seed, "seed")
        check_seed(node, out, g)
        g = raised(g, node.value)
        if keep is not None:
            prune(nodes, keep)
        slots: Slots = [None] * len(nodes)
        slots[top] = g
        sweep(nodes, slots, range(top, -1, -1), keep, ambient=levels_of(g))
        if keep is not None and out not in keep:
            slots[top] = None
        return slots

    return as_result(run)


def as_result(run: Callable[[], R]) -> Result[R, TapeError]:
    """
    Compute without NumPy's warnings, and give a refusal as a failure.

    >>> as_result(lambda: np.float64(1) / 0)
    <Success: inf>
    """
    try:
        with np.errstate(all="ignore"):
            return Success(run())
    except Refused as refusal:
        return Failure(refusal.error)


def _nodes_of(tape: Tape[A]) -> list[Node[A]]:
    if type(tape) is not Tape:
        raise TypeError(
            f"reverse mode sweeps a Tape, not a {type(tape).__name__}; "
            "run the program first: out, tape = program.run().unwrap()"
        )
    return tape.nodes()


def _check_slots(grads: object) -> None:
    if not isinstance(grads, Sequence | np.ndarray):
        raise TypeError(
            f"grads takes a list with a cotangent for each node, not {said(grads)}"
        )


def in_scalar_of(node: Node[Any], g: Seed, what: str = "a cotangent") -> Array:
    """
    Give a cotangent from outside; a Python number in a scalar node's own type.

    Raises:
        TypeError: no number or array of numbers.

    >>> in_scalar_of(Node(None, (), np.float32(2)), 0.5)
    np.float32(0.5)
    """
    like = node.value
    if type(g) not in _PYTHON_NUMBERS or like.shape != ():
        try:
            return as_value(g)
        except TypeError as slip:
            raise TypeError(f"{what}: {slip}") from None
    xp = namespace_of(like)
    if type(like) in SCALARS:
        return type(like)(xp.literal(like, g))
    return frozen(xp.canonical(xp.ones_like(like) * xp.literal(like, g)))


_PYTHON_NUMBERS: Final = (int, float, Fraction)


def _zero(node: Node[A]) -> NDArray[A]:
    xp = namespace_of(node.value)
    zero: NDArray[A] = frozen(xp.canonical(xp.zeros_like(node.value)))
    return zero


def check_seed(node: Node[Any], out: NodeId, g: Array) -> None:
    """
    Refuse a cotangent that has not its node's shape and scalar type.

    >>> check_seed(Node(None, (), np.float64(2)), NodeId(0), np.float64(1))
    """
    if g.shape != node.value.shape:
        expected, found = node.value.shape, g.shape
        raise Refused(SeedShapeMismatch(out, expected=expected, found=found))
    _check_dtype("seed", node, index_of(out), g)


# -- one step --------------------------------------------------------------------------


def _raise_seeds(nodes: list[Node[Any]], slots: list[Array]) -> frozenset[int]:
    """Raise all seeds to the levels of all seeds and their nodes; tell these levels."""
    seeded = _seeded(nodes, slots)
    carrier: Array = np.float64(0)
    for id in seeded:
        carrier = raised(raised(slots[id], nodes[id].value), carrier)
    for id in seeded:
        slots[id] = raised(slots[id], carrier)
    return levels_of(carrier)


def _ambient(nodes: list[Node[Any]], slots: Sequence[Array | None]) -> frozenset[int]:
    """Tell the levels of the output: the last node whose cotangent is not 0."""
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
    """Tell whether any entry of any part is not 0."""
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
    _check_dtype("slot", node, id, g)
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
        _check_dtype("slot", nodes[parent], parent, existing)
    slots[id] = raised(g, node.value)
    sweep(nodes, slots, range(id, id - 1, -1), ambient=ambient)


def _from_step(
    nodes: list[Node[Any]], slots: list[Array], id: int, ambient: frozenset[int]
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
        _check_dtype("slot", nodes[slot], slot, slots[slot])
    sweep(nodes, slots, range(id, id - 1, -1), ambient=ambient)


def _flagged_parents(nodes: list[Node[Any]], node: Node[Any]) -> list[int]:
    size = len(nodes)
    known = [parent for parent in map(index_of, node.parents) if 0 <= parent < size]
    return [parent for parent in known if nodes[parent].requires_grad]


def _check_dtype(what: str, node: Node[Any], id: int, g: Array) -> None:
    if g.dtype != node.value.dtype:
        expected, found = str(node.value.dtype), str(g.dtype)
        raise Refused(
            GradientDTypeMismatch(what, id=NodeId(id), expected=expected, found=found)
        )
