"""Under jit every op and its gradient are those of eager evaluation, bit for bit."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import Do, NodeId, const, do, jit, mul, sum_, value_and_grad
from tapem_dsl.tape.equality import same
from tests.specs.every import each_op
from tests.specs.spec import Spec

# Any, throughout: arrays of any scalar type.


def operands(spec: Spec, shapes: tuple[Any, ...], seed: int, dtype: Any) -> list[Any]:
    rng = np.random.default_rng(seed)
    found: list[Any] = []
    for shape, domain in zip(shapes, spec.domains, strict=True):
        low = (
            1 if "min_value=1" in repr(domain) or "integers(1" in repr(domain) else -24
        )
        eighths = rng.integers(low, 25, shape)
        eighths = np.where(eighths == 0, 3, eighths)
        noise = rng.uniform(0, 1 / 16, shape)
        found.append((np.asarray(eighths / 8) + noise).astype(dtype)[()])
    return found


@do
def weighted(spec: Spec, ids: list[NodeId], weights: Any) -> Do[NodeId, Any]:
    y = yield from spec.apply(*ids)
    w = yield from const(weights)
    return (yield from sum_((yield from mul(y, w))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each_op
def test_values_and_gradients_are_the_eager_ones(spec: Spec, dtype: Any) -> None:
    eager = value_and_grad(lambda ids, w: weighted(spec, ids, w))
    step = jit(eager)
    for shapes in spec.few:
        shape = spec.op.shape(*shapes)
        for seed in range(3):
            given = operands(spec, shapes, seed, dtype)
            weights = np.random.default_rng(9 + seed).normal(size=shape)
            weights = weights.astype(dtype)[()]
            expected = eager(given, weights)
            assert same(step(given, weights), expected)
    assert "as it is" not in step.report(), step.report()
