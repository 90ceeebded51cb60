"""Optimisers: their equations exactly, and PyTorch's digits."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import rationals, tree
from tapem_dsl.optim import (
    Transform,
    adadelta,
    adagrad,
    adam,
    adamw,
    apply_updates,
    chain,
    clip_by_norm,
    clip_by_percentile,
    clip_by_value,
    l2_norm,
    momentum,
    rmsprop,
    sgd,
)
from tapem_dsl.tape.equality import same
from tests.oracles import usual

fractions = st.fractions(min_value=-3, max_value=3, max_denominator=8)
amounts = st.fractions(min_value=0, max_value=3, max_denominator=8)
RATE: Final = Fraction(1, 10)


def steps(optimiser: Transform[Any], p: Any, gradients: list[Any]) -> Any:
    """Follow gradients from a pytree of parameters."""
    state = optimiser.init(p)
    for g in gradients:
        p, state = optimiser.move(g, state, p)
    return p


# -- exactly ---------------------------------------------------------------------------


@usual
@given(p=fractions, gradients=st.lists(fractions, max_size=6), decay=amounts)
def test_sgd_is_its_equation(p: Any, gradients: list[Any], decay: Any) -> None:
    ours = steps(
        sgd(RATE, weight_decay=decay), rationals(p), [rationals(g) for g in gradients]
    )
    for g in gradients:
        p = p - (g + p * decay) * RATE
    assert ours[()] == p


@usual
@given(
    p=fractions,
    gradients=st.lists(fractions, max_size=6),
    mu=amounts,
    damp=fractions,
    decay=amounts,
    nesterov=st.booleans(),
)
def test_momentum_is_its_equation(
    p: Any, gradients: list[Any], mu: Any, damp: Any, decay: Any, nesterov: bool
) -> None:
    if nesterov:
        mu, damp = mu + 1, 0
    optimiser = momentum(
        RATE, momentum=mu, dampening=damp, nesterov=nesterov, weight_decay=decay
    )
    ours = steps(optimiser, rationals(p), [rationals(g) for g in gradients])
    b = None
    for g in gradients:
        d = g + p * decay
        b = d if b is None else b * mu + d * (1 - damp)
        p = p - (d + mu * b if nesterov else b) * RATE
    assert ours[()] == p


# -- TorchLean's golden numbers --------------------------------------------------------


def test_momentum_with_dampening_is_its_equation() -> None:
    optimiser, p = momentum(0.1, dampening=0.5), np.float64(1)
    assert steps(optimiser, p, [np.float64(2)]) == pytest.approx(0.8, rel=1e-15)
    assert steps(optimiser, p, [np.float64(2)] * 2) == pytest.approx(0.52, rel=1e-15)


def test_adadelta_without_memory_is_its_equation() -> None:
    optimiser = adadelta(0.5, rho=0.0, epsilon=1.0)
    p, g = np.float64(10), np.float64(2)
    updates, state = optimiser.update(g, optimiser.init(p), p)
    assert state.leaves.changes == pytest.approx(0.8, rel=1e-15)
    assert apply_updates(p, updates) == pytest.approx(10 - 1 / 5**0.5, rel=1e-15)


def test_adam_counts_for_each_parameter() -> None:
    optimiser = adam(0.1, epsilon=1e-8)
    p = [np.float64(1), np.float64(1)]
    one = np.float64(1)
    state = optimiser.init(p)
    for gradients in ([one, None], [None, one]):
        p, state = optimiser.move(gradients, state, p)
    assert p == pytest.approx([0.9, 0.9], abs=1e-5)
    assert [leaf.steps for leaf in state.leaves] == [1, 1]
    assert state.steps == 2


# -- PyTorch ---------------------------------------------------------------------------

BETAS: Final = (0.8, 0.95)
EPSILON: Final = 1e-4
Maker = Callable[..., Any]
PAIRS: Final[dict[str, tuple[Transform[Any], Maker]]] = {
    "sgd": (
        sgd(0.1, weight_decay=0.3),
        lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.3),
    ),
    "momentum": (
        momentum(0.1, momentum=0.8, dampening=0.2, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, 0.1, 0.8, 0.2, 0.1),
    ),
    "nesterov": (
        momentum(0.1, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.1, 0.8, nesterov=True),
    ),
    "adagrad": (
        adagrad(0.1, epsilon=EPSILON, weight_decay=0.1),
        lambda p: torch.optim.Adagrad(p, 0.1, eps=EPSILON, weight_decay=0.1),
    ),
    "rmsprop": (
        rmsprop(0.1, rho=0.8, epsilon=EPSILON, weight_decay=0.1),
        lambda p: torch.optim.RMSprop(p, 0.1, 0.8, EPSILON, 0.1),
    ),
    "adam": (
        adam(0.1, beta1=0.8, beta2=0.95, epsilon=EPSILON, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.1, BETAS, EPSILON, 0.1),
    ),
    "adamw": (
        adamw(0.1, beta1=0.8, beta2=0.95, epsilon=EPSILON, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.1, BETAS, EPSILON, 0.1),
    ),
    "adadelta": (
        adadelta(0.5, rho=0.8, epsilon=EPSILON, weight_decay=0.1),
        lambda p: torch.optim.Adadelta(p, 0.5, 0.8, EPSILON, 0.1),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_fifty_steps_are_those_of_pytorch(name: str, missing: float) -> None:
    ours, make = PAIRS[name]
    rng = np.random.default_rng(1)
    p: Any = {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=4)}
    theirs = [torch.tensor(x).requires_grad_(True) for x in p.values()]
    optimiser, state = make(theirs), ours.init(p)
    for _ in range(50):
        gradients: Any = {}
        for key, tensor in zip(p, theirs, strict=True):
            g = None if rng.random() < missing else rng.normal(size=p[key].shape)
            gradients[key] = g
            tensor.grad = None if g is None else torch.tensor(g)
        optimiser.step()
        updates, state = ours.update(gradients, state, p)
        p = apply_updates(p, updates)
    for x, tensor in zip(p.values(), theirs, strict=True):
        np.testing.assert_allclose(x, tensor.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PAIRS)
def test_float32_stays_float32_and_nothing_is_written_to(name: str) -> None:
    optimiser, _ = PAIRS[name]
    p = {"w": np.ones((2, 2), np.float32), "s": np.float32(1)}
    g = {"w": np.full((2, 2), 0.5, np.float32), "s": np.float32(2)}
    state = optimiser.init(p)
    updates, after = optimiser.update(g, state, p)
    moved = apply_updates(p, updates)
    again, after_again = optimiser.update(g, state, p)
    assert same((again, after_again), (updates, after))
    for array in (*moved.values(), *updates.values()):
        assert array.dtype == np.float32
        assert not np.asarray(array).flags.writeable or array.ndim == 0
    assert (p["w"] == 1).all()
    assert (g["w"] == 0.5).all()
    assert p["w"].flags.writeable


def test_a_schedule_is_asked_for_each_step() -> None:
    asked: list[int] = []

    def rate(step: int) -> float:
        asked.append(step)
        return 1.0

    steps(sgd(rate), [np.float64(1)], [[None], [np.float64(1)], [None]])
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(
    ("p", "g"),
    [
        (np.ones(2), np.ones(3)),
        (np.ones(2), np.ones(2, np.float32)),
        (np.ones(2, int), np.ones(2, int)),
        (np.ones(2), rationals([1, 1])),
    ],
)
def test_a_gradient_that_does_not_fit_is_a_value_error(p: Any, g: Any) -> None:
    optimiser = sgd(0.1)
    with pytest.raises(ValueError, match=r"does not fit|only real"):
        optimiser.update(g, optimiser.init(p), p)


def test_what_is_not_rational_is_a_value_error_over_rationals() -> None:
    p = rationals([1])
    with pytest.raises(ValueError, match="sqrt: not a rational function"):
        adam(RATE, beta1=Fraction(1, 2), beta2=Fraction(1, 2)).update(
            p, adam(RATE).init(p), p
        )


def test_numbers_of_python_are_parameters_too() -> None:
    p, _ = sgd(0.5).move({"w": 1.0}, sgd(0.5).init({"w": 0.0}), {"w": 0.0})
    assert p == {"w": np.float64(-0.5)}
    optimiser = momentum(Fraction(1, 2))
    one = Fraction(1)
    exact: Any = optimiser.move(one, optimiser.init(one), one)[0]  # Any: an array now
    assert exact.tolist() == Fraction(1, 2)


@pytest.mark.parametrize("other", [np.ones(1), np.ones(3, np.float32)])
def test_a_state_of_another_parameter_is_a_value_error(other: Any) -> None:
    optimiser = adam(0.1)
    with pytest.raises(ValueError, match="the state is of another parameter"):
        optimiser.move(np.ones(3), optimiser.init(other), np.ones(3))


def test_states_are_read_only() -> None:
    for optimiser, _ in PAIRS.values():
        _, state = optimiser.move(np.ones(2), optimiser.init(np.ones(2)), np.ones(2))
        for leaf in tree.flatten(state)[0]:
            assert isinstance(leaf, int) or not leaf.flags.writeable


def test_clipping_neither_warns_nor_leaks() -> None:
    odd = [np.array([np.inf, 1.0]), np.array([3.0], np.float32)]
    clip_anyway = clip_by_norm(1.0, error_if_nonfinite=False)
    for clip in (clip_anyway, clip_by_value(1e300), clip_by_percentile(50)):
        result = clipped(clip, odd)
        assert [x.dtype for x in result] == [np.float64, np.float32]
    with pytest.raises(ValueError, match="not a rational number"):
        clipped(clip_by_value(math.inf), rationals([1]))


# -- clipping --------------------------------------------------------------------------


def clipped(clip: Transform[Any], gradients: Any) -> Any:
    return clip.update(gradients, clip.init(gradients), gradients)[0]


@usual
@given(
    entries=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5),
    most=st.floats(0.01, 100),
)
def test_clipping_by_norm_shortens_and_keeps_the_direction(
    entries: list[float], most: float
) -> None:
    g = [np.array(entries), None]
    result = clipped(clip_by_norm(most), g)
    assert result[1] is None
    length = float(np.linalg.norm(entries))
    if length <= most:
        assert result[0] is g[0]
    else:
        np.testing.assert_allclose(
            result[0], np.array(entries) * (most / length), rtol=1e-12
        )
        assert l2_norm(result) == pytest.approx(most, rel=1e-12)


def test_norms_neither_overflow_nor_vanish() -> None:
    assert l2_norm([np.array([3e300, 4e300])]) == pytest.approx(5e300)
    assert l2_norm([np.array([3e-300]), np.array([4e-300])]) == pytest.approx(5e-300)
    assert l2_norm([np.array([3e30, 4e30], np.float32)]) == pytest.approx(5e30)
    assert l2_norm([np.zeros(0), None]) == 0
    assert np.isnan(l2_norm([np.array([np.nan, 1.0])]))


def test_clipping_by_value_and_percentile_bounds_each_entry() -> None:
    g = {"a": np.array([-3.0, 0.5, np.nan]), "b": np.array([2.0], np.float32)}
    result = clipped(clip_by_value(1), g)
    np.testing.assert_array_equal(result["a"], [-1, 0.5, np.nan])
    assert result["b"].dtype == np.float32
    assert result["b"].tolist() == [1.0]
    low = clipped(clip_by_percentile(0), [np.array([-3.0, 1.0]), np.zeros(0)])
    assert low[0].tolist() == [-1, 1]


def test_a_chain_passes_on_what_each_gives() -> None:
    optimiser = chain(clip_by_value(1), momentum(1.0, momentum=0.5))
    p = steps(optimiser, [np.float64(0)], [[np.float64(10)], [np.float64(-10)]])
    assert p == [-1 - (0.5 - 1)]
