"""Sums and products of any layout lose no more digits than the docs state."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapem_dsl import Array, Shape
from tapem_dsl.arrays import EXACT, NUMPY
from tapem_dsl.arrays.sums import FEW
from tests.oracles import usual

# Any, in what follows: a dtype, or an array seen in another layout.
Layout = Callable[[Any], Any]

LAYOUTS: Final[dict[str, Layout]] = {
    "c": lambda x: x,
    "fortran": np.asfortranarray,
    "transposed": lambda x: x.T,
    "reversed": lambda x: x[::-1],
    "every other entry": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "every other row": lambda x: np.repeat(x, 2, 0)[::2],
    "inside": lambda x: np.pad(x, 1)[(slice(1, -1),) * x.ndim],
    "inside, transposed": lambda x: np.pad(x, 1)[(slice(1, -1),) * x.ndim].T,
    "repeated columns": lambda x: np.broadcast_to(x[..., :1], x.shape),
    "repeated rows": lambda x: np.broadcast_to(x[:1], x.shape),
    "repeated entry": lambda x: np.broadcast_to(x[(0,) * x.ndim], x.shape),
}
SHAPES: Final[tuple[Shape, ...]] = (
    (70_001, 2),
    (2, 70_001),
    (300, 170),
    (5000, 1, 3),
    (1, 5000),
    (5000, 1),
    (3, 700, 5),
    (129, 129),
    (2, 131, 1100),  # wide rows
)


def stated(x: Array, axis: int | None) -> Array:
    """What the rounding of a sum is stated to be at most."""
    n = x.size if axis is None else x.shape[axis]
    eps = float(np.finfo(x.dtype).eps)
    most = n / 2 if n <= FEW else 4 * np.log2(n)
    return eps * most * np.abs(x.astype(np.longdouble)).sum(axis=axis)


def entries(shape: Shape, dtype: Any, kind: str) -> Array:
    """Tenths; or what is lost, all of it, if it is added to the first one by one."""
    if kind == "tenths":
        return np.full(shape, 0.1, dtype)
    if kind == "next to nothing":
        x = np.full(shape, 0.49 * np.finfo(dtype).eps, dtype)
        x[(0,) * x.ndim] = 1
        return x
    return np.random.default_rng(7).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["tenths", "normal", "next to nothing"])
def test_sums_lose_no_more_than_is_stated(layout: str, shape: Shape, kind: str) -> None:
    for dtype in (np.float32, np.float64):
        x = LAYOUTS[layout](entries(shape, dtype, kind))
        for axis in (None, *range(-x.ndim, x.ndim)):
            total = NUMPY.sum(x, axis=axis)
            exact = x.astype(np.longdouble).sum(axis=axis)
            assert total.dtype == dtype
            assert total.shape == exact.shape
            assert np.all(np.abs(total - exact) <= stated(x, axis))
            kept = NUMPY.sum(x, axis=axis, keepdims=True)
            shape_kept = x.sum(axis=axis, keepdims=True).shape
            np.testing.assert_array_equal(kept, np.reshape(total, shape_kept))


@settings(usual)
@given(
    shape=st.lists(st.integers(0, 300), min_size=1, max_size=3).map(tuple),
    axes=st.permutations([0, 1, 2]),
    step=st.sampled_from([-2, -1, 1, 2]),
)
@example(shape=(129, 300), axes=[1, 0, 2], step=1)
def test_sums_of_integers_are_exact_whatever_the_layout(
    shape: tuple[int, ...], axes: list[int], step: int
) -> None:
    if np.prod(shape) > 10**6:
        shape = shape[:2]
    numbers = np.arange(np.prod(shape)).reshape(shape) % 7
    order = [axis for axis in axes if axis < len(shape)]
    x = numbers.astype(np.float32).transpose(order)[::step]
    whole = numbers.transpose(order)[::step]
    for axis in (None, *range(x.ndim)):
        np.testing.assert_array_equal(NUMPY.sum(x, axis=axis), whole.sum(axis=axis))


@pytest.mark.parametrize("n", [0, 1, 128, 129, 5000])
def test_sums_keep_infinities_and_nan_in_their_column(n: int) -> None:
    zeros = np.full((n, 2), -0.0, np.float32)
    np.testing.assert_array_equal(NUMPY.sum(zeros, axis=0), [0, 0])
    for special in (np.inf, -np.inf, np.nan):
        x = np.ones((n, 2), np.float32)
        x[n // 2 :, 0] = special
        with np.errstate(all="ignore"):
            total = NUMPY.sum(x, axis=0)
        np.testing.assert_array_equal(total, [special if n else 0, n])


def test_exact_sums_stay_exact() -> None:
    x = np.full((300, 2), Fraction(1, 3), object)
    assert EXACT.sum(x, axis=0).tolist() == [Fraction(100)] * 2
    added = EXACT.index_add(x[:1, 0], x[:, 0], (0,) * 300, 0)
    assert added.tolist() == [Fraction(301, 3)]


# -- products --------------------------------------------------------------------------

PRODUCTS: Final = (
    ((100_000,), (100_000,)),
    ((3, 70_000), (70_000,)),
    ((70_000,), (70_000, 3)),
    ((3, 5001), (5001, 4)),
    ((16, 5001), (5001, 300)),
    ((2, 3, 5000), (2, 5000, 4)),
    ((1, 3, 5000), (2, 5000, 4)),
    ((2, 3, 5000), (5000,)),
    ((5000,), (2, 5000, 4)),
    ((4, 3, 5000), (5000, 2)),
    ((0, 5000), (5000, 2)),
)


@pytest.mark.parametrize(("left", "right"), PRODUCTS, ids=str)
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray])
@pytest.mark.parametrize("kind", ["tenths", "normal"])
def test_products_of_long_axes_keep_their_digits(
    left: Shape, right: Shape, layout: Layout, kind: str
) -> None:
    a = layout(np.abs(entries(left, np.float32, kind)))
    b = layout(np.abs(entries(right, np.float32, kind)))
    product = NUMPY.matmul(a, b)
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    assert product.dtype == np.float32
    assert product.shape == exact.shape
    digits = 4 * float(np.finfo(np.float32).eps) * np.log2(left[-1])
    np.testing.assert_allclose(product, exact, rtol=digits, atol=0)


def test_large_products_of_long_axes_keep_their_digits() -> None:
    a = entries((64, 65_600), np.float32, "tenths")
    product = NUMPY.matmul(a, np.ones((65_600, 64), np.float32))
    np.testing.assert_allclose(product, 65_600 * float(a[0, 0]), rtol=4e-7 * 16)


# -- what is added to entries that are taken -------------------------------------------


@settings(usual)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    axis=st.integers(0, 2),
    count=st.sampled_from([0, 3, 200, 3000]),
    turned=st.booleans(),
)
@example(shape=(3, 4), axis=0, count=3000, turned=True)
def test_index_add_is_the_adjoint_of_take_whatever_the_layout(
    shape: tuple[int, ...], axis: int, count: int, *, turned: bool
) -> None:
    rng = np.random.default_rng(count)
    axis %= len(shape)
    base = rng.integers(-9, 9, shape).astype(np.float32)
    indices = rng.integers(-1, shape[axis] + 1, count)
    source = rng.integers(-9, 9, (*shape[:axis], count, *shape[axis + 1 :]))
    source = source.astype(np.float32)
    if turned:
        base, source = np.asfortranarray(base), np.asfortranarray(source)
    expected = base.astype(np.float64)
    for k, index in enumerate(indices):
        if 0 <= index < shape[axis]:
            before: Any = (slice(None),) * axis  # Any: the stubs lack such indices
            expected[(*before, index)] += source[(*before, k)]
    total = NUMPY.index_add(base, source, indices, axis)
    assert total.dtype == np.float32
    np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize(
    ("extent", "count"), [(2, 200_000), (300_000, 2000), (3, 129), (40_000, 40_000)]
)
@pytest.mark.parametrize("width", [1, 4])
def test_index_add_rounds_once_where_many_come_together(
    extent: int, count: int, width: int
) -> None:
    source = np.full((count, width), 0.1, np.float32)
    indices = np.zeros(count, np.int64)
    base = np.full((extent, width), 0.5, np.float32)
    total = NUMPY.index_add(base, source, indices, 0)
    expected = base.astype(np.float64)
    expected[0] += count * float(np.float32(0.1))
    np.testing.assert_allclose(total, expected, rtol=float(np.finfo(np.float32).eps))


@pytest.mark.parametrize(("kernel", "windows"), [(3000, 40), (40, 3000), (1000, 1000)])
def test_folds_of_many_windows_keep_their_digits(kernel: int, windows: int) -> None:
    x = np.full((kernel, windows), 0.1, np.float32)
    spatial = kernel + windows - 1
    total = NUMPY.fold(x, (spatial,), (1,), (0,))
    exact = NUMPY.fold(x.astype(np.float64), (spatial,), (1,), (0,))
    counts = np.convolve(np.ones(kernel), np.ones(windows))
    tenth = float(np.float32(0.1))
    np.testing.assert_allclose(exact, counts * tenth, rtol=1e-12)
    digits = 4 * float(np.finfo(np.float32).eps) * np.log2(1000)
    np.testing.assert_allclose(total, exact, rtol=digits)
