"""Layer and batch norm: against JAX, row by row, and at extremes."""

import math
from fractions import Fraction
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax import numpy as jnp

from tapem_dsl import (
    Array,
    NodeId,
    Shape,
    backward,
    batch_norm,
    layer_norm,
    leaf,
    map_m,
    rationals,
    vjp_rules,
)
from tapem_dsl.arrays import NUMPY
from tapem_dsl.errors import EmptyAxis, OutsideDomain, ShapeMismatch
from tapem_dsl.ops.norms import BatchNorm, LayerNorm
from tests.oracles import usual
from tests.untyped import LOOSE

INF, NAN = math.inf, math.nan
both = pytest.mark.parametrize("norm", [layer_norm, batch_norm])


def run(norm: Any, *xs: Array, g: Array | None = None, **options: Any) -> Any:
    """Give the result, or the gradients where there is a cotangent."""
    out, tape = map_m(leaf, xs).bind(lambda ids: norm(*ids, **options)).run().unwrap()
    if g is None:
        return tape[out].value
    slots = backward(tape, out, g).unwrap()
    return tuple(slots[NodeId(i)] for i in range(3))


# Any: JAX arrays, traced or not.
def by_hand(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + epsilon) * gamma + beta


@usual
@given(
    x=hnp.arrays(np.float64, (3, 4), elements=st.floats(-5, 5, allow_subnormal=False)),
    seed=st.integers(0, 99),
)
def test_values_and_gradients_with_torchleans_epsilon_are_those_of_jax(
    x: Array, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = x + rng.normal(size=(3, 4))  # no row is all but constant
    gamma, beta, g = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(3, 4))
    theirs, pull = jax.vjp(partial(by_hand, epsilon=1e-5), x, gamma, beta)
    np.testing.assert_allclose(
        run(layer_norm, x, gamma, beta), theirs, rtol=1e-10, atol=1e-12
    )
    gradients = run(layer_norm, x, gamma, beta, g=g)
    for our, their in zip(gradients, pull(g), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-10, atol=1e-11)


def test_rows_are_independent_and_so_are_channels() -> None:
    rng = np.random.default_rng(1)
    x, gamma, beta = rng.normal(size=(2, 3, 4)), rng.normal(size=4), rng.normal(size=4)
    whole = run(layer_norm, x, gamma, beta)
    for i, j in np.ndindex(2, 3):
        row = run(layer_norm, x[i, j], gamma, beta)
        np.testing.assert_allclose(whole[i, j], row, rtol=1e-13, atol=1e-14)
    scale, shift = rng.normal(size=2), rng.normal(size=2)
    channels = run(batch_norm, x, scale, shift)
    for i in range(2):
        alone = run(batch_norm, x[i : i + 1], scale[i : i + 1], shift[i : i + 1])
        np.testing.assert_allclose(channels[i : i + 1], alone, rtol=1e-13, atol=1e-14)


@both
def test_rows_have_the_mean_of_the_shift_and_the_variance_of_the_scale(
    norm: Any,
) -> None:
    x = np.random.default_rng(2).normal(3, 5, size=(6, 6))
    y = run(norm, x, np.full(6, 2.0), np.full(6, 10.0), epsilon=0)
    np.testing.assert_allclose(y.mean(axis=1), 10, rtol=1e-13)
    np.testing.assert_allclose(y.var(axis=1), 4, rtol=1e-13)


@both
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("huge", [1e18, 1e30, 1e150, 1e300, 1e-30, 1e-300])
def test_no_square_overflows_or_spoils_the_result(
    norm: Any, dtype: Any, huge: float
) -> None:
    if dtype is np.float32 and not 1e-37 < huge < 1e38:
        huge = 1e30 if huge > 1 else 1e-30
    x = (np.array([[3.0, 1.0, -4.0]]) * huge).astype(dtype)
    ones = [np.ones(n, dtype) for n in ((3, 3) if norm is layer_norm else (1, 1))]
    y = run(norm, x, *ones, epsilon=0 if huge > 1 else 1e-5)
    expected = np.array([[3.0, 1.0, -4.0]]) / math.sqrt(26 / 3)
    if huge < 1:  # the variance is nothing beside epsilon
        expected = np.array([[3.0, 1.0, -4.0]]) * huge / math.sqrt(1e-5)
    np.testing.assert_allclose(y - 1, expected, rtol=1e-5, atol=1e-6)
    dx, dgamma, _ = run(norm, x, *ones, g=np.ones_like(y), epsilon=1e-5)
    assert np.isfinite(dx).all()
    assert np.isfinite(dgamma).all()


