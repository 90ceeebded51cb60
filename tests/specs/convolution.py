"""Convolution and its transpose."""

from dataclasses import replace
from typing import Any, Final

import jax
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import conv, conv_transpose
from tapem_dsl.ops.convolution import Conv, ConvTranspose
from tests.specs.spec import Shapes, moved
from tests.specs.windows import jax_windows

STRIDE, PADDING = 2, 1


# Any, here and below: JAX arrays, traced or not.
def jax_conv(kernel: Any, x: Any) -> Any:
    """Sum over channels and windows: on gradients of its own XLA aborts, in 0.10."""
    parts = jax_windows(x, kernel.shape[2:], STRIDE, PADDING)
    return jnp.tensordot(kernel, parts, kernel.ndim - 1)


def jax_conv_transpose(kernel: Any, x: Any) -> Any:
    """Transpose the convolution, as JAX can with all that is linear."""
    channels, *window = kernel.shape[1:]
    axes = zip(x.shape[1:], window, strict=True)
    spatial = [(n - 1) * STRIDE + k - 2 * PADDING for n, k in axes]
    whole = jnp.zeros((channels, *spatial), x.dtype)
    _, back = jax.vjp(lambda y: jax_conv(kernel, y), whole)
    return back(x)[0]


def beside(bias: Any, y: Any) -> Any:
    return y + bias.reshape(-1, *(1,) * (y.ndim - 1))


@st.composite
def convolved(draw: st.DrawFn, *, transpose: bool) -> Shapes:
    """Channels from 0, up to three spatial axes, windows that fit."""
    rank = draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3]))
    most = 4 if rank < 3 else 2
    out, channels = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    kernel = [draw(st.integers(1, min(most, 3))) for _ in range(rank)]
    least = [1 - (k - 2 * PADDING - 1) // STRIDE if transpose else 1 for k in kernel]
    spatial = [draw(st.integers(n, most)) for n in least]
    both = (channels, out) if transpose else (out, channels)
    return (*both, *kernel), (out,), (channels, *spatial)


CONVOLUTION: Final = (
    replace(
        moved(
            Conv(STRIDE, PADDING),
            lambda *ids: conv(*ids, stride=STRIDE, padding=PADDING),
            lambda k, b, x: beside(b, jax_conv(k, x)),
            convolved(transpose=False),
            ((2, 1, 2), (2,), (1, 4)),
            ((1, 1, 1), (1,), (1, 1)),
            ((2, 2, 3, 2), (2,), (2, 3, 4)),
            ((1, 2, 2, 1, 3), (1,), (2, 2, 2, 3)),
            ((2, 3), (2,), (3,)),
        ),
        infinite=False,
    ),
    moved(
        ConvTranspose(STRIDE, PADDING),
        lambda *ids: conv_transpose(*ids, stride=STRIDE, padding=PADDING),
        lambda k, b, x: beside(b, jax_conv_transpose(k, x)),
        convolved(transpose=True),
        ((1, 2, 2), (2,), (1, 3)),
        ((1, 1, 3), (1,), (1, 1)),
        ((2, 2, 3, 2), (2,), (2, 2, 3)),
        ((2, 1, 2, 3, 3), (1,), (2, 2, 1, 2)),
        ((2, 3), (3,), (2,)),
    ),
)
