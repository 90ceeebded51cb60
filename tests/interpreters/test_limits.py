"""Every op and its first two derivatives, where floats end and saturate."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pytest
from mpmath import mp, mpf  # type: ignore[import-untyped] # it has no types

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    backward,
    backward_m,
    bce_with_logits,
    const,
    cross_entropy,
    derivative,
    do,
    exp,
    gelu,
    hessian_input,
    jvp,
    leaf,
    mul,
    nll,
    reshape,
    safe_log,
    sum_,
    value_of,
)
from tapem_dsl.ops.elementwise import FAR_LEFT, SafeLog
from tests.interpreters.compositions import COMPOSITIONS
from tests.limits import limits
from tests.oracles import result_shape, sample, value
from tests.specs.every import OPERANDS, each_operand, named
from tests.specs.spec import POSITIVE, Spec

INF, NAN = math.inf, math.nan
TOLERANCE: Final[dict[Any, float]] = {
    np.float64: 1e-12,
    np.float32: 1e-5,
    np.float16: 8e-3,
}
ENDS: Final[dict[Any, tuple[float, ...]]] = {
    np.float64: (0.0, 5e-324, 1e5, 1e20, 1e155, 1e300, INF),
    np.float32: (0.0, 1.4e-45, 1e5, 1e20, 1e37, INF),
    np.float16: (0.0, 6e-8, 700.0, INF),
}
SATURATED: Final = (1e-5, 3.0, 20.0, 40.0, 90.0, 350.0, 744.0)
ALONG_THE_LINE: Final = np.unique(
    np.concatenate(
        [
            np.geomspace(1e-37, 1e37, 60),
            np.linspace(0, 800, 65),
            np.linspace(0, 12, 49),
        ]
    ).astype(np.float32)
)
each_type = pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda t: t.__name__)


class Moving:
    """An op of one operand, a vector, and the weighed sum of the result."""

    def __init__(self, spec: Spec, xs: Sequence[Array], operand: int, g: Array) -> None:
        self.spec, self.operand = spec, operand
        self.xs = list(map(np.asarray, xs))
        self.weights = np.asarray(g)

    @do
    def values(self, z: NodeId) -> Do[NodeId, Any]:
        ids = []
        for i, x in enumerate(self.xs):
            if i == self.operand:
                ids.append((yield from reshape(z, x.shape)))
            else:
                ids.append((yield from const(x[()])))
        return (yield from self.spec.apply(*ids))

    @do
    def loss(self, z: NodeId) -> Do[NodeId, Any]:
        y = yield from self.values(z)
        products = yield from mul(y, (yield from const(self.weights[()])))
        return (yield from sum_(products))

    @do
    def recorded(self, x: Array) -> Do[Array, Any]:
        z = yield from leaf(x)
        y = yield from self.loss(z)
        gradient = yield from backward_m(y, wrt=[z])
        return (yield from value_of(gradient[z]))

    def results(
        self, along: Array, directions: Sequence[Array]
    ) -> Iterator[tuple[str, str, Array]]:
        """Give values, and derivatives entry by entry, or forward by direction."""
        x = self.xs[self.operand].reshape(-1)
        out, tape = leaf(x).bind(self.values).run().unwrap()
        yield "value", "", tape[out].value.reshape(-1)
        out, tape = leaf(x).bind(self.loss).run().unwrap()
        yield "first", "reverse", backward(tape, out, 1).unwrap()[NodeId(0)]
        yield "first", "recorded", self.recorded(x).eval().unwrap()
        for composition in COMPOSITIONS:
            yield "second", composition.__name__, composition(self.loss, x, along)
        forward = [
            jvp(lambda _, z: self.loss(z), None, x, None, v).unwrap()[1]
            for v in directions
        ]
        yield "first", "forward", np.array(forward)
        twice = [
            derivative(lambda _, z: self.loss(z), None, x, [along, v]).unwrap()
            for v in directions
        ]
        yield "second", "forward over forward", np.array(twice)


def is_elementwise(spec: Spec) -> bool:
    """Tell whether a vector's result is that of its entries."""
    pair = ((2,),) * spec.arity
    if spec.few[1] != ((),) * spec.arity or result_shape(spec, pair) != (2,):
        return False
    x = np.array([0.25, 0.75])
    entries = [value(spec, *[x[i]] * spec.arity) for i in range(2)]
    return bool((value(spec, *[x] * spec.arity) == entries).all())


