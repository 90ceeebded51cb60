"""``windows`` and its adjoint ``fold``."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import Array, NodeId, Shape, const, fold, leaf, windows
from tapem_dsl.arrays import EXACT
from tapem_dsl.arrays.shape import window_counts
from tapem_dsl.errors import RequirementNotMet, ShapeMismatch
from tests.oracles import assert_fractions, eighths, from_eighths, usual
from tests.untyped import LOOSE


def run(op: Any, x: Array, *arguments: Any, **options: Any) -> Array:
    program = leaf(x).bind(lambda i: op(i, *arguments, **options))
    out, tape = program.run().unwrap()
    return tape[out].value


def refusal(op: Any, shape: Shape, argument: Shape, **options: Any) -> object:
    program = leaf(np.ones(shape)).bind(lambda i: op(i, argument, **options))
    return program.run().failure()


@st.composite
def geometries(draw: st.DrawFn) -> tuple[Shape, ...]:
    """Extents, kernel, stride and padding of up to three axes, such that one fits."""
    rank = draw(st.integers(0, 3))

    def numbers(least: int, most: int) -> Shape:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    kernel, stride, padding = numbers(1, 3), numbers(1, 3), numbers(0, 2)
    pairs = zip(kernel, padding, strict=True)
    spatial = tuple(draw(st.integers(max(k - 2 * p, 1), 4)) for k, p in pairs)
    return spatial, kernel, stride, padding


@usual
@given(geometry=geometries(), left=st.sampled_from([(), (2,), (0,)]), data=st.data())
def test_each_window_is_a_slice_of_the_padded_array(
    geometry: Any, left: Shape, data: st.DataObject
) -> None:
    spatial, kernel, stride, padding = geometry
    x = from_eighths(data.draw(eighths((*left, *spatial))), np.float64)
    y = run(windows, x, kernel, stride=stride, padding=padding)
    counts = window_counts(spatial, kernel, stride, padding)
    assert y.shape == (*left, *kernel, *counts)
    pads = [(0, 0)] * len(left) + [(p, p) for p in padding]
    # Any: the stubs know no index of an ellipsis and slices
    padded: Any = np.pad(x, pads) if pads else x
    for o in np.ndindex(counts):
        axes = zip(o, kernel, stride, strict=True)
        window = padded[(..., *[slice(i * s, i * s + k) for i, k, s in axes])]
        np.testing.assert_array_equal(y[(..., *o)], window)


@usual
@given(geometry=geometries(), data=st.data())
def test_folding_counts_how_often_an_entry_was_taken(
    geometry: Any, data: st.DataObject
) -> None:
    spatial, kernel, stride, padding = geometry
    at = {"stride": stride, "padding": padding}
    x = from_eighths(data.draw(eighths((2, *spatial))), object)
    ones = from_eighths(np.full((2, *spatial), 8), object)
    once = run(windows, ones, kernel, **at)
    often = run(fold, once, spatial, **at)
    assert_fractions(often)
    assert often.shape == (2, *spatial)
    again = run(fold, run(windows, x, kernel, **at), spatial, **at)
    np.testing.assert_array_equal(again, x * often)


@pytest.mark.parametrize(
    ("shape", "spatial", "stride"),
    [
        ((2, 3), (3,), 1),  # only two positions fit
        ((2, 1), (3,), 1),
        ((2, 2), (3,), (1, 1)),
        ((2,), (3,), 1),
        ((), (3,), 1),
        ((2, 2, 2), (3, 3), 1),
    ],
)
def test_what_is_not_all_windows_is_not_folded(
    shape: Shape, spatial: Shape, stride: Any
) -> None:
    program = leaf(np.ones(shape)[()]).bind(lambda i: fold(i, spatial, stride=stride))
    assert isinstance(program.run().failure(), ShapeMismatch)


@pytest.mark.parametrize(
    ("shape", "kernel"), [((), (1,)), ((3,), (1, 1)), ((1,) * 40, (1,) * 30)]
)
def test_a_window_has_no_more_axes_than_there_are(shape: Shape, kernel: Shape) -> None:
    program = const(np.ones(shape)[()]).bind(lambda i: windows(i, kernel))
    error = program.run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants.startswith(("at least", "a result that an array can be"))


@pytest.mark.parametrize(
    ("spatial", "kernel", "padding"),
    [((2, 2), (3, 3), 0), ((4, 1), (1, 2), 0), ((0,), (2,), 1), ((2,), (7,), 2)],
)
def test_a_window_that_fits_nowhere_is_refused(
    spatial: Shape, kernel: Shape, padding: int
) -> None:
    rank = len(kernel)
    counts = window_counts(spatial, kernel, (1,) * rank, (padding,) * rank)
    least = tuple(max(k - 2 * padding, 1) for k in kernel)
    for shape, op, argument in (
        ((2, *spatial), windows, kernel),
        ((2, *kernel, *counts), fold, spatial),
    ):
        error = refusal(op, shape, argument, padding=padding)
        assert isinstance(error, ShapeMismatch)
        assert error.wants == f"spatial extents of at least {least}"


@pytest.mark.parametrize(
    ("kernel", "stride", "requirement"),
    [
        (0, 1, "kernel_size > 0 on every spatial axis"),
        (2, 0, "stride > 0 on every spatial axis"),
    ],
)
def test_windows_without_entries_or_steps_are_refused(
    kernel: int, stride: int, requirement: str
) -> None:
    for shape, op, argument in (
        ((3,), windows, (kernel,)),
        ((kernel, 0), fold, (3,)),
    ):
        error = refusal(op, shape, argument, stride=stride)
        assert isinstance(error, RequirementNotMet)
        assert error.requirement == requirement


@pytest.mark.parametrize("name", ["windows", "fold"])
@pytest.mark.parametrize(
    ("argument", "options", "error"),
    [
        (2, {}, TypeError),
        ([2], {}, TypeError),
        ((-1,), {}, TypeError),
        ((2,), {"stride": -1}, ValueError),
        ((2,), {"stride": 0.5}, TypeError),
        ((2,), {"padding": (1.0,)}, TypeError),
    ],
)
def test_mistakes_of_the_text_are_errors_at_the_call(
    name: str, argument: object, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        getattr(LOOSE, name)(NodeId(0), argument, **options)


def test_windows_that_no_array_could_hold_are_a_failure() -> None:
    x = np.ones((1000, 3))
    program = leaf(x).bind(lambda i: windows(i, (2**58,)))
    assert isinstance(program.run().failure(), ShapeMismatch)


def test_a_stride_beyond_the_array_gives_the_first_window() -> None:
    x = np.arange(6.0).reshape(2, 3)
    first = run(windows, x, (1, 2), stride=2**58)
    assert first.tolist() == [[[[0.0]], [[1.0]]]]
    assert run(fold, first, (2, 3), stride=2**58).tolist() == [[0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("number", [2**60, 10**30])
def test_a_number_beyond_any_array_is_a_value_error(number: int) -> None:
    with pytest.raises(ValueError, match="no array has the shape"):
        windows(NodeId(0), (1,), stride=number)


def test_over_rationals_zeros_are_fractions() -> None:
    x = from_eighths(np.array([8, 16]), object)
    padded = EXACT.windows(x, (2,), (1,), (1,))
    assert [type(entry) for entry in padded.flat] == [Fraction] * 6
    total = EXACT.fold(padded, (4,), (1,), (0,))
    assert [type(entry) for entry in total.flat] == [Fraction] * 4
    assert EXACT.fold(padded[:, :0], (1,), (1,), (0,)).tolist() == [Fraction(0)]
