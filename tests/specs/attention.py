"""Attention."""

from typing import Any, Final

import jax
import numpy as np
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import attention
from tapem_dsl.ops.attention import Attention
from tests.specs.spec import Shapes, Spec

HEADS: Final = 2
SMALL: Final = st.integers(-6, 6)  # or one weight is 1 and the others are 0
MASK: Final = np.array([[True, False, False], [True, True, False], [False, True, True]])


# Any, here and below: JAX arrays, traced or not.
def jax_attention(wq: Any, wk: Any, wv: Any, wo: Any, x: Any, mask: Any = True) -> Any:
    """Say it index by index."""
    q, k, v = ((x @ w).reshape(len(x), HEADS, -1) for w in (wq, wk, wv))
    scores = jnp.einsum("ihc,jhc->hij", q, k) / q.shape[-1] ** 0.5
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf), axis=-1)
    return jnp.einsum("hij,jhc->ihc", weights, v).reshape(len(x), -1) @ wo


def attended(model: int, width: int, tokens: int) -> Shapes:
    columns = HEADS * width
    into, back = (model, columns), (columns, model)
    return (into, into, into, back, (tokens, model))


ATTENTION: Final = (
    Spec(
        Attention(HEADS, None),
        lambda *ids: attention(*ids, heads=HEADS),
        jax_attention,
        st.builds(attended, st.integers(0, 3), st.integers(0, 2), st.integers(1, 3)),
        few=(attended(3, 2, 3), attended(1, 1, 1), attended(2, 1, 2)),
        domains=(SMALL,) * 5,
        limit=0.75,
        cancels=True,
        infinite=False,
    ),
    Spec(
        Attention(HEADS, MASK),
        lambda *ids: attention(*ids, heads=HEADS, mask=MASK),
        lambda wq, wk, wv, wo, x: jax_attention(wq, wk, wv, wo, x, MASK),
        st.builds(attended, st.integers(0, 3), st.integers(0, 2), st.just(3)),
        few=(attended(3, 2, 3), attended(1, 1, 3)),
        domains=(SMALL,) * 5,
        limit=0.75,
        cancels=True,
        infinite=False,
    ),
)
