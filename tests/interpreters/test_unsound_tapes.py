"""Tapes that no run made are refused, not interpreted."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    check,
    do,
    first_nonfinite,
    fold_m,
    get_tape,
    gradients_to_text,
    jvp,
    leaf,
    log,
    replay,
    scale,
    to_dot,
    to_html,
    to_mermaid,
    to_text,
    to_torchlean,
)
from tapem_dsl.errors import UnsoundTape
from tapem_dsl.ops.arithmetic import Add
from tapem_dsl.tape.op import Op

# Any, throughout: nodes and ops that hold anything.

NODE: Any = Node  # Any: a checker would refuse what is tried
BASE: Any = Op
ONE: Any = NODE(None, (), np.float64(1), requires_grad=True)


def node(parents: Any, value: Any = 2.0) -> Any:
    return NODE(Add(), parents, np.float64(value), requires_grad=True)


@pytest.mark.parametrize("parents", [(0,), (0, 7)])
def test_wrong_parents_are_refused(parents: Any) -> None:
    tape = Tape([ONE, node(parents)])
    assert check(tape)
    found: Any = to_torchlean(tape, [NodeId(1)], input=NodeId(0))
    assert isinstance(found.failure(), UnsoundTape)
    assert isinstance(replay(tape, {NodeId(0): 2.0}).failure(), UnsoundTape)


def test_an_op_whose_properties_raise_is_a_violation() -> None:
    class Broken(BASE):  # type: ignore[misc] # of Any, so that a property may raise
        name = "broken"

        @property
        def differentiable(self) -> Any:
            raise ValueError("boom")

        def shape(self, *shapes: Any) -> Any:
            return shapes[0]

        def evaluate(self, xp: Any, *xs: Any) -> Any:
            return xs[0]

    broken: Any = NODE(Broken(), (NodeId(0),), np.float64(1), requires_grad=True)
    (violation,) = check(Tape([ONE, broken]))
    assert "boom" in violation.what


def test_what_is_not_finite_has_a_short_repr() -> None:
    tape = leaf(1e300).bind(lambda x: fold_m(scale, x, [10.0] * 500)).exec().unwrap()
    assert len(repr(first_nonfinite(tape).unwrap())) < 500


class Silent:
    """An object whose texts raise, and which has no hash."""

    __hash__: Any = None

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")


class Nameless(BASE):  # type: ignore[misc] # of Any, so that a property may raise
    """An op whose name raises."""

    @property
    def name(self) -> Any:
        raise ValueError("boom")

    def shape(self, *shapes: Any) -> Any:
        return shapes[0]

    def evaluate(self, xp: Any, *xs: Any) -> Any:
        return xs[0]


UNSOUND: Any = [
    NODE(Add(), None, np.float64(1)),
    NODE(Add(), 7, np.float64(1)),
    NODE(Add(), [0, 0], np.float64(1)),
    NODE(Add(), ("0", 0.0), np.float64(1)),
    NODE(Add(), (Silent(), 0), np.float64(1)),
    NODE(Add, (0, 0), np.float64(1)),
    NODE("add", (0, 0), np.float64(1)),
    NODE(3, (0, 0), np.float64(1)),
    NODE(Silent(), (0, 0), np.float64(1)),
    NODE(None, (), np.float64(1), Silent()),
    NODE(None, (), np.float64(1), name=Silent()),
    NODE(None, (), np.float64(1), name=3),
]
ODD: Any = [*UNSOUND, NODE(Nameless(), (0,), np.float64(1))]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_every_text_shows_a_tape_that_no_run_made(odd: Any) -> None:
    tape = Tape([ONE, odd])
    out = NodeId(1)
    texts = [
        *(repr(tape), repr(odd), to_text(tape), to_html(tape)),
        *(to_dot(tape), to_dot(tape, out), to_mermaid(tape), to_mermaid(tape, out)),
        gradients_to_text({NodeId(0): 1.0, NodeId(1): 2.0}, tape),
    ]
    assert all(texts)
    assert "n1 [" in to_dot(tape)


def test_an_operand_that_is_no_id_is_drawn_as_missing() -> None:
    tape = Tape([ONE, NODE(Add(), None, np.float64(1))])
    assert 'missing0 [label="None\\nno such node"' in to_dot(tape)
    assert "add(None)" in repr(tape)


@pytest.mark.parametrize("odd", UNSOUND, ids=range(len(UNSOUND)))
def test_what_is_not_finite_is_not_looked_for_where_no_run_was(odd: Any) -> None:
    tape = Tape([ONE, odd])
    for found in (
        first_nonfinite(tape),
        first_nonfinite(tape, out=NodeId(1)),
        first_nonfinite(tape, {NodeId(0): np.float64(1)}),
    ):
        assert isinstance(found.failure(), UnsoundTape)


def test_what_is_not_finite_is_found_on_a_tape_of_duals() -> None:
    @do
    def program(x: NodeId, _: None) -> Do[NodeId, Any]:
        y = yield from log(x)
        tape = yield from get_tape()
        found.append(first_nonfinite(tape, out=y).unwrap())
        return y

    found: list[Any] = []
    jvp(program, 1e-320, None, 1.0)
    assert found[0].of == "value"
