"""Schedules: TorchLean's numbers, and PyTorch's where they agree."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tapem_dsl import optim
from tapem_dsl.optim import (
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
    WarmupCosineLR,
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


def test_a_warmup_cosine_ends_at_0() -> None:
    schedule = WarmupCosine(1, 2, 10)
    assert schedule(10) == schedule(20) == 0


def test_the_rates_of_warmup_cosine_lr_are_torchleans() -> None:
    schedule = WarmupCosineLR(1.0, 0.1, 2, 6)
    rates = [schedule(k) for k in (0, 1, 2, 4, 6)]
    assert rates == pytest.approx([0.5, 1, 1, 0.55, 0.1], rel=1e-15)
    cut = WarmupCosineLR(1.0, 0.1, 10, 4)
    assert [cut(k) for k in (0, 3, 4)] == [0.25, 1, 0.1]
    assert WarmupCosineLR(1e308, 0.0, 2, 4)(1) == 1e308
    assert WarmupCosineLR(1.0, 0.1, 0, 0)(0) == 0.1


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
        (WarmupCosine(1.0, 4, 2), [0, 0.25, 0, 0, 0, 0]),
        (WarmupCosine(1.0, 2, 2), [0, 0.5, 0, 0]),
        (WarmupCosine(2.0, 2, 4), [0, 1, 2, 1, 0, 0]),
        (Cyclic(0.1, 1.0, 0), [0.1, 0.1]),
        (OneCycle(1.0, 0), [0.04]),
        (OneCycle(1.0, 4, 10.0, 0.5, 10.0), [0.1, 0.55, 1.0, 0.505, 0.01, 0.01]),
        (OneCycle(1.0, 2, 10.0, 1.0), [0.1, 0.55, 1e-5]),
        (LRFinder(0.1, 10.0, 0), [0.1, 0.1]),
        (LRFinder(0.1, 10.0, 2), [0.1, 1.0, 10.0, 100.0]),
        (LRFinder(0.0, 1.0, 2), [0, 0, 1, math.inf]),
        (LRFinder(1.0, 0.0, 2), [1, 0, 0, 0]),
        (LRFinder(0.0, 0.0, 2), [0, 0, 0, 0]),
        (LRFinder(1e-300, 1e300, 2), [1e-300, 1, 1e300, math.inf]),
        (LRFinder(1e300, 1e-300, 2), [1e300, 1, 1e-300, 0]),
        (CosineAnnealingLR(1.0, 0), [1, 1]),
        (OneCycleLR(1.0, 0), [0.04, 0.04]),
        (OneCycleLR(1.0, 1), [4e-6, 4e-6]),
    ],
)
def test_rates_are_those_of_torchlean(
    schedule: Callable[[int], float], rates: list[float]
) -> None:
    ours = [schedule(step) for step in range(len(rates))]
    assert ours == pytest.approx(rates, rel=1e-12, abs=0)


# -- every schedule, at every step and length ------------------------------------------

# Any: schedules' classes, each with fields of its own.
OF_LENGTH: Final[dict[type, Callable[[float, int, int], list[Any]]]] = {
    Constant: lambda top, n, w: [Constant(top)],
    Exponential: lambda top, n, w: [Exponential(top, f) for f in (0.0, 0.5, 1.0, 1.1)],
    StepDecay: lambda top, n, w: [StepDecay(top, f, n) for f in (0.0, 0.5, 1.0, 10.0)],
    CosineAnnealing: lambda top, n, w: [CosineAnnealing(top, n, m) for m in (0.0, top)],
    CosineAnnealingLR: lambda top, n, w: [
        CosineAnnealingLR(top, n, m) for m in (0.0, top / 3, top)
    ],
    LinearWarmup: lambda top, n, w: [LinearWarmup(top, w, m) for m in (0.0, top)],
    WarmupCosine: lambda top, n, w: [WarmupCosine(top, w, n)],
    WarmupCosineLR: lambda top, n, w: [
        WarmupCosineLR(top, m, w, n) for m in (0.0, top / 3, top)
    ],
    Cyclic: lambda top, n, w: [
        Cyclic(low, top, n, mode, decay)
        for low in (0.0, top / 3, top)
        for mode in MODES
        for decay in (0.0, 0.5, 1.1)
    ],
    OneCycle: lambda top, n, w: [
        OneCycle(top, n, divisor, rise)
        for divisor in (1.0, 25.0)
        for rise in (0.0, 0.3, 0.5, 1.0)
    ],
    OneCycleLR: lambda top, n, w: [
        OneCycleLR(top, n, rise, divisor, 1e4, anneal, three)
        for rise in (0.0, 0.3, 0.5, 0.6, 1.0)
        for divisor in (1.0, 25.0)
        for anneal in ANNEALS
        for three in (False, True)
    ],
    LRFinder: lambda top, n, w: [
        LRFinder(a, b, n) for a in (0.0, 1e-3, top) for b in (0.0, 1.0, top)
    ],
}
MODES: Final[tuple[Any, ...]] = ("triangular", "triangular2", "exp_range")
ANNEALS: Final[tuple[Any, ...]] = ("cos", "linear")
GROWING: Final = (Exponential, StepDecay, Cyclic, LRFinder)
"""These may become infinite."""


def test_every_schedule_is_tried() -> None:
    modules = ("tapem_dsl.optim.schedules", "tapem_dsl.optim.cycles")
    found = {
        kind
        for kind in vars(optim).values()
        if isinstance(kind, type) and kind.__module__ in modules
    }
    assert found == set(OF_LENGTH)


@pytest.mark.parametrize("kind", OF_LENGTH, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("top", [0.0, 1.0, 1e308])
def test_no_step_and_no_length_is_beyond_a_schedule(kind: type, top: float) -> None:
    for n in (0, 1, 2, 10, 1000):
        for warmup in (0, 1, n, n + 1, 3 * n):
            steps = {0, 1, warmup, n - 1, n, n + 1, 2 * n, 10 * n, 100_000} - {-1}
            for schedule in OF_LENGTH[kind](top, n, warmup):
                for step in steps:
                    rate = schedule(step)
                    most = math.inf if kind in GROWING else max(top, 1e-300) * 1.0001
                    assert 0 <= rate <= most, (schedule, step)


def test_what_grows_ends_at_infinity() -> None:
    assert Exponential(1.0, 1.1)(10_000) == math.inf
    assert StepDecay(1.0, 10.0, 1)(400) == math.inf
    assert Cyclic(0.0, 1.0, 4, "exp_range", 1.1)(10_001) == math.inf
    assert Cyclic(0.5, 1.0, 4, "exp_range", 1.1)(10_000) == 0.5
    assert Cyclic(0.5, 1.0, 4, "triangular2")(10**9 + 1) == 0.5
    assert Exponential(1e-300, 10.0)(400) == pytest.approx(1e100, rel=1e-12)
    assert Exponential(1e300, 0.1)(400) == pytest.approx(1e-100, rel=1e-12, abs=0)


@given(step=st.integers(0, 10**6), steps=st.integers(1, 50))
def test_a_cosine_for_ever_has_its_period(step: int, steps: int) -> None:
    schedule = CosineAnnealingLR(1.0, steps, 0.25)
    assert schedule(step) == schedule(step + 2 * steps)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "x", None, True, [1.0]])
def test_an_optimiser_refuses_what_a_schedule_should_not_give(value: Any) -> None:
    optimiser = optim.adam(lambda step: value if step == 2 else 0.1)
    p, state = np.ones(1), optimiser.init(np.ones(1))
    for _ in range(2):
        p, state = optimiser.move(np.ones(1), state, p)
    kind = ValueError if isinstance(value, float) else TypeError
    with pytest.raises(kind, match="at step 2 of its schedule, takes a number"):
        optimiser.move(np.ones(1), state, p)


# -- arguments -------------------------------------------------------------------------

RATE: Final = ([-1.0, math.nan, math.inf, Fraction(10**400)], ["x", None, True])
COUNT: Final = ([-1], [2.5, "x", None, True])
WRONG: Final[dict[type, dict[str, tuple[list[Any], list[Any]]]]] = {
    Constant: {"rate": RATE},
    Exponential: {"initial": RATE, "decay": RATE},
    StepDecay: {"initial": RATE, "factor": RATE, "size": COUNT},
    CosineAnnealing: {"initial": RATE, "steps": COUNT, "minimum": RATE},
    CosineAnnealingLR: {"base": RATE, "steps": COUNT, "minimum": RATE},
    LinearWarmup: {"initial": RATE, "warmup": COUNT, "start": RATE},
    WarmupCosine: {"initial": RATE, "warmup": COUNT, "total": COUNT},
    WarmupCosineLR: {
        "peak": ([*RATE[0], 1e-3], RATE[1]),
        "minimum": ([*RATE[0], 2.0], RATE[1]),
        "warmup": COUNT,
        "total": COUNT,
    },
    Cyclic: {
        "base": ([*RATE[0], 2.0], RATE[1]),
        "maximum": ([*RATE[0], 0.1], RATE[1]),
        "size": COUNT,
        "mode": (["triangular_2", ""], [None, 2]),
        "decay": RATE,
    },
    OneCycle: {
        "maximum": RATE,
        "total": COUNT,
        "divisor": ([*RATE[0], 0, 1e-309], RATE[1]),
        "rise": ([1.1, -0.1, math.nan], ["x", None, True]),
        "final_divisor": ([*RATE[0], 0.0, 5e-324], RATE[1]),
    },
    OneCycleLR: {
        "maximum": RATE,
        "total": COUNT,
        "rise": ([1.1, -0.1, math.nan], ["x", None, True]),
        "divisor": ([*RATE[0], 0.0, 1e-309], RATE[1]),
        "final_divisor": ([*RATE[0], 0, 5e-324], RATE[1]),
        "anneal": (["CATS"], [None, 3]),
        "three_phase": ([], ["yes", 3, None]),
    },
    LRFinder: {"initial": RATE, "final": RATE, "steps": COUNT},
}
RIGHT: Final[dict[type, Any]] = {
    kind: make(1.0, 10, 2)[-1] for kind, make in OF_LENGTH.items()
} | {Cyclic: Cyclic(0.5, 1.0, 4), WarmupCosineLR: WarmupCosineLR(1.0, 0.1, 2, 10)}


@pytest.mark.parametrize("kind", OF_LENGTH, ids=lambda kind: kind.__name__)
def test_every_field_of_a_schedule_is_checked(kind: type) -> None:
    assert {field.name for field in fields(kind)} == set(WRONG[kind])
    for name, (values, types) in WRONG[kind].items():
        for error, givens in ((ValueError, values), (TypeError, types)):
            for given_value in givens:
                with pytest.raises(error, match=f"{kind.__name__} takes .*{name}"):
                    replace(RIGHT[kind], **{name: given_value})


def test_numbers_of_any_type_make_schedules() -> None:
    for one in (1, np.float32(1), np.float64(1), np.int64(1), Fraction(1)):
        assert Exponential(one, one)(3) == 1  # type: ignore[arg-type] # a Fraction is fine too
    assert StepDecay(1.0, 0.5, np.int64(2))(3) == 0.5  # type: ignore[arg-type] # likewise
