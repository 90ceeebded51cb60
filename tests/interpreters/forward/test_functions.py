"""Derivatives of programs over trees: against JAX, and what they refuse."""

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    const,
    cross_entropy,
    detach,
    do,
    linear,
    mul,
    pure,
    relu,
    sum_,
    tanh,
)
from tapem_dsl.errors import (
    InvalidNodeId,
    InvalidOutputId,
    OutsideDomain,
    SeedShapeMismatch,
    ShapeMismatch,
)
from tapem_dsl.interpreters.forward import (
    derivative,
    derivative_vjp,
    hessian_input,
    hvp_inputs,
    hvp_params,
    jacfwd_input,
    jacrev_inputs,
    jacrev_params,
    jvp,
    vjp,
)
from tests.oracles import plain, usual


class Net(NamedTuple):
    w1: Any  # Any: arrays outside, ids inside
    b1: Any
    w2: Any


@do
def network(net: Net, x: NodeId) -> Do[NodeId]:
    zero = yield from const(np.zeros(2))
    hidden = yield from linear(net.w1, net.b1, x)
    bent = yield from tanh(hidden)
    return (yield from linear(net.w2, zero, bent))


@do
def loss(net: Net, x: NodeId) -> Do[NodeId]:
    y = yield from network(net, x)
    square = yield from mul(y, y)
    return (yield from sum_(square))


def jax_network(net: Any, x: Any) -> Any:
    return net.w2 @ jnp.tanh(net.w1 @ x + net.b1)


def jax_loss(net: Any, x: Any) -> Any:
    return (jax_network(net, x) ** 2).sum()


def drawn(seed: int) -> tuple[Net, Array, Net, Array]:
    rng = np.random.default_rng(seed)
    shapes = ((4, 3), (4,), (2, 4))
    net, along = (Net(*(rng.normal(size=s) for s in shapes)) for _ in range(2))
    return net, rng.normal(size=3), along, rng.normal(size=3)


def assert_alike(ours: Any, theirs: Any, tolerance: float = 1e-9) -> None:
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-12)


seeds = st.integers(0, 10_000)


@usual
@given(seed=seeds)
def test_first_derivatives_are_those_of_jax(seed: int) -> None:
    net, x, v, w = drawn(seed)
    assert_alike(
        jvp(network, net, x, v, w).unwrap(), jax.jvp(jax_network, (net, x), (v, w))
    )
    only_x = jvp(network, net, x, along_inputs=w).unwrap()
    assert_alike(only_x, jax.jvp(partial(jax_network, net), (x,), (w,)))
    g = np.array([2.0, -3.0])
    _, pull = jax.vjp(jax_network, net, x)
    assert_alike(vjp(network, net, x, g).unwrap(), pull(g))


@usual
@given(seed=seeds)
def test_hessian_vector_products_are_those_of_jax(seed: int) -> None:
    net, x, v, w = drawn(seed)
    slope_net, slope_x = jax.grad(jax_loss), jax.grad(jax_loss, 1)
    _, theirs = jax.jvp(lambda p: slope_net(p, x), (net,), (v,))
    assert_alike(hvp_params(loss, net, x, v).unwrap(), theirs)
    _, of_x = jax.jvp(lambda z: slope_x(net, z), (x,), (w,))
    assert_alike(hvp_inputs(loss, net, x, w).unwrap(), of_x)


def test_jacobians_and_hessians_are_those_of_jax() -> None:
    net, x, _, _ = drawn(0)
    assert_alike(
        jacrev_params(network, net, x).unwrap(), jax.jacrev(jax_network)(net, x)
    )
    assert_alike(
        jacrev_inputs(network, net, x).unwrap(), jax.jacrev(jax_network, 1)(net, x)
    )
    row = np.random.default_rng(1).normal(size=(2, 2))
    assert_alike(jacfwd_input(tanh, row).unwrap(), jax.jacfwd(jnp.tanh)(row))

    def bent(z: NodeId) -> TapeM[NodeId, Any]:
        return tanh(z).bind(lambda y: mul(y, y)).bind(sum_)

    theirs = jax.hessian(lambda z: (jnp.tanh(z) ** 2).sum())(row)
    assert_alike(hessian_input(bent, row).unwrap(), theirs)


# -- levels ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scalar_types_stay(dtype: Any) -> None:
    x = np.array([0.5, -0.25], dtype)

    def program(z: NodeId) -> TapeM[NodeId, Any]:
        return tanh(z).bind(sum_)

    for result in (hessian_input(program, x), jacfwd_input(tanh, x)):
        assert result.unwrap().dtype == dtype
        assert not result.unwrap().flags.writeable
    value, tangent = jvp(lambda _, z: tanh(z), None, x, along_inputs=x).unwrap()
    assert value.dtype == tangent.dtype == dtype


def test_empty_and_scalar_inputs_have_derivatives_too() -> None:
    assert jacfwd_input(tanh, np.zeros(0)).unwrap().shape == (0, 0)
    assert hessian_input(sum_, np.zeros((0, 2))).unwrap().shape == (0, 2, 0, 2)
    assert hessian_input(lambda x: mul(x, x), np.float64(3)).unwrap() == 2
    rows: Any = jacrev_params(lambda p, x: relu(x), np.ones(2), np.zeros(0)).unwrap()
    assert rows.shape == (0, 2)


# -- failures --------------------------------------------------------------------------


