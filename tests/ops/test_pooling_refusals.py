"""What pooling refuses: windows, strides, paddings and betas."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    NodeId,
    avg_pool,
    leaf,
    max_pool,
    rationals,
    smooth_max_pool,
)
from tapem_dsl.errors import (
    DTypeMismatch,
    InvalidNodeId,
    OutsideDomain,
    RequirementNotMet,
    ShapeMismatch,
)
from tests.ops.pools import every, smooth
from tests.untyped import LOOSE

NAN, INF = math.nan, math.inf
X = np.ones((1, 4, 4))


@pytest.mark.parametrize(
    ("pool", "name"),
    [(max_pool, "max_pool"), (avg_pool, "avg_pool"), (smooth, "smooth_max_pool")],
)
@pytest.mark.parametrize(
    ("options", "requirement"),
    [
        ({"kernel": 0, "stride": 1}, "kernel_size > 0 on every spatial axis"),
        ({"kernel": (2, 0), "stride": 0}, "kernel_size > 0 on every spatial axis"),
        ({"kernel": 2, "stride": 0}, "stride > 0 on every spatial axis"),
        ({"kernel": 2, "stride": (1, 0)}, "stride > 0 on every spatial axis"),
    ],
)
def test_a_kernel_or_stride_of_0_is_refused(
    pool: Any, name: str, options: Any, requirement: str
) -> None:
    error = leaf(X).bind(lambda i: pool(i, **options)).run().failure()
    assert error == RequirementNotMet(name, requirement, ids=(NodeId(0),))
    assert error.message == f"autograd: {name} requires {requirement}"


@pytest.mark.parametrize("beta", [0, 0.0, -0.0, INF, -INF, NAN, Fraction(0)])
@pytest.mark.parametrize("x", [X, np.ones(2)])
def test_beta_is_checked_first(beta: Any, x: Array) -> None:
    pool: Callable[[NodeId], Any] = lambda i: smooth_max_pool(i, 0, beta=beta)  # noqa: E731 - short
    error = leaf(x).bind(pool).run().failure()
    text = "autograd: smooth_max_pool requires finite nonzero beta"
    assert error.message == text


def test_a_smooth_maximum_wants_a_spatial_axis_before_a_kernel() -> None:
    error = leaf(np.ones(2)).bind(lambda i: smooth(i, kernel=0)).run().failure()
    text = "autograd: smooth_max_pool requires at least one spatial dimension"
    assert error.message == text


@pytest.mark.parametrize(
    ("dtype", "beta"),
    [
        (np.float32, 1e300),
        (np.float32, 1e-50),
        (np.float16, 1e300),
        (np.float16, 1e-50),
    ],
)
def test_beta_is_finite_and_not_0_in_the_scalar_type(dtype: Any, beta: float) -> None:
    x = np.array([[1.0, 2.0]], dtype)
    error = leaf(x).bind(lambda i: smooth(i, kernel=1, beta=beta)).run().failure()
    text = "autograd: smooth_max_pool requires finite nonzero beta"
    assert error.message == text


@every
def test_more_spatial_axes_than_windows_can_have_are_a_failure(pool: Any) -> None:
    error = leaf(np.ones((1,) * 33)).bind(lambda i: pool(i, kernel=1)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants == "less than 32 spatial axes"


@pytest.mark.parametrize("beta", [10**400, Fraction(10**400, 3)])
def test_a_beta_beyond_double_is_a_failure(beta: Any) -> None:
    error = leaf(X).bind(lambda i: smooth(i, kernel=2, beta=beta)).run().failure()
    assert isinstance(error, OutsideDomain)


@every
def test_the_operand_is_checked_first(pool: Any) -> None:
    assert isinstance(pool(NodeId(0), kernel=0).run().failure(), InvalidNodeId)
    truths = leaf(np.ones((1, 2), bool), requires_grad=False)
    error = truths.bind(lambda i: pool(i, kernel=0)).run().failure()
    assert isinstance(error, DTypeMismatch)
    error = leaf(1.0).bind(lambda i: pool(i, kernel=2)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants == "(channels, *spatial)"


@every
@pytest.mark.parametrize("what", ["kernel", "stride", "padding"])
def test_a_tuple_has_a_number_for_each_axis(pool: Any, what: str) -> None:
    options = {"kernel": 2, what: (2, 2, 2)}
    error = leaf(X).bind(lambda i: pool(i, **options)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants.startswith("3 spatial axes, for ")


@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "smooth_max_pool"])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"kernel": 2.0}, TypeError),
        ({"kernel": [2]}, TypeError),
        ({"kernel": -1}, ValueError),
        ({"kernel": 2, "stride": "1"}, TypeError),
        ({"kernel": 2, "padding": True}, TypeError),
        ({"kernel": 2, "padding": (0, -1)}, ValueError),
    ],
)
def test_mistakes_of_the_text_are_errors_at_the_call(
    name: str, options: Any, error: type[Exception]
) -> None:
    beta = {"beta": 1.0} if name == "smooth_max_pool" else {}
    with pytest.raises(error, match=name):
        getattr(LOOSE, name)(0, **options, **beta)


@pytest.mark.parametrize("beta", ["1", None, True, 1j])
def test_a_beta_is_a_real_number(beta: object) -> None:
    with pytest.raises(TypeError, match="takes a real number for beta"):
        LOOSE.smooth_max_pool(0, 2, beta=beta)


def test_over_rationals_a_smooth_maximum_fails() -> None:
    x = rationals([[1, 2]])
    error = leaf(x).bind(lambda i: smooth(i, kernel=2)).run().failure()
    assert isinstance(error, OutsideDomain)
