"""Ops that join, cut and embed."""

from typing import Final

from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import concat, embed, slice_
from tapem_dsl.ops.slicing import Concat, Embed, Slice
from tests.specs.spec import extents, moved, of_rank

SLICING: Final = (
    moved(
        Concat(1),
        lambda *ids: concat(*ids, axis=1),
        lambda *xs: jnp.concatenate(xs, axis=1),
        st.tuples(extents, extents, extents).map(
            lambda n: ((2, n[0]), (2, n[1]), (2, n[2]))
        ),
        ((2, 3), (2, 1), (2, 2)),
        ((1, 1), (1, 1), (1, 1)),
    ),
    moved(
        Slice(-2, 2, -1),
        lambda x: slice_(x, -2, 2, axis=-1),
        lambda x: x[..., -2:],
        of_rank(1, 3, 3),
        ((2, 3),),
        ((3,),),
        ((4, 4),),
    ),
    moved(
        Embed(-4, 6, 0),
        lambda x: embed(x, -4, 6),
        lambda x: jnp.zeros((6, *x.shape[1:])).at[2 : 2 + len(x)].set(x),
        of_rank(1, 3),
        ((2, 3),),
        ((1,),),
        ((4, 1),),
    ),
)
