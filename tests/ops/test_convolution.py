"""Convolution and its transpose, against TorchLean's sums index by index."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    NodeId,
    Shape,
    TapeM,
    backward,
    conv,
    conv_transpose,
    leaf,
    map_m,
    rationals,
    vjp_rules,
)
from tapem_dsl.arrays import NUMPY
from tapem_dsl.errors import RequirementNotMet, ShapeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.ops.convolution import Conv, ConvTranspose
from tests.oracles import assert_fractions, eighths, from_eighths, usual
from tests.untyped import LOOSE

LEAVES = "positions on each axis, of which padding leaves entries"
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
def geometries(draw: st.DrawFn, *, transpose: bool = False) -> tuple[Shape, ...]:
    """Extents, kernel, stride and padding of up to two axes, such that one fits."""
    rank = draw(st.integers(0, 2))

    def numbers(least: int, most: int) -> Shape:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    kernel, stride, padding = numbers(1, 3), numbers(1, 3), numbers(0, 2)
    spatial = []
    for k, s, p in zip(kernel, stride, padding, strict=True):
        least = max(1 - (k - 2 * p - 1) // s if transpose else k - 2 * p, 1)
        spatial.append(draw(st.integers(least, max(least, 4))))
    return tuple(spatial), kernel, stride, padding


def places(spatial: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Any:
    """Give each position and place in its window, and the entry they meet in."""
    counts = tuple(
        (n + 2 * p - k) // s + 1
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
@given(geometry=geometries(transpose=True), data=st.data())
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
    extents = [(n - 1) * s + k - 2 * p for n, k, s, p in axes]
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


def test_a_convolution_by_hand_is_exact() -> None:
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


def refusal(op: Any, kernel: Shape, x: Shape, **geometry: Any) -> object:
    xs = [np.ones((1, 1, *kernel)), np.ones(1), np.ones((1, *x))]
    return map_m(leaf, xs).bind(lambda ids: op(*ids, **geometry)).run().failure()


@pytest.mark.parametrize(
    ("op", "kernel", "x", "padding", "wants"),
    [
        (conv, (3, 3), (2, 2), 0, "spatial extents of at least (3, 3)"),
        (conv, (3, 2), (2, 4), 0, "spatial extents of at least (3, 2)"),
        (conv, (6,), (1,), 2, "spatial extents of at least (2,)"),
        (conv, (2,), (0,), 1, "spatial extents of at least (1,)"),
        (conv_transpose, (3, 2), (0, 1), 0, LEAVES),
        (conv_transpose, (2,), (1,), 1, LEAVES),
        (conv_transpose, (1,), (1,), 2, LEAVES),
    ],
)
def test_a_window_that_fits_nowhere_is_refused(
    op: Any, kernel: Shape, x: Shape, padding: int, wants: str
) -> None:
    error = refusal(op, kernel, x, padding=padding)
    assert isinstance(error, ShapeMismatch)
    assert error.wants == wants


@both
@pytest.mark.parametrize(
    ("kernel", "stride", "requirement"),
    [
        ((2, 0), 1, "kernel_size > 0 on every spatial axis"),
        ((2, 2), (0, 1), "stride > 0 on every spatial axis"),
    ],
)
def test_a_window_without_entries_or_steps_is_refused(
    op: Any, kernel: Shape, stride: Any, requirement: str
) -> None:
    error = refusal(op, kernel, (3, 3), stride=stride)
    assert isinstance(error, RequirementNotMet)
    assert error.requirement == requirement


@both
def test_no_channels_are_no_error(op: Any) -> None:
    for out, channels in ((0, 2), (2, 0), (0, 0)):
        both_ways = (out, channels) if op is conv else (channels, out)
        xs = np.ones((*both_ways, 2)), np.ones(out), np.ones((channels, 3))
        y = run(op, *xs)
        np.testing.assert_array_equal(y, np.ones((out, *y.shape[1:])))
        g = run(op, *xs, g=np.ones_like(y))
        assert [d.shape for d in g] == [x.shape for x in xs]


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
    with pytest.raises(
        ValueError, match=r"takes a non-negative number for stride, not -"
    ):
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
    rule: Any = vjp_rules.get(type(op))
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


def test_an_empty_result_of_duals_is_swept() -> None:
    kernel = Dual(np.ones((1, 0, 2, 1)), np.ones((1, 0, 2, 1)), 1)
    xs: list[Any] = [kernel, np.ones(0), np.ones((1, 1, 1))]  # Any: tracers too
    program = map_m(leaf, xs).bind(lambda ids: conv_transpose(*ids))
    out, tape = program.run().unwrap()
    assert tape[out].value.shape == (0, 2, 1)
    slots = backward(tape, out, np.zeros((0, 2, 1))).unwrap()
    assert all(slots[NodeId(i)].shape == x.shape for i, x in enumerate(xs))
