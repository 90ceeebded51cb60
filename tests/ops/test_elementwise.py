"""Elementwise functions: exact values, and values at extremes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    NodeId,
    const,
    exp,
    leaf,
    log,
    rationals,
    relu,
    sigmoid,
    tanh,
    value_of,
)
from tapem_dsl.errors import OutsideDomain
from tests.oracles import assert_fractions, assert_same_numbers, operands, usual, value
from tests.specs.every import named

# Any, throughout: ops' functions, numbers and arrays.

# -- relu ------------------------------------------------------------------------------


@usual
@given(data=st.data())
def test_over_rationals_relu_is_exact(data: st.DataObject) -> None:
    (x,) = data.draw(operands(named("relu"), object))
    y = value(named("relu"), x)
    assert_fractions(y)
    assert list(y.flat) == [max(entry, Fraction(0)) for entry in x.flat]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_clears_the_sign_of_zero_at_every_length(dtype: type[np.generic]) -> None:
    for size in range(70):
        y = value(named("relu"), np.full(size, -0.0, dtype))
        assert not np.signbit(y).any()


# -- extremes --------------------------------------------------------------------------

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("apply", "x", "y"),
    [
        (relu, NAN, NAN),
        (relu, -0.0, 0.0),
        (relu, INF, INF),
        (relu, -INF, 0.0),
        (relu, 5e-324, 5e-324),
        (tanh, INF, 1.0),
        (tanh, -1e300, -1.0),
        (tanh, NAN, NAN),
        (tanh, -0.0, -0.0),
        (sigmoid, 0.0, 0.5),
        (sigmoid, -0.0, 0.5),
        (sigmoid, 1000.0, 1.0),
        (sigmoid, -1000.0, 0.0),
        (sigmoid, INF, 1.0),
        (sigmoid, -INF, 0.0),
        (sigmoid, NAN, NAN),
        (exp, 1e300, INF),
        (exp, -1e300, 0.0),
        (exp, -INF, 0.0),
        (exp, NAN, NAN),
        (log, INF, INF),
        (log, 5e-324, math.log(5e-324)),
    ],
)
@pytest.mark.parametrize("size", [None, 1, 9, 64])
def test_ops_of_one_operand_hold_at_extremes(
    apply: Any,
    x: float,
    y: float,
    size: int | None,
) -> None:
    operand: Any = x if size is None else np.full(size, x)
    result = leaf(operand).bind(apply).bind(value_of).eval().unwrap()
    assert_same_numbers(result, y)


@pytest.mark.parametrize("x", [-20.0, -700.0, -720.0, -744.0])
@pytest.mark.parametrize("size", [None, 9])
def test_sigmoid_keeps_its_left_tail(x: float, size: int | None) -> None:
    y = value(named("sigmoid"), np.float64(x) if size is None else np.full(size, x))
    tail = math.exp(x)
    np.testing.assert_allclose(y, tail / (1 + tail), rtol=1e-15, atol=5e-324)


# -- log -------------------------------------------------------------------------------

LOG = (
    "autograd: log: input contains values <= 0 (or NaN); "
    "`safe_log` computes log(softplus(x) + eps) and accepts every input"
)


@pytest.mark.parametrize(
    ("x", "entry", "index"),
    [
        (0.0, "0.0", ()),
        (-0.0, "-0.0", ()),
        (-1.0, "-1.0", ()),
        (NAN, "nan", ()),
        (-INF, "-inf", ()),
        (np.float32(-2), "-2.0", ()),
        (np.array([1.0, NAN, -1.0]), "nan", (1,)),
        (np.array([[1.0, 2.0], [3.0, 0.0]]), "0.0", (1, 1)),
        (np.array([[1.0, -5.0], [0.0, 1.0]]), "-5.0", (0, 1)),
        (Fraction(-1, 2), "-1/2", ()),
        (rationals([1, 0]), "0", (1,)),
    ],
)
@pytest.mark.parametrize("record", [leaf, const])
def test_the_logarithm_of_what_is_not_positive_is_refused(
    record: Any,
    x: Any,
    entry: str,
    index: tuple[int, ...],
) -> None:
    outcome = record(x, name="p").bind(log).run()
    error = outcome.failure()
    assert error.message == LOG
    assert error == OutsideDomain(
        "log",
        LOG.removeprefix("autograd: log: "),
        entry=entry,
        index=index,
        ids=(NodeId(0),),
        names=("p",),
    )


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_the_logarithm_of_an_empty_array_is_empty(shape: tuple[int, ...]) -> None:
    y = value(named("log"), np.zeros(shape))
    np.testing.assert_array_equal(y, np.zeros(shape), strict=True)