@both
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("constant", [0.1, 255.3, 9876.5, 1e15, 1e30, -3.0])
@pytest.mark.parametrize("n", [3, 10, 1000])
def test_a_constant_row_is_its_shift(
    norm: Any, dtype: Any, constant: float, n: int
) -> None:
    x = np.full((3, n), constant, dtype)
    of = n if norm is layer_norm else 3
    y = run(norm, x, np.ones(of, dtype), np.full(of, 2.0, dtype))
    np.testing.assert_allclose(y, 2, rtol=0, atol=1e-6)


@both
def test_a_row_whose_squares_overflow_does_not_change_the_others(norm: Any) -> None:
    rows = [[1.0, 2.0, 4.0], [1e200, -1e200, 0.0], [5.0, 5.0, 5.0], [1e-3, 0.0, 0.0]]
    x, ones, zeros = np.array(rows), np.ones(3), np.zeros(3)
    if norm is batch_norm:
        ones, zeros = np.ones(4), np.zeros(4)
    y = run(norm, x, ones, zeros)
    for row, expected in zip(rows, y, strict=True):
        of = 3 if norm is layer_norm else 1
        alone = run(norm, np.array([row]), np.ones(of), np.zeros(of))
        np.testing.assert_allclose(alone[0], expected, rtol=1e-12, atol=1e-15)


@both
def test_the_sum_of_a_row_does_not_overflow(norm: Any) -> None:
    for dtype, huge in ((np.float64, 1.5e308), (np.float32, 3e38), (np.float16, 6e4)):
        x = np.array([[huge, huge, 0.0, 0.0]], dtype)
        of = 4 if norm is layer_norm else 1
        y = run(norm, x, np.ones(of, dtype), np.zeros(of, dtype))
        np.testing.assert_allclose(y, [[1, 1, -1, -1]], rtol=2e-3)


@both
def test_without_epsilon_a_constant_row_is_nan(norm: Any) -> None:  # also PyTorch's
    y = run(norm, np.full((1, 1), 2.0), np.ones(1), np.ones(1), epsilon=0)
    assert np.isnan(y).all()


@both
def test_nan_and_infinity_spoil_their_row_only(norm: Any) -> None:
    x = np.random.default_rng(3).normal(size=(4, 4))
    clean = run(norm, x, np.ones(4), np.ones(4))
    for bad in ([NAN, 0.0], [INF, INF], [INF, -INF]):  # of two nothing is known
        spoilt = x.copy()
        spoilt[1, 2:] = bad
        y = run(norm, spoilt, np.ones(4), np.ones(4))
        assert np.isnan(y[1]).all()
        np.testing.assert_allclose(y[[0, 2, 3]], clean[[0, 2, 3]], rtol=1e-12)


@both
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.longdouble])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_infinite_entry_leaves_the_others_alike(
    norm: Any, dtype: Any, sign: int
) -> None:
    x = np.array([[1.0, INF * sign, -2.0], [1.0, 0.0, -1.0]], dtype)
    ones = [np.ones(n, dtype) for n in ((3, 3) if norm is layer_norm else (2, 2))]
    y = run(norm, x, *ones)
    expected = np.array([-1, 2, -1]) * sign / math.sqrt(2)
    np.testing.assert_allclose(y[0] - 1, expected, rtol=1e-6)
    alone = run(norm, np.array([[INF * sign]], dtype), *(z[:1] for z in ones))
    assert alone.tolist() == [[1]]
    dx, *_ = run(norm, x, *ones, g=np.ones_like(y))
    assert abs(dx[0]).max() < 1e-30


