"""TorchLean's lemmas of tapes, programs and sweeps, exactly over rationals."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Result

from tapem_dsl import (
    Array,
    Do,
    Node,
    NodeId,
    Tape,
    TapeError,
    TapeM,
    add,
    backward_dense,
    backward_dense_all,
    backward_dense_from,
    backward_dense_step,
    do,
    fold_m,
    get_tape,
    inv,
    leaf,
    mul,
    pure,
    relu,
    scale,
    throw,
)
from tapem_dsl.ops.arithmetic import Add
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.value import zeros_like
from tapem_dsl.testing.strategies import DTYPES, SHAPES, ids_of, tapes, tensors
from tests.oracles import usual

Step = Callable[[NodeId], TapeM[NodeId, Any]]

# -- programs --------------------------------------------------------------------------


@do
def last(_: NodeId) -> Do[NodeId, Any]:
    """Read the tape: what is bound must see what was recorded before it."""
    tape = yield from get_tape()
    return tape.ids()[-1]


STEPS: Final[dict[str, Step]] = {
    "leaf": lambda _: leaf(Fraction(1, 3), name="third"),
    "double": lambda x: add(x, x),
    "square": lambda x: mul(x, x),
    "half": lambda x: scale(x, Fraction(1, 2)),
    "relu": relu,
    "last": last,
    "nothing": pure,
    "inverse": inv,  # fails where an entry is 0
    "stranger": lambda x: add(x, NodeId(99)),
    "give up": lambda x: throw(f"at node {x}"),
}
CHAINS: Final = st.lists(st.sampled_from(sorted(STEPS)), max_size=4)


def chain(names: list[str], start: NodeId) -> TapeM[NodeId, Any]:
    """Take steps from a node, one after the other; no ``bind`` is used."""
    return fold_m(lambda at, name: STEPS[name](at), start, names)


@usual
@given(tape=tapes(), first=CHAINS, then=CHAINS, data=st.data())
def test_run_of_a_bind_is_the_run_of_the_one_and_then_of_the_other(
    tape: Tape[Any], first: list[str], then: list[str], data: st.DataObject
) -> None:
    """``run (m >>= f) t`` is ``run m t``, and ``f`` of its value on its tape."""
    m = chain(first, data.draw(ids_of(tape)))

    def f(id: NodeId) -> TapeM[NodeId, Any]:
        return chain(then, id)

    @do
    def block() -> Do[NodeId, Any]:
        id = yield from m
        return (yield from f(id))

    model = m.run(tape).bind(lambda ran: f(ran[0]).run(ran[1]))
    assert same(m.bind(f).run(tape), model)
    assert same(block().run(tape), model)


@pytest.mark.parametrize("dtype", DTYPES)
@usual
@given(data=st.data())
def test_a_leaf_never_fails_and_appends_itself(dtype: Any, data: st.DataObject) -> None:
    tape = data.draw(tapes(dtype))
    value = data.draw(tensors(data.draw(st.sampled_from(SHAPES)), dtype))
    flag, name = data.draw(st.booleans()), data.draw(st.sampled_from([None, "x"]))
    id, longer = leaf(value, name, requires_grad=flag).run(tape).unwrap()
    expected, at = tape.append(Node(None, (), value, flag, name))
    assert id == at
    assert longer == expected


# -- sweeps ----------------------------------------------------------------------------


def totalized(tape: Tape[Any], slots: tuple[Array | None, ...]) -> tuple[Array, ...]:
    """Keep what is there, and put a zero of the node's shape where nothing is."""
    nodes = zip(tape, slots, strict=True)
    return tuple(zeros_like(node.value) if g is None else g for node, g in nodes)


def assert_of_the_nodes(tape: Tape[Any], slots: tuple[Array | None, ...]) -> None:
    """Assert a slot for each node, and in each its node's shape and scalar type."""
    for node, g in zip(tape, slots, strict=True):
        if g is not None:
            assert g.shape == node.value.shape
            assert g.dtype == node.value.dtype


