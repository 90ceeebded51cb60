"""Losses that hold a gradient: penalties and steps of descent, as in JAX."""

from fractions import Fraction
from typing import Any, Final, NamedTuple

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    add,
    backward,
    backward_m,
    const,
    cross_entropy,
    do,
    dot,
    gather,
    index_add,
    leaf,
    linear,
    map_m,
    mse_loss,
    mul,
    nll,
    scale,
    sub,
    sum_,
    tanh,
)
from tests.oracles import assert_close

# -- labels and indices that are data --------------------------------------------------


LOGITS: Final = np.array([[0.5, -1.0, 2.0], [0.0, 1.5, -0.5]])
LABELS: Final = np.array([2, 0])


@pytest.mark.parametrize(
    ("op", "oracle"),
    [
        (cross_entropy, lambda x: -jax.nn.log_softmax(x)[jnp.arange(2), LABELS].mean()),
        (nll, lambda x: -x[jnp.arange(2), LABELS].mean()),
    ],
)
def test_penalties_on_losses_of_labels_are_those_of_jax(op: Any, oracle: Any) -> None:
    @do
    def squared_slope(x: NodeId, labels: NodeId) -> Do[NodeId, Any]:
        loss = yield from op(x, labels)
        found = yield from backward_m(loss, wrt=[x])
        return (yield from mul(found[x], found[x]).bind(sum_))

    @do
    def program() -> Do[Any, Any]:
        x, labels = (yield from leaf(LOGITS)), (yield from const(LABELS))
        penalty = yield from squared_slope(x, labels)
        return x, penalty

    (x, penalty), tape = program().run().unwrap()
    slope = jax.grad(oracle)
    theirs = jax.grad(lambda z: (slope(z) ** 2).sum())(LOGITS)
    assert_close(tape[penalty].value, (slope(LOGITS) ** 2).sum())
    if op is nll:  # its slope is a constant
        assert penalty not in backward(tape, penalty, 1, wrt=[x]).unwrap()
        assert not np.any(theirs)
        return
    assert_close(backward(tape, penalty, 1, wrt=[x]).unwrap()[x], theirs)


def test_a_penalty_through_gather_and_index_add_is_that_of_jax() -> None:
    """The penalty is the squared norm of a gradient."""
    table, words = np.arange(6.0).reshape(3, 2), np.array([2, 0, 2, 9])

    @do
    def squares(x: NodeId, at: NodeId) -> Do[NodeId, Any]:
        rows = yield from gather(x, at)
        bent = yield from tanh(rows)
        again = yield from index_add(x, bent, at)
        return (yield from mul(again, again).bind(sum_))

    @do
    def program() -> Do[Any, Any]:
        x, at = (yield from leaf(table)), (yield from const(words))
        loss = yield from squares(x, at)
        found = yield from backward_m(loss, wrt=[x])
        penalty = yield from mul(found[x], found[x]).bind(sum_)
        return x, penalty

    (x, penalty), tape = program().run().unwrap()
    inside = words[:3]

    def oracle(z: Any) -> Any:
        return (z.at[inside].add(jnp.tanh(z[inside])) ** 2).sum()

    theirs = jax.grad(lambda z: (jax.grad(oracle)(z) ** 2).sum())(jnp.array(table))
    assert_close(backward(tape, penalty, 1, wrt=[x]).unwrap()[x], theirs)


# -- what it is for --------------------------------------------------------------------


class Net(NamedTuple):
    w: Any  # Any: arrays outside, ids inside
    b: Any
    v: Any


def drawn(seed: int) -> tuple[Net, Array, Array]:
    rng = np.random.default_rng(seed)
    net = Net(rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=4))
    return net, rng.normal(size=3), rng.normal(size=())[()]


@do
def output(net: Net, x: NodeId) -> Do[NodeId]:
    hidden = yield from linear(net.w, net.b, x)
    bent = yield from tanh(hidden)
    return (yield from dot(net.v, bent))


def jax_output(net: Any, x: Any) -> Any:
    return net.v @ jnp.tanh(net.w @ x + net.b)


@pytest.mark.parametrize("seed", range(5))
def test_a_gradient_penalty_trains_as_in_jax(seed: int) -> None:
    """``(D(x) - y) ** 2 + (|dD/dx| ** 2 - 1) ** 2``, by all parameters."""
    net, point, label = drawn(seed)

    @do
    def penalised(net: Net, x: NodeId, y: NodeId) -> Do[NodeId]:
        score = yield from output(net, x)
        fit = yield from mse_loss(score, y)
        slopes = yield from backward_m(score, wrt=[x])
        size = yield from dot(slopes[x], slopes[x])
        one = yield from const(1.0)
        off = yield from sub(size, one)
        penalty = yield from mul(off, off)
        return (yield from add(fit, penalty))

    @do
    def program() -> Do[Any]:
        ids = yield from map_m(leaf, net)
        x, y = (yield from leaf(point)), (yield from const(label))
        return ids, (yield from penalised(Net(*ids), x, y))

    (ids, loss), tape = program().run().unwrap()
    slots = backward(tape, loss, 1, wrt=ids).unwrap()

    def jax_loss(net: Any) -> Any:
        slope = jax.grad(jax_output, 1)(net, point)
        return (jax_output(net, point) - label) ** 2 + (slope @ slope - 1) ** 2

    theirs = jax.grad(jax_loss)(net)
    assert_close(tape[loss].value, jax_loss(net))
    for id, their in zip(ids, theirs, strict=True):
        np.testing.assert_allclose(slots[id], their, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_one_step_of_maml_trains_as_in_jax(seed: int) -> None:
    """The loss after one step of gradient descent on another sample."""
    net, train_x, train_y = drawn(seed)
    _, test_x, test_y = drawn(seed + 100)
    rate = Fraction(1, 8)

    @do
    def loss_at(net: Net, x: Array, y: Array) -> Do[NodeId]:
        sample, label = (yield from const(x)), (yield from const(y))
        score = yield from output(net, sample)
        return (yield from mse_loss(score, label))

    @do
    def adapted(net: Net) -> Do[Net]:
        loss = yield from loss_at(net, train_x, train_y)
        slopes = yield from backward_m(loss, wrt=net)
        moved = []
        for id in net:
            step = yield from scale(slopes[id], rate)
            moved.append((yield from sub(id, step)))
        return Net(*moved)

    @do
    def program() -> Do[Any]:
        ids = yield from map_m(leaf, net)
        inner = yield from adapted(Net(*ids))
        twice = yield from adapted(inner)
        return ids, (yield from loss_at(twice, test_x, test_y))

    (ids, loss), tape = program().run().unwrap()
    slots = backward(tape, loss, 1, wrt=ids).unwrap()

    def jax_loss(net: Any, x: Any, y: Any) -> Any:
        return (jax_output(net, x) - y) ** 2

    def jax_adapted(net: Any) -> Any:
        slopes = jax.grad(jax_loss)(net, train_x, train_y)
        return jax.tree.map(lambda p, g: p - g * float(rate), net, slopes)

    def outer(net: Any) -> Any:
        return jax_loss(jax_adapted(jax_adapted(net)), test_x, test_y)

    theirs = jax.grad(outer)(net)
    for id, their in zip(ids, theirs, strict=True):
        np.testing.assert_allclose(slots[id], their, rtol=1e-9, atol=1e-10)
