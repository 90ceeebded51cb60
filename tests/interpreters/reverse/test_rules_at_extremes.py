"""Gradients at extreme floats, at kinks and at the ends of domains."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Success

from tapem_dsl import Array, NodeId, backward
from tests.oracles import gradient, program, result_shape, usual, value
from tests.specs.every import each_op, named
from tests.specs.spec import Spec

INF, NAN = math.inf, math.nan


@each_op
@usual
@given(data=st.data())
def test_no_float_is_an_exception_or_a_warning(spec: Spec, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    shapes = data.draw(spec.shapes)
    numbers = st.floats(width=32) | st.sampled_from([INF, NAN, -0.0, 0.0, 1.0])
    if dtype is np.float64:
        numbers |= st.floats() | st.sampled_from([1e300, -1e300])

    def anything(shape: tuple[int, ...]) -> Array:
        return data.draw(hnp.arrays(dtype, shape, elements=numbers))[()]

    xs = tuple(anything(shape) for shape in shapes)
    g = anything(result_shape(spec, shapes))
    match program(spec, xs).run():
        case Success((out, tape)):
            slots = backward(tape, out, g).unwrap()
            for i, x in enumerate(xs):
                assert slots[NodeId(i)].shape == x.shape
                assert slots[NodeId(i)].dtype == x.dtype
        case _:
            assert spec is named("log")
            assert not np.all(xs[0] > 0)


@pytest.mark.parametrize(
    ("name", "x", "g", "cotangent"),
    [
        ("relu", 0.0, 3.0, 0.0),
        ("relu", -0.0, 3.0, 0.0),
        ("relu", NAN, 3.0, 0.0),
        ("relu", -1.0, INF, 0.0),
        ("relu", -1.0, NAN, 0.0),
        ("relu", -1.0, -3.0, 0.0),
        ("relu", INF, 3.0, 3.0),
        ("relu", 5e-324, 3.0, 3.0),
        ("tanh", 1e300, 3.0, 0.0),
        ("tanh", -INF, 3.0, 0.0),
        ("sigmoid", 1000.0, 3.0, 0.0),
        ("sigmoid", -1000.0, 3.0, 0.0),
        ("sigmoid", -INF, 3.0, 0.0),
        ("exp", 1000.0, 3.0, INF),
        ("exp", -1000.0, 3.0, 0.0),
        ("exp", 1000.0, 0.0, NAN),
        ("log", 5e-324, 3.0, INF),
        ("log", INF, 3.0, 0.0),
        ("log1p", 1e-300, 3.0, 3.0),
        ("log1p", INF, 3.0, 0.0),
        ("scale", INF, -4.0, 3.0),
        ("abs", 0.0, INF, 0.0),
        ("abs", -0.0, 3.0, 0.0),
        ("abs", NAN, 3.0, 0.0),
        ("abs", -INF, 3.0, -3.0),
        ("sqrt", 0.0, 3.0, 0.0),
        ("sqrt", -1.0, INF, 0.0),
        ("sqrt", NAN, 3.0, 0.0),
        ("sqrt", INF, 3.0, 0.0),
        ("sqrt", 1e-300, 2.0, 1e150),
        ("inv", INF, 3.0, -0.0),
        ("inv", 1e-200, 1e-200, -1e200),
        ("inv", 1e200, 1e300, -1e-100),
        ("inv", 0.0, 3.0, -INF),
        ("clamp", -17 / 16, 3.0, 0.0),
        ("clamp", 37 / 16, 3.0, 0.0),
        ("clamp", NAN, 3.0, 0.0),
        ("clamp", INF, NAN, 0.0),
        ("clamp", 1.0, 3.0, 3.0),
        ("softplus", 1000.0, 3.0, 3.0),
        ("softplus", -1000.0, 3.0, 0.0),
        ("softplus", INF, 3.0, 3.0),
        ("safe_log", -1000.0, 3.0, 0.0),
        ("safe_log", INF, 3.0, 0.0),
        ("gelu", 1e300, 3.0, 3.0),
        ("gelu", -1e300, 3.0, 0.0),
        ("gelu", INF, 3.0, 3.0),
        ("gelu", 0.0, 3.0, 1.5),
        ("cos", INF, 3.0, NAN),
        ("sum", NAN, 3.0, 3.0),
    ],
)
@pytest.mark.parametrize("size", [None, 1, 33])
def test_cotangents_of_one_operand_hold_at_extremes(
    name: str, x: float, g: float, cotangent: float, size: int | None
) -> None:
    spec = named(name)
    operand = np.float64(x) if size is None else np.full(size, x)
    shape = () if size is None or name == "sum" else (size,)
    (ours,) = gradient(spec, (operand,), np.full(shape, g)[()])
    assert ours is not None
    np.testing.assert_array_equal(ours, np.full(operand.shape, cotangent))
    if cotangent == 0:
        assert (np.signbit(ours) == (math.copysign(1, cotangent) < 0)).all()


@pytest.mark.parametrize(
    ("name", "a", "b", "g", "first", "second"),
    [
        ("add", INF, NAN, 3.0, 3.0, 3.0),
        ("sub", INF, NAN, 3.0, 3.0, -3.0),
        ("sub", 1.0, 2.0, 0.0, 0.0, 0.0),
        ("mul", INF, 0.0, 1.0, 0.0, INF),
        ("mul", INF, 0.0, 0.0, 0.0, NAN),
        ("div", 1.0, 0.0, 1.0, INF, -INF),
        ("div", 0.0, 0.0, 1.0, INF, NAN),
        ("div", 1e200, 1e200, 1.0, 1e-200, -1e-200),
        ("div", 1e-200, 1e-200, 1.0, 1e200, -1e200),
        ("div", 1.0, INF, 1.0, 0.0, 0.0),
        ("max", 2.0, 2.0, 3.0, 1.5, 1.5),
        ("max", NAN, 0.0, 3.0, 1.5, 1.5),
        ("max", 0.0, NAN, 3.0, 1.5, 1.5),
        ("max", INF, 1.0, INF, INF, 0.0),
        ("max", -0.0, 0.0, 3.0, 1.5, 1.5),
        ("min", 2.0, 2.0, 3.0, 1.5, 1.5),
        ("min", NAN, 0.0, 3.0, 1.5, 1.5),
        ("min", -INF, 1.0, INF, INF, 0.0),
        ("mse_loss", 1e308, -1e308, 1.0, INF, -INF),
        ("mse_loss", 2.0, 2.0, 1.0, 0.0, 0.0),
        ("mse_loss", 2.0, 2.0, INF, NAN, NAN),
    ],
)
def test_cotangents_of_two_operands_hold_at_extremes(
    name: str, a: float, b: float, g: float, first: float, second: float
) -> None:
    ours = gradient(named(name), (np.float64(a), np.float64(b)), np.float64(g))
    np.testing.assert_array_equal(ours, (first, second))
    for cotangent, expected in zip(ours, (first, second), strict=True):
        assert cotangent is not None
        if not math.isnan(expected):
            assert np.signbit(cotangent) == (math.copysign(1, expected) < 0)


@pytest.mark.parametrize("name", ["sub", "mse_loss"])
def test_the_negative_of_a_zero_cotangent_is_a_positive_zero(name: str) -> None:
    spec = named(name)
    for shape in [(), (3,)]:
        x = np.ones(shape)[()]
        _, second = gradient(spec, (x, x), np.zeros_like(value(spec, x, x)))
        assert second is not None
        assert not np.signbit(second).any()
