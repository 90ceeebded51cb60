"""TorchLean's laws of tensors, as programs: values and gradients, over rationals."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Shape,
    TapeM,
    add,
    backward_dense_all,
    broadcast_to,
    const,
    div,
    do,
    fold_m,
    inv,
    map_m,
    mse_loss,
    mul,
    param,
    rationals,
    reduce_mean,
    reduce_sum,
    reshape,
    scale,
    select,
    sub,
    sum_,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.testing.strategies import tensors
from tests.oracles import usual

Function = Callable[..., TapeM[NodeId, Any]]

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
nonempty = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


def outcome(function: Function, *xs: Array) -> tuple[Array, tuple[Array, ...]]:
    """Give a function's value, and what its operands receive of unlike cotangents."""
    program = map_m(param, xs).bind(lambda ids: function(*ids))
    out, tape = program.run().unwrap()
    value = tape[out].value
    seed = rationals(np.arange(1, 1 + value.size).reshape(value.shape))
    return value, backward_dense_all(tape, out, seed).unwrap()[: len(xs)]


def assert_alike(first: Function, second: Function, *xs: Array) -> None:
    """Assert one value and one gradient, exactly."""
    assert same(outcome(first, *xs), outcome(second, *xs))


# -- arithmetic ------------------------------------------------------------------------


@do
def times_full(c: Fraction, x: NodeId, shape: Shape) -> Do[NodeId, Any]:
    constant = yield from const(c)
    full = yield from broadcast_to(constant, shape)
    return (yield from mul(full, x))


@usual
@given(data=st.data(), c=st.fractions(-3, 3, max_denominator=7))
def test_scale_is_mul_by_a_full_tensor(data: st.DataObject, c: Fraction) -> None:
    x = data.draw(shapes.flatmap(tensors))
    assert_alike(partial(scale, factor=c), partial(times_full, c, shape=x.shape), x)
    value, _ = outcome(partial(scale, factor=c), x)
    assert [*value.flat] == [c * entry for entry in x.flat]


@usual
@given(data=st.data())
def test_inv_is_one_divided_by_each_entry(data: st.DataObject) -> None:
    x = data.draw(shapes.flatmap(tensors))
    x = rationals(np.where(x == 0, 3, x)) if x.size else x

    @do
    def divided(id: NodeId) -> Do[NodeId, Any]:
        one = yield from const(Fraction(1))
        ones = yield from broadcast_to(one, x.shape)
        return (yield from div(ones, id))

    assert_alike(inv, divided, x)


@usual
@given(data=st.data())
def test_the_square_of_a_difference_is_that_of_mse(data: st.DataObject) -> None:
    """A mean divides by the number of entries, or by 1 if there are none."""
    shape = data.draw(shapes)
    x, y = data.draw(tensors(shape)), data.draw(tensors(shape))

    @do
    def meant(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
        difference = yield from sub(a, b)
        square = yield from mul(difference, difference)
        total = yield from sum_(square)
        return (yield from scale(total, Fraction(1, max(x.size, 1))))

    assert_alike(mse_loss, meant, x, y)


# -- sums are folds over slices --------------------------------------------------------


def folded(x: NodeId, *, extent: int, axis: int) -> TapeM[NodeId, Any]:
    """Add the slices of an axis, from the first to the last."""

    @do
    def add_slice(total: NodeId, index: int) -> Do[NodeId, Any]:
        part = yield from select(x, index, axis=axis)
        return (yield from add(total, part))

    first = select(x, 0, axis=axis)
    return first.bind(lambda total: fold_m(add_slice, total, range(1, extent)))


@usual
@given(data=st.data())
def test_a_sum_along_an_axis_is_the_fold_over_its_slices(data: st.DataObject) -> None:
    x = data.draw(nonempty.flatmap(tensors))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    over = partial(folded, extent=x.shape[axis], axis=axis % x.ndim)
    assert_alike(partial(reduce_sum, axis=axis), over, x)

    def meant(id: NodeId) -> TapeM[NodeId, Any]:
        return over(id).bind(lambda total: scale(total, Fraction(1, x.shape[axis])))

    assert_alike(partial(reduce_mean, axis=axis), meant, x)


@do
def added_up(id: NodeId, shape: Shape) -> Do[NodeId, Any]:
    """Add the slices of the first axis, each added up in the same way."""
    if not shape:
        return id
    total = yield from const(Fraction(0))
    for index in range(shape[0]):
        part = yield from select(id, index)
        part = yield from added_up(part, shape[1:])
        total = yield from add(total, part)
    return total


@usual
@given(data=st.data())
def test_a_sum_of_all_is_the_fold_over_the_sums_of_its_slices(
    data: st.DataObject,
) -> None:
    x = data.draw(nonempty.flatmap(tensors))
    assert_alike(sum_, partial(added_up, shape=x.shape), x)


@given(x=tensors(()))
def test_the_sum_of_a_scalar_is_itself(x: Array) -> None:
    assert same(outcome(sum_, x), (x, (rationals(1),)))


@usual
@given(data=st.data())
def test_the_sum_of_ones_counts_the_entries(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    value, _ = outcome(sum_, rationals(np.ones(shape, int)))
    assert same(value, rationals(int(np.prod(shape, dtype=int))))


# -- an axis that is kept --------------------------------------------------------------


@usual
@given(data=st.data())
def test_an_axis_summed_and_kept_has_the_rank_the_size_and_broadcasts_back(
    data: st.DataObject,
) -> None:
    """What Lean calls keep-dim is here a ``reshape`` of the sum."""
    x = data.draw(nonempty.flatmap(tensors))
    axis = data.draw(st.integers(0, x.ndim - 1))
    dropped = x.shape[:axis] + x.shape[axis + 1 :]
    kept = (*x.shape[:axis], 1, *x.shape[axis + 1 :])

    @do
    def keeping(id: NodeId) -> Do[NodeId, Any]:
        total = yield from reduce_sum(id, axis=axis)
        return (yield from reshape(total, kept))

    def back(id: NodeId) -> TapeM[NodeId, Any]:
        return keeping(id).bind(lambda total: broadcast_to(total, x.shape))

    total, _ = outcome(partial(reduce_sum, axis=axis), x)
    of_rank, _ = outcome(keeping, x)
    again, (received,) = outcome(back, x)
    assert total.shape == dropped
    assert (of_rank.ndim, of_rank.size) == (x.ndim, total.size)
    assert [*of_rank.flat] == [*total.flat]
    assert again.shape == x.shape
    for index in np.ndindex(x.shape):
        at = index[:axis] + index[axis + 1 :]
        assert again[index] == total[at]
    # each entry is in as many sums as the axis is long, weighted by their cotangents
    seed = np.arange(1, 1 + x.size).reshape(x.shape)
    expected = np.broadcast_to(seed.sum(axis=axis, keepdims=True), x.shape)
    assert received.tolist() == expected.tolist()


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_shape_after_a_sum_lacks_its_axis(axis: int) -> None:
    x = rationals(np.zeros((2, 3, 4), int))
    expected = [extent for i, extent in enumerate(x.shape) if i != axis % 3]
    for op in (reduce_sum, reduce_mean):
        value, _ = outcome(partial(op, axis=axis), x)
        assert [*value.shape] == expected
