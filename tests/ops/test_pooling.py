"""Pooling, against loops over windows."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import Shape, avg_pool, leaf, max_pool, smooth_max_pool
from tapem_dsl.errors import RequirementNotMet, ShapeMismatch
from tests.ops.pools import every, run
from tests.oracles import assert_fractions, eighths, from_eighths, thorough, usual

NAN, INF = math.nan, math.inf


@st.composite
def geometries(draw: st.DrawFn) -> tuple[Shape, ...]:
    """Extents, kernel, stride and padding of up to two axes."""
    rank = draw(st.integers(1, 2))

    def numbers(least: int, most: int) -> Shape:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    kernel = numbers(1, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    least = [max(k - 2 * p, 1) for k, p in zip(kernel, padding, strict=True)]
    spatial = tuple(draw(st.integers(n, 5)) for n in least)
    return spatial, kernel, numbers(1, 3), padding


def positions(n: int, k: int, s: int, p: int) -> int:
    return (n + 2 * p - k) // s + 1


def windows(geometry: tuple[Shape, ...]) -> Iterator[tuple[Shape, list[Shape]]]:
    """Give each position, and the real entries of its window in row-major order."""
    spatial, kernel, stride, padding = geometry
    counts = tuple(positions(*axis) for axis in zip(*geometry, strict=True))
    for o in np.ndindex(counts):
        starts = [i * s - p for i, s, p in zip(o, stride, padding, strict=True)]
        axes = zip(starts, kernel, spatial, strict=True)
        ranges = [range(max(a, 0), min(a + k, n)) for a, k, n in axes]
        yield o, list(product(*ranges))


def options_of(geometry: tuple[Shape, ...]) -> dict[str, Shape]:
    _, kernel, stride, padding = geometry
    return {"kernel": kernel, "stride": stride, "padding": padding}


def result_shape(geometry: tuple[Shape, ...]) -> Shape:
    return tuple(positions(*axis) for axis in zip(*geometry, strict=True))


# few values, so that there are ties, zeros of both signs and NaN first and later
ENTRIES = st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0, NAN, INF, -INF])


@thorough
@given(geometry=geometries(), data=st.data())
def test_max_pool_takes_the_first_that_nothing_exceeds_or_nan(
    geometry: Any, data: st.DataObject
) -> None:
    channels = data.draw(st.integers(1, 2))
    shape = (channels, *geometry[0])
    x = data.draw(hnp.arrays(np.float64, shape, elements=ENTRIES))
    numbers = np.arange(1.0, 1 + channels * math.prod(result_shape(geometry)))
    g = numbers.reshape(channels, *result_shape(geometry))
    y, dx = np.full(g.shape, 7.0), np.zeros(x.shape)
    for c, (o, entries) in product(range(channels), windows(geometry)):
        best = entries[0]
        for entry in entries[1:]:
            if np.isnan(x[(c, *best)]):
                break
            if x[(c, *entry)] > x[(c, *best)] or np.isnan(x[(c, *entry)]):
                best = entry
        y[(c, *o)] = x[(c, *best)]
        dx[(c, *best)] += g[(c, *o)]
    options = options_of(geometry)
    np.testing.assert_array_equal(run(max_pool, x, **options), y, strict=True)
    np.testing.assert_array_equal(run(max_pool, x, g, **options), dx, strict=True)


@usual
@given(geometry=geometries(), data=st.data())
def test_avg_pool_counts_padding_as_zeros(geometry: Any, data: st.DataObject) -> None:
    x = from_eighths(data.draw(eighths((2, *geometry[0]))), object)
    g = from_eighths(data.draw(eighths((2, *result_shape(geometry)))), object)
    size = math.prod(geometry[1])
    # Any: the stubs know no arrays of Fraction
    y: Any = np.full(g.shape, Fraction(0), object)
    dx: Any = np.full(x.shape, Fraction(0), object)
    for c, (o, entries) in product(range(2), windows(geometry)):
        for entry in entries:
            y[(c, *o)] += x[(c, *entry)] / size
            dx[(c, *entry)] += g[(c, *o)] / size
    options = options_of(geometry)
    for ours, theirs in (
        (run(avg_pool, x, **options), y),
        (run(avg_pool, x, g, **options), dx),
    ):
        assert_fractions(ours)
        np.testing.assert_array_equal(ours, theirs, strict=True)


@usual
@given(
    geometry=geometries(),
    beta=st.sampled_from([0.5, 3.0, -2.0, Fraction(1, 3), 2]),
    data=st.data(),
)
def test_smooth_max_pool_counts_padding_as_zeros(
    geometry: Any, beta: Any, data: st.DataObject
) -> None:
    x = from_eighths(data.draw(eighths((2, *geometry[0]))), np.float64)
    g = from_eighths(data.draw(eighths((2, *result_shape(geometry)))), np.float64)
    y, dx = np.zeros(g.shape), np.zeros(x.shape)
    size, b = math.prod(geometry[1]), float(beta)
    for c, (o, entries) in product(range(2), windows(geometry)):
        terms = [math.exp(b * x[(c, *entry)]) for entry in entries]
        total = math.fsum(terms) + size - len(entries)
        y[(c, *o)] = math.log(total) / b
        for entry, term in zip(entries, terms, strict=True):
            dx[(c, *entry)] += term / total * g[(c, *o)]
    options = {**options_of(geometry), "beta": beta}
    close: Any = {"rtol": 1e-12, "atol": 1e-13, "strict": True}
    np.testing.assert_allclose(run(smooth_max_pool, x, **options), y, **close)
    np.testing.assert_allclose(run(smooth_max_pool, x, g, **options), dx, **close)


# -- conventions -----------------------------------------------------------------------


def test_a_tie_goes_to_the_first() -> None:  # PyTorch: to the first as well
    x, g = np.array([[1.0, 2.0, 2.0, 2.0]]), np.array([[5.0]])
    assert run(max_pool, x, g, kernel=4).tolist() == [[0, 5, 0, 0]]


def test_nan_wins_wherever_it_stands() -> None:  # as in PyTorch; Lean: as the first
    g = np.array([[5.0]])
    for row in ([NAN, 1.0, INF], [1.0, NAN, INF], [INF, 1.0, NAN]):
        x = np.array([row])
        assert np.isnan(run(max_pool, x, kernel=3)).all()
        expected = [5.0 if math.isnan(entry) else 0.0 for entry in row]
        assert run(max_pool, x, g, kernel=3).tolist() == [expected]
    two = np.array([[1.0, NAN, NAN]])
    assert run(max_pool, two, g, kernel=3).tolist() == [[0, 5, 0]]


@every
def test_nan_shows_in_every_window_that_it_is_in(pool: Any) -> None:
    x = np.array([[0.0, 1.0, NAN, 2.0, 3.0]])
    assert np.isnan(run(pool, x, kernel=2, stride=1)).tolist() == [
        [False, True, True, False]
    ]


def test_padding_never_wins_even_over_negative_entries() -> None:  # nor in PyTorch
    x, g = np.array([[-3.0, -INF]]), np.array([[5.0, 7.0]])
    options: Any = {"kernel": 2, "stride": 2, "padding": 1}
    assert run(max_pool, x, **options).tolist() == [[-3, -INF]]
    assert run(max_pool, x, g, **options).tolist() == [[5, 7]]


def test_a_mean_beside_padding_is_divided_by_the_whole_window() -> None:
    x, g = np.array([[4.0, 8.0]]), np.array([[1.0, 1.0]])
    options: Any = {"kernel": 2, "stride": 2, "padding": 1}
    assert run(avg_pool, x, **options).tolist() == [[2, 4]]  # also PyTorch's default
    assert run(avg_pool, x, g, **options).tolist() == [[0.5, 0.5]]


@every
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 3), {"kernel": 4}),
        ((2, 3), {"kernel": 6, "padding": 1}),
        ((2, 0), {"kernel": 1}),
        ((2, 0), {"kernel": 2, "padding": 1}),
        ((2, 5, 1), {"kernel": (1, 2)}),
        ((0, 3), {"kernel": 4}),
    ],
)
def test_a_window_that_does_not_fit_is_refused(
    pool: Any, shape: Shape, options: Any
) -> None:
    error = leaf(np.ones(shape)).bind(lambda i: pool(i, **options)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == (shape,)
    assert error.wants.startswith("spatial extents of at least ")
    k, p = options["kernel"], options.get("padding", 0)
    least = k if isinstance(k, tuple) else (max(k - 2 * p, 1),)
    assert error.wants.endswith(f"least {least}")


@every
@pytest.mark.parametrize(("kernel", "padding"), [(3, 2), (1, 1), ((4, 3), (2, 2))])
def test_padding_beyond_half_the_window_is_refused(
    pool: Any, kernel: Any, padding: Any
) -> None:
    x = np.ones((1, 9, 9) if isinstance(kernel, tuple) else (1, 9))
    options = {"kernel": kernel, "padding": padding}
    error = leaf(x).bind(lambda i: pool(i, **options)).run().failure()
    assert isinstance(error, RequirementNotMet)
    assert error.requirement == "padding <= kernel_size / 2 on every spatial axis"


@every
def test_without_channels_there_is_nothing_to_pool(pool: Any) -> None:
    x = np.ones((0, 9), np.float32)
    assert run(pool, x, kernel=3).shape == (0, 3)
    gradient = run(pool, x, np.ones((0, 3), np.float32), kernel=3)
    np.testing.assert_array_equal(gradient, x, strict=True)


@every
def test_windows_touch_unless_told_otherwise(pool: Any) -> None:
    x = np.arange(24.0).reshape(1, 4, 6)
    np.testing.assert_array_equal(
        run(pool, x, kernel=(2, 3)), run(pool, x, kernel=(2, 3), stride=(2, 3))
    )
    np.testing.assert_array_equal(
        run(pool, x, kernel=2), run(pool, x, kernel=(2, 2), stride=2, padding=(0, 0))
    )


def test_without_spatial_axes_a_maximum_and_a_mean_are_the_entry() -> None:
    x = np.array([1.0, 2.0])
    for pool in (max_pool, avg_pool):
        assert run(pool, x, kernel=2).tolist() == [1, 2]
        assert run(pool, x, np.array([3.0, 4.0]), kernel=2).tolist() == [3, 4]


# -- extremes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "beta", "y", "dx"),
    [
        ([1e300, 1e300], 1.0, 1e300, [0.5, 0.5]),
        ([1e308, -1e308], 10.0, 1e308, [1, 0]),
        ([1e308, -1e308], -10.0, -1e308, [0, 1]),
        ([-1000.0, -1000.0], 1.0, -1000 + math.log(2), [0.5, 0.5]),
        ([800.0, 0.0], -1.0, 0.0, [0, 1]),
        ([INF, 0.0], 1.0, INF, [1, 0]),
        ([-INF, 0.0], 1.0, 0.0, [0, 1]),
        ([-INF, 0.0], -2.0, -INF, [1, 0]),
        ([INF, INF], 1.0, INF, [NAN, NAN]),
        ([-INF, -INF], 1.0, -INF, [NAN, NAN]),
        ([NAN, 0.0], 1.0, NAN, [NAN, NAN]),
    ],
)
def test_nothing_overflows_in_a_smooth_maximum(
    x: list[float], beta: float, y: float, dx: list[float]
) -> None:
    row, options = np.array([x]), {"kernel": 2, "beta": beta}
    np.testing.assert_array_equal(run(smooth_max_pool, row, **options), [[y]])
    gradient = run(smooth_max_pool, row, np.ones((1, 1)), **options)
    np.testing.assert_array_equal(gradient, [dx])


@pytest.mark.parametrize("sign", [1, -1])
def test_large_betas_approach_the_extreme(sign: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 6))
    extreme = sign * run(max_pool, sign * x, kernel=2)
    near = run(smooth_max_pool, x, kernel=2, beta=sign * 1e4)
    np.testing.assert_allclose(near, extreme, atol=math.log(4) / 1e4)


def test_a_choice_keeps_an_infinite_cotangent_to_itself() -> None:
    x, g = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[INF, 1.0]])
    assert run(max_pool, x, g, kernel=2).tolist() == [[0, INF, 0, 1]]
