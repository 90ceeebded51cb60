"""Normalisation."""

from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import batch_norm, layer_norm
from tapem_dsl.ops.norms import BatchNorm, LayerNorm
from tests.specs.spec import ANY, Shapes, Spec, of_rank

EPSILON: Final = Fraction(1, 2)  # so large that rounding stays small


# Any, here and below: JAX arrays, traced or not.
def standardised(x: Any, axes: tuple[int, ...]) -> Any:
    mean = jnp.mean(x, axis=axes, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + float(EPSILON))


def jax_batch_norm(x: Any, gamma: Any, beta: Any) -> Any:
    thin = (-1, *(1,) * (x.ndim - 1))
    y = standardised(x, tuple(range(1, x.ndim)))
    return y * gamma.reshape(thin) + beta.reshape(thin)


def by_last(x: Shapes) -> Shapes:
    return (x[0], x[0][-1:], x[0][-1:])


def by_first(x: Shapes) -> Shapes:
    return (x[0], x[0][:1], x[0][:1])


NORMS: Final = (
    Spec(
        LayerNorm(EPSILON),
        lambda *ids: layer_norm(*ids, epsilon=EPSILON),
        lambda x, gamma, beta: standardised(x, (-1,)) * gamma + beta,
        (of_rank(1, 3, 1) | st.just(((0, 3),))).map(by_last),
        few=tuple(by_last((x,)) for x in ((2, 3), (1,), (2, 1, 4))),
        domains=(ANY, ANY, ANY),
        cancels=True,
    ),
    Spec(
        BatchNorm(EPSILON),
        lambda *ids: batch_norm(*ids, epsilon=EPSILON),
        jax_batch_norm,
        (of_rank(1, 3, 1) | st.just(((0, 3),))).map(by_first),
        few=tuple(by_first((x,)) for x in ((2, 3), (1,), (2, 1, 4))),
        domains=(ANY, ANY, ANY),
        cancels=True,
    ),
)
