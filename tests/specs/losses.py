"""Losses."""

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import jax
from jax import numpy as jnp

from tapem_dsl import bce_with_logits, huber_loss, l1_loss, mse_loss
from tapem_dsl.ops.losses import BceWithLogits, HuberLoss, L1Loss, MseLoss
from tests.specs.spec import binary

DELTA: Final = Fraction(25, 16)  # between the eighths


def mean(x: Any) -> Any:
    """Take the mean as PyTorch does, but 0 of nothing."""
    return jnp.sum(x) / max(x.size, 1)


def huber(p: Any, t: Any) -> Any:
    d, delta = jnp.abs(p - t), float(DELTA)
    return mean(jnp.where(d <= delta, d * d / 2, delta * (d - delta / 2)))


LOSSES: Final = (
    binary(MseLoss(), mse_loss, lambda p, t: mean((p - t) ** 2)),
    binary(L1Loss(), l1_loss, lambda p, t: mean((p - t) * jnp.sign(p - t))),
    binary(HuberLoss(DELTA), lambda p, t: huber_loss(p, t, DELTA), huber),
    replace(
        binary(
            BceWithLogits(),
            bce_with_logits,
            lambda x, t: mean(jax.nn.softplus(x) - x * t),
        ),
        rational=False,
    ),
)
