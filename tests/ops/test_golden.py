"""Numbers of TorchLean's own tests that several ops make together."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Do,
    NodeId,
    add,
    backward_dense_all,
    backward_scalar,
    const,
    do,
    inv,
    leaf,
    mul,
    param,
    scale,
    sqrt,
)


@do
def mixed_flags() -> Do[NodeId]:
    frozen = yield from const(2.0)
    scaled = yield from scale(frozen, 3)
    root = yield from sqrt(frozen)
    product = yield from mul(scaled, root)
    trainable = yield from param(5.0)
    both = yield from mul(product, trainable)
    return (yield from add(both, both))


def test_mixed_flags() -> None:
    out, tape = mixed_flags().run().unwrap()
    assert tape[out].value == pytest.approx(60 * math.sqrt(2), rel=1e-15)
    gradients = backward_scalar(tape, out).unwrap()
    assert gradients[NodeId(4)] == pytest.approx(12 * math.sqrt(2), rel=1e-15)
    assert set(gradients) == {4, 5, 6}
    dense = backward_dense_all(tape, out, np.float64(1)).unwrap()
    assert [dense[i] for i in range(4)] == [0, 0, 0, 0]


# Any: the ops' functions, which share no more than being callable.
@given(flag=st.booleans(), x=st.sampled_from([0.0, -0.0, math.inf, math.nan]))
def test_what_is_not_on_the_path_stays_0_whatever_it_is(flag: bool, x: float) -> None:
    @do
    def program() -> Do[NodeId]:
        beside = yield from leaf(x, requires_grad=flag)
        yield from inv(beside)
        on_the_path: Any = yield from param(3.0)
        return (yield from mul(on_the_path, on_the_path))

    out, tape = program().run().unwrap()
    dense = backward_dense_all(tape, out, np.float64(1)).unwrap()
    assert [float(g) for g in dense] == [0, 0, 6, 1]
