"""Ops with a kink or a pole: their values and derivatives there."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    backward_scalar,
    clamp,
    const,
    detach,
    gelu,
    inv,
    leaf,
    log1p,
    max_,
    min_,
    mul,
    param,
    rationals,
    safe_log,
    softplus,
    sqrt,
)
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.ops.arithmetic import Clamp
from tests.oracles import gradient, value
from tests.specs.every import named

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("abs", -0.0, 0.0),
        ("abs", -INF, INF),
        ("abs", NAN, NAN),
        ("sqrt", -4.0, 0.0),
        ("sqrt", 0.0, 0.0),
        ("sqrt", INF, INF),
        ("sqrt", NAN, NAN),
        ("inv", 0.0, INF),
        ("inv", -0.0, -INF),
        ("inv", INF, 0.0),
        ("clamp", -INF, -17 / 16),
        ("clamp", INF, 37 / 16),
        ("clamp", NAN, NAN),
        ("log1p", 1e-300, 1e-300),
        ("log1p", INF, INF),
        ("log1p", -1.0, -INF),
        ("log1p", -2.0, NAN),
        ("log1p", NAN, NAN),
        ("softplus", 1e300, 1e300),
        ("softplus", -1e300, 0.0),
        ("softplus", -50.0, math.exp(-50)),
        ("softplus", 0.0, math.log(2)),
        ("softplus", INF, INF),
        ("softplus", NAN, NAN),
        ("safe_log", -1e300, math.log(1e-6)),
        ("safe_log", 1e300, math.log(1e300)),
        ("gelu", 1e300, 1e300),
        ("gelu", -1e300, 0.0),
        ("gelu", 1.7e308, 1.7e308),
        ("gelu", INF, INF),
        ("gelu", NAN, NAN),
        ("cos", INF, NAN),
        ("sin", -0.0, -0.0),
    ],
)
@pytest.mark.parametrize("size", [None, 1, 33])
def test_elementwise_values_hold_at_extremes(
    name: str, x: float, y: float, size: int | None
) -> None:
    operand = np.float64(x) if size is None else np.full(size, x)
    found = value(named(name), operand)
    np.testing.assert_allclose(found, np.full(operand.shape, y), rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("name", "a", "b", "y"),
    [
        ("max", NAN, 0.0, NAN),
        ("max", 0.0, NAN, NAN),
        ("min", NAN, 0.0, NAN),
        ("min", 0.0, NAN, NAN),
        ("max", -INF, INF, INF),
        ("min", -INF, INF, -INF),
    ],
)
def test_a_nan_shows_in_max_and_min(name: str, a: float, b: float, y: float) -> None:
    np.testing.assert_equal(value(named(name), np.float64(a), np.float64(b)), y)


def test_sqrt_at_0_and_clamp_at_its_bounds_have_derivative_0() -> None:
    """PyTorch gives inf for sqrt at 0, and 1 for clamp at its bounds."""
    (ours,) = gradient(named("sqrt"), (np.float64(0),), np.float64(1))
    assert ours == 0
    ends = np.array([-17 / 16, 37 / 16])
    (ours,) = gradient(named("clamp"), (ends,), np.ones(2))
    assert ours is not None
    assert ours.tolist() == [0, 0]


@pytest.mark.parametrize("op", [sqrt, log1p, softplus, safe_log, gelu])
def test_over_rationals_what_is_not_rational_is_refused(op: Any) -> None:
    error = leaf(Fraction(4)).bind(op).run().failure()
    assert isinstance(error, OutsideDomain)
    assert "not a rational function" in error.message


def test_a_rational_zero_has_no_reciprocal() -> None:
    error = const(rationals([1, 0])).bind(inv).run().failure()
    assert isinstance(error, OutsideDomain)
    assert error.message == "autograd: inv: division by zero"


def test_bounds_are_real_numbers() -> None:
    (x,) = const(5.0).exec().unwrap().ids()
    with pytest.raises(TypeError, match="clamp takes a real number for low"):
        clamp(x, 1j, 1)  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="clamp takes a real number for high"):
        clamp(x, 0, True)
    with pytest.raises(ValueError, match="clamp takes a real number for low, not NaN"):
        clamp(x, NAN, 1)
    assert clamp(x, 0, 1) != clamp(x, 0.0, 1)


def test_clamp_takes_infinite_bounds_and_bounds_that_cross() -> None:
    def clamped(x: float, low: float, high: float) -> float:
        (_, node) = const(x).bind(lambda i: clamp(i, low, high)).exec().unwrap()
        return float(node.value)

    assert clamped(5.0, -INF, INF) == 5.0
    assert clamped(5.0, 3, 1) == clamped(0.0, 3, 1) == clamped(2.0, 3, 1) == 1.0
    exact = const(Fraction(5)).bind(lambda x: clamp(x, 0, INF)).run().failure()
    assert isinstance(exact, OutsideDomain)


def test_a_bound_beyond_double_precision_is_refused_over_floats() -> None:
    huge = const(1.0).bind(lambda x: clamp(x, 0, 10**400)).run().failure()
    assert isinstance(huge, OutsideDomain)
    exact = const(Fraction(1)).bind(lambda x: clamp(x, 0, 10**400)).exec().unwrap()
    assert exact.nodes()[-1].value.item() == 1


def test_gelu_at_minus_infinity_and_its_slope_are_0() -> None:
    assert value(named("gelu"), np.float64(-INF)) == 0
    assert gradient(named("gelu"), (np.float64(-INF),), np.float64(1)) == (0.0,)


@pytest.mark.parametrize("epsilon", [0, -1.0, NAN, True, "1", None])
def test_epsilon_is_greater_than_0(epsilon: Any) -> None:
    (x,) = const(5.0).exec().unwrap().ids()
    with pytest.raises(ValueError, match="greater than 0"):
        safe_log(x, epsilon)


def test_clamp_prints_its_bounds() -> None:
    assert repr(Clamp(0, 1)) == "Clamp(low=0, high=1)"


# -- detach ----------------------------------------------------------------------------


@pytest.mark.parametrize("x", [3.0, np.ones((2, 3)), rationals([1, 2]), np.float32(1)])
def test_detach_keeps_the_value_and_drops_the_flag(x: Any) -> None:
    leaf_, node = param(x).bind(detach).exec().unwrap()
    assert leaf_.requires_grad
    assert not node.requires_grad
    assert node.label == "detach"
    assert node.value.dtype == leaf_.value.dtype
    assert node.value.tolist() == leaf_.value.tolist()


@pytest.mark.parametrize(
    "x", [np.array([True, False]), np.int8(3), np.uint64(2**64 - 1)]
)
def test_detach_takes_conditions_and_labels(x: Any) -> None:
    _, node = const(x).bind(detach).exec().unwrap()
    np.testing.assert_array_equal(node.value, x, strict=True)
    assert not node.requires_grad


def test_nothing_passes_back_through_detach() -> None:
    product = param(3.0).bind(lambda x: detach(x).bind(lambda c: mul(x, c)))
    gradients = product.bind(backward_scalar).eval().unwrap()
    assert gradients == {0: 3.0, 2: 1.0}


@pytest.mark.parametrize(("op", "y"), [(max_, 3), (min_, 2)])
def test_max_and_min_over_rationals_are_exact(op: Any, y: int) -> None:
    two, three = const(Fraction(2)), const(Fraction(3))
    (*_, node) = two.bind(lambda a: three.bind(lambda b: op(a, b))).exec().unwrap()
    assert node.value.item() == Fraction(y)
