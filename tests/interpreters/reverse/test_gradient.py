"""``value_and_grad``: losses and gradients of programs over trees."""

import threading
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from tapem_dsl import NodeId, const, dot, mul, rationals, sum_, tanh, value_and_grad
from tapem_dsl.errors import SeedShapeMismatch, ShapeMismatch
from tests.oracles import assert_fractions
from tests.train.tanh_layer import loss_of


class Model(NamedTuple):
    w: Any  # Any: arrays outside, ids inside
    b: Any
    unused: Any


def model(dtype: Any = np.float64) -> Model:
    rng = np.random.default_rng(0)
    shapes = ((2, 3), (2,), (4,))
    return Model(*(rng.normal(size=shape).astype(dtype) for shape in shapes))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_loss_and_gradients_are_those_of_jax(dtype: Any) -> None:
    x, y = np.ones(3, dtype), np.zeros(2, dtype)
    given = model(dtype)
    loss, gradients = value_and_grad(loss_of)(given, x, y).unwrap()

    def theirs(w: Any, b: Any) -> Any:
        return jnp.mean((jnp.tanh(w @ x + b) - y) ** 2)

    expected, pulled = jax.value_and_grad(theirs, (0, 1))(given.w, given.b)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    assert loss == pytest.approx(float(expected), rel=tolerance)
    for ours, their in zip(gradients[:2], pulled, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, their, rtol=tolerance)
    assert type(gradients) is Model
    np.testing.assert_array_equal(gradients.unused, np.zeros(4, dtype), strict=True)


def test_value_and_grad_is_exact_over_rationals() -> None:
    def square(x: NodeId) -> Any:
        return mul(x, x)

    loss, gradient = value_and_grad(square)(rationals(Fraction(1, 3))).unwrap()
    assert_fractions(loss)
    assert_fractions(gradient)
    assert loss.tolist() == Fraction(1, 9)
    assert gradient.tolist() == Fraction(2, 3)


def test_inputs_go_by_name_too_and_nothing_changes() -> None:
    given = model()
    before = [array.copy() for array in given]
    function = value_and_grad(loss_of)
    first = function(given, np.ones(3), y=np.zeros(2))
    again = function(given, np.ones(3), y=np.zeros(2))
    assert str(first) == str(again)
    for array, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, old)
    assert given.w.flags.writeable


def test_a_failure_names_the_parameter_by_its_path() -> None:
    def program(parameters: dict[str, list[NodeId]]) -> Any:
        return dot(parameters["w"][0], parameters["w"][1])

    failure = value_and_grad(program)({"w": [np.ones(2), np.ones(3)]}).failure()
    assert isinstance(failure, ShapeMismatch)
    assert failure.names == ("w.0", "w.1")


def test_a_loss_that_is_no_scalar_is_a_failure() -> None:
    failure = value_and_grad(tanh)(np.ones(2)).failure()
    assert isinstance(failure, SeedShapeMismatch)


def test_a_loss_that_depends_on_nothing_has_gradients_0() -> None:
    def program(parameters: NodeId) -> Any:
        return const(1.0)

    loss, gradient = value_and_grad(program)(np.ones(2)).unwrap()
    assert (loss, gradient.tolist()) == (1, [0, 0])


def test_a_parameter_that_is_the_loss_has_gradient_1() -> None:
    loss, gradient = value_and_grad(sum_)(np.float64(3)).unwrap()
    assert (float(loss), float(gradient)) == (3, 1)


def test_threads_share_a_function() -> None:
    function, given = value_and_grad(loss_of), model()
    results: list[float] = []

    def work() -> None:
        results.extend(
            float(function(given, np.ones(3), np.zeros(2)).unwrap()[0])
            for _ in range(20)
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1
    assert len(results) == 80
