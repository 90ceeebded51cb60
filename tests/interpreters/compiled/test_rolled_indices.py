"""Entries whose place differs from step to step are taken and added at once."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    const,
    do,
    dot,
    gather,
    index_select,
    jit,
    mean_scalar_over,
    mul,
    select,
    slice_,
    sum_,
    tanh,
    value_and_grad,
)
from tapem_dsl.arrays import namespace_of
from tests.interpreters.compiled.rolled import assert_rolled

# Any, throughout: arrays of any scalar type.

COUNT = 9


def assert_at_once(function: Any, *calls: tuple[Any, ...]) -> str:
    report = assert_rolled(function, *calls)
    assert "step by step" not in report, report
    return report


def drawn(*shapes: Any) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    return [tuple(rng.normal(size=shape) for shape in shapes) for _ in range(2)]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("length", [None, 1, 3])
def test_a_window_that_moves_over_a_parameter(
    axis: int, length: int | None, *, back: bool
) -> None:
    starts = range(COUNT)[::-1] if back else range(COUNT)

    @do
    def loss(x: NodeId) -> Do[NodeId, Any]:
        h = yield from const(np.float64(0.5))
        for start in starts:
            if length is None:
                y = yield from select(x, start, axis=axis)
            else:
                y = yield from slice_(x, start, length, axis=axis)
            h = yield from tanh((yield from add(h, (yield from sum_(y)))))
        return h

    shape = [4, 4]
    shape[axis] = COUNT + 3
    assert_at_once(value_and_grad(loss), *drawn(shape))


@pytest.mark.parametrize("of_own", [False, True])
def test_rows_by_labels_as_of_an_embedding(of_own: bool) -> None:
    @do
    def loss(table: Any, words: Any) -> Do[NodeId, Any]:
        @do
        def of_one(k: int) -> Do[NodeId, Any]:
            at = yield from const(words[k])
            rows = yield from index_rows(table[k] if of_own else table, at)
            return (yield from sum_((yield from mul(rows, rows))))

        return (yield from mean_scalar_over("t", range(COUNT), of_one))

    rng = np.random.default_rng(1)
    shape = (5, 3)
    calls = []
    for _ in range(2):
        tables = [rng.normal(size=shape) for _ in range(COUNT)]
        words = rng.integers(0, 5, (COUNT, 4))
        calls.append((tables if of_own else tables[0], words))
    assert_at_once(value_and_grad(loss), *calls)


def index_rows(table: NodeId, at: NodeId) -> Any:
    return gather(table, at, axis=0)


def test_static_indices_that_differ() -> None:
    @do
    def loss(x: NodeId, w: NodeId) -> Do[NodeId, Any]:
        @do
        def of_one(k: int) -> Do[NodeId, Any]:
            y = yield from index_select(x, (k, (3 * k) % COUNT, 0))
            return (yield from tanh((yield from dot(y, w))))

        return (yield from mean_scalar_over("t", range(COUNT), of_one))

    function = value_and_grad(lambda p: loss(*p))
    assert_at_once(function, *[(call,) for call in drawn((COUNT,), (3,))])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("own", [("x",), ("at",), ("x", "at")])
@pytest.mark.parametrize("shape", [(), (2,), (2, 2)])
def test_take_and_index_add(axis: int, own: Any, shape: Any) -> None:
    def function(xs: Any, sources: Any, at: Any) -> Any:
        xp = namespace_of(xs[0], at[0])
        found = []
        for k in range(COUNT):
            x = xs[k if "x" in own else 0]
            indices = at[k if "at" in own else 0]
            found.append(xp.take(x, indices, axis))
            found.append(xp.index_add(x, sources[k], indices, axis))
        return found

    rng = np.random.default_rng(2)
    source = (4, *shape) if axis else (*shape, 4)
    calls = [
        (
            rng.normal(size=(COUNT, 4, 4)),
            rng.normal(size=(COUNT, *source)),
            rng.integers(-1, 6, (COUNT, *shape)),  # some are out of range
        )
        for _ in range(2)
    ]
    assert_at_once(function, *calls)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_narrow_indices_do_not_overflow(dtype: Any) -> None:
    def function(xs: Any, at: Any) -> Any:
        xp = namespace_of(xs[0])
        return [xp.take(x, i, 0) for x, i in zip(xs, at, strict=True)]

    rng = np.random.default_rng(3)
    xs, at = rng.normal(size=(200, 5)), rng.integers(0, 5, (200, 2)).astype(dtype)
    assert_at_once(function, (list(xs), list(at)), (list(-xs), list(at)))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_slices_of_each_samples_own_array(width: int) -> None:
    def function(xs: Any) -> Any:
        return [
            [x[k : k + width] * 2.0, x[k] * 3.0, x[k : k + width, 1]]
            for k, x in enumerate(xs)
        ]

    calls = [(list(x),) for (x,) in drawn((COUNT, COUNT + 4, 3))]
    assert_at_once(function, *calls)


def test_a_long_sum_of_rows_added_needs_no_array_for_each_step() -> None:
    @do
    def loss(table: NodeId, words: Any) -> Do[NodeId, Any]:
        @do
        def of_one(word: Any) -> Do[NodeId, Any]:
            at = yield from const(word)
            row = yield from gather(table, at, axis=0)
            return (yield from sum_((yield from mul(row, row))))

        return (yield from mean_scalar_over("t", list(words), of_one))

    step = jit(value_and_grad(loss), roll=True)
    words = np.random.default_rng(4).integers(0, 1000, 100)
    table = np.ones((1000, 8))
    step(table, words)
    (plan,) = step.plan(table, words)
    assert max(np.prod(call.shape) for call in plan.calls) <= table.size
