"""Convolution and its transpose, against TorchLean's sums index by index."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tapem_dsl
from tapem_dsl import (
    Array,
    NodeId,
    Shape,
    ShapeMismatch,
    TapeM,
    backward,
    conv,
    conv_transpose,
    leaf,
    map_m,
    rationals,
    vjp,
)
from tapem_dsl.core.namespace import NUMPY
from tapem_dsl.ops.convolution import Conv, ConvTranspose
from tests.oracles import assert_fractions, eighths, from_eighths, usual
from tests.toy_dual import Dual

LOOSE: Any = tapem_dsl  # Any: the mistakes are those that types would show
both = pytest.mark.parametrize("op", [conv, conv_transpose])


def run(op: Any, *xs: Array, g: Array | None = None, **geometry: Any) -> Any:
    """Give the result, or the gradients where there is a cotangent."""
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, xs)
    out, tape = leaves.bind(lambda ids: op(*ids, **geometry)).run().unwrap()
    if g is None:
        return tape[out].value
    slots = backward(tape, out, g).unwrap()
    return tuple(slots[NodeId(i)] for i in range(len(xs)))


def zeros(shape: Shape) -> Array:
    return np.full(shape, Fraction(0), object)


@st.composite
def geometries(draw: st.DrawFn) -> tuple[Shape, ...]:
    """Positions, kernel, stride and padding of up to two axes."""
    rank = draw(st.integers(0, 2))

    def numbers(least: int, most: int) -> Shape:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    return numbers(0, 4), numbers(0, 3), numbers(0, 3), numbers(0, 2)


def places(spatial: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Any:
    """Give each position and place in its window, and the entry they meet in."""
    counts = tuple(
        (n + 2 * p - k) // s + 1 if k and s and n + 2 * p >= k else 0
        for n, k, s, p in zip(spatial, kernel, stride, padding, strict=True)
    )
    for o, at in product(np.ndindex(counts), np.ndindex(kernel)):
        axes = zip(o, stride, at, padding, strict=True)
        entry = tuple(i * s + k - p for i, s, k, p in axes)
        if all(0 <= i < n for i, n in zip(entry, spatial, strict=True)):
            yield o, at, entry


@usual
@given(geometry=geometries(), data=st.data())
def test_convolution_is_torchleans_sum(geometry: Any, data: st.DataObject) -> None:
    spatial, kernel, stride, padding = geometry
    out, channels = (data.draw(st.integers(0, 2)) for _ in range(2))
    k, b, x = (
        from_eighths(data.draw(eighths(shape)), object)
        for shape in ((out, channels, *kernel), (out,), (channels, *spatial))
    )
    at = {"stride": stride, "padding": padding}
    y = run(conv, k, b, x, **at)
    g = from_eighths(data.draw(eighths(y.shape)), object)
    expected, dk, db, dx = (
        zeros(y.shape),
        zeros(k.shape),
        zeros(b.shape),
        zeros(x.shape),
    )
    for (o, w, i), oc in product(places(*geometry), range(out)):
        for ic in range(channels):
            expected[(oc, *o)] += x[(ic, *i)] * k[(oc, ic, *w)]
            dk[(oc, ic, *w)] += x[(ic, *i)] * g[(oc, *o)]
            dx[(ic, *i)] += k[(oc, ic, *w)] * g[(oc, *o)]
    for oc in range(out):
        expected[oc] += b[oc]
        db[oc] += sum(np.ravel(g[oc]))
    np.testing.assert_array_equal(y, expected)
    for ours, theirs in zip(run(conv, k, b, x, g=g, **at), (dk, db, dx), strict=True):
        assert_fractions(ours)
        np.testing.assert_array_equal(ours, theirs)


@usual
@given(geometry=geometries(), data=st.data())
def test_the_transpose_is_torchleans_sum(geometry: Any, data: st.DataObject) -> None:
    counts, kernel, stride, padding = geometry
    out, channels = (data.draw(st.integers(0, 2)) for _ in range(2))
    k, b, x = (
        from_eighths(data.draw(eighths(shape)), object)
        for shape in ((channels, out, *kernel), (out,), (channels, *counts))
    )
    at = {"stride": stride, "padding": padding}
    y = run(conv_transpose, k, b, x, **at)
    axes = zip(counts, kernel, stride, padding, strict=True)
    extents = [
        max((n - 1) * s + k - 2 * p, 0) if n and k and s else 0 for n, k, s, p in axes
    ]
    assert y.shape == (out, *extents)
    g = from_eighths(data.draw(eighths(y.shape)), object)
    expected, dk, db, dx = (
        zeros(y.shape),
        zeros(k.shape),
        zeros(b.shape),
        zeros(x.shape),
    )
    for i, w in product(np.ndindex(counts), np.ndindex(kernel)):
        axes4 = zip(i, stride, w, padding, strict=True)
        o = tuple(n * s + k - p for n, s, k, p in axes4)
        if not all(0 <= n < m for n, m in zip(o, extents, strict=True)):
            continue
        for oc, ic in product(range(out), range(channels)):
            expected[(oc, *o)] += x[(ic, *i)] * k[(ic, oc, *w)]
            dk[(ic, oc, *w)] += x[(ic, *i)] * g[(oc, *o)]
            dx[(ic, *i)] += k[(ic, oc, *w)] * g[(oc, *o)]
    for oc in range(out):
        expected[oc] += b[oc]
        db[oc] += sum(np.ravel(g[oc]))
    np.testing.assert_array_equal(y, expected)
    ours = run(conv_transpose, k, b, x, g=g, **at)
    for our, their in zip(ours, (dk, db, dx), strict=True):
        assert_fractions(our)
        np.testing.assert_array_equal(our, their)


def test_the_golden_convolution() -> None:
    kernel = rationals(
        [[[[Fraction(1, 5), Fraction(-1, 10)], [Fraction(3, 10), Fraction(2, 5)]]]]
    )
    x = rationals([[[1, 2], [3, 4]]])
    bias, g = rationals([Fraction(1, 20)]), rationals([[[1]]])
    assert run(conv, kernel, bias, x).tolist() == [[[Fraction(51, 20)]]]
    dk, db, dx = run(conv, kernel, bias, x, g=g)
    assert dk[0].tolist() == x.tolist()
    assert db.tolist() == [1]
    assert dx[None].tolist() == kernel.tolist()
    floats = (np.asarray(z, np.float64) for z in (kernel, bias, x))
    assert run(conv, *floats).item() == pytest.approx(2.55, rel=1e-15)


def test_one_number_stands_for_every_axis() -> None:
    rng = np.random.default_rng(0)
    k, b, x = (rng.normal(size=s) for s in ((2, 3, 2, 2), (2,), (3, 5, 4)))
    one = run(conv, k, b, x, stride=2, padding=1)
    each = run(conv, k, b, x, stride=(2, 2), padding=(1, 1))
    np.testing.assert_array_equal(one, each)


@pytest.mark.parametrize(
    ("kernel", "x", "stride", "y"),
    [((3, 2), (2, 4), 1, (0, 3)), ((0,), (3,), 1, (0,)), ((2,), (3,), 0, (0,))],
)
def test_where_no_window_fits_there_is_nothing_and_no_error(
    kernel: Shape, x: Shape, stride: int, y: Shape
) -> None:
    xs = (np.ones((2, 1, *kernel)), np.ones(2), np.ones((1, *x)))
    assert run(conv, *xs, stride=stride).shape == (2, *y)
    gradients = run(conv, *xs, stride=stride, g=np.ones((2, *y)))
    for gradient, operand in zip(gradients, xs, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros(operand.shape), strict=True)


def test_a_transpose_of_which_all_is_dropped_is_empty() -> None:
    xs = (np.ones((1, 2, 1)), np.ones(2), np.ones((1, 1)))
    assert run(conv_transpose, *xs, padding=2).shape == (2, 0)
    gradients = run(conv_transpose, *xs, padding=2, g=np.ones((2, 0)))
    assert all((gradient == 0).all() for gradient in gradients)


@both
@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3, 2), (3,), (2, 4)),  # as the transpose has it, and twice
        ((2, 2, 2), (1,), (2, 4)),
        ((2, 2, 2), (2,), (3, 4)),
        ((2, 2, 2), (2,), (2, 4, 4)),
        ((2,), (2,), (2,)),
        ((2, 2), (2,), ()),
        ((2, 2, 2), (), (2, 4)),
    ],
)
def test_channels_and_axes_must_agree(op: Any, shapes: tuple[Shape, ...]) -> None:
    if op is conv_transpose and shapes[1] == (3,):
        shapes = ((3, 2, 2), (3,), (3, 4))
    leaves = map_m(leaf, [np.ones(shape)[()] for shape in shapes])
    error = leaves.bind(lambda ids: op(*ids)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == shapes
    assert error.message == "autograd: shape mismatch"


@both
@pytest.mark.parametrize("what", ["stride", "padding"])
def test_a_tuple_has_a_number_for_each_axis(op: Any, what: str) -> None:
    xs = [np.ones((1, 1, 2)), np.ones(1), np.ones((1, 4))]
    program = map_m(leaf, xs).bind(lambda ids: op(*ids, **{what: (1, 1)}))
    error = program.run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants == f"2 spatial axes, for {what} (1, 1)"


@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
@pytest.mark.parametrize("what", ["stride", "padding"])
@pytest.mark.parametrize("wrong", [1.0, [1], "1", True, (1, None), None])
def test_what_is_no_number_of_entries_is_a_type_error(
    name: str, what: str, wrong: object
) -> None:
    with pytest.raises(TypeError, match=f"{name} takes one integer for {what}"):
        getattr(LOOSE, name)(0, 0, 0, **{what: wrong})


@both
@pytest.mark.parametrize("wrong", [-1, (1, -2)])
def test_what_is_negative_is_a_value_error(op: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"counts stride from 0, so not -"):
        op(NodeId(0), NodeId(0), NodeId(0), stride=wrong)


class Spy:
    """A namespace that writes down which of its functions are called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(NUMPY, name)


