"""Pooling."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import jax
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import avg_pool, max_pool, smooth_max_pool
from tapem_dsl.ops.pooling import AvgPool, MaxPool, SmoothMaxPool
from tests.specs.spec import Shapes, moved
from tests.specs.windows import jax_windows

BETA: Final = Fraction(-3, 2)


# Any, here and below: JAX arrays, traced or not.
def rows(x: Any, kernel: int, stride: int, padding: int, around: float = 0) -> Any:
    """Give windows of all channels as rows of one axis, the second."""
    parts = jax_windows(x, (kernel,) * (x.ndim - 1), stride, padding, around)
    return parts.reshape(x.shape[0], kernel ** (x.ndim - 1), *parts.shape[x.ndim :])


def jax_max_pool(x: Any, kernel: int, stride: int, padding: int) -> Any:
    """Take by the index of the first maximum."""
    cells = rows(x, kernel, stride, padding, -math.inf)
    first = jnp.argmax(cells, axis=1, keepdims=True)
    return jnp.take_along_axis(cells, first, axis=1)[:, 0]


def jax_smooth_max_pool(x: Any, kernel: int, stride: int, padding: int) -> Any:
    beta = float(BETA)
    cells = rows(x, kernel, stride, padding)
    return jax.nn.logsumexp(beta * cells, axis=1) / beta


@st.composite
def pooled(draw: st.DrawFn, least: int) -> Shapes:
    """Channels from 0, and spatial axes that a window fits on."""
    rank = draw(st.sampled_from([rank for rank in (0, 1, 1, 2, 2, 3) if rank >= least]))
    spatial = [draw(st.integers(1, 5 if rank < 3 else 2)) for _ in range(rank)]
    return ((draw(st.integers(0, 2)), *spatial),)


POOLING: Final = (
    moved(
        MaxPool(3, 2, 1),
        lambda x: max_pool(x, 3, stride=2, padding=1),
        lambda x: jax_max_pool(x, 3, 2, 1),
        pooled(0),
        ((2, 5),),
        ((1, 1),),
        ((2, 3, 4),),
        ((1, 2, 1, 3),),
        ((3,),),
    ),
    moved(
        AvgPool(2, 1, 1),
        lambda x: avg_pool(x, 2, stride=1, padding=1),
        lambda x: rows(x, 2, 1, 1).mean(axis=1),
        pooled(0),
        ((2, 4),),
        ((1, 1),),
        ((2, 3, 2),),
        ((1, 2, 1, 2),),
        ((3,),),
        long=((AvgPool(70_000, 1, 0), ((1, 70_001),)),),
    ),
    replace(
        moved(
            SmoothMaxPool(2, 1, 1, BETA),
            lambda x: smooth_max_pool(x, 2, beta=BETA, stride=1, padding=1),
            lambda x: jax_smooth_max_pool(x, 2, 1, 1),
            pooled(1),
            ((2, 4),),
            ((1, 1),),
            ((2, 3, 2),),
        ),
        rational=False,
    ),
)
