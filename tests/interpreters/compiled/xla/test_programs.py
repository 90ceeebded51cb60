"""Programs on XLA: random ones, and every function that differentiates."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    backward_m,
    backward_scalar,
    const,
    do,
    grad,
    hessian_input,
    hvp_params,
    jacfwd_input,
    jacrev_inputs,
    jacrev_params,
    jit,
    jvp,
    linear,
    make_dual,
    map_m,
    matmul,
    mean_scalar_over,
    mse_loss,
    mul,
    optim,
    param,
    sum_,
    tangent,
    tanh,
    value_and_grad,
    value_of,
    vjp,
)
from tests.interpreters.compiled.looped_programs import check
from tests.interpreters.compiled.rolled import assert_close, is_rolled

# Any, throughout: arrays of any scalar type, and records of their nodes.


@pytest.mark.parametrize("seed", [*range(6), 8, 16])
def test_random_loops(seed: int) -> None:
    """``looped_programs`` with ``1000 0 xla`` tries a thousand."""
    check(seed, "xla")


@do
def layer(p: Any, x: NodeId) -> Do[NodeId, Any]:
    return (yield from tanh((yield from matmul(x, p))))


@do
def loss(p: Any, x: NodeId) -> Do[NodeId, Any]:
    y = yield from layer(p, x)
    return (yield from sum_((yield from mul(y, y))))


@do
def loss_of(p: NodeId, x: Any) -> Do[NodeId, Any]:
    return (yield from loss(p, (yield from const(x))))


@do
def of_input(p: Any, x: NodeId) -> Do[NodeId, Any]:
    return (yield from loss((yield from const(p)), x))


def second_by_sweeps(p: Any, x: Any) -> Any:
    @do
    def whole() -> Do[Any, Any]:
        w = yield from param(p)
        first = yield from backward_m((yield from loss_of(w, x)), wrt=[w])
        total = yield from sum_((yield from mul(first[w], first[w])))
        second = yield from backward_m(total, wrt=[w])
        return (yield from value_of(second[w]))

    return whole().eval()


def tangent_by_ops(p: Any, x: Any) -> Any:
    @do
    def whole() -> Do[Any, Any]:
        w = yield from param(p)
        level = yield from make_dual(w, w)
        y = yield from loss_of(level, x)
        return (yield from value_of((yield from tangent(y, level))))

    return whole().eval()


def swept(p: Any, x: Any) -> Any:
    @do
    def whole() -> Do[Any, Any]:
        w = yield from param(p)
        y = yield from loss_of(w, x)
        return y, w

    (y, w), tape = whole().run().unwrap()
    return backward_scalar(tape, y, wrt=[w]).map(lambda found: found[w])


FUNCTIONS: dict[str, Any] = {
    "value_and_grad": value_and_grad(loss_of),
    "grad": grad(loss_of),
    "vjp": lambda p, x: vjp(layer, p, x, p[:3] * 0 + 1),
    "jvp": lambda p, x: jvp(loss, p, x, p, x),
    "hvp_params": lambda p, x: hvp_params(loss, p, x, p),
    "hessian_input": lambda p, x: hessian_input(lambda y: of_input(p, y), x),
    "jacrev_params": lambda p, x: jacrev_params(layer, p, x),
    "jacrev_inputs": lambda p, x: jacrev_inputs(layer, p, x),
    "jacfwd_input": lambda p, x: jacfwd_input(lambda y: of_input(p, y), x),
    "backward_m": second_by_sweeps,
    "make_dual": tangent_by_ops,
    "backward_scalar": swept,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_that_differentiates(name: str, dtype: Any) -> None:
    function = FUNCTIONS[name]
    step = jit(function, engine="xla")
    for seed in range(2):
        rng = np.random.default_rng(seed)
        p = rng.normal(size=(4, 2)).astype(dtype)
        x = rng.normal(size=(3, 4)).astype(dtype)
        assert_close(step(p, x), function(p, x))
    assert "1 plan, 1 run" in step.report(), step.report()


def test_adam_trains_as_it_does_on_numpy() -> None:
    rule = optim.adam(0.1)

    @do
    def mean_loss(w: NodeId, xs: Any, ys: Any) -> Do[NodeId, Any]:
        zero = yield from const(np.zeros(2))

        @do
        def of_one(sample: Any) -> Do[NodeId, Any]:
            x, y = yield from map_m(const, sample)
            return (yield from mse_loss((yield from linear(w, zero, x)), y))

        return (
            yield from mean_scalar_over("m", list(zip(xs, ys, strict=True)), of_one)
        )

    def trained(w: Any, state: Any, xs: Any, ys: Any) -> Any:
        value, gradient = value_and_grad(mean_loss)(w, xs, ys).unwrap()
        changes, state = rule.update(gradient, state, w)
        return value, optim.apply_updates(w, changes), state

    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    step = jit(trained, engine="xla")
    w = other = rng.normal(size=(2, 3))
    state = others = rule.init(w)
    for _ in range(5):
        value, w, state = step(w, state, xs, ys)
        expected, other, others = trained(other, others, xs, ys)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(w, other, rtol=1e-12)
    assert state.steps == others.steps == 5
    assert is_rolled(step.report())
    assert "1 plan, 4 runs" in step.report()


def test_carries_become_one_loop() -> None:
    """10,000 additions would take XLA minutes to compile."""

    @do
    def chain(x: NodeId, times: int) -> Do[NodeId, Any]:
        y = x
        for _ in range(times):
            y = yield from add((yield from mul(y, x)), x)
        return y

    function = value_and_grad(partial(chain, times=5_000))
    step = jit(function, engine="xla")
    for x in (0.5, 0.25):
        np.testing.assert_allclose(
            np.array(step(np.float64(x)).unwrap()),
            np.array(function(np.float64(x)).unwrap()),
            rtol=1e-12,
        )
    assert "carried" in step.report()
