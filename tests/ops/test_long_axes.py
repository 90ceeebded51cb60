"""Every op over 70,000 entries: no digit lost in float32, one rounding in float16."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Tape,
    TapeM,
    add,
    apply_op,
    backward,
    backward_m,
    batch_norm,
    broadcast_to,
    const,
    cross_entropy,
    do,
    fold_m,
    layer_norm,
    leaf,
    mean_scalar_over,
    ops,
    permute,
    reduce_mean,
    scale,
    sum_,
    transpose,
    value_of,
    vjp_rules,
)
from tapem_dsl.arrays import NUMPY, narrowed, widened
from tapem_dsl.errors import DTypeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.reverse import Outer
from tests.oracles import both_parts
from tests.specs.long import LONG, Long, N

HALF_ULP: Final = 2.0**-11
SMALLEST: Final = 2.0**-24

# Two units in the last place for each bit of the count; what is stated is four.
LOST: Final = 2 * float(np.finfo(np.float32).eps) * float(np.log2(N))

each_long = pytest.mark.parametrize("long", LONG, ids=str)


@do
def applied(
    long: Long, xs: tuple[Array, ...], *, transposed: bool = False
) -> Do[NodeId, Any]:
    """Record the operands and the op; or views of them and of its result."""
    ids = []
    for x in xs:
        record = leaf if x.dtype.kind == "f" else const
        if not transposed or x.ndim < 2:
            ids.append((yield from record(x)))
            continue
        turned = yield from record(x.T)
        ids.append((yield from permute(turned, tuple(range(x.ndim))[::-1])))
    y = yield from apply_op(long.op, *ids)
    value = yield from value_of(y)
    if not transposed or np.ndim(value) < 2:
        return y
    return (yield from permute(y, tuple(range(value.ndim))[::-1]))


def run(long: Long, xs: tuple[Array, ...]) -> tuple[NodeId, Tape[Any]]:
    return applied(long, xs).run().unwrap()


def wide(x: Array) -> Array:
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def cotangent_of(y: Array) -> Array:
    rng = np.random.default_rng(11)
    return rng.uniform(0.25, 1.25, y.shape).astype(y.dtype)[()]


def test_every_op_is_tried_over_many_entries() -> None:
    assert {type(long.op) for long in LONG if long.entries() >= N} == set(ops.ALL)


# -- float32 ---------------------------------------------------------------------------


def assert_no_digit_lost(ours: Array, right: Array) -> None:
    assert ours.dtype == np.float32
    largest = np.max(np.abs(right), initial=0)
    np.testing.assert_allclose(ours, right, rtol=0, atol=LOST * largest)


LAID_OUT = [
    (long, turned)
    for long in LONG
    for turned in (False, True)
    if not turned or any(len(shape) > 1 for shape in long.shapes)
]


@pytest.mark.parametrize(("long", "transposed"), LAID_OUT, ids=str)
def test_long_sums_keep_their_digits_in_float32(
    long: Long, *, transposed: bool
) -> None:
    xs = long.operands(np.float32)
    out, tape = applied(long, xs, transposed=transposed).run().unwrap()
    doubles = tuple(map(wide, xs))
    right, exact = applied(long, doubles, transposed=transposed).run().unwrap()
    y, expected = tape[out].value, exact[right].value
    if y.dtype.kind != "f":
        np.testing.assert_array_equal(y, expected)
        return
    assert_no_digit_lost(y, expected)
    if not tape[out].requires_grad:
        return
    slots = backward(tape, out, y).unwrap()  # of a square: no term cancels another
    theirs = backward(exact, right, wide(y)).unwrap()
    for id, cotangent in theirs.items():
        assert_no_digit_lost(slots[id], cotangent)


# -- float16 ---------------------------------------------------------------------------


def assert_near(ours: Array, right: Array, roundings: int) -> None:
    """Assert a number of roundings at most of the largest; or overflow, where it is."""
    assert ours.dtype == np.float16
    with np.errstate(over="ignore"):
        finite = np.isfinite(right.astype(np.float16))
    np.testing.assert_array_equal(np.isfinite(ours), finite)
    off = np.abs(ours.astype(np.float64) - right)[finite]
    largest = np.max(np.abs(right), initial=0)
    assert np.all(off <= (roundings * HALF_ULP + LOST) * largest + SMALLEST)


@each_long
def test_float16_is_computed_in_float32_and_rounded_once(long: Long) -> None:
    xs = long.operands(np.float16)
    out, tape = run(long, xs)
    y = tape[out].value
    single, plain = run(long, tuple(map(widened, xs)))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(y, narrowed(plain[single].value), strict=True)
    right, exact = run(long, tuple(map(wide, xs)))
    if y.dtype.kind == "f":
        assert_near(y, exact[right].value, 1)
    if not tape[out].requires_grad:
        return
    g = cotangent_of(y)
    slots = backward(tape, out, g).unwrap()
    rule = vjp_rules.get(type(long.op))
    assert rule is not None
    need = tuple(x.dtype.kind == "f" for x in xs)
    operands = tuple(map(widened, xs))
    with np.errstate(over="ignore"):
        gave = rule(long.op, NUMPY, widened(g), operands, widened(y), need)
    theirs = backward(exact, right, wide(g)).unwrap()
    for id, (cotangent, needed) in enumerate(zip(gave, need, strict=True)):
        if not needed:
            continue
        ours = slots[NodeId(id)]
        wanted: Array = cotangent
        if isinstance(cotangent, Outer):
            wanted = cotangent.computed(NUMPY)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(ours, narrowed(wanted))
        assert_near(ours, theirs[NodeId(id)], 16)  # a rule uses the rounded result


@each_long
def test_duals_and_recorded_sweeps_round_float16_once(long: Long) -> None:
    xs = long.operands(np.float16)
    out, tape = run(long, xs)
    y = tape[out].value
    if not tape[out].requires_grad:
        return
    # duals: both parts are those of float32, rounded
    reals = [x.dtype.kind == "f" for x in xs]
    duals = tuple(
        Dual(x, x, 1) if real else x for x, real in zip(xs, reals, strict=True)
    )
    singles = tuple(
        Dual(widened(x), widened(x), 1) if real else x
        for x, real in zip(xs, reals, strict=True)
    )
    at, of_duals = run(long, duals)
    there, of_singles = run(long, singles)
    for ours, theirs in zip(
        both_parts(of_duals[at].value), both_parts(of_singles[there].value), strict=True
    ):
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(ours, narrowed(theirs), strict=True)
    # a sweep of duals gives the gradient of the plain one, a recorded sweep as well
    g = cotangent_of(y)
    slots = backward(tape, out, g).unwrap()
    swept = backward(of_duals, at, g).unwrap()
    for id, real in enumerate(reals):
        if real:
            primal, tangent = both_parts(swept[NodeId(id)])
            np.testing.assert_array_equal(primal, slots[NodeId(id)], strict=True)
            assert tangent.dtype == np.float16
    seed, longer = const(g).run(tape).unwrap()
    ids, longer = backward_m(out, seed=seed).run(longer).unwrap()
    for id, real in enumerate(reals):
        if real:
            recorded = longer[ids[NodeId(id)]].value
            np.testing.assert_array_equal(recorded, slots[NodeId(id)], strict=True)


# -- the cases that were reported ------------------------------------------------------


def value_at(x: Array, *steps: Any) -> Array:  # Any: ops of one operand
    program = const(x)
    for step in steps:
        program = program.bind(step)
    return program.bind(value_of).eval().unwrap()


def test_means_over_rows_are_right_in_float32() -> None:
    tenths = np.full((10**6, 2), 0.1, np.float32)
    rows = value_at(tenths, lambda i: reduce_mean(i, axis=0))
    turned = value_at(tenths, transpose, lambda i: reduce_mean(i, axis=1))
    for mean in (rows, turned):
        np.testing.assert_allclose(mean, [0.1, 0.1], rtol=1e-6)
    ones = np.ones((2 * 10**7, 2), np.float32)
    mean = value_at(ones, lambda i: reduce_mean(i, axis=0))
    np.testing.assert_array_equal(mean, [1, 1])


def test_the_gradient_of_a_bias_over_a_million_rows_is_right() -> None:
    bias = leaf(np.zeros(2, np.float32)).bind(lambda b: broadcast_to(b, (10**6, 2)))
    out, tape = bias.run().unwrap()
    g = np.full((10**6, 2), 0.1, np.float32)
    gradient = backward(tape, out, g).unwrap()[NodeId(0)]
    np.testing.assert_allclose(gradient, [1e5, 1e5], rtol=1e-6)


@pytest.mark.parametrize("norm", [layer_norm, batch_norm])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_norms_over_many_entries_are_right(norm: Any, dtype: Any) -> None:
    rows = np.random.default_rng(3).normal(2, 3, (2, 80_000))
    x = rows.astype(dtype)
    extent = x.shape[1] if norm is layer_norm else x.shape[0]
    whole = x.astype(np.float64)
    centred = whole - whole.mean(axis=1, keepdims=True)
    expected = centred / whole.std(axis=1, keepdims=True)

    @do
    def normalised() -> Do[Array, Any]:
        at = yield from leaf(x)
        gamma = yield from leaf(np.ones(extent, dtype))
        beta = yield from leaf(np.zeros(extent, dtype))
        return (yield from value_of((yield from norm(at, gamma, beta))))

    y = normalised().eval().unwrap()
    digits = 1e-5 if dtype is np.float32 else HALF_ULP
    np.testing.assert_allclose(y, expected, rtol=1.01 * digits, atol=2e-5)


def test_counts_beyond_the_range_of_float16_are_exact() -> None:
    twos = np.full((70_000, 1), 2, np.float16)
    assert value_at(twos, lambda i: reduce_mean(i, axis=0)).tolist() == [2]
    most = np.float16(65_504)
    share = value_at(most, lambda i: scale(i, Fraction(1, 70_000)))
    assert share == np.float16(65_504 / 70_000)
    assert value_at(twos, sum_) == np.inf  # what float16 cannot say is inf
    logits = np.random.default_rng(3).normal(size=(70_000, 3)).astype(np.float16)
    labels = np.zeros(70_000, np.int64)

    def loss_of(i: NodeId) -> Any:
        return const(labels).bind(lambda j: cross_entropy(i, j))

    out, tape = leaf(logits).bind(loss_of).run().unwrap()
    exact = np.exp(logits.astype(np.float64))
    p = exact / exact.sum(axis=1, keepdims=True)
    assert abs(tape[out].value + np.log(p[:, 0]).mean()) <= 2 * HALF_ULP
    gradient = backward(tape, out, np.float16(1)).unwrap()[NodeId(0)]
    p[:, 0] -= 1
    np.testing.assert_allclose(gradient, p / 70_000, rtol=HALF_ULP, atol=SMALLEST)


@pytest.mark.parametrize(
    ("loss", "count"), [(2.0, 70_000), (0.1, 5_000), (1000.0, 100), (2.0, 1)]
)
def test_a_mean_of_float16_losses_is_summed_in_float32(loss: float, count: int) -> None:
    losses = [np.float16(loss)] * count
    mean, tape = mean_scalar_over("half", losses, leaf).run().unwrap()
    assert tape[mean].value == np.float16(loss)
    assert tape[mean].value.dtype == np.float16
    gradient = backward(tape, mean, 1, wrt=[NodeId(0)]).unwrap()[NodeId(0)]
    assert gradient == np.float16(1 / count)
    assert gradient.dtype == np.float16


def test_a_fold_of_adds_rounds_at_each() -> None:
    """A loop in PyTorch rounds as often."""

    def added(total: NodeId, x: np.float16) -> TapeM[NodeId, Any]:
        return const(x).bind(lambda loss: add(total, loss))

    losses = [np.float16(x) for x in (2048, 1, 1, 2)]
    total = const(losses[0]).bind(lambda first: fold_m(added, first, losses[1:]))
    assert total.bind(value_of).eval().unwrap() == 2050  # 2048 + 1 + 1 is 2048 there


def test_float16_and_float32_do_not_mix() -> None:
    @do
    def both() -> Do[NodeId, Any]:
        half = yield from const(np.float16(1))
        single = yield from const(np.float32(1))
        return (yield from add(half, single))

    assert isinstance(both().run().failure(), DTypeMismatch)