@pytest.mark.parametrize(
    ("op", "need", "work"),
    [
        (Conv(1, 0), (True, False, False), {"windows", "matmul"}),
        (Conv(1, 0), (False, True, False), {"sum"}),
        (Conv(1, 0), (False, False, True), {"matmul", "fold"}),
        (ConvTranspose(1, 0), (True, False, False), {"windows", "matmul"}),
        (ConvTranspose(1, 0), (False, True, False), {"sum"}),
        (ConvTranspose(1, 0), (False, False, True), {"windows", "matmul"}),
    ],
)
def test_frozen_operands_cost_no_work(op: Any, need: Any, work: set[str]) -> None:
    k, b, x = np.ones((2, 2, 2)), np.ones(2), np.ones((2, 4))
    y = op.evaluate(NUMPY, k, b, x)
    spy = Spy()
    rule: Any = vjp.get(type(op))
    given = rule(op, spy, np.ones_like(y), (k, b, x), y, need)
    assert [cotangent is not None for cotangent in given] == list(need)
    assert set(spy.calls) - {"reshape", "permute_dims"} == work
    assert spy.calls.count("matmul") <= 1


@both
def test_more_spatial_axes_than_windows_can_have_are_a_failure(op: Any) -> None:
    shapes = ((1,) * 34, (1,), (1,) * 33)
    leaves = map_m(leaf, [np.ones(shape) for shape in shapes])
    error = leaves.bind(lambda ids: op(*ids)).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants == "less than 32 spatial axes"


def test_a_result_that_no_array_can_be_is_a_failure() -> None:
    xs = [np.ones((1, 1, 1)), np.ones(1), np.ones((1, 1000))]
    program = map_m(leaf, xs).bind(lambda ids: conv_transpose(*ids, stride=2**58))
    assert isinstance(program.run().failure(), ShapeMismatch)


def test_nothing_made_of_duals_is_swept_as_duals_are() -> None:
    kernel = Dual(np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1)))
    xs: list[Any] = [kernel, np.ones(2), np.ones((1, 1, 1))]  # Any: carriers too
    program = map_m(leaf, xs).bind(lambda ids: conv_transpose(*ids, padding=1))
    out, tape = program.run().unwrap()
    assert tape[out].value.shape == (2, 0, 0)
    slots = backward(tape, out, np.zeros((2, 0, 0))).unwrap()
    assert all(slots[NodeId(i)].shape == x.shape for i, x in enumerate(xs))
