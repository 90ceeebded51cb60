from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import rationals
from tapem_dsl.ops.losses import entries
from tests.oracles import assert_fractions, gradient, named, operands, thorough, value

MSE = named("mse_loss")


@thorough
@given(data=st.data())
def test_over_rationals_the_mean_is_exact(data: st.DataObject) -> None:
    p, t = data.draw(operands(MSE, object))
    y = value(MSE, p, t)
    assert_fractions(y)
    squares = [(a - b) ** 2 for a, b in zip(p.flat, t.flat, strict=True)]
    assert y[()] == sum(squares, start=Fraction(0)) / (len(squares) or 1)


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_the_loss_of_nothing_is_zero_with_a_gradient_of_nothing(
    shape: tuple[int, ...],
) -> None:
    nothing = np.zeros(shape)
    assert entries(shape) == 1
    assert value(MSE, nothing, nothing) == 0
    for cotangent in gradient(MSE, (nothing, nothing), np.float64(1)):
        np.testing.assert_array_equal(cotangent, nothing, strict=True)
    none = rationals(np.zeros(shape, object))
    assert value(MSE, none, none) == 0
    for cotangent in gradient(MSE, (none, none), rationals(1)):
        assert cotangent is not None
        assert cotangent.shape == shape


def test_both_sides_receive_a_gradient() -> None:
    p, t = rationals([[1, 2], [3, 4]]), rationals([[0, 0], [0, "1/2"]])
    toward, away = gradient(MSE, (p, t), rationals(2))
    assert toward is not None
    assert away is not None
    assert toward.tolist() == [[1, 2], [3, Fraction(7, 2)]]
    assert (toward + away == 0).all()


@pytest.mark.parametrize(
    ("prediction", "target", "loss"),
    [
        (1e300, -1e300, np.inf),
        (np.inf, np.inf, np.nan),
        (np.nan, 0.0, np.nan),
        (-0.0, 0.0, 0.0),
    ],
)
def test_extremes(prediction: float, target: float, loss: float) -> None:
    y = value(MSE, np.array([prediction]), np.array([target]))
    np.testing.assert_array_equal(y, loss)
