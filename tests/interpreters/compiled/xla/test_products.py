"""Products by a constant of ones are sums on XLA, of the same shape and numbers."""

from typing import Any

import jax
import numpy as np
import pytest

from tapem_dsl.interpreters.compiled.plan import Plan
from tapem_dsl.interpreters.compiled.xla.traceable import Trace

# Any, throughout: arrays of any scalar type.

SHAPES: list[tuple[Any, Any, int]] = [
    ((4, 3), (3, 2), 0),
    ((1, 3), (3, 2), 0),
    ((3,), (3, 2), 0),
    ((3,), (3,), 0),
    ((2, 3), (3,), 0),
    ((2, 3), (5, 3, 4), 0),
    ((3,), (5, 3, 4), 0),
    ((4, 3), (3, 2), 1),
    ((4, 3), (3, 1), 1),
    ((4, 3), (3,), 1),
    ((3,), (3, 2), 1),
    ((5, 4, 3), (3, 2), 1),
    ((5, 4, 3), (3,), 1),
]


@pytest.mark.parametrize(("left", "right", "ones"), SHAPES)
def test_a_product_by_ones_is_the_product(left: Any, right: Any, ones: int) -> None:
    rng = np.random.default_rng(0)
    factors = [rng.normal(size=left), rng.normal(size=right)]
    factors[ones] = np.ones(factors[ones].shape)
    plan = Plan()
    slots = [
        plan.constant(x) if i == ones else plan.input(x) for i, x in enumerate(factors)
    ]
    expected = np.matmul(*factors)
    out = plan.call("matmul", tuple(slots), (), expected)
    with jax.enable_x64(True):
        given = {slots[1 - ones]: jax.numpy.asarray(factors[1 - ones])}
        (found,) = Trace(plan, [out]).run(given)
        text = jax.jit(lambda x: Trace(plan, [out]).run({slots[1 - ones]: x}))
        lowered = text.lower(*given.values()).as_text()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert "dot_general" not in lowered
