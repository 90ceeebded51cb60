"""On XLA every op and its gradient are those of NumPy, but for rounding."""

from typing import Any, Final

import numpy as np

from tapem_dsl import Do, const, do, grad, jit, map_m, tree, value_and_grad, value_of
from tests.interpreters.compiled.test_every_op import operands, weighted
from tests.interpreters.compiled.test_rolled_every_op import (
    chained,
    drawn,
    mean_of_parameters,
)
from tests.specs.elementwise import ELEMENTWISE
from tests.specs.every import each_op
from tests.specs.spec import Spec

# Any, throughout: arrays of any scalar type.

BOUNDS: Final = {8: 1e-11, 4: 2e-5}
"""By the bytes of a float: by how much of the largest entry a result may differ."""


def assert_close(found: Any, expected: Any) -> None:
    ours, structure = tree.flatten(found)
    theirs, other = tree.flatten(expected)
    assert structure == other
    for a, b in zip(ours, theirs, strict=True):
        assert (type(a), a.dtype, a.shape) == (type(b), b.dtype, b.shape)
        bound = BOUNDS[b.dtype.itemsize]
        largest = np.max(np.abs(b), where=np.isfinite(b), initial=1)
        np.testing.assert_allclose(a, b, rtol=bound, atol=bound * float(largest))


@each_op
def test_values_and_gradients(spec: Spec) -> None:
    """All in one function, for XLA compiles each for a tenth of a second or more."""
    own = list(range(spec.arity))

    def all_of(flat: Any, means: Any, chain: Any) -> Any:
        loss = value_and_grad(lambda ids, w: weighted(spec, ids, w))
        mean = value_and_grad(lambda p: mean_of_parameters(spec, own, p))
        steps = value_and_grad(lambda p: chained(spec, 0, spec.few[0], p, 9))
        return [
            *[loss(*case).unwrap() for case in flat],
            *[mean(case).unwrap() for case in means],
            steps(chain).unwrap(),
        ]

    def arguments(seed: int) -> Any:
        flat = []
        for shapes in spec.few[:1]:
            for dtype in (np.float64, np.float32):
                weights = np.random.default_rng(seed).normal(
                    size=spec.op.shape(*shapes)
                )
                given = operands(spec, shapes, seed, dtype)
                flat.append((given, weights.astype(dtype)[()]))
        few = spec.few[0]
        means = [
            drawn(spec, few, own, seed, dtype) for dtype in (np.float64, np.float32)
        ]
        return flat, means, operands(spec, few, seed, np.float64)

    step = jit(all_of, engine="xla", roll=True)
    for seed in range(2):
        given = arguments(seed)
        assert_close(step(*given), all_of(*given))
    assert "as it is" not in step.report(), step.report()
    assert "not rolled up" not in step.report(), step.report()
    assert "instead of" in step.report(), step.report()


SPECIAL: Final = [
    *(0.0, -0.0, 0.5, -2.0, 30.0, -30.0, 800.0, -800.0, 1e-200, -1e-200),
    *(1e200, -1e200, np.inf, -np.inf, np.nan),
]


@do
def applied(spec: Spec, xs: list[Any]) -> Do[Any, Any]:
    ids = yield from map_m(const, xs)
    return (yield from value_of((yield from spec.apply(*ids))))


def test_special_values_of_elementwise_ops() -> None:
    """Subnormal numbers are left out: XLA's CPU makes 0 of them."""
    xs = np.array(SPECIAL)
    others = np.array(SPECIAL[::-1])
    specs = [spec for spec in ELEMENTWISE if str(spec) != "log"]

    def all_of(x: Any, y: Any, w: Any) -> Any:
        return [
            (
                applied(spec, [x, y, x][: spec.arity]).eval().unwrap(),
                grad(lambda ids, w, spec=spec: weighted(spec, ids, w))(
                    [x, y, x][: spec.arity], w
                ).unwrap(),
            )
            for spec in specs
        ]

    step = jit(all_of, engine="xla", roll=False)
    given = xs, others, np.ones(len(xs))
    expected = all_of(*given)
    for found, wanted, spec in zip(step(*given), expected, specs, strict=True):
        for ours, theirs in zip(
            [found[0], *found[1]], [wanted[0], *wanted[1]], strict=True
        ):
            np.testing.assert_allclose(
                ours, theirs, rtol=1e-11, atol=1e-300, err_msg=str(spec)
            )
