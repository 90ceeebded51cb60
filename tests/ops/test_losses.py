"""Losses: exact means, empty operands, and values at extremes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    NodeId,
    backward,
    const,
    cross_entropy,
    huber_loss,
    leaf,
    log_softmax_last,
    nll,
    rationals,
)
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.ops.losses import entries
from tests.oracles import assert_fractions, gradient, operands, program, thorough, value
from tests.specs.every import named

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
def test_mse_loss_holds_at_extremes(
    prediction: float, target: float, loss: float
) -> None:
    y = value(MSE, np.array([prediction]), np.array([target]))
    np.testing.assert_array_equal(y, loss)


# -- the losses beside it --------------------------------------------------------------


@pytest.mark.parametrize("name", ["l1_loss", "huber_loss", "bce_with_logits"])
def test_the_loss_of_nothing_is_zero_and_of_a_scalar_its_own(name: str) -> None:
    spec = named(name)
    assert value(spec, np.zeros((0, 2)), np.zeros((0, 2))) == 0
    assert all(
        g is not None and g.shape == (0, 2)
        for g in gradient(spec, (np.zeros((0, 2)),) * 2, np.float64(1))
    )
    scalar = value(spec, np.float64(3), np.float64(1))
    assert scalar == value(spec, np.full(5, 3.0), np.full(5, 1.0))


@pytest.mark.parametrize(
    ("name", "p", "t", "loss", "first", "second"),
    [
        ("l1_loss", 2.0, 2.0, 0.0, 0.0, 0.0),
        ("l1_loss", 1e308, -1e308, math.inf, 1.0, -1.0),
        ("huber_loss", 1e308, 0.0, 1.5625e308, 1.5625, -1.5625),
        ("huber_loss", 1e-200, 0.0, 0.0, 1e-200, -1e-200),
        ("huber_loss", 1.5625, 0.0, 1.220703125, 1.5625, -1.5625),
        ("huber_loss", math.nan, 0.0, math.nan, math.nan, math.nan),
        ("bce_with_logits", 1e300, 1.0, 0.0, 0.0, -1e300),
        ("bce_with_logits", 40.0, 1.0, math.exp(-40), -math.exp(-40), -40.0),
        ("bce_with_logits", -40.0, 0.0, math.exp(-40), math.exp(-40), 40.0),
        ("bce_with_logits", -1e300, 0.0, 0.0, 0.0, 1e300),
        ("bce_with_logits", 0.0, 0.5, math.log(2), 0.0, 0.0),
    ],
)
def test_losses_and_their_gradients_hold_at_extremes(
    name: str, p: float, t: float, loss: float, first: float, second: float
) -> None:
    xs = np.float64(p), np.float64(t)
    np.testing.assert_allclose(value(named(name), *xs), loss, rtol=1e-15)
    found = np.array(gradient(named(name), xs, np.float64(1)), np.float64)
    np.testing.assert_allclose(found, np.array((first, second)), rtol=1e-15)


def test_bce_with_logits_is_not_rational() -> None:
    spec, x = named("bce_with_logits"), rationals([1])
    error = program(spec, (x, x)).run().failure()
    assert isinstance(error, OutsideDomain)
    assert "not a rational function" in error.message


@pytest.mark.parametrize("delta", [0, -1.0, math.nan, math.inf, True, "1", None])
def test_delta_is_greater_than_0(delta: Any) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        huber_loss(NodeId(0), NodeId(1), delta)


@pytest.mark.parametrize("rows", [(), (3,), (2, 2)])
def test_nll_of_log_softmax_is_cross_entropy(rows: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    logits, labels = rng.normal(size=(*rows, 4)), rng.integers(0, 4, rows)

    def both(op: Any) -> tuple[Any, Any]:
        wanted = const(labels if rows else np.int64(labels))
        program = leaf(logits).bind(lambda x: wanted.bind(lambda y: op(x, y)))
        out, tape = program.run().unwrap()
        return tape[out].value, backward(tape, out, 1.0).unwrap()[NodeId(0)]

    loss, gradient_ = both(cross_entropy)
    again, again_ = both(lambda x, y: log_softmax_last(x).bind(lambda p: nll(p, y)))
    np.testing.assert_allclose(again, loss, rtol=1e-14)
    np.testing.assert_allclose(again_, gradient_, rtol=1e-13, atol=1e-16)


def test_nll_is_exact_over_rationals_and_refuses_a_label_of_no_class() -> None:
    rows, labels = rationals([["-1/3", -2], [-5, "-1/7"]]), const(np.array([0, 1]))
    program = leaf(rows).bind(lambda x: labels.bind(lambda y: nll(x, y)))
    out, tape = program.run().unwrap()
    assert_fractions(tape[out].value)
    assert tape[out].value.item() == Fraction(5, 21)
    gradients = backward(tape, out, 1).unwrap()[NodeId(0)]
    assert_fractions(gradients)
    assert gradients.tolist() == [[Fraction(-1, 2), 0], [0, Fraction(-1, 2)]]
    wrong = const(np.array([0, 2]))
    error = leaf(rows).bind(lambda x: wrong.bind(lambda y: nll(x, y))).run().failure()
    assert isinstance(error, OutsideDomain)
    assert error.message == "autograd: nll: a label is outside 0 to 1"


def test_only_the_label_of_a_row_receives_anything() -> None:
    rows, label = leaf(np.array([1.0, 2.0, 3.0])), const(np.int64(1))
    program = rows.bind(lambda x: label.bind(lambda y: nll(x, y)))
    out, tape = program.run().unwrap()
    for g in (np.inf, np.nan, 1.0):
        gradient = backward(tape, out, g).unwrap()[NodeId(0)]
        np.testing.assert_array_equal(gradient, [0, -g, 0])
        assert not np.signbit(gradient[[0, 2]]).any()
