"""Windows, and their sum."""

from itertools import product
from math import prod
from typing import Any, Final

import jax
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import Shape, fold, windows
from tapem_dsl.arrays.shape import window_counts
from tapem_dsl.ops.windows import Fold, Windows
from tests.specs.spec import Shapes, moved


# Any, here and below: JAX arrays, traced or not.
def jax_windows(
    x: Any, kernel: Shape, stride: int, padding: int, around: float = 0
) -> Any:
    """Slice once for each place within the window."""
    rank = len(kernel)
    left, spatial = x.shape[: x.ndim - rank], x.shape[x.ndim - rank :]
    counts = window_counts(spatial, kernel, (stride,) * rank, (padding,) * rank)
    pads = [(0, 0)] * len(left) + [(padding, padding)] * rank
    x = jnp.pad(x, pads, constant_values=around)
    cells = [
        x[(..., *(slice(o, o + stride * c, stride) for o, c in zip(at, counts)))]  # noqa: B905 - both of the rank
        for at in product(*map(range, kernel))
    ]
    cells = [cell[(..., *map(slice, counts))] for cell in cells]
    return jnp.stack(cells, len(left)).reshape(*left, *kernel, *counts)


def jax_fold(x: Any, spatial: Shape, stride: int, padding: int) -> Any:
    """Transpose the windows, as JAX can with all that is linear."""
    rank = len(spatial)
    left, kernel = x.shape[: x.ndim - 2 * rank], x.shape[x.ndim - 2 * rank :][:rank]

    def of(whole: Any) -> Any:
        return jax_windows(whole, kernel, stride, padding)

    _, back = jax.vjp(of, jnp.zeros((*left, *spatial), x.dtype))
    return back(x)[0]


@st.composite
def windowed(draw: st.DrawFn, spatial: Shape, stride: int, padding: int) -> Shapes:
    """What a fold over these axes takes."""
    rank = len(spatial)
    left = draw(st.sampled_from([(), (1,), (2,), (0,)]))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    counts = window_counts(spatial, kernel, (stride,) * rank, (padding,) * rank)
    return ((*left, *kernel, *counts),)


def entries(shape: Shapes) -> int:
    return prod(shape[0])


WINDOWS: Final = (
    moved(
        Windows((2, 1), 2, 1),
        lambda x: windows(x, (2, 1), stride=2, padding=1),
        lambda x: jax_windows(x, (2, 1), 2, 1),
        st.tuples(*[st.integers(n, 4) for n in (0, 1, 1)]).flatmap(
            lambda s: st.sampled_from([(s,), (s[1:],)])
        ),
        ((2, 3),),
        ((1, 1),),
        ((2, 4, 3),),
        ((0, 1, 2),),
    ),
    moved(
        Fold((4, 3), 1, 1),
        lambda x: fold(x, (4, 3), padding=1),
        lambda x: jax_fold(x, (4, 3), 1, 1),
        windowed((4, 3), 1, 1).filter(lambda s: entries(s) <= 300),
        ((2, 2, 5, 4),),
        ((1, 1, 6, 5),),
        ((2, 3, 1, 4, 5),),
        long=(
            (Fold((70_001,), 1, 0), ((2, 70_000),)),
            (Fold((1_200,), 1, 0), ((600, 601),)),
        ),
    ),
)
