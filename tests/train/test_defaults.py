"""Every default of optimisers and schedules: PyTorch's, or TorchLean's and why."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any, Final

import pytest
import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import lr_scheduler

from tapem_dsl import optim
from tapem_dsl.optim import UpdateRule, by_leaf


def of(function: Callable[..., Any], name: str) -> Any:
    """Read a default of PyTorch's."""
    return inspect.signature(function).parameters[name].default


# Any, below: numbers, words and truth values.
PYTORCHS: Final[dict[str, dict[str, Any]]] = {
    "Sgd": {"weight_decay": of(torch.optim.SGD, "weight_decay")},
    "Momentum": {
        "dampening": of(torch.optim.SGD, "dampening"),
        "nesterov": of(torch.optim.SGD, "nesterov"),
        "weight_decay": of(torch.optim.SGD, "weight_decay"),
    },
    "AdaGrad": {"weight_decay": of(torch.optim.Adagrad, "weight_decay")},
    "RmsProp": {"weight_decay": of(torch.optim.RMSprop, "weight_decay")},
    "Adam": {
        "beta1": of(torch.optim.Adam, "betas")[0],
        "beta2": of(torch.optim.Adam, "betas")[1],
        "weight_decay": of(torch.optim.Adam, "weight_decay"),
    },
    "AdamW": {
        "beta1": of(torch.optim.AdamW, "betas")[0],
        "beta2": of(torch.optim.AdamW, "betas")[1],
        "weight_decay": of(torch.optim.AdamW, "weight_decay"),
    },
    "Adadelta": {
        "rho": of(torch.optim.Adadelta, "rho"),
        "epsilon": of(torch.optim.Adadelta, "eps"),
        "weight_decay": of(torch.optim.Adadelta, "weight_decay"),
    },
    "CosineAnnealing": {"minimum": of(lr_scheduler.CosineAnnealingLR, "eta_min")},
    "CosineAnnealingLR": {"minimum": of(lr_scheduler.CosineAnnealingLR, "eta_min")},
    "Cyclic": {
        "mode": of(lr_scheduler.CyclicLR, "mode"),
        "decay": of(lr_scheduler.CyclicLR, "gamma"),
    },
    "OneCycle": {
        "divisor": of(lr_scheduler.OneCycleLR, "div_factor"),
        "rise": of(lr_scheduler.OneCycleLR, "pct_start"),
        "final_divisor": of(lr_scheduler.OneCycleLR, "final_div_factor"),
    },
    "OneCycleLR": {
        "rise": of(lr_scheduler.OneCycleLR, "pct_start"),
        "divisor": of(lr_scheduler.OneCycleLR, "div_factor"),
        "final_divisor": of(lr_scheduler.OneCycleLR, "final_div_factor"),
        "anneal": of(lr_scheduler.OneCycleLR, "anneal_strategy"),
        "three_phase": of(lr_scheduler.OneCycleLR, "three_phase"),
    },
}

DEFAULT_EPSILON: Final = Fraction(1, 10**6)
OURS: Final[dict[str, dict[str, tuple[Any, Any]]]] = {
    # TorchLean's defaultEpsilon; PyTorch's
    "AdaGrad": {"epsilon": (DEFAULT_EPSILON, of(torch.optim.Adagrad, "eps"))},
    "RmsProp": {
        "epsilon": (DEFAULT_EPSILON, of(torch.optim.RMSprop, "eps")),
        # of TorchLean's ParamGroup
        "rho": (0.9, of(torch.optim.RMSprop, "alpha")),
    },
    "Adam": {"epsilon": (DEFAULT_EPSILON, of(torch.optim.Adam, "eps"))},
    "AdamW": {"epsilon": (DEFAULT_EPSILON, of(torch.optim.AdamW, "eps"))},
    # without a momentum it would be Sgd, which has a class of its own
    "Momentum": {"momentum": (0.9, of(torch.optim.SGD, "momentum"))},
    # of TorchLean's linearWarmup
    "LinearWarmup": {"start": (0.0, of(lr_scheduler.LinearLR, "start_factor"))},
}
"""Ours, and PyTorch's, where they differ."""


def defaults_of(kind: type) -> dict[str, Any]:
    return {
        field.name: field.default
        for field in fields(kind)
        if field.default is not MISSING
    }


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def rules_and_schedules() -> list[type]:
    modules = ("tapem_dsl.optim.schedules", "tapem_dsl.optim.cycles")
    return [
        kind
        for kind in vars(optim).values()
        if isinstance(kind, type)
        and kind is not UpdateRule
        and (issubclass(kind, UpdateRule) or kind.__module__ in modules)
    ]


@pytest.mark.parametrize("kind", rules_and_schedules(), ids=lambda kind: kind.__name__)
def test_each_default_is_pytorchs_or_says_why_not(kind: type) -> None:
    theirs, ours = PYTORCHS.get(kind.__name__, {}), OURS.get(kind.__name__, {})
    assert not theirs.keys() & ours.keys()
    expected = theirs | {name: here for name, (here, _) in ours.items()}
    given = defaults_of(kind)
    # TorchLean's fraction is PyTorch's double
    assert {k: plain(v) for k, v in given.items()} == {
        k: plain(v) for k, v in expected.items()
    }
    for name, value in given.items():
        assert isinstance(value, bool | str) is isinstance(expected[name], bool | str)
    for here, there in ours.values():
        assert plain(here) != there


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("sgd", optim.Sgd),
        ("momentum", optim.Momentum),
        ("adagrad", optim.AdaGrad),
        ("rmsprop", optim.RmsProp),
        ("adam", optim.Adam),
        ("adamw", optim.AdamW),
        ("adadelta", optim.Adadelta),
    ],
)
def test_an_optimiser_has_the_defaults_of_its_rule(name: str, rule: Any) -> None:
    make = getattr(optim, name)
    assert make(0.25) == by_leaf(rule(), 0.25)
    changed = {"epsilon": 0.125, "rho": 0.5, "beta1": 0.25, "beta2": 0.75}
    changed |= {"momentum": 0.375, "dampening": 0.0, "weight_decay": 2.0}
    known = {field.name: changed.get(field.name, True) for field in fields(rule)}
    assert make(0.25, **known) == by_leaf(rule(**known), 0.25)


def test_clips_and_loaders_default_to_this() -> None:
    """PyTorch's ``error_if_nonfinite`` is false, so that NaN passes silently."""
    assert optim.clip_by_norm(1.0) == optim.clip_by_norm(1.0, error_if_nonfinite=True)
    assert of(clip_grad_norm_, "error_if_nonfinite") is False
    group = defaults_of(optim.ParamGroup)
    assert group == {"schedule": None}
