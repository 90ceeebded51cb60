"""Softmax and its logarithm: known rows, axes, and values at extremes."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import (
    Array,
    NodeId,
    backward,
    jvp,
    leaf,
    log_softmax,
    log_softmax_last,
    rationals,
    softmax,
)
from tapem_dsl.errors import AxisOutOfRange, OutsideDomain
from tests.oracles import assert_fractions, gradient, thorough, value
from tests.specs.every import named
from tests.specs.spec import Spec

SOFTMAX, LOG_SOFTMAX = named("softmax"), named("log_softmax")
both = pytest.mark.parametrize("spec", [SOFTMAX, LOG_SOFTMAX], ids=str)

wide = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=4),
    elements=st.floats(-1e4, 1e4),
)

# -- meaning ---------------------------------------------------------------------------


@thorough
@given(x=wide)
def test_rows_add_up_to_one(x: Array) -> None:
    y = value(SOFTMAX, x)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-14)


@thorough
@given(x=wide)
def test_log_softmax_is_the_logarithm_and_finite_where_that_is_not(x: Array) -> None:
    y = value(LOG_SOFTMAX, x)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(np.exp(y), value(SOFTMAX, x), rtol=1e-11, atol=1e-300)


@thorough
@given(x=wide)
def test_rows_are_independent(x: Array) -> None:
    for spec in (SOFTMAX, LOG_SOFTMAX):
        y = value(spec, x)
        for index in np.ndindex(x.shape[:-1]):
            np.testing.assert_allclose(y[index], value(spec, x[index]), rtol=1e-14)


def test_softmax_of_known_rows_is_right() -> None:
    row = [0.090030573170380462, 0.24472847105479767, 0.66524095577482178]
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_allclose(value(SOFTMAX, x), [row, row], rtol=1e-15)
    columns = value(SOFTMAX, np.ascontiguousarray(x.T))
    np.testing.assert_allclose(columns[0], [0.047425873, 0.952574127], rtol=1e-8)


def test_the_derivative_of_log_softmax_at_a_known_row_is_right() -> None:
    x, v = np.array([0.0, math.log(2)]), np.array([1.0, 0.0])
    _, tangent = jvp(lambda _, z: log_softmax_last(z), None, x, None, v).unwrap()
    np.testing.assert_allclose(tangent, [2 / 3, -1 / 3], rtol=1e-15)


# -- rows of no entries, of one, and scalars -------------------------------------------


@pytest.mark.parametrize(("spec", "y"), [(SOFTMAX, 1), (LOG_SOFTMAX, 0)], ids=str)
@pytest.mark.parametrize("x", [-1e30, 0.0, np.inf, np.nan])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scalar_gives_a_constant(
    spec: Spec, y: int, x: float, dtype: type[np.floating[Any]]
) -> None:
    scalar = dtype(x)
    result = value(spec, scalar)
    assert type(result) is dtype
    assert result == y
    assert gradient(spec, (scalar,), scalar) == (0,)


@pytest.mark.parametrize(("spec", "y"), [(SOFTMAX, 1), (LOG_SOFTMAX, 0)], ids=str)
def test_a_rational_scalar_gives_a_constant(spec: Spec, y: int) -> None:
    half = rationals("1/2")
    result = value(spec, half)
    assert_fractions(result)
    assert result == y
    (cotangent,) = gradient(spec, (half,), half)
    assert_fractions(cotangent)
    assert cotangent == 0


@both
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (2, 0, 3), (0, 0)])
def test_an_empty_array_gives_an_empty_array(
    spec: Spec, shape: tuple[int, ...]
) -> None:
    nothing = np.zeros(shape, np.float32)
    result = value(spec, nothing)
    np.testing.assert_array_equal(result, nothing, strict=True)
    (cotangent,) = gradient(spec, (nothing,), nothing)
    np.testing.assert_array_equal(cotangent, nothing, strict=True)


@both
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 0)])
def test_rational_rows_of_no_entries_stay_as_they_are(
    spec: Spec, shape: tuple[int, ...]
) -> None:
    nothing = rationals(np.zeros(shape, object))
    result = value(spec, nothing)
    assert_fractions(result)
    assert result.shape == shape
    (cotangent,) = gradient(spec, (nothing,), nothing)
    assert_fractions(cotangent)
    assert cotangent is not None
    assert cotangent.shape == shape


# -- extremes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "softmax", "log_softmax"),
    [
        ([1000.0, -1000.0], [1.0, 0.0], [0.0, -2000.0]),
        ([1000.0, 1000.0], [0.5, 0.5], [-math.log(2)] * 2),
        ([-1000.0, -1000.0], [0.5, 0.5], [-math.log(2)] * 2),
        ([1e300, -1e300], [1.0, 0.0], [0.0, -2e300]),
        ([1.7e308, -1.7e308], [1.0, 0.0], [0.0, -np.inf]),
        ([0.0, -np.inf], [1.0, 0.0], [0.0, -np.inf]),
        ([0.0, np.nan], [np.nan] * 2, [np.nan] * 2),
        ([0.0, np.inf], [0.0, 1.0], [-np.inf, 0.0]),
        ([np.inf, np.inf], [np.nan] * 2, [np.nan] * 2),
        ([-np.inf], [1.0], [0.0]),
        ([40.0, 0.0], [1.0, math.exp(-40)], [-math.exp(-40), -40.0]),
        ([-np.inf, -np.inf], [np.nan] * 2, [np.nan] * 2),
        ([7.0], [1.0], [0.0]),
    ],
)
def test_softmax_and_log_softmax_hold_at_extremes(
    x: list[float], softmax: list[float], log_softmax: list[float]
) -> None:
    row = np.array(x)
    np.testing.assert_allclose(value(SOFTMAX, row), softmax, rtol=1e-15)
    np.testing.assert_allclose(value(LOG_SOFTMAX, row), log_softmax, rtol=1e-15)


@pytest.mark.parametrize("x", [[1000.0, -1000.0], [-1000.0, 1000.0], [1e300, -1e300]])
def test_gradients_of_far_apart_entries_are_finite(x: list[float]) -> None:
    row, g = np.array(x), np.array([2.0, 3.0])
    np.testing.assert_array_equal(gradient(SOFTMAX, (row,), g), [[0.0, 0.0]])
    winner = np.array([1.0, 0.0]) if x[0] > x[1] else np.array([0.0, 1.0])
    np.testing.assert_array_equal(gradient(LOG_SOFTMAX, (row,), g), [g - 5 * winner])


# -- along any axis --------------------------------------------------------------------


@thorough
@given(x=wide, data=st.data())
def test_along_an_axis_is_along_the_last_of_the_exchanged(x: Array, data: Any) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for op, last in [(softmax, SOFTMAX), (log_softmax, LOG_SOFTMAX)]:
        (_, node) = leaf(x).bind(partial(op, axis=axis)).exec().unwrap()
        rows = value(last, np.swapaxes(x, axis, -1))
        np.testing.assert_array_equal(node.value, np.swapaxes(rows, axis, -1))


def test_softmax_along_both_axes_is_torchleans() -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (_, columns) = leaf(x).bind(partial(softmax, axis=0)).exec().unwrap()
    (_, rows) = leaf(x).bind(partial(softmax, axis=1)).exec().unwrap()
    np.testing.assert_allclose(columns.value[0], [0.047425873] * 3, atol=5e-10)
    np.testing.assert_allclose(columns.value[1], [0.952574127] * 3, atol=5e-10)
    expected = [0.090030573, 0.244728471, 0.665240956]
    np.testing.assert_allclose(rows.value, [expected] * 2, atol=5e-10)


@pytest.mark.parametrize("op", [softmax, log_softmax])
def test_an_axis_that_is_none_is_refused(op: Any) -> None:
    for shape, axis in [((), 0), ((2,), 1), ((2,), -2)]:
        error = leaf(np.zeros(shape)[()]).bind(partial(op, axis=axis)).run().failure()
        assert isinstance(error, AxisOutOfRange)
    with pytest.raises(TypeError, match="one integer for axis"):
        op(NodeId(0), axis=(0,))
    empty = leaf(np.zeros((0, 3))).bind(partial(op, axis=0)).exec().unwrap()
    assert empty.nodes()[-1].value.shape == (0, 3)
    nothing = np.empty((0, 3), object)
    out, tape = leaf(nothing).bind(partial(op, axis=0)).run().unwrap()
    assert backward(tape, out, nothing).unwrap()[NodeId(0)].shape == (0, 3)
    exact = leaf(rationals([1, 2])).bind(partial(op, axis=0)).run().failure()
    assert isinstance(exact, OutsideDomain)
