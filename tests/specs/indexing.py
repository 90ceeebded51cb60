"""Ops that pick and add by static indices."""

from typing import Final

from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import index_select, scatter_add, select
from tapem_dsl.ops.indexing import IndexSelect, ScatterAdd, Select
from tests.specs.spec import moved, of_rank

TAKEN: Final = (2, 0, -1)
INDEXING: Final = (
    moved(
        Select(-1, -1),
        lambda x: select(x, -1, axis=-1),
        lambda x: x[..., -1],
        of_rank(1, 3, 2),
        ((2, 3),),
        ((2,),),
        ((3, 1, 2),),
    ),
    moved(
        IndexSelect(TAKEN, 0),
        lambda x: index_select(x, TAKEN),
        lambda x: x[jnp.array(TAKEN)],
        of_rank(1, 3, 3),
        ((3, 2),),
        ((3,),),
        ((4, 1, 2),),
        long=((IndexSelect((1, 0) * 35_000, 0), ((3, 2),)),),
    ),
    moved(
        ScatterAdd(TAKEN, 1),
        lambda base, source: scatter_add(base, source, TAKEN, axis=1),
        lambda base, source: base.at[:, jnp.array(TAKEN)].add(source),
        st.integers(0, 3).map(lambda n: ((n, 4), (n, 3))),
        ((2, 3), (2, 3)),
        ((1, 4), (1, 3)),
        long=((ScatterAdd((2, 0) * 35_000, 0), ((3,), (70_000,))),),
    ),
)