@st.composite
def slots_of(draw: st.DrawFn, tape: Tape[Any], *, total: bool) -> tuple[Any, ...]:
    """Any cotangents that fit the nodes; unless they are total, some are missing."""
    present = st.just(True) if total else st.booleans()
    return tuple(
        draw(tensors(node.value.shape)) if draw(present) else None for node in tape
    )


@usual
@given(tape=tapes(), data=st.data())
def test_backward_dense_all_is_backward_dense_totalized(
    tape: Tape[Any], data: st.DataObject
) -> None:
    """They fail alike too: at a wrong output, at a wrong seed, and in a rule."""
    stranger = Node(Add(), (tape.ids()[0], NodeId(99)), tape[tape.ids()[0]].value)
    if data.draw(st.booleans()):
        tape, _ = tape.append(stranger)
    out = NodeId(data.draw(st.integers(-1, len(tape))))
    node = tape.get_node(out)
    fitting = SHAPES if node is None else (node.value.shape,) * 4 + SHAPES
    seed = data.draw(tensors(data.draw(st.sampled_from(fitting))))
    given = backward_dense(tape, out, seed)
    total: Result[tuple[Array, ...], TapeError] = given.map(
        lambda slots: totalized(tape, slots)
    )
    assert same(backward_dense_all(tape, out, seed), total)
    if node is not None and node.op != Add() and node.value.shape == seed.shape:
        assert len(total.unwrap()) == len(tape)
        assert_of_the_nodes(tape, total.unwrap())


@usual
@given(tape=tapes(), data=st.data())
def test_a_step_keeps_a_slot_for_each_node_and_each_of_its_nodes_shape(
    tape: Tape[Any], data: st.DataObject
) -> None:
    slots = data.draw(slots_of(tape, total=False))
    for id, node in zip(tape.ids(), tape, strict=True):
        after = backward_dense_step(tape, slots, id).unwrap()
        assert_of_the_nodes(tape, after)
        for other in tape.ids():
            if other not in node.parents:
                assert same(after[other], slots[other])
            elif slots[other] is not None:
                assert after[other] is not None


@usual
@given(tape=tapes(), data=st.data())
def test_a_sweep_gives_a_slot_for_each_node_and_each_of_its_nodes_shape(
    tape: Tape[Any], data: st.DataObject
) -> None:
    out = data.draw(ids_of(tape))
    seed = data.draw(tensors(tape[out].value.shape))
    slots = backward_dense(tape, out, seed).unwrap()
    assert_of_the_nodes(tape, slots)
    assert slots[out] is not None
    for id in tape.ids():
        frozen = not (tape[id].requires_grad and tape[out].requires_grad)
        if id > out or (frozen and id != out):
            assert slots[id] is None


@usual
@given(tape=tapes(), data=st.data())
def test_zero_contributions_change_nothing(
    tape: Tape[Any], data: st.DataObject
) -> None:
    """``g + 0 = g``: a step that passes zeros on gives back the slots it was given."""
    drawn = data.draw(slots_of(tape, total=True))
    for id, node in zip(tape.ids(), tape, strict=True):
        slots = list(drawn)
        slots[id] = zeros_like(node.value)
        assert same(backward_dense_step(tape, slots, id).unwrap(), tuple(slots))


@usual
@given(tape=tapes(), data=st.data())
def test_adding_to_zero_is_being_the_first(
    tape: Tape[Any], data: st.DataObject
) -> None:
    """``0 + g = g``: slots of zeros receive what empty slots receive."""
    drawn = data.draw(slots_of(tape, total=True))
    for id in tape.ids():
        zeros = [zeros_like(node.value) for node in tape]
        empty: list[Any] = [None] * len(tape)
        zeros[id] = empty[id] = drawn[id]
        first = backward_dense_step(tape, empty, id).unwrap()
        added = backward_dense_step(tape, zeros, id).unwrap()
        assert same(totalized(tape, first), added)


@usual
@given(tape=tapes())
def test_nothing_swept_is_nothing(tape: Tape[Any]) -> None:
    zeros = tuple(zeros_like(node.value) for node in tape)
    assert same(backward_dense_from(tape, zeros).unwrap(), zeros)
