"""Rules and hand-made nodes that go wrong."""

from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    add,
    apply_op,
    backward,
    backward_scalar,
    const,
    do,
    param,
    rationals,
    sum_,
)
from tapem_dsl.ops.arithmetic import Add, Mul
from tests.interpreters.reverse.probe import ONE, Probe, Ruleless, ids, run


def test_an_op_without_a_rule_is_named() -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Ruleless(), x)))
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: no vjp rule for op 'ruleless'"
    frozen = run(const(1.0).bind(lambda x: apply_op(Ruleless(), x)))
    assert backward_scalar(frozen[1], frozen[0]) == Success({1: 1.0})


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        ("shape", "autograd: gradient contribution has wrong shape for parent"),
        ("dtype", "autograd: contribution dtype mismatch"),
        ("refuses", "autograd: shape mismatch"),
    ],
)
def test_a_rule_that_goes_wrong_is_a_failure(gives: str, message: str) -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Probe(gives=gives), x)))
    assert backward_scalar(tape, out).failure().message == message


def test_a_rule_that_divides_a_rational_by_zero_is_a_failure() -> None:
    out, tape = run(
        param(rationals(1)).bind(lambda x: apply_op(Probe(gives="division"), x))
    )
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: probe: division by zero"


def test_a_refusal_of_a_rule_says_which_op_and_nodes() -> None:
    program = param(1.0, name="x").bind(lambda x: apply_op(Probe(gives="refuses"), x))
    out, tape = run(program)
    facts = backward_scalar(tape, out).failure().facts()
    assert (facts["op"], facts["ids"], facts["names"]) == ("probe", (0,), ("x",))


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_rule_cannot_write_to_the_cotangent_it_is_given(uses: int) -> None:
    @do
    def program() -> Do[NodeId]:
        x = yield from param(np.ones(2))
        y = yield from apply_op(Probe(gives="overwrites"), x)
        total = y
        for _ in range(uses - 1):
            total = yield from add(total, y)
        return (yield from sum_(total))

    out, tape = run(program())
    with pytest.raises(ValueError, match="read-only"):
        backward_scalar(tape, out)


@pytest.mark.parametrize("gives", ["few", "list", "bare"])
def test_a_rule_of_the_wrong_form_is_a_mistake_in_its_text(gives: str) -> None:
    out, tape = run(param(1.0).bind(lambda x: apply_op(Probe(gives=gives), x)))
    with pytest.raises(
        TypeError, match=r"gave (0 cotangents|no tuple) for 1|expected a NumPy array"
    ):
        backward_scalar(tape, out)


@pytest.mark.parametrize("parents", [(0, 9), (-1, 0), (0, -9), (5,), (0, 0, 9)])
def test_a_parent_that_is_no_node_is_a_failure(parents: tuple[int, ...]) -> None:
    nodes = [Node(None, (), ONE), Node(Add(), ids(*parents), ONE)]
    tape: Tape[Any] = Tape(nodes)
    error = backward_scalar(tape, NodeId(1)).failure()
    assert error.message == "autograd: invalid parent id during backward"


@pytest.mark.parametrize("parent", [1, 2])
def test_a_hand_made_cycle_ends(parent: int) -> None:
    nodes: list[Any] = [Node(None, (), np.ones(2), True)]
    nodes += [Node(Mul(), ids(0, parent), np.ones(2), True) for _ in range(2)]
    tape: Tape[Any] = Tape(nodes)
    assert isinstance(backward(tape, NodeId(2), np.ones(2)), Success)
    assert isinstance(backward(tape, NodeId(2), np.ones(2), wrt=ids(0)), Success)


def test_a_hand_made_value_of_the_wrong_shape_is_a_failure() -> None:
    nodes: list[Any] = [
        Node(None, (), ONE),
        Node(Add(), ids(0, 0), np.ones(3)),
    ]
    error = backward(Tape(nodes), NodeId(1), np.ones(3)).failure()
    assert error.message == "autograd: gradient contribution has wrong shape for parent"
