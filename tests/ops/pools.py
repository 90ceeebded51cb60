"""The three kinds of pooling, as the tests call them."""

from typing import Any

import pytest

from tapem_dsl import Array, NodeId, avg_pool, backward, leaf, max_pool, smooth_max_pool


def run(pool: Any, x: Array, g: Array | None = None, **options: Any) -> Array:
    """Give the result, or the gradient where there is a cotangent."""
    out, tape = leaf(x).bind(lambda i: pool(i, **options)).run().unwrap()
    if g is None:
        return tape[out].value
    return backward(tape, out, g).unwrap()[NodeId(0)]


def smooth(x: NodeId, **options: Any) -> Any:
    return smooth_max_pool(x, **{"beta": 1.0, **options})


every = pytest.mark.parametrize("pool", [max_pool, avg_pool, smooth])
