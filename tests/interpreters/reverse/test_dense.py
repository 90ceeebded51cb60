"""TorchLean's dense sweeps: arrays with a slot for each node, and single steps."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    backward_dense,
    backward_dense_all,
    backward_dense_from,
    backward_dense_step,
    do,
    linear,
    param,
    rationals,
)
from tapem_dsl.errors import GradientDTypeMismatch
from tapem_dsl.ops.arithmetic import Add
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.value import zeros_like
from tapem_dsl.testing.strategies import DTYPES, ids_of, tapes, tensors
from tests.interpreters.reverse.probe import ONE, ids, mixed, run
from tests.oracles import usual

# -- total arrays and single steps -----------------------------------------------------


def test_backward_dense_from_wants_a_slot_for_each_node() -> None:
    _, tape = run(mixed())
    error = backward_dense_from(tape, [0.0] * 5).failure()
    assert error.message == "autograd: initial dense gradient array has wrong length"
    assert error.facts() == {"expected": 6, "found": 5}


@pytest.mark.parametrize("slot", [3, 4, 5])
def test_backward_dense_from_wants_each_slot_of_its_nodes_shape(slot: int) -> None:
    _, tape = run(mixed())
    slots: list[Any] = [0.0] * 6
    slots[slot] = np.zeros(2)
    error = backward_dense_from(tape, slots).failure()
    assert error.message == "autograd: gradient array has wrong shape for node"
    assert error.facts() == {"id": slot, "expected": (), "found": (2,)}
    slots[slot] = np.float32(0)
    assert "dtype mismatch" in backward_dense_from(tape, slots).failure().message


def test_backward_dense_from_does_not_look_at_the_slots_of_frozen_nodes() -> None:
    _, tape = run(mixed())
    slots: list[Any] = [np.zeros(7), 0.0, 0.0, 0.0, 0.0, 1.0]
    assert backward_dense_from(tape, slots).unwrap()[3] == 24.0


def test_a_step_out_of_bounds_says_so() -> None:
    _, tape = run(mixed())
    beyond = backward_dense_step(tape, [None] * 6, NodeId(6)).failure()
    assert beyond.message == "autograd: internal error (gradient array out of bounds)"
    missing = backward_dense_step(tape, [None] * 6 + [1.0], NodeId(6)).failure()
    assert missing.message == "autograd: internal error (node missing)"
    assert isinstance(backward_dense_step(tape, [None] * 7, NodeId(6)), Success)
    short = [None] * 5 + [1.0]
    assert isinstance(backward_dense_step(tape, short, NodeId(5)), Success)
    strange = Tape([Node(Add(), ids(1, 1), ONE), Node(None, (), ONE)])
    parent = backward_dense_step(strange, [1.0], NodeId(0)).failure()
    assert parent.message == "autograd: internal error (gradient array out of bounds)"


def test_a_step_wants_slots_of_their_nodes_shapes() -> None:
    _, tape = run(mixed())
    upstream = [None] * 5 + [np.zeros(2)]
    error = backward_dense_step(tape, upstream, NodeId(5)).failure()
    assert error.message == "autograd: upstream gradient shape mismatch"
    existing: list[Any] = [None] * 4 + [np.zeros(2), 1.0]
    error = backward_dense_step(tape, existing, NodeId(5)).failure()
    assert error.message == "autograd: gradient shape mismatch during accumulation"


def test_a_step_wants_slots_of_their_nodes_scalar_types() -> None:
    @do
    def program() -> Do[NodeId]:
        w = yield from param(np.ones((2, 2)))
        b = yield from param(np.ones(2))
        return (yield from linear(w, b, b))

    out, tape = program().run().unwrap()
    exact = rationals([[1, 1], [1, 1]])
    error = backward_dense_step(tape, [exact, None, np.ones(2)], out).failure()
    assert isinstance(error, GradientDTypeMismatch)
    assert (error.id, error.expected, error.found) == (NodeId(0), "float64", "object")


def test_a_step_at_a_leaf_looks_at_nothing() -> None:
    _, tape = run(mixed())
    odd: list[Any] = [None, None, None, np.zeros(7), None, None]
    assert same(backward_dense_step(tape, odd, NodeId(3)).unwrap(), tuple(odd))


def test_a_step_at_an_empty_or_frozen_node_changes_nothing() -> None:
    _, tape = run(mixed())
    assert backward_dense_step(tape, [None] * 6, NodeId(5)).unwrap() == (None,) * 6
    slots = [None, None, 1.0, None, None, None]
    assert backward_dense_step(tape, slots, NodeId(2)).unwrap() == tuple(slots)


# -- properties on random tapes --------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@usual
@given(data=st.data())
def test_backward_dense_is_the_fold_of_its_step(
    dtype: Any, data: st.DataObject
) -> None:
    tape = data.draw(tapes(dtype))
    out = data.draw(ids_of(tape))
    seed = data.draw(tensors(tape[out].value.shape, dtype))
    folded: Any = Success(tuple(seed if id == out else None for id in tape.ids()))
    for id in reversed(tape.ids()):
        folded = folded.bind(partial(backward_dense_step, tape, id=id))
    assert same(folded.unwrap(), backward_dense(tape, out, seed).unwrap())


@pytest.mark.parametrize("dtype", DTYPES)
@usual
@given(data=st.data())
def test_backward_dense_all_is_backward_dense_from_a_one_hot(
    dtype: Any, data: st.DataObject
) -> None:
    """They agree where rules take zero cotangents to zero contributions."""
    tape = data.draw(tapes(dtype))
    out = data.draw(ids_of(tape))
    seed = data.draw(tensors(tape[out].value.shape, dtype))
    one_hot = [zeros_like(node.value) for node in tape]
    one_hot[out] = seed
    swept = backward_dense_all(tape, out, seed).unwrap()
    from_one_hot = backward_dense_from(tape, one_hot).unwrap()
    assert len(swept) == len(from_one_hot) == len(tape)
    for ours, theirs in zip(swept, from_one_hot, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)  # 0.0 and -0.0 are one
