"""Ops that change the shape."""

from typing import Final

from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import (
    broadcast_to,
    flatten,
    permute,
    reshape,
    swap_adjacent_at_depth,
    transpose,
)
from tapem_dsl.ops.shapes import (
    BroadcastTo,
    Flatten,
    Permute,
    Reshape,
    SwapAdjacentAtDepth,
    Transpose,
)
from tests.specs.spec import moved, of_rank, unary

SHAPES: Final = (
    moved(
        Reshape((3, 2)),
        lambda x: reshape(x, (3, 2)),
        lambda x: jnp.reshape(x, (3, 2)),
        st.sampled_from([((6,),), ((2, 3),), ((1, 6, 1),)]),
        ((2, 3),),
        ((6,),),
        long=((Reshape((70_000,)), ((35_000, 2),)),),
    ),
    unary(Flatten(), flatten, jnp.ravel, rational=True),
    moved(
        Permute((1, 2, 0)),
        lambda x: permute(x, (1, -1, 0)),
        lambda x: jnp.transpose(x, (1, 2, 0)),
        of_rank(3, 3),
        ((2, 3, 4),),
        ((1, 1, 2),),
    ),
    moved(
        Transpose(),
        transpose,
        lambda x: jnp.swapaxes(x, -1, -2),
        of_rank(2, 3),
        ((2, 3),),
        ((1, 1),),
        ((2, 3, 2),),
    ),
    moved(
        SwapAdjacentAtDepth(-2),
        lambda x: swap_adjacent_at_depth(x, -2),
        lambda x: jnp.swapaxes(x, -2, -1) if x.ndim > 1 else x,
        of_rank(1, 3),
        ((2, 3, 4),),
        ((2,),),
    ),
    moved(
        SwapAdjacentAtDepth(1),
        lambda x: swap_adjacent_at_depth(x, 1),
        lambda x: jnp.swapaxes(x, 1, 2) if x.ndim > 2 else x,
        of_rank(1, 4),
        ((2, 3, 4),),
        ((2, 3),),
        ((2,),),
    ),
    moved(
        BroadcastTo((2, 3, 2)),
        lambda x: broadcast_to(x, (2, 3, 2)),
        lambda x: jnp.broadcast_to(x, (2, 3, 2)),
        st.sampled_from([((),), ((1,),), ((3, 1),), ((2, 1, 2),), ((2, 3, 2),)]),
        ((3, 1),),
        ((),),
        ((2, 1, 2),),
        ((2, 3, 2),),
        long=(
            (BroadcastTo((70_000, 3)), ((3,),)),
            (BroadcastTo((2, 70_000)), ((2, 1),)),
        ),
    ),
)