def assert_limits(
    spec: Spec, found: Array, numbers: Sequence[float], where: str
) -> None:
    """
    Assert numbers where there are limits, and all digits unless the op cancels.

    Along the line, two between which there is a zero share the larger one's tolerance:
    at the zero itself no digit can be had.
    """
    dtype = found.dtype.type
    with np.errstate(over="ignore"):
        expected: Any = np.array(numbers).astype(dtype).astype(np.float64)
    known = ~np.isnan(expected)
    assert not np.isnan(found[known]).any(), where
    if not spec.cancels:
        size = np.abs(expected)
        on_the_line = len(expected) >= len(ALONG_THE_LINE)
        crossed = np.flatnonzero(np.diff(np.signbit(expected)) & on_the_line)
        size[crossed] = size[crossed + 1] = np.maximum(size[crossed], size[crossed + 1])
        tolerance = TOLERANCE[dtype] * (spec.slack if where[:6] == "second" else 1)
        least = float(np.finfo(dtype).tiny)  # below it floats have fewer digits
        finite = known & (size < INF)
        error = np.abs(found[finite].astype(np.float64) - expected[finite])
        assert (error <= tolerance * size[finite] + least).all(), where
        rest = known & ~finite
        np.testing.assert_array_equal(found[rest], expected[rest], where)


@each_type
@each_operand
def test_values_and_derivatives_reach_their_limits_at_the_ends_of_floats(
    spec: Spec, operand: int, dtype: Any
) -> None:
    xs, vs, g = sample(spec).of(dtype)
    size = np.size(xs[operand])
    entries = sorted({0, size - 1})
    units = [np.eye(1, size, i, dtype=dtype)[0] for i in entries]
    along = np.asarray(vs[operand]).reshape(-1)
    saturates = not (spec.rational or spec.cancels or is_elementwise(spec))
    ends = (*ENDS[dtype], *SATURATED * (saturates and dtype is not np.float16))
    for end in ends:
        for x in (end, -end):
            if math.isinf(x) and not spec.infinite:
                continue
            if x <= 0 and spec.domains[operand] is POSITIVE:
                continue
            changed = [np.array(other) for other in xs]
            changed[operand].reshape(-1)[0] = x
            expected = limits(spec, changed, operand, entries, along, np.asarray(g))
            for kind, way, result in Moving(spec, changed, operand, g).results(
                along, units
            ):
                chosen = (
                    result if len(result) == len(expected[kind]) else result[entries]
                )
                assert_limits(spec, chosen, expected[kind], f"{kind} {way} {x}")


# -- over the whole line ---------------------------------------------------------------


ELEMENTWISE: Final = [(spec, i) for spec, i in OPERANDS if is_elementwise(spec)]
OTHER: Final = 99 / 128  # no point of the line


@pytest.mark.parametrize(
    ("spec", "operand"), ELEMENTWISE, ids=[f"{spec}-{i}" for spec, i in ELEMENTWISE]
)
def test_no_digits_are_lost_anywhere(spec: Spec, operand: int) -> None:
    """The numbers are values and derivatives along the whole line."""
    points = ALONG_THE_LINE
    if spec.domains[operand] is not POSITIVE:
        points = np.concatenate([points, -points])
    points = np.sort(points[points != 0])
    ones = np.ones(1)
    expected: dict[str, list[float]] = {"value": [], "first": [], "second": []}
    for x in points:
        at = [
            np.array([float(x) if i == operand else OTHER]) for i in range(spec.arity)
        ]
        for kind, number in limits(spec, at, operand, [0], ones, ones).items():
            expected[kind] += number
    for dtype in (np.float64, np.float32):
        x = points.astype(dtype)
        xs = [x if i == operand else np.full_like(x, OTHER) for i in range(spec.arity)]
        along = np.ones_like(x)
        for kind, way, result in Moving(spec, xs, operand, along).results(along, []):
            if len(result):
                where = f"{kind} {way}"
                assert_limits(spec, result, expected[kind], where)


# -- where the softplus of safe_log is next to nothing ---------------------------------


@each_type
@pytest.mark.parametrize(
    "epsilon", [Fraction(1, 10**6), 1e-30, 1e-300, Fraction(1, 10**320), 2]
)
def test_safe_log_keeps_its_digits_beside_any_epsilon(
    epsilon: float | Fraction, dtype: Any
) -> None:
    """Second derivatives are compared where they do not pass through 0."""
    spec = replace(
        named("safe_log"),
        op=SafeLog(epsilon),
        apply=lambda x: safe_log(x, epsilon),
        slack=1,
    )
    far = [-51, -60, -69, -70, -87, -90, -98, -100, -104, -690, -691, -740, -746]
    for points in ([*far, -5000], [-50, -49.5, -40, -20, -3, 0, 3]):
        x = np.array(points, dtype)
        ones = np.ones_like(x)
        expected = [_safe_log(mpf(float(e)), _exactly(epsilon)) for e in x]
        units = list(np.eye(len(x), dtype=dtype))
        for kind, way, found in Moving(spec, [x], 0, ones).results(ones, units):
            if kind != "second" or points[0] < FAR_LEFT:
                numbers = [float(e[kind]) for e in expected]
                assert_limits(spec, found, numbers, f"{kind} {way}")


def _exactly(number: float | Fraction) -> Any:
    ratio = Fraction(number)
    return mpf(ratio.numerator) / ratio.denominator


def _safe_log(x: Any, epsilon: Any) -> dict[str, Any]:
    """Value and derivatives, by mpmath."""
    power = mp.exp(x)
    below = mp.log1p(power) + epsilon
    slope, curve = power / (1 + power), power / (1 + power) ** 2
    return {
        "value": mp.log(below),
        "first": slope / below,
        "second": curve / below - (slope / below) ** 2,
    }


