"""Which nodes are shown: each id once, and what is folded repeats indeed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    add,
    const,
    do,
    mul,
    param,
    scale,
    sin,
    tanh,
)
from tapem_dsl.interpreters.render.folding import Fold, Gap, Line, Row, lines_of
from tapem_dsl.testing.strategies import tapes
from tests.interpreters.render.hostile import ZERO


def covered(lines: Sequence[Line]) -> list[int]:
    """List the ids that lines stand for."""
    found: list[int] = []
    for line in lines:
        match line:
            case Row(id=id):
                found.append(id)
            case Gap(start=start, stop=stop):
                found += range(start, stop)
            case Fold(start=start, period=period):
                assert covered(line.body) == list(range(start, start + period))
                found += range(start, line.stop)
    return found


def count(lines: Sequence[Line]) -> int:
    return sum(1 + (count(x.body) if isinstance(x, Fold) else 0) for x in lines)


def check_repeats(nodes: list[Node[Any]], fold: Fold) -> None:
    """Check by the definition that a part repeats."""
    for place in range(fold.start, fold.start + fold.period):
        alike = [nodes[place + k * fold.period] for k in range(fold.times)]
        first = alike[0]
        for node in alike:
            assert node.op == first.op
            assert (node.requires_grad, node.name) == (first.requires_grad, first.name)
            assert node.value.shape == first.value.shape
            assert node.value.dtype == first.value.dtype
        for operand in zip(*(x.parents for x in alike), strict=True):
            assert len(set(np.diff(operand).tolist())) <= 1


@do
def looped(outer: int, inner: int) -> Do[NodeId]:
    w = yield from param(0.5, name="w")
    total = yield from const(0.0)
    for _ in range(outer):
        for number in range(inner):
            x = yield from const(float(number))
            product = yield from mul(w, x)
            total = yield from add(total, product)
        total = yield from tanh(total)
    return total


@settings(deadline=None)  # the machine may be busy
@given(tapes(), st.integers(0, 20))
def test_lines_cover_each_node_of_a_random_tape_once(
    tape: Tape[Any], most: int
) -> None:
    assert covered(lines_of(tape, most)) == list(range(len(tape)))


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 40))
def test_lines_cover_each_node_of_a_loop_once(
    outer: int, inner: int, most: int
) -> None:
    tape = looped(outer, inner).exec().unwrap()
    lines = lines_of(tape, most)
    assert covered(lines) == list(range(len(tape)))


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.integers(0, 2), max_size=60), st.randoms())
def test_what_is_folded_repeats(kinds: list[int], random: Any) -> None:
    nodes = [Node(None, (), ZERO)]
    ops = [tanh, sin, lambda x: scale(x, 2)]
    tape: Tape[Any] = Tape(nodes)
    for kind in kinds:
        operand = NodeId(max(0, len(tape) - random.choice((1, 1, 1, 2))))
        tape = ops[kind](operand).exec(tape).unwrap()
    pending = list(lines_of(tape, 1000))
    assert not any(isinstance(line, Gap) for line in pending)
    while pending:
        line = pending.pop()
        if isinstance(line, Fold):
            check_repeats(tape.nodes(), line)
            pending += line.body


def test_loops_in_loops_are_folds_in_folds() -> None:
    tape = looped(100, 50).exec().unwrap()
    *_, fold = lines_of(tape, 40)
    assert isinstance(fold, Fold)
    assert (fold.period, fold.times) == (151, 100)
    inner, last = fold.body
    assert isinstance(inner, Fold)
    assert (inner.period, inner.times) == (3, 50)
    assert isinstance(last, Row)


def test_a_part_whose_operands_move_otherwise_is_not_folded() -> None:
    tape: Tape[Any] = Tape([Node(None, (), ZERO)] * 2)
    for at in range(40):
        tape = tanh(NodeId(at * at % 2)).exec(tape).unwrap()
    folds = [x for x in lines_of(tape, 100) if isinstance(x, Fold)]
    for fold in folds:
        check_repeats(tape.nodes(), fold)


@pytest.mark.parametrize("most", [0, 1, 3, 10, 40])
def test_few_lines_stand_for_many_nodes(most: int) -> None:
    nodes = [Node(None, (), ZERO, True, f"w{at}") for at in range(1000)]
    lines = lines_of(Tape(nodes), most)
    assert count(lines) <= max(most, 3)
    assert covered(lines) == list(range(1000))
