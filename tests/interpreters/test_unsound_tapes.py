"""Tapes that no run made are refused, not interpreted."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Node,
    NodeId,
    Tape,
    check,
    first_nonfinite,
    fold_m,
    leaf,
    replay,
    scale,
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
