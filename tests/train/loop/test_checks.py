"""Checks that fail with a tag, and one step of SGD."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import NodeId, backward_scalar, const, leaf, mul, param, rationals, sum_
from tapem_dsl.tape.equality import same
from tapem_dsl.train import (
    require_grad_tensor,
    require_scalar_value,
    require_value_tensor,
    sgd_update_tensor,
)

OUT, TAPE = (
    param(np.array([1.0, 2.0])).bind(lambda x: mul(x, x)).bind(sum_).run().unwrap()
)
GRADS = backward_scalar(TAPE, OUT).unwrap()
X = NodeId(0)


def test_require_grad_tensor_gives_a_gradient_of_the_shape() -> None:
    found = require_grad_tensor("t", GRADS, X, (2,)).unwrap()
    assert found.tolist() == [2.0, 4.0]
    missing = require_grad_tensor("t", GRADS, NodeId(9), (2,)).failure()
    assert missing.message == "t: missing gradient for node id 9"
    wrong = require_grad_tensor("t", GRADS, X, (3,)).failure()
    assert wrong.message == "t: gradient shape mismatch for node id 0"
    assert wrong.facts() == {"tag": "t", "id": 0, "expected": (3,), "found": (2,)}


def test_a_frozen_node_has_no_gradient() -> None:
    out, tape = const(1.0).bind(lambda x: mul(x, x)).run().unwrap()
    grads = backward_scalar(tape, out).unwrap()
    error = require_grad_tensor("t", grads, X, ()).failure()
    assert error.message == "t: missing gradient for node id 0"


def test_require_value_tensor_gives_a_value_of_the_shape() -> None:
    assert require_value_tensor("t", TAPE, X, (2,)).unwrap().tolist() == [1.0, 2.0]
    for id in (-1, 9):
        missing = require_value_tensor("t", TAPE, NodeId(id), (2,)).failure()
        assert missing.message == f"t: missing value for node id {id}"
    wrong = require_value_tensor("t", TAPE, X, ()).failure()
    assert wrong.message == "t: value shape mismatch for node id 0"


def test_require_scalar_value_gives_a_number() -> None:
    assert require_scalar_value("t", TAPE, OUT) == Success(5.0)
    wrong = require_scalar_value("t", TAPE, X).failure()
    assert wrong.message == "t: value shape mismatch for node id 0"
    exact = leaf(Fraction(1, 3)).exec().unwrap()
    assert require_scalar_value("t", exact, X) == Success(Fraction(1, 3))


@pytest.mark.parametrize("wrong", ["0", True, leaf(1.0)])
def test_what_is_no_id_is_refused(wrong: Any) -> None:
    for require in (
        lambda: require_grad_tensor("t", GRADS, wrong, ()),
        lambda: require_value_tensor("t", TAPE, wrong, ()),
        lambda: require_scalar_value("t", TAPE, wrong),
    ):
        with pytest.raises(TypeError, match="node id"):
            require()


# -- SGD -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2), (0,)])
def test_a_step_keeps_shape_and_scalar_type(kind: Any, shape: Any) -> None:
    w, g = np.full(shape, 3, kind)[()], np.full(shape, 10, kind)[()]
    stepped = sgd_update_tensor(w, g, 0.1)
    assert same(stepped, np.asarray(w - g * kind(0.1))[()])
    assert leaf(stepped).exec().unwrap()[X].value is stepped


def test_a_step_is_exact_over_rationals() -> None:
    stepped = sgd_update_tensor(rationals([1, 2]), rationals([3, 4]), Fraction(1, 3))
    assert same(stepped, rationals([0, "2/3"]))
    scalar = sgd_update_tensor(rationals(1), rationals(3), Fraction(1, 3))
    assert same(scalar, rationals(0))


@pytest.mark.parametrize("rate", [float("inf"), float("nan")])
def test_a_rate_that_is_no_rational_is_refused_over_rationals(rate: float) -> None:
    with pytest.raises(ValueError, match="not a rational number"):
        sgd_update_tensor(rationals([1]), rationals([1]), rate)


def test_rates_that_floats_cannot_say_and_integer_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="beyond double precision"):
        sgd_update_tensor(np.zeros(1), np.zeros(1), 10**400)
    with pytest.raises(TypeError, match="takes a real number for learning_rate"):
        sgd_update_tensor(np.zeros(1), np.zeros(1), "0.1")  # type: ignore[arg-type] # the mistake
    with pytest.raises(ValueError, match="only real parameters"):
        sgd_update_tensor(np.zeros(1, np.int64), np.zeros(1, np.int64), 0.1)
    overflowing = sgd_update_tensor(np.full(1, 1e308), np.full(1, -1e308), 1e308)
    assert overflowing.tolist() == [float("inf")]


def test_a_shape_that_is_none_is_refused() -> None:
    wrong: Any = [2]
    looks: list[Callable[[], object]] = [
        lambda: require_grad_tensor("t", GRADS, X, wrong),
        lambda: require_value_tensor("t", TAPE, X, wrong),
        lambda: TAPE.require_value(X, wrong),
    ]
    for look in looks:
        with pytest.raises(TypeError, match="a shape is a tuple of extents"):
            look()


def test_a_gradient_that_does_not_fit_is_refused() -> None:
    for g in (np.zeros(3), np.zeros(2, np.float32), np.zeros((1, 2))):
        with pytest.raises(ValueError, match="does not fit"):
            sgd_update_tensor(np.zeros(2), g, 0.1)
