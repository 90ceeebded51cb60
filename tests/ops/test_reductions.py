"""Sums of all entries."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import leaf, rationals, sum_, value_of
from tests.oracles import assert_fractions, operands, thorough, value
from tests.specs.every import named

SUM = named("sum")


@thorough
@given(data=st.data())
def test_over_rationals_the_sum_is_exact(data: st.DataObject) -> None:
    (x,) = data.draw(operands(SUM, object))
    y = value(SUM, x)
    assert_fractions(y)
    assert y[()] == sum(x.flat, start=Fraction(0))


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_the_sum_of_nothing_is_zero(shape: tuple[int, ...]) -> None:
    single = value(SUM, np.zeros(shape, np.float32))
    assert type(single) is np.float32
    assert single == 0
    exact = value(SUM, rationals(np.zeros(shape, object)))
    assert_fractions(exact)
    assert exact == 0


def test_the_sum_of_a_scalar_is_the_scalar() -> None:
    assert leaf(2.5).bind(sum_).bind(value_of).eval().unwrap() == 2.5


@pytest.mark.parametrize(
    ("entries", "total"),
    [
        ([1e308, 1e308], np.inf),
        ([np.inf, -np.inf], np.nan),
        ([1.0, np.nan], np.nan),
        ([1e300, 1.0, -1e300], 0.0),
    ],
)
def test_sums_hold_at_extremes(entries: list[float], total: float) -> None:
    np.testing.assert_array_equal(value(SUM, np.array(entries)), total)