@both
@pytest.mark.parametrize("shape", [(3, 0), (2, 3, 0), (0, 0)])
def test_a_mean_of_nothing_is_refused(norm: Any, shape: Shape) -> None:
    n = shape[-1] if norm is layer_norm else shape[0]
    xs = [np.ones(shape), np.ones(n), np.ones(n)]
    error = map_m(leaf, xs).bind(lambda ids: norm(*ids)).run().failure()
    assert isinstance(error, EmptyAxis)
    assert error.shape == shape
    assert error.axis == len(shape) - 1


@both
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
def test_without_rows_there_is_nothing_to_do(norm: Any, shape: Shape) -> None:
    if norm is batch_norm:
        shape = (0, 3)  # no channels
    n = shape[-1] if norm is layer_norm else shape[0]
    x, ones = np.ones(shape, np.float32), np.ones(n, np.float32)
    assert run(norm, x, ones, ones).shape == shape
    for ours, operand in zip(
        run(norm, x, ones, ones, g=x), (x, ones, ones), strict=True
    ):
        np.testing.assert_array_equal(ours, 0 * operand, strict=True)


@both
@pytest.mark.parametrize(
    "shapes",
    [
        ((), (1,), (1,)),
        ((2, 3), (1,), (1,)),
        ((2, 2), (2, 1), (2,)),
        ((2, 2), (2,), ()),
    ],
)
def test_scale_and_shift_have_one_entry_each(
    norm: Any, shapes: tuple[Shape, ...]
) -> None:
    xs = [np.ones(shape)[()] for shape in shapes]
    error = map_m(leaf, xs).bind(lambda ids: norm(*ids)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == shapes


@pytest.mark.parametrize("name", ["layer_norm", "batch_norm"])
@pytest.mark.parametrize("epsilon", [-1.0, NAN, "1", None, True])
def test_epsilon_is_a_number_that_is_not_negative(name: str, epsilon: object) -> None:
    with pytest.raises(ValueError, match=f"{name} takes a non-negative number"):
        getattr(LOOSE, name)(0, 0, 0, epsilon=epsilon)


@both
def test_rationals_and_an_epsilon_beyond_double_fail(norm: Any) -> None:
    one = rationals([1])
    program = map_m(leaf, [rationals([[1]]), one, one]).bind(lambda ids: norm(*ids))
    assert isinstance(program.run().failure(), OutsideDomain)
    xs = [np.ones((1, 1)), np.ones(1), np.ones(1)]
    huge = map_m(leaf, xs).bind(lambda ids: norm(*ids, epsilon=Fraction(10**400)))
    assert isinstance(huge.run().failure(), OutsideDomain)


@pytest.mark.parametrize(
    ("op", "need", "products", "sums"),
    [
        (LayerNorm(0.5), (False, False, True), 1, 0),
        (LayerNorm(0.5), (False, True, False), 2 + 1, 0),  # two are means
        (LayerNorm(0.5), (True, False, False), 2 + 2, 0),
        (BatchNorm(0.5), (False, False, True), 0, 1),
        (BatchNorm(0.5), (False, True, False), 2, 1),
        (BatchNorm(0.5), (True, False, False), 2, 2),
    ],
)
def test_frozen_operands_cost_no_work(
    op: Any, need: Any, products: int, sums: int
) -> None:
    rng = np.random.default_rng(4)
    x, gamma, beta = rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=2)
    y = op.evaluate(NUMPY, x, gamma, beta)
    rule: Any = vjp_rules.get(type(op))
    spied: list[str] = []

    class Spy:
        def __getattr__(self, name: str) -> Any:
            spied.append(name)
            return getattr(NUMPY, name)

    given = rule(op, Spy(), np.ones_like(y), (x, gamma, beta), y, need)
    assert [cotangent is not None for cotangent in given] == list(need)
    assert (spied.count("matmul"), spied.count("sum")) == (products, sums)
