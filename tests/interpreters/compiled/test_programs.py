"""Whatever is jitted and not rolled up returns what it returns without, bit for bit."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    const,
    cross_entropy,
    derivative,
    derivative_vjp,
    do,
    dot,
    fold_m,
    gather,
    grad,
    hessian_input,
    hvp_inputs,
    hvp_params,
    jacfwd_input,
    jacrev_inputs,
    jacrev_params,
    jit,
    jvp,
    jvp_m,
    less,
    map_m,
    matmul,
    mean_scalar_over,
    mse_loss,
    mul,
    nll,
    optim,
    param,
    sum_,
    tanh,
    value_and_grad,
    vjp,
    where,
)
from tapem_dsl.tape.equality import same
from tests.interpreters.compiled.random_programs import penalty, random_loss, vectors

# Any, throughout: functions of any arguments, arrays of any scalar type.


def assert_same_each_time(function: Any, *calls: tuple[Any, ...]) -> Any:
    """Call with and without jit, twice with each; nothing may run as it is."""
    step = jit(function, roll=False)
    for arguments in calls:
        expected = function(*arguments)
        for _ in range(2):
            assert same(step(*arguments), expected)
    assert "as it is" not in step.report(), step.report()
    return step


@pytest.mark.parametrize("seed", range(500))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_random_programs(seed: int, dtype: Any) -> None:
    loss = value_and_grad(lambda ids, x: random_loss(seed, ids, x, 12))
    step = jit(loss)
    for again in range(2):
        ws, x = vectors(7 * seed + again, dtype)
        assert same(step(ws, x), loss(ws, x))


@pytest.mark.parametrize("seed", range(200))
def test_random_programs_of_second_order(seed: int) -> None:
    loss = value_and_grad(lambda ids, x: penalty(seed, ids, x, 6))
    step = jit(loss)
    for again in range(2):
        ws, x = vectors(7 * seed + again)
        assert same(step(ws, x), loss(ws, x))


@pytest.mark.parametrize("seed", range(50))
def test_random_hessian_vector_products(seed: int) -> None:
    def product(ws: Any, x: Any, along: Any) -> Any:
        return hvp_params(lambda ids, z: _with_node(seed, ids, z), ws, x, along)

    step = jit(product)
    for again in range(2):
        (ws, x), (along, _) = vectors(7 * seed + again), vectors(5 * seed + again)
        assert same(step(ws, x, along), product(ws, x, along))


@do
def _with_node(seed: int, ids: list[NodeId], z: NodeId) -> Do[NodeId, Any]:
    total = yield from random_loss(seed, ids, np.ones(4), 6)
    return (yield from mul(total, (yield from dot(z, z))))


def _tanh_of_product(p: NodeId, x: NodeId) -> Any:
    return mul(p, x).bind(tanh)


def _loss(p: NodeId, x: NodeId) -> Any:
    return mul(p, x).bind(tanh).bind(sum_)


def three(count: int) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(3)
    return [tuple(rng.normal(size=3) for _ in range(count)) for _ in range(2)]


@do
def _loss_at(p: NodeId, x: Any) -> Do[NodeId, Any]:
    z = yield from const(x)
    product = yield from mul(p, z)
    return (yield from sum_((yield from tanh(product))))


FUNCTIONS: dict[str, tuple[Any, list[tuple[Any, ...]]]] = {
    "value_and_grad": (value_and_grad(_loss_at), three(2)),
    "grad": (grad(_loss_at), three(2)),
    "vjp": (lambda p, x, g: vjp(_tanh_of_product, p, x, g), three(3)),
    "jvp": (lambda p, x, dp, dx: jvp(_tanh_of_product, p, x, dp, dx), three(4)),
    "hvp_params": (lambda p, x, d: hvp_params(_loss, p, x, d), three(3)),
    "hvp_inputs": (lambda p, x, d: hvp_inputs(_loss, p, x, d), three(3)),
    "jacrev_params": (lambda p, x: jacrev_params(_tanh_of_product, p, x), three(2)),
    "jacrev_inputs": (lambda p, x: jacrev_inputs(_tanh_of_product, p, x), three(2)),
    "jacfwd_input": (lambda x: jacfwd_input(lambda z: mul(z, z), x), three(1)),
    "hessian_input": (lambda x: hessian_input(lambda z: dot(z, z), x), three(1)),
    "derivative": (
        lambda p, x, d: derivative(_tanh_of_product, p, x, [d, d]),
        three(3),
    ),
    "derivative_vjp": (
        lambda p, x, d, g: derivative_vjp(_tanh_of_product, p, x, [d], g),
        three(4),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_programs(name: str) -> None:
    function, calls = FUNCTIONS[name]
    assert_same_each_time(function, *calls)


@do
def _by_jvp_m(w: NodeId) -> Do[NodeId, Any]:
    one = yield from const(np.ones(3))
    _, slope = yield from jvp_m(lambda z: mul(z, z), w, one)
    return (yield from dot(slope, w))


def test_jvp_m() -> None:
    assert_same_each_time(value_and_grad(_by_jvp_m), *three(1))


@do
def classify(w: NodeId, x: Any, labels: Any) -> Do[NodeId, Any]:
    rows = yield from const(x)
    digits = yield from const(labels)
    logits = yield from matmul(rows, w)
    first = yield from cross_entropy(logits, digits)
    second = yield from nll(logits, digits)
    return (yield from mul(first, second))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_labels_are_inputs_too(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    calls = [
        (
            rng.normal(size=(4, 3)).astype(dtype),
            rng.normal(size=(5, 4)).astype(dtype),
            rng.integers(0, 3, 5),
        )
        for _ in range(3)
    ]
    assert_same_each_time(value_and_grad(classify), *calls)


@do
def chosen(w: NodeId, x: Any, at: Any) -> Do[NodeId, Any]:
    row = yield from const(x)
    places = yield from const(at)
    below = yield from less(row, w)
    some = yield from where(below, row, w)
    return (yield from sum_((yield from gather(some, places))))


def test_conditions_and_indices_are_computed_anew() -> None:
    rng = np.random.default_rng(6)
    calls = [
        (rng.normal(size=6), rng.normal(size=6), rng.integers(0, 6, 4))
        for _ in range(3)
    ]
    assert_same_each_time(value_and_grad(chosen), *calls)


@do
def one(w: NodeId, sample: tuple[Any, Any]) -> Do[NodeId, Any]:
    x = yield from const(sample[0])
    y = yield from const(sample[1])
    return (yield from mse_loss((yield from dot(w, x)), y))


def mean(w: NodeId, xs: Any, ys: Any) -> Any:
    samples = list(zip(xs, ys, strict=True))
    return mean_scalar_over("t", samples, partial(one, w))


def test_means_over_samples_folds_and_maps() -> None:
    rng = np.random.default_rng(7)
    calls = [
        (rng.normal(size=3), rng.normal(size=(20, 3)), rng.normal(size=20))
        for _ in range(2)
    ]
    assert_same_each_time(value_and_grad(mean), *calls)

    @do
    def folded(w: NodeId, xs: Any) -> Do[NodeId, Any]:
        rows = yield from map_m(const, list(xs))
        last = yield from fold_m(lambda h, x: mul(h, x).bind(tanh), w, rows)
        return (yield from sum_(last))

    assert_same_each_time(value_and_grad(folded), *[call[:2] for call in calls])


RULES = ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw", "adadelta"]
RATES: list[Any] = [
    0.1,
    *(optim.Constant(0.1), optim.Exponential(0.1, 0.9), optim.StepDecay(0.1, 0.5, 3)),
    *(optim.CosineAnnealing(0.1, 8), optim.LinearWarmup(0.1, 4)),
    *(optim.WarmupCosine(0.1, 3, 10), optim.OneCycle(0.1, 10)),
    optim.Cyclic(0.01, 0.1, 2),
]
CLIPS: list[Any] = [
    optim.clip_by_norm(1.0),
    optim.clip_by_value(0.3),
    optim.clip_by_percentile(50),
]


def steps(transform: Any, count: int, dtype: Any = np.float64) -> Any:
    """Run an optimiser with and without jit, and return the jitted step."""
    rng = np.random.default_rng(8)

    def step(p: Any, state: Any, g: Any) -> Any:
        change, state = transform.update(g, state, p)
        return optim.apply_updates(p, change), state

    jitted = jit(step)
    p = {"w": rng.normal(size=3).astype(dtype), "b": dtype(1)}
    eager = compiled = (p, transform.init(p))
    for _ in range(count):
        g = {"w": rng.normal(size=3).astype(dtype), "b": dtype(rng.normal())}
        eager, compiled = step(*eager, g), jitted(*compiled, g)
        assert same(compiled, eager)
    return jitted


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("name", RULES)
def test_every_optimiser(name: str, dtype: Any) -> None:
    jitted = steps(getattr(optim, name)(0.1, weight_decay=0.01), 12, dtype)
    assert "as it is" not in jitted.report()


@pytest.mark.parametrize("rate", RATES, ids=repr)
def test_every_schedule(rate: Any) -> None:
    jitted = steps(optim.adamw(rate), 30)
    assert "as it is" not in jitted.report()
    assert jitted.report().count("plan ") <= 5  # a rate of 0 and the first step differ


@pytest.mark.parametrize("clip", CLIPS, ids=repr)
def test_every_clip(clip: Any) -> None:
    jitted = steps(optim.chain(clip, optim.adam(0.1)), 12)
    assert "as it is" not in jitted.report()


def test_a_thousand_steps_are_one_plan() -> None:
    jitted = steps(optim.adamw(1e-3), 1000)
    assert jitted.report().startswith("steps.<locals>.step: 1 plan, 999 runs")


def test_three_hundred_training_steps() -> None:
    rng = np.random.default_rng(9)
    optimiser = optim.chain(optim.clip_by_norm(1.0), optim.adamw(1e-2))

    def step(state: Any, xs: Any, ys: Any) -> Any:
        w, before = state

        def moved(found: Any) -> Any:
            return found[0], optimiser.move(found[1], before, w)

        return value_and_grad(mean)(w, xs, ys).map(moved)

    jitted: Callable[..., Any] = jit(step)
    w = np.zeros(3)
    eager = compiled = (w, optimiser.init(w))
    for _ in range(300):
        xs, ys = rng.normal(size=(8, 3)), rng.normal(size=8)
        loss, eager = step(eager, xs, ys).unwrap()
        other, compiled = jitted(compiled, xs, ys).unwrap()
        assert same((other, compiled), (loss, eager))


def test_jit_within_jit_is_one_plan() -> None:
    inner = jit(grad(_loss_at))
    outer_step = jit(lambda p, x: inner(p, x).map(lambda g: g * 2.0))
    for p, x in three(2):
        assert same(outer_step(p, x), grad(_loss_at)(p, x).map(lambda g: g * 2.0))
    assert "0 plans" in inner.report()
    assert outer_step.report().startswith("test_jit_within")


def test_programs_inside_may_be_run_to_their_values() -> None:
    def square(x: Any) -> Any:
        return param(x).bind(lambda i: mul(i, i)).bind(_value).eval()

    assert_same_each_time(square, *three(1))


def _value(id: NodeId) -> Any:
    from tapem_dsl import value_of  # noqa: PLC0415 - one use

    return value_of(id)