def test_a_direction_of_another_shape_is_a_failure() -> None:
    for direction in (np.ones(3), np.ones(2, np.float32)):
        wrong = jvp(add, np.ones(2), np.ones(2), direction).failure()
        assert isinstance(wrong, ShapeMismatch)
        assert (
            f"float64[2], not {direction.dtype}{list(direction.shape)}" in wrong.wants
        )
    nested = derivative(lambda p, x: tanh(x), None, np.ones(2), [np.ones(3)])
    assert isinstance(nested.failure(), ShapeMismatch)


def test_a_hessian_wants_a_scalar_and_failures_pass_through() -> None:
    assert isinstance(hessian_input(tanh, np.ones(2)).failure(), SeedShapeMismatch)
    lost = jacfwd_input(lambda x: tanh(NodeId(9)), np.ones(2))
    assert isinstance(lost.failure(), InvalidNodeId)
    seed = vjp(add, np.ones(2), np.ones(2), np.ones(3))
    assert isinstance(seed.failure(), SeedShapeMismatch)


def test_pytrees_of_two_structures_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="pytrees differ"):
        jvp(add, [1.0], [1.0], [1.0, 2.0])


def test_what_has_no_direction_stays_plain() -> None:
    net, x, v, _ = drawn(3)
    one = Net(v.w1, None, None)
    along = jvp(network, net, x, one).unwrap()
    theirs = jax.jvp(lambda w1: jax_network(net._replace(w1=w1), x), (net.w1,), (v.w1,))
    assert_alike(along, theirs)


def test_a_leaf_without_a_direction_has_its_share_of_the_product() -> None:
    """The Hessian of ``a * b`` along ``(1, 0)`` is ``(0, 1)``, by ``None`` or 0."""

    def area(sides: Any, _: None) -> TapeM[NodeId, Any]:
        return mul(sides[0], sides[1])

    two, three, one, zero = (np.float64(n) for n in (2, 3, 1, 0))
    for along in ([one, None], [one, zero]):
        found: list[Any] = hvp_params(area, [two, three], None, along).unwrap()
        assert found == [0, 1]
    assert hvp_params(area, [two, three], None, [None, None]).unwrap() == [0, 0]


def test_what_does_not_depend_on_the_input_has_no_derivative() -> None:
    three, one = np.float64(3), np.float64(1)

    def of_parameters(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        return mul(p, p)

    def held(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        return detach(x).bind(lambda z: mul(z, p))

    for program in (of_parameters, held):
        for directions in ([one], [one, one]):
            assert derivative(program, three, one, directions).unwrap() == 0
            pulled: Any = derivative_vjp(program, three, one, directions, 1.0).unwrap()
            assert plain(*pulled) == [0, 0]
    assert hvp_inputs(of_parameters, three, one, one).unwrap() == 0
    itself: Any = derivative_vjp(of_parameters, three, one, [], 1.0).unwrap()
    assert plain(*itself) == [6, 0]


def test_labels_may_be_inputs_and_take_no_direction() -> None:
    logits, label = np.array([0.5, -1.0, 2.0]), np.int64(1)
    v = np.array([1.0, 2.0, -1.0])
    found = hvp_params(cross_entropy, logits, label, v).unwrap()

    def theirs(z: Any) -> Any:
        return -jax.nn.log_softmax(z)[1]

    assert_alike(found, jax.jvp(jax.grad(theirs), (logits,), (v,))[1])
    _, nothing = vjp(cross_entropy, logits, label, 1.0).unwrap()
    assert nothing == 0
    assert nothing.dtype == np.int64
    wrong = jvp(cross_entropy, logits, label, v, np.int64(1)).failure()
    assert isinstance(wrong, ShapeMismatch)
    assert (
        wrong.wants == "None as the direction of a leaf of int64: it has no derivative"
    )


# -- more failures ---------------------------------------------------------------------


def test_a_result_that_is_on_no_tape_is_a_failure() -> None:
    def lost(*_: Any) -> TapeM[NodeId, Any]:
        return pure(NodeId(99))

    one = np.float64(1)
    for found in (
        jvp(lost, None, one),
        vjp(lost, None, one, 1.0),
        jacrev_inputs(lost, None, one),
        jacfwd_input(lost, one),
        hessian_input(lost, one),
        derivative(lost, None, one, [one]),
        derivative_vjp(lost, None, one, [one], 1.0),
    ):
        assert isinstance(found.failure(), InvalidOutputId)


def test_numbers_beyond_double_precision_are_a_failure() -> None:
    huge: Any = 10**400
    one = np.float64(1)
    for found in (
        jvp(lambda p, x: mul(x, x), None, one, None, huge),
        jvp(lambda p, x: mul(x, x), None, huge),
        derivative(lambda p, x: mul(x, x), None, huge, []),
        vjp(mul, one, one, huge),
        hessian_input(lambda x: mul(x, x), huge),
        jacfwd_input(lambda x: mul(x, x), huge),
    ):
        assert isinstance(found.failure(), OutsideDomain)


def test_directions_are_a_list_of_arrays() -> None:
    loose: Any = derivative
    one = np.float64(1)
    with pytest.raises(TypeError, match="a list of directions, one for each order"):
        loose(mul, one, one, 1.0)
    with pytest.raises(TypeError, match="cannot be a value of a tape"):
        loose(mul, one, one, [None, one])


def test_empty_columns_stand_after_the_result() -> None:
    """The result has shape (2, 3), the input (0, 4)."""
    ones = np.ones((2, 3))
    found = jacfwd_input(lambda x: const(ones), np.zeros((0, 4))).unwrap()
    assert found.shape == (2, 3, 0, 4)
