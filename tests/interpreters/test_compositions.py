"""All compositions of forward and reverse mode agree on random programs."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import Array, derivative, hessian_input, mul, rationals, reduce_mean
from tests.interpreters.compositions import (
    COMPOSITIONS,
    REAL,
    SMOOTH,
    UNARY,
    Step,
    forward_over_reverse,
    loss_of,
    rational_steps,
    real_steps,
)
from tests.oracles import assert_fractions, usual

fractions = st.lists(st.fractions(-2, 2, max_denominator=4), min_size=3, max_size=3)
floats = st.lists(st.floats(-1.5, 1.5, allow_subnormal=False), min_size=3, max_size=3)
each_other_composition = pytest.mark.parametrize(
    "composition", COMPOSITIONS[1:], ids=lambda f: f.__name__
)


@each_other_composition
@usual
@given(chosen=rational_steps, x=fractions, v=fractions)
def test_compositions_agree_exactly_over_rationals(
    composition: Any, chosen: list[Step], x: list[Fraction], v: list[Fraction]
) -> None:
    at, along = rationals(x), rationals(v)

    def loss(z: Any) -> Any:
        return loss_of(chosen, z)

    expected = forward_over_reverse(loss, at, along)
    found = composition(loss, at, along)
    assert_fractions(found)
    assert found.tolist() == expected.tolist()


@each_other_composition
@usual
@given(chosen=real_steps, x=floats, v=floats)
def test_compositions_agree_in_double_precision(
    composition: Any, chosen: list[Step], x: list[float], v: list[float]
) -> None:
    at, along = np.array(x), np.array(v)

    def loss(z: Any) -> Any:
        return loss_of(chosen, z)

    expected = forward_over_reverse(loss, at, along)
    size = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(
        composition(loss, at, along), expected, rtol=0, atol=1e-9 * size
    )


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("step", [*REAL, *UNARY, *SMOOTH])
def test_compositions_agree_in_half_precision(composition: Any, step: str) -> None:
    at, along = np.array([0.25, -0.75, 1.125]), np.array([1.0, 0.5, -0.25])

    def loss(z: Any) -> Any:
        return loss_of([(step, 0, 0)], z)

    expected = forward_over_reverse(loss, at, along)
    found = composition(loss, at.astype(np.float16), along.astype(np.float16))
    assert found.dtype == np.float16
    roundings = 8 * 2.0**-11 * float(np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=roundings)


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda f: f.__name__)
def test_counts_beyond_the_range_of_half_precision_are_right(composition: Any) -> None:
    def loss(z: Any) -> Any:
        return mul(z, z).bind(lambda i: reduce_mean(i, axis=0))

    ones = np.ones(70_000, np.float16)
    found = composition(loss, ones, ones)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, np.full(70_000, 2 / 70_000), rtol=0, atol=2**-24)


@usual
@given(chosen=rational_steps, x=fractions, v=fractions)
def test_hessians_are_symmetric_and_second_derivatives_are_their_entries(
    chosen: list[Step], x: list[Fraction], v: list[Fraction]
) -> None:
    at = rationals(x)

    def loss(z: Any) -> Any:
        return loss_of(chosen, z)

    hessian = hessian_input(loss, at).unwrap()
    assert_fractions(hessian)
    assert hessian.tolist() == hessian.T.tolist()
    units: list[Array] = [rationals([i == j for j in range(3)]) for i in range(3)]
    mixed = [
        [derivative(lambda _, z: loss(z), None, at, [e, f]).unwrap() for f in units]
        for e in units
    ]
    assert [[entry.tolist() for entry in row] for row in mixed] == hessian.tolist()
