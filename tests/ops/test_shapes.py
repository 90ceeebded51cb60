"""Ops that move entries: along every axis, and what they refuse."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import (
    Array,
    NodeId,
    TapeError,
    TapeM,
    backward,
    broadcast_to,
    concat,
    const,
    embed,
    flatten,
    leaf,
    map_m,
    mul,
    permute,
    rationals,
    reduce_mean,
    reduce_sum,
    reshape,
    slice_,
    sum_,
    swap_adjacent_at_depth,
    transpose,
)
from tapem_dsl.errors import AxisOutOfRange, DTypeMismatch, EmptyAxis, ShapeMismatch
from tests.oracles import usual
from tests.untyped import LOOSE

X = NodeId(0)
arrays = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4),
    elements=st.integers(-9, 9).map(float),
)


def of(x: Any, op: Any) -> Array:
    program: TapeM[NodeId, Any] = leaf(x)
    out, tape = program.bind(op).run().unwrap()
    return tape[out].value


def refused(x: Any, op: Any) -> TapeError:
    program: TapeM[NodeId, Any] = const(x)
    error = program.bind(op).run().failure()
    assert isinstance(error, TapeError)
    return error


@usual
@given(x=arrays, data=st.data())
def test_every_axis_counts_from_both_sides(x: Array, data: Any) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    np.testing.assert_array_equal(
        of(x, lambda i: reduce_sum(i, axis=axis)), x.sum(axis=axis)
    )
    np.testing.assert_array_equal(
        of(x, lambda i: reduce_mean(i, axis=axis)), x.sum(axis=axis) / x.shape[axis]
    )
    both = of(x, lambda i: concat(i, i, axis=axis))
    np.testing.assert_array_equal(both, np.concatenate((x, x), axis=axis))
    extent = x.shape[axis]
    left = data.draw(st.integers(0, extent))
    length = data.draw(st.integers(0, extent - left))
    starts = (left, left - extent) if left < extent else (left,)
    for start in starts:
        cut = of(x, lambda i, start=start: slice_(i, start, length, axis=axis))
        np.testing.assert_array_equal(
            cut, np.take(x, range(left, left + length), axis=axis)
        )
    wide = of(x, lambda i: embed(i, 1, x.shape[axis] + 3, axis=axis))
    pads = [(0, 0)] * x.ndim
    pads[axis] = (1, 2)
    np.testing.assert_array_equal(wide, np.pad(x, pads))
    start = -x.shape[axis] - 2
    again = of(x, lambda i: embed(i, start, x.shape[axis] + 3, axis=axis))
    np.testing.assert_array_equal(again, wide)


@usual
@given(x=arrays, data=st.data())
def test_permuting_and_permuting_back_is_the_identity(x: Array, data: Any) -> None:
    axes = tuple(data.draw(st.permutations(range(x.ndim))))
    back = tuple(axes.index(axis) for axis in range(x.ndim))
    from_right = tuple(axis - x.ndim for axis in axes)
    assert permute(X, from_right) == permute(X, axes)
    there = of(x, lambda i: permute(i, axes))
    np.testing.assert_array_equal(there, np.transpose(x, axes))
    again = of(x, lambda i: permute(i, axes).bind(lambda j: permute(j, back)))
    np.testing.assert_array_equal(again, x)


@usual
@given(x=arrays, depth=st.integers(-5, 5))
def test_swapping_twice_is_the_identity(x: Array, depth: int) -> None:
    def swap(i: NodeId) -> TapeM[NodeId, Any]:
        return swap_adjacent_at_depth(i, depth)

    np.testing.assert_array_equal(of(x, lambda i: swap(i).bind(swap)), x)
    left = depth + x.ndim if depth < 0 else depth
    there = 0 <= left < x.ndim - 1
    expected = np.swapaxes(x, left, left + 1) if there else x
    np.testing.assert_array_equal(of(x, swap), expected)


# -- numbers of TorchLean's tests ------------------------------------------------------


def gradient(x: Any, op: Any) -> Array:
    program: TapeM[NodeId, Any] = leaf(x)
    out, tape = program.bind(op).bind(sum_).run().unwrap()
    return backward(tape, out, 1).unwrap()[X]


def test_a_scalar_broadcast_to_four_and_summed_has_the_gradient_four() -> None:
    assert gradient(2.0, lambda x: broadcast_to(x, (4,))) == 4


def test_the_mean_over_three_gives_a_third_to_each() -> None:
    exact = gradient(rationals([1, 2, 6]), lambda x: reduce_mean(x, axis=0))
    assert exact.tolist() == [Fraction(1, 3)] * 3


@pytest.mark.parametrize("op", [lambda x: reshape(x, (3, 2)), transpose, flatten])
def test_moved_and_summed_entries_have_the_gradient_one(op: Any) -> None:
    assert gradient(np.arange(6.0).reshape(2, 3), op).tolist() == [[1, 1, 1]] * 2


def test_a_weighted_slice_gives_its_weights_to_the_range_and_0_elsewhere() -> None:
    weights = const(np.array([2.0, 3.0]))

    def weighted(x: NodeId) -> TapeM[NodeId, Any]:
        return slice_(x, 1, 2).bind(lambda s: weights.bind(lambda w: mul(s, w)))

    assert gradient(np.ones(4), weighted).tolist() == [0, 2, 3, 0]


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("op", [reduce_sum, reduce_mean])
@pytest.mark.parametrize(("shape", "axis"), [((), 0), ((2,), 1), ((2,), -2)])
def test_an_axis_out_of_range_is_refused(
    op: Any, shape: tuple[int, ...], axis: int
) -> None:
    error = refused(np.zeros(shape), lambda x: op(x, axis=axis))
    assert isinstance(error, AxisOutOfRange)
    name = op.__name__
    expected = f"autograd: {name}: axis {axis} is out of range for shape {shape}"
    assert error.message == expected
    assert error.ids == (NodeId(0),)


def test_an_empty_axis_has_no_mean_but_a_sum() -> None:
    error = refused(np.zeros((2, 0)), lambda x: reduce_mean(x, axis=-1))
    assert isinstance(error, EmptyAxis)
    assert (error.axis, error.shape) == (-1, (2, 0))
    assert of(np.zeros((2, 0)), lambda x: reduce_sum(x, axis=-1)).tolist() == [0, 0]
    assert of(np.zeros((2, 0)), lambda x: reduce_mean(x, axis=0)).shape == (0,)


@pytest.mark.parametrize(
    "op",
    [
        lambda x: slice_(x, 2, 2),
        lambda x: slice_(x, -1, 2),
        lambda x: slice_(x, -4, 1),
        lambda x: embed(x, -2, 4),
        lambda x: embed(x, -5, 4),
        lambda x: slice_(x, 4, 0),
        lambda x: slice_(x, 0, 1, axis=1),
        lambda x: embed(x, 1, 3),
        lambda x: embed(x, 0, 3, axis=-2),
        lambda x: concat(x, x, axis=1),
    ],
)
def test_a_range_that_leaves_the_axis_is_refused(op: Any) -> None:
    error = refused(np.zeros(3), op)
    assert isinstance(error, AxisOutOfRange)
    assert "out of range for shape (3,)" in error.message


@pytest.mark.parametrize(
    ("shape", "op"),
    [
        ((2, 3), lambda x: reshape(x, (5,))),
        ((), lambda x: reshape(x, (0,))),
        ((2, 3), lambda x: permute(x, (0, 1, 2))),
        ((3,), transpose),
        ((), transpose),
        ((2,), lambda x: broadcast_to(x, (2, 3))),
        ((2, 3), lambda x: broadcast_to(x, (3,))),
        ((0,), lambda x: broadcast_to(x, (3,))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...], op: Any) -> None:
    error = refused(np.zeros(shape), op)
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == (shape,)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 3)), ((2, 3), (2,)), ((2, 3), (2, 3, 1))]
)
def test_what_does_not_join_is_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    both: TapeM[tuple[NodeId, ...], Any] = map_m(const, map(np.zeros, shapes))
    error = both.bind(lambda ids: concat(*ids, axis=1)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == shapes


def test_other_scalar_types_do_not_join() -> None:
    both: TapeM[tuple[NodeId, ...], Any] = map_m(
        const, [np.zeros(2), np.zeros(2, np.float32)]
    )
    error = both.bind(lambda ids: concat(*ids)).run().failure()
    assert isinstance(error, DTypeMismatch)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: LOOSE.reduce_sum(X, axis=[0]), TypeError, "one integer for axis"),
        (lambda: LOOSE.reduce_sum(X, axis=True), TypeError, "one integer for axis"),
        (lambda: LOOSE.reduce_mean(X, axis=None), TypeError, "one integer for axis"),
        (LOOSE.concat, TypeError, "at least one node"),
        (lambda: LOOSE.concat(X, axis="0"), TypeError, "one integer for axis"),
        (
            lambda: LOOSE.slice_(X, 0, -2),
            ValueError,
            "takes a non-negative number for length",
        ),
        (lambda: LOOSE.slice_(X, 0.0, 2), TypeError, "one integer for start"),
        (
            lambda: LOOSE.embed(X, 0, -2),
            ValueError,
            "takes a non-negative number for extent",
        ),
        (lambda: LOOSE.embed(X, -(10**30), 2), ValueError, "no array has the shape"),
        (lambda: LOOSE.reshape(X, [2]), TypeError, "a shape is a tuple"),
        (lambda: LOOSE.reshape(X, (-1,)), TypeError, "a shape is a tuple"),
        (lambda: LOOSE.broadcast_to(X, 3), TypeError, "a shape is a tuple"),
        (lambda: LOOSE.reshape(X, (0, 10**30)), ValueError, "no array has the shape"),
        (lambda: LOOSE.reshape(X, (1,) * 65), ValueError, "no array has the shape"),
        (lambda: LOOSE.broadcast_to(X, (2**40,) * 2), ValueError, "no array has"),
        (lambda: LOOSE.embed(X, 0, 10**30), ValueError, "no array has the shape"),
        (lambda: LOOSE.slice_(X, 10**30, 0), ValueError, "no array has the shape"),
        (lambda: LOOSE.permute(X, [0, 1]), TypeError, "a tuple of integers"),
        (lambda: LOOSE.permute(X, (0, 0)), ValueError, "names each axis once"),
        (lambda: LOOSE.permute(X, (1, 2)), ValueError, "names each axis once"),
        (lambda: LOOSE.permute(X, (True, False)), TypeError, "a tuple of integers"),
        (lambda: LOOSE.permute(X, (1.0, 0.0)), TypeError, "a tuple of integers"),
        (lambda: LOOSE.permute(X, (0, -2)), ValueError, "names each axis once"),
        (lambda: LOOSE.permute(X, (-1, -3)), ValueError, "names each axis once"),
        (
            lambda: LOOSE.swap_adjacent_at_depth(X, 0.5),
            TypeError,
            "one integer for depth",
        ),
    ],
)
def test_a_mistake_in_the_text_raises_at_the_call(
    call: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_labels_say_the_axis() -> None:
    def label(op: Any) -> str:
        program: TapeM[NodeId, Any] = const(np.zeros((2, 3)))
        return program.bind(op).exec().unwrap().nodes()[-1].label

    assert label(lambda x: reduce_sum(x, axis=1)) == "reduce_sum(axis=1)"
    assert label(lambda x: reduce_mean(x, axis=0)) == "reduce_mean(axis=0)"
    assert label(lambda x: concat(x, x)) == "concat_leading_axis"
    assert label(lambda x: concat(x, x, axis=1)) == "concat(axis=1)"


def test_a_broadcast_takes_no_memory_and_cannot_be_written_to() -> None:
    wide = of(2.0, lambda x: broadcast_to(x, (1000, 1000)))
    assert wide.strides == (0, 0)
    assert not wide.flags.writeable
