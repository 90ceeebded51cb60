"""Many steps of training in one function: loops over samples within a loop."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    const,
    cross_entropy,
    do,
    dot,
    linear,
    mean_scalar_over,
    mse_loss,
    optim,
    reshape,
    tanh,
    value_and_grad,
)
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, and records of their nodes.

STEPS, SAMPLES, WIDTH = 12, 7, 3
RULES: dict[str, Any] = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.momentum(0.1),
    "adam": optim.adam(0.1),
    "adamw": optim.adamw(0.1, weight_decay=0.01),
    "a schedule": optim.sgd(optim.Exponential(0.1, 0.9)),
    "clipped": optim.chain(optim.clip_by_norm(0.5), optim.adam(0.1)),
}


@do
def regression(p: Any, sample: Any) -> Do[NodeId, Any]:
    x = yield from const(sample[0])
    y = yield from const(sample[1])
    hidden = yield from tanh((yield from linear(p["w"], p["b"], x)))
    return (yield from mse_loss((yield from dot(p["v"], hidden)), y))


@do
def classification(p: Any, sample: Any) -> Do[NodeId, Any]:
    x = yield from const(sample[0])
    label = yield from const(sample[2])
    hidden = yield from tanh((yield from linear(p["w"], p["b"], x)))
    row = yield from reshape(hidden, (1, WIDTH))
    return (yield from cross_entropy(row, label))


@do
def recurrent(p: Any, sample: Any) -> Do[NodeId, Any]:
    """Four steps in each sample."""
    h = yield from const(sample[0])
    y = yield from const(sample[1])
    for _ in range(4):
        h = yield from tanh((yield from linear(p["w"], p["b"], h)))
    return (yield from mse_loss((yield from dot(p["v"], h)), y))


def trained(rule: Any, sample_loss: Any, p: Any, samples: Any) -> Any:
    """Return what came of the steps, and the loss before each."""

    def loss_of(q: Any, given: Any) -> Any:
        return mean_scalar_over("t", given, partial(sample_loss, q))

    state, losses = rule.init(p), []
    for _ in range(STEPS):
        loss, slopes = value_and_grad(loss_of)(p, samples).unwrap()
        change, state = rule.update(slopes, state, p)
        p = optim.apply_updates(p, change)
        losses.append(loss)
    return p, state, losses


def drawn(seed: int, dtype: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> Any:
        return rng.normal(size=shape).astype(dtype)

    p = {"w": some(WIDTH, WIDTH), "b": some(WIDTH), "v": some(WIDTH)}
    samples = [
        (some(WIDTH), dtype(rng.normal()), rng.integers(WIDTH, size=1))
        for _ in range(SAMPLES)
    ]
    return p, samples


@pytest.mark.parametrize("loss", [regression, classification, recurrent])
@pytest.mark.parametrize("rule", RULES)
def test_steps_of_training(rule: str, loss: Any) -> None:
    report = assert_rolled(
        partial(trained, RULES[rule], loss),
        *[drawn(seed, np.float64) for seed in range(2)],
    )
    assert is_rolled(report)


def test_steps_of_training_in_float32() -> None:
    report = assert_rolled(
        partial(trained, optim.sgd(0.1), regression),
        *[drawn(seed, np.float32) for seed in range(2)],
    )
    assert is_rolled(report)
