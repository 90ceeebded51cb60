"""``explain_difference`` says why ``==`` of two programs is False."""

from functools import partial
from typing import Any

import pytest

from tapem_dsl import NodeId, TapeM, abs_, leaf, map_m, pure, relu, scale, sub
from tapem_dsl.testing import explain_difference

# Any, throughout: programs of any value.


def scaled_by(factor: int) -> Any:
    return lambda x: scale(x, factor)


WHY: dict[str, tuple[TapeM[Any, Any], TapeM[Any, Any], list[str]]] = {
    "captured variable": (
        leaf(1.0).bind(scaled_by(2)),
        leaf(1.0).bind(scaled_by(3)),
        ["instruction 2, argument", "factor = 2 and 3", "functools.partial(f, x)"],
    ),
    "one closure twice": (
        leaf(1.0).bind(scaled_by(2)),
        leaf(1.0).bind(scaled_by(2)),
        ["equal captured variables", "identity", "functools.partial(f, x)"],
    ),
    "two lambdas": (
        leaf(1.0).bind(lambda x: relu(x)),  # noqa: PLW0108 - that is the point
        leaf(1.0).bind(lambda x: relu(x)),  # noqa: PLW0108 - that is the point
        ["two functions of one text", "test_explanation.py, line"],
    ),
    "two functions": (leaf(1.0).bind(relu), leaf(1.0).bind(abs_), ["relu", "abs_"]),
    "partial": (
        leaf(1.0).bind(partial(scale, factor=2)),
        leaf(1.0).bind(partial(scale, factor=2.0)),
        ["keywords['factor']", "int and float"],
    ),
    "method": (pure(1).map(pure), pure(1).bind(pure), ["2, method", "'map'"]),
    "longer": (leaf(1.0), leaf(1.0).bind(relu), ["instruction 2", "left side ends"]),
    "item": (map_m(leaf, [1.0]), map_m(leaf, [2.0]), ["args[1][0]", "1.0", "2.0"]),
    "operands": (
        sub(NodeId(0), NodeId(1)),
        sub(NodeId(1), NodeId(0)),
        ["ids[0]", "another order: (0, 1) and (1, 0)"],
    ),
}


@pytest.mark.parametrize("why", WHY)
def test_why_two_programs_are_not_equal(why: str) -> None:
    lhs, rhs, expected = WHY[why]
    assert lhs != rhs
    text = explain_difference(lhs, rhs)
    for part in expected:
        assert part in text, text


def test_partial_applications_make_equal_programs() -> None:
    lhs, rhs = (leaf(1.0).bind(partial(scale, factor=2)) for _ in range(2))
    assert explain_difference(lhs, rhs) == "the programs are equal"
