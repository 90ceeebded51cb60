"""Linear algebra."""

from typing import Final

from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import Shape, bmm, dot, linear, matmul, outer
from tapem_dsl.ops.linalg import Bmm, Dot, Linear, Matmul, OuterProduct
from tests.specs.spec import ANY, Spec, extents, moved

BATCHES: Final[tuple[tuple[Shape, Shape], ...]] = (
    *(((), ()), ((), ()), ((2,), (2,)), ((), (3,))),
    *(((2, 1), (3,)), ((1,), (0,)), ((2, 3), ())),
)
LINALG: Final = (
    moved(
        Bmm(),
        bmm,
        jnp.matmul,
        st.tuples(extents, extents, extents, extents).map(
            lambda s: ((s[0], s[1], s[2]), (s[0], s[2], s[3]))
        ),
        ((2, 2, 3), (2, 3, 2)),
        ((1, 1, 1), (1, 1, 1)),
    ),
    moved(
        OuterProduct(),
        outer,
        jnp.outer,
        st.tuples(extents, extents).map(lambda s: ((s[0],), (s[1],))),
        ((2,), (3,)),
        ((1,), (1,)),
    ),
    Spec(
        Linear(),
        linear,
        lambda w, b, x: w @ x + b,
        st.tuples(extents, extents).map(lambda s: (s, (s[0],), (s[1],))),
        few=(((2, 3), (2,), (3,)), ((1, 4), (1,), (4,)), ((3, 3), (3,), (3,))),
        domains=(ANY, ANY, ANY),
        rational=True,
    ),
    Spec(
        Matmul(),
        matmul,
        jnp.matmul,
        st.tuples(extents, extents, extents, st.sampled_from(BATCHES)).map(
            lambda s: ((*s[3][0], *s[:2]), (*s[3][1], *s[1:3]))
        ),
        few=(
            ((2, 3), (3, 4)),
            ((1, 1), (1, 1)),
            ((3, 3), (3, 3)),
            ((2, 3), (4, 3, 2)),
            ((2, 1, 1, 4), (3, 4, 1)),
        ),
        domains=(ANY, ANY),
        rational=True,
    ),
    Spec(
        Dot(),
        dot,
        jnp.dot,
        extents.map(lambda n: ((n,), (n,))),
        few=(((3,), (3,)), ((1,), (1,)), ((4,), (4,))),
        domains=(ANY, ANY),
        rational=True,
    ),
)
