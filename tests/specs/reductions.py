"""Reductions."""

from typing import Final

from jax import numpy as jnp

from tapem_dsl import reduce_mean, reduce_sum, sum_
from tapem_dsl.ops.reductions import ReduceMean, ReduceSum, Sum
from tests.specs.spec import moved, of_rank, unary

REDUCTIONS: Final = (
    unary(Sum(), sum_, jnp.sum, rational=True),
    moved(
        ReduceSum(1),
        lambda x: reduce_sum(x, axis=1),
        lambda x: jnp.sum(x, axis=1),
        of_rank(2, 3),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
    moved(
        ReduceMean(-2),
        lambda x: reduce_mean(x, axis=-2),
        lambda x: jnp.mean(x, axis=-2),
        of_rank(2, 3, 1),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
)
