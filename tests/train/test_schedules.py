"""Schedules: TorchLean's numbers, and PyTorch's where they agree."""

import math
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tapem_dsl.train import (
    Constant,
    CosineAnnealing,
    CosineAnnealingLR,
    Cyclic,
    Exponential,
    LinearWarmup,
    LRFinder,
    OneCycle,
    OneCycleLR,
    StepDecay,
    WarmupCosine,
)

# Any: PyTorch's schedulers, each with options of its own.
Maker = Callable[[Any], Any]
PAIRS: Final[list[tuple[Callable[[int], float], Maker]]] = [
    (Exponential(0.3, 0.9), lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)),
    (StepDecay(0.3, 0.5, 7), lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5)),
    (
        CosineAnnealingLR(0.3, 10, 0.01),
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10, eta_min=0.01),
    ),
    (
        Cyclic(0.3, 1.0, 4),
        lambda o: lr_scheduler.CyclicLR(
            o, base_lr=0.3, max_lr=1.0, step_size_up=4, cycle_momentum=False
        ),
    ),
    (
        Cyclic(0.3, 1.0, 4, "triangular2"),
        lambda o: lr_scheduler.CyclicLR(
            o,
            base_lr=0.3,
            max_lr=1.0,
            step_size_up=4,
            mode="triangular2",
            cycle_momentum=False,
        ),
    ),
    (
        Cyclic(0.3, 1.0, 4, "exp_range", 0.9),
        lambda o: lr_scheduler.CyclicLR(
            o,
            base_lr=0.3,
            max_lr=1.0,
            step_size_up=4,
            mode="exp_range",
            gamma=0.9,
            cycle_momentum=False,
        ),
    ),
    *(
        (
            OneCycleLR(1.0, 41, rise, 25.0, 1e3, anneal, three_phase),
            lambda o, rise=rise, anneal=anneal, three_phase=three_phase: (
                lr_scheduler.OneCycleLR(
                    o,
                    max_lr=1.0,
                    total_steps=41,
                    pct_start=rise,
                    div_factor=25.0,
                    final_div_factor=1e3,
                    anneal_strategy=anneal,
                    three_phase=three_phase,
                    cycle_momentum=False,
                )
            ),
        )
        for rise in (0.3, 0.25)
        for anneal in ("cos", "linear")
        for three_phase in (False, True)
    ),
]


@pytest.mark.parametrize(("ours", "make"), PAIRS, ids=[repr(pair[0]) for pair in PAIRS])
def test_rates_are_those_of_pytorch(ours: Callable[[int], float], make: Maker) -> None:
    optimiser = torch.optim.SGD([torch.tensor([1.0])], 0.3)
    theirs = make(optimiser)
    for step in range(40):
        (expected,) = theirs.get_last_lr()
        assert ours(step) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        optimiser.step()
        theirs.step()


def test_the_golden_end_of_a_warm_cosine() -> None:
    schedule = WarmupCosine(1, 2, 10)
    assert schedule(10) == schedule(20) == 0


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(0.5), [0.5, 0.5, 0.5]),
        (StepDecay(0.5, 0.1, 0), [0.5, 0.5, 0.5]),
        (CosineAnnealing(1.0, 0), [1, 1]),
        (CosineAnnealing(1.0, 2, 0.5), [1, 0.75, 0.5, 0.5]),
        (LinearWarmup(1.0, 0), [1, 1]),
        (LinearWarmup(1.0, 4, 0.2), [0.2, 0.4, 0.6, 0.8, 1, 1]),
        (WarmupCosine(1.0, 2, 0), [1, 1]),
        (WarmupCosine(1.0, 4, 2), [0, 0.25, 0.5, 0.75, 1, 1]),
        (WarmupCosine(2.0, 2, 4), [0, 1, 2, 1, 0, 0]),
        (Cyclic(0.1, 1.0, 0), [0.1, 0.1]),
        (OneCycle(1.0, 0), [0.04]),
        (OneCycle(1.0, 4, 10.0, 0.5, 100.0), [0.1, 0.55, 1.0, 0.505, 0.01, 0.01]),
        (OneCycle(1.0, 2, 10.0, 1.0), [0.1, 0.55, 1e-4]),
        (LRFinder(0.1, 10.0, 0), [0.1, 0.1]),
        (LRFinder(0.1, 10.0, 2), [0.1, 1.0, 10.0, 100.0]),
        (CosineAnnealingLR(1.0, 0), [1, 1]),
        (OneCycleLR(1.0, 1), [4e-6]),
    ],
)
def test_torchleans_rates(schedule: Callable[[int], float], rates: list[float]) -> None:
    assert [schedule(step) for step in range(len(rates))] == pytest.approx(rates)


@given(
    step=st.integers(0, 10_000),
    total=st.integers(0, 50),
    warmup=st.integers(0, 50),
    rise=st.floats(0, 1),
)
def test_no_step_is_beyond_a_schedule(
    step: int, total: int, warmup: int, rise: float
) -> None:
    schedules: list[Callable[[int], float]] = [
        CosineAnnealing(1.0, total),
        LinearWarmup(1.0, warmup),
        WarmupCosine(1.0, warmup, total),
        Cyclic(0.1, 1.0, total),
        OneCycle(1.0, total, rise=rise),
        OneCycleLR(1.0, max(total, 1), rise),
        CosineAnnealingLR(1.0, total),
    ]
    for schedule in schedules:
        assert math.isfinite(schedule(step))
        assert schedule(step) == schedule(step)
