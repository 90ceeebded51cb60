"""Numbers that are too long for Python to write have a description in every text."""

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from returns.result import Success

from tapem_dsl import (
    NodeId,
    leaf,
    matmul,
    pure,
    rationals,
    scale,
    throw,
)
from tapem_dsl.errors import Swapped
from tapem_dsl.interpreters.check import check
from tapem_dsl.interpreters.nonfinite import NonFinite
from tapem_dsl.interpreters.render import to_html, to_text
from tapem_dsl.messages import short_repr, written
from tapem_dsl.ops.arithmetic import Scale
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape
from tapem_dsl.testing import assert_equivalent, explain_difference

# Any, throughout: programs and values of several types.

LONG = 10**5000
THIRD = Fraction(LONG, 3)
SEVENTH = Fraction(LONG, 7)
TAPE = leaf(THIRD, "x").bind(lambda x: scale(x, SEVENTH)).exec().unwrap()
INFINITE = NonFinite(
    NodeId(1), "value", (), "inf", TAPE[NodeId(1)], {NodeId(0): TAPE[NodeId(0)]}
)


@pytest.fixture(params=[4300, 640], autouse=True)
def _limit(request: pytest.FixtureRequest) -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(request.param)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (lambda: repr(pure(LONG)), "pure(an int of 16610 bits)"),
        (lambda: repr(pure([{1: LONG}])), "an int of 16610 bits"),
        (lambda: repr(pure(Scale(LONG))), "Scale(factor=an int of 16610 bits)"),
        (lambda: repr(leaf(THIRD)), "leaf(a Fraction of 16610 over 2 bits)"),
        (lambda: repr(leaf(rationals([THIRD]))), "leaf(object[1])"),
        (lambda: repr(pure(LONG).swap()), "pure(an int of 16610 bits).swap()"),
        (lambda: repr(scale(NodeId(0), LONG)), "an int of 16610 bits"),
        (lambda: repr(scale(NodeId(0), THIRD)), "a Fraction of 16610 over 2 bits"),
        (lambda: repr(throw(Swapped(LONG, TAPE))), "an int of 16610 bits"),
        (lambda: repr(pure(LONG)._inner_value), "Pure(an int of 16610 bits)"),
        (lambda: repr(TAPE.nodes()[0]), "value=a Fraction of 16610 over 2 bits"),
        (lambda: repr(TAPE), "leaf 'x'"),
        (lambda: str(Swapped(THIRD, TAPE)), "value=a Fraction of 16610 over 2 bits"),
        (lambda: str(pure(LONG).swap().run()), "value=an int of 16610 bits"),
        (lambda: str(pure([LONG]).swap().run()), "value=[an int of 16610 bits]"),
        (lambda: to_text(TAPE), "~2**16608"),
        (lambda: to_html(TAPE), "~2**16608"),
        (
            lambda: short_repr(Success((LONG, 1))),
            "<Success: (an int of 16610 bits",
        ),
        (lambda: short_repr([Scale(LONG)]), "[Scale(factor=an int of 16610 bits)]"),
        (lambda: written(Fraction(1, LONG)), "a Fraction of 1 over 16610 bits"),
        (lambda: str(INFINITE), "'x' = a Fraction of 16610 over 2 bits"),
        (lambda: explain_difference(leaf(THIRD), leaf(SEVENTH)), "16610 over 3 bits"),
        (lambda: explain_difference(pure(LONG), pure(-LONG)), "an int of 16610 bits"),
        (lambda: explain_difference(TAPE, Tape([])), "leaf"),
    ],
)
def test_a_text_describes_a_long_number(text: Callable[[], str], shown: str) -> None:
    assert shown in text()


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (leaf(THIRD), leaf(SEVENTH)),
        (pure(LONG), pure(LONG + 1)),
        (pure(LONG), throw("no")),
        (pure(LONG).swap(), pure(THIRD).swap()),
        (scale(NodeId(0), THIRD), scale(NodeId(0), SEVENTH)),
    ],
)
def test_a_lemma_over_long_numbers_fails_with_its_message(lhs: Any, rhs: Any) -> None:
    with pytest.raises(AssertionError, match="bits"):
        assert_equivalent(lhs, rhs, tapes=[TAPE])


def test_a_place_describes_a_node_whose_op_has_a_long_number() -> None:
    failure = matmul(NodeId(1), NodeId(1)).run(TAPE).failure()
    (described, *_) = failure.place.nodes
    assert described.startswith("1: Scale(factor=a Fraction of 16610 over 3 bits)")


def test_a_check_describes_long_numbers() -> None:
    first, second = TAPE.nodes()
    wrong = Node(second.op, second.parents, first.value)
    found = check(Tape([first, wrong]), recompute=True)
    assert "16610 over 2 bits" in str(found[0])


def test_numbers_that_python_writes_are_written() -> None:
    assert written(10**600) == str(10**600)
    assert written(Fraction(1, 3), str) == "1/3"
