"""Programs as functions of JAX: values, and derivatives by our rules."""

from typing import Any

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from tapem_dsl import (
    Do,
    NodeId,
    abs_,
    as_jax,
    broadcast_to,
    const,
    cross_entropy,
    do,
    exp,
    log,
    matmul,
    mul,
    relu,
    sum_,
    tanh,
    value_and_grad,
)
from tests.interpreters.compiled.test_every_op import operands, weighted
from tests.specs.every import each_op
from tests.specs.spec import Spec

# Any, throughout: arrays of JAX, and programs of any scalar type.


@each_op
def test_every_op(spec: Spec) -> None:
    shapes = spec.few[0]
    given = operands(spec, shapes, 0, np.float64)
    weights = np.random.default_rng(9).normal(size=spec.op.shape(*shapes))
    program = as_jax(lambda ids, w: weighted(spec, ids, w))
    value, gradients = value_and_grad(lambda ids, w: weighted(spec, ids, w))(
        given, weights
    ).unwrap()
    with jax.enable_x64(True):
        there = [*map(jnp.asarray, given)]
        mine, found = jax.value_and_grad(program)(there, weights)
    np.testing.assert_allclose(mine, value, rtol=1e-11)
    for ours, theirs in zip(found, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@do
def cubed(x: NodeId) -> Do[NodeId, Any]:
    return (yield from mul((yield from mul(x, x)), x))


def test_derivatives_of_derivatives() -> None:
    cube = as_jax(cubed)
    first = jax.grad(cube)
    second = jax.grad(first)
    third = jax.grad(second)
    assert [float(f(2.0)) for f in (cube, first, second, third)] == [8, 12, 12, 6]
    assert float(jax.jit(second)(5.0)) == 30


def test_lanes() -> None:
    cube, xs = as_jax(cubed), jnp.arange(3.0)
    assert jax.vmap(jax.grad(cube))(xs).tolist() == [0, 3, 12]
    assert jax.grad(lambda x: jax.vmap(cube)(x).mean())(xs).tolist() == [0, 1, 4]
    assert jax.vmap(jax.grad(jax.grad(cube)))(xs).tolist() == [0, 6, 12]
    inner = jax.vmap(as_jax(mul_of), (None, 0))
    both = jax.vmap(inner, (0, None))(xs, xs)
    assert both.tolist() == [[0, 0, 0], [1, 1, 1], [4, 4, 4]]


@do
def mul_of(x: NodeId, _: Any) -> Do[NodeId, Any]:
    return (yield from mul(x, x))


def test_no_tracer_outlives_its_trace() -> None:
    p, x, labels = drawn()
    given = jax.tree.map(lambda a: a.astype(np.float32), (p, x))
    with jax.checking_leaks():
        found = jax.jit(jax.grad(as_jax(network)))(*given, labels)
    assert np.isfinite(found["w"]).all()


@pytest.mark.parametrize("op", [relu, abs_])
def test_corners_have_our_gradients(op: Any) -> None:
    ours = value_and_grad(op)(0.0).unwrap()[1]
    assert float(jax.grad(as_jax(op))(0.0)) == ours


@do
def network(p: Any, x: Any, labels: Any) -> Do[NodeId, Any]:
    rows = yield from const(x)
    targets = yield from const(labels)
    hidden = yield from tanh((yield from matmul(rows, p["w"])))
    bias = yield from broadcast_to(p["b"], (x.shape[0], 4))
    return (yield from cross_entropy((yield from mul(hidden, bias)), targets))


def drawn() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    p = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}
    return p, rng.normal(size=(5, 3)), np.array([0, 1, 2, 3, 0])


def test_second_derivatives_of_a_network_are_those_of_jax() -> None:
    def of_jax(p: Any, x: Any, labels: Any) -> Any:
        logits = jnp.tanh(x @ p["w"]) * p["b"]
        rows = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(rows, labels[:, None], 1).mean()

    def along(loss: Any, p: Any, *rest: Any) -> Any:
        def slope(p: Any) -> Any:
            return sum(
                jnp.sum(g * g) for g in jax.tree.leaves(jax.grad(loss)(p, *rest))
            )

        return jax.grad(slope)(p)

    with jax.enable_x64(True):
        p, x, labels = jax.tree.map(jnp.asarray, drawn())
        ours = jax.jit(lambda p: along(as_jax(network), p, x, labels))(p)
        theirs = along(of_jax, p, x, labels)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_lanes_of_numpy_are_as_wide_as_jax_says() -> None:
    """Without float64 ``vmap`` says float32 of NumPy's float64, and keeps the array."""
    xs, labels = np.arange(6.0).reshape(2, 3), np.array([2, 0])
    assert xs.dtype == np.float64
    assert labels.dtype == np.int64
    loss = as_jax(lambda x, y: const(y).bind(lambda y: cross_entropy(x, y)))
    found = jax.vmap(jax.value_and_grad(loss))(xs, labels)
    narrow = xs.astype(np.float32), labels.astype(np.int32)
    for ours, theirs in zip(
        found, jax.vmap(jax.value_and_grad(loss))(*narrow), strict=True
    ):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def test_a_precondition_that_fails_gives_nan() -> None:
    p, x, labels = drawn()
    p = jax.tree.map(lambda a: a.astype(np.float32), p)
    loss = jax.jit(as_jax(network))
    assert np.isfinite(loss(p, x.astype(np.float32), labels))
    for bad in (labels + 1, -labels - 1):
        assert np.isnan(loss(p, x.astype(np.float32), bad))


def test_what_is_refused() -> None:
    p, x, labels = drawn()
    with pytest.raises(TypeError, match="float64 array would become float32"):
        as_jax(network)(p, x, labels)
    narrow = jax.tree.map(lambda a: a.astype(np.float32), p)
    with pytest.raises(TypeError, match="by its first argument only"):
        jax.grad(as_jax(network), argnums=1)(narrow, x.astype(np.float32), labels)
    with pytest.raises(TypeError, match="as_jax"):
        as_jax(3)  # type: ignore[arg-type] # a mistake
    with jax.enable_x64(True), pytest.raises(Exception, match="dtype"):
        as_jax(network)(narrow, x, labels)


def test_lash_is_refused() -> None:
    program = as_jax(lambda x: log(x).lash(lambda _: exp(x)))
    with pytest.raises(TypeError, match="lash needs to know"):
        program(-1.0)


READERS: dict[str, Any] = {
    "if": lambda v: v if v > 0 else -v,
    "float": float,
    "int": int,
    "NumPy": np.exp,
    "power": lambda v: v**2,
    "index": lambda v: [1.0, 2.0][v],
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_values_are_not_read(reader: Any) -> None:
    @do
    def program(x: NodeId, k: Any) -> Do[NodeId, Any]:
        reader(k)
        return (yield from sum_(x))

    with pytest.raises(TypeError, match=r"traces this function|ufunc|has no \*\*"):
        as_jax(program)(1.0, jnp.float32(2))


def test_an_index_out_of_range_is_not_clamped() -> None:
    @do
    def program(x: NodeId, row: Any) -> Do[NodeId, Any]:
        return (yield from mul(x, (yield from const(row[7]))))

    with pytest.raises(IndexError, match="no entry 7 of 3"):
        as_jax(program)(1.0, jnp.ones(3))


def test_static_inputs_stay_static() -> None:
    @do
    def program(x: NodeId, times: int) -> Do[NodeId, Any]:
        for _ in range(times):
            x = yield from mul(x, x)
        return x

    assert float(as_jax(program)(2.0, 3)) == 256
