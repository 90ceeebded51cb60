"""The softmax family."""

from dataclasses import replace
from typing import Final

import jax
from jax import numpy as jnp

from tapem_dsl import log_softmax, log_softmax_last, softmax, softmax_last
from tapem_dsl.ops.activations import LogSoftmax, LogSoftmaxLast, Softmax, SoftmaxLast
from tests.specs.spec import moved, of_rank, unary

SOFTMAX: Final = (
    unary(
        SoftmaxLast(),
        softmax_last,
        lambda x: jax.nn.softmax(x) if x.ndim else jnp.ones_like(x),
    ),
    unary(
        LogSoftmaxLast(),
        log_softmax_last,
        lambda x: jax.nn.log_softmax(x) if x.ndim else jnp.zeros_like(x),
    ),
)
SOFTMAX_OF_AXES: Final = (
    replace(
        moved(
            Softmax(0),
            lambda x: softmax(x, axis=0),
            lambda x: jax.nn.softmax(x, axis=0),
            of_rank(1, 3),
            ((3, 2),),
            ((3,),),
            ((1, 2, 2),),
        ),
        rational=False,
    ),
    replace(
        moved(
            LogSoftmax(-2),
            lambda x: log_softmax(x, axis=-2),
            lambda x: jax.nn.log_softmax(x, axis=-2),
            of_rank(2, 3),
            ((3, 2),),
            ((1, 3),),
            ((2, 2, 2),),
        ),
        rational=False,
    ),
)