# -- what is said of infinity ----------------------------------------------------------


@do
def of_logits(loss: Any, x: Array, target: Array) -> Do[tuple[Array, Array], Any]:
    """The loss and its gradient by the logits, recorded."""
    logits = yield from leaf(x)
    y = yield from loss(logits, (yield from const(target)))
    gradient = yield from backward_m(y, wrt=[logits])
    return (yield from value_of(y)), (yield from value_of(gradient[logits]))


@each_type
@pytest.mark.parametrize(
    ("x", "t", "loss", "slope", "to_target"),
    [
        (INF, 0.0, INF, 1.0, -INF),
        (INF, 1.0, 0.0, 0.0, -INF),
        (-INF, 0.0, 0.0, 0.0, INF),
        (-INF, 1.0, INF, -1.0, INF),
        (INF, 0.25, INF, 0.75, -INF),
    ],
)
def test_an_infinite_logit_has_loss_0_or_infinity(
    dtype: Any, x: float, t: float, loss: float, slope: float, to_target: float
) -> None:
    logit, target = dtype(x), dtype(t)
    found = of_logits(bce_with_logits, logit, target).eval().unwrap()
    assert found == (loss, slope)

    def program(p: NodeId, i: NodeId) -> Any:
        return bce_with_logits(p, i)

    one = dtype(1)
    assert jvp(program, logit, target, one).unwrap() == (loss, slope)
    assert jvp(program, logit, target, None, one).unwrap() == (loss, to_target)
    assert hessian_input(lambda z: with_target(z, target), logit).unwrap() == 0


@do
def with_target(z: NodeId, target: Array) -> Do[NodeId, Any]:
    return (yield from bce_with_logits(z, (yield from const(target))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("row", "label", "loss", "slopes"),
    [
        ([INF, 0.0, 1.0], 0, 0.0, [0.0, 0.0, 0.0]),
        ([INF, 0.0, 1.0], 1, INF, [1.0, -1.0, 0.0]),
        ([-INF, 0.0, -INF], 1, 0.0, [0.0, 0.0, 0.0]),
        ([-INF, 0.0, -INF], 0, INF, [-1.0, 1.0, 0.0]),
        ([40.0, 0.0, -INF], 0, 4.248354255291589e-18, [-1, 1, 0]),
        ([INF, 0.0, INF], 0, NAN, [NAN, NAN, NAN]),
        ([-INF, -INF, -INF], 0, NAN, [NAN, NAN, NAN]),
    ],
)
def test_a_class_of_probability_1_has_loss_0_or_infinity(
    dtype: Any, row: list[float], label: int, loss: float, slopes: list[float]
) -> None:
    if 0 < loss < 1:
        slopes = [slope * loss for slope in slopes]
    found = of_logits(cross_entropy, np.array(row, dtype), np.int64(label))
    y, gradient = found.eval().unwrap()
    np.testing.assert_allclose(y, loss, rtol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6)


def test_a_likelihood_of_0_has_an_infinite_loss() -> None:
    y, gradient = of_logits(nll, np.array([-INF, 0.0]), np.int64(0)).eval().unwrap()
    assert y == INF
    assert gradient.tolist() == [-1, 0]


# -- what does not move ----------------------------------------------------------------


@pytest.mark.parametrize("x", [1000.0, INF])
def test_a_direction_of_0_meets_no_infinity(x: float) -> None:
    at, still = np.array([x, 1.0]), np.array([0.0, 1.0])
    value, tangent = jvp(lambda p, _: exp(p), at, None, still).unwrap()
    assert value[0] == INF
    assert tangent.tolist() == [0, math.e]

    def total(z: NodeId) -> Any:
        return exp(z).bind(sum_)

    assert hessian_input(total, at).unwrap().tolist() == [[INF, 0], [0, math.e]]


def test_gelu_is_the_identity_far_out() -> None:
    x, one = np.float32(1e20), np.float32(1)
    assert jvp(lambda p, _: gelu(p), x, None, one).unwrap() == (x, 1)
    assert hessian_input(gelu, x).unwrap() == 0


# -- NaN -------------------------------------------------------------------------------


@each_operand
@pytest.mark.parametrize("which", [0, -1])
def test_nan_shows_in_all_that_depends_on_it(
    spec: Spec, operand: int, which: int
) -> None:
    """An entry depends on an operand if another number there changes it."""

    def result(entry: float) -> Array:
        xs = [np.array(x) for x in sample(spec).of(np.float64)[0]]
        xs[operand].reshape(-1)[which] = entry
        return np.asarray(value(spec, *(x[()] for x in xs)))

    numbers = (0.5, 1000.0) if spec.domains[operand] is POSITIVE else (0.5, 1e3, -1e3)
    results = np.array([result(number) for number in numbers])
    depends = (results != results[0]).any(axis=0)
    if spec is named("log"):
        return  # refuses it, which shows too
    assert np.isnan(result(NAN))[depends].all()
