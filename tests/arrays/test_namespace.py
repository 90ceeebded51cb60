"""The namespaces: NumPy's, the exact one, and the dispatch to tracers."""

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import Array, Namespace, rationals
from tapem_dsl.arrays import EXACT, NUMPY, Tracer, namespace_of
from tapem_dsl.arrays.dispatch import DISPATCHING
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.tape.equality import same
from tests.oracles import assert_fractions, from_eighths

quotient: Any = Fraction  # Any: the stubs know no NumPy integer, Fraction takes them

# -- which namespace -------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [np.float64, np.float32, np.float16, np.longdouble, np.int64, np.uint8, np.bool_],
)
def test_numpy_computes_with_its_scalars_and_arrays(dtype: type[np.generic]) -> None:
    assert namespace_of(np.ones((), dtype)[()]) is NUMPY
    assert namespace_of(np.ones((), dtype)) is NUMPY
    assert namespace_of(np.ones((2, 3), dtype)) is NUMPY
    assert namespace_of(np.ones(2), np.ones(2, dtype)) is NUMPY


def test_without_operands_numpy_computes() -> None:
    assert namespace_of() is NUMPY


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_object_arrays_are_exact(shape: tuple[int, ...]) -> None:
    assert namespace_of(rationals(np.zeros(shape, object))) is EXACT


def test_a_tracer_among_operands_gives_the_dispatching_namespace() -> None:
    x, dual = np.float64(1), Dual(np.float64(1), np.float64(1), 1)
    for operands in [(dual,), (x, dual), (dual, x), (x, x, dual)]:
        assert namespace_of(*operands) is DISPATCHING


@pytest.mark.parametrize(
    "x",
    [1.0, 1, True, "1", None, [1.0], (1.0,), Fraction(1), Decimal(1), 1j],
    ids=repr,
)
def test_what_no_namespace_knows_is_a_type_error(x: object) -> None:
    with pytest.raises(TypeError, match=f"computes with {type(x).__name__}; use NumPy"):
        namespace_of(x)


def test_what_no_namespace_knows_is_a_type_error_behind_an_array_too() -> None:
    with pytest.raises(TypeError, match="no array namespace computes with str"):
        namespace_of(np.zeros(2), "text")


# -- literals --------------------------------------------------------------------------

ONES = [np.float64(1), np.float32(1), np.ones(2, np.float32), np.float16(1)]


@pytest.mark.parametrize("x", ONES, ids=lambda x: f"{x.dtype}{x.shape}")
@pytest.mark.parametrize("constant", [2, 0.1, Fraction(1, 3), np.float64(0.1)])
def test_a_literal_never_widens_a_float(x: Array, constant: Any) -> None:
    y = x * NUMPY.literal(x, constant)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x.dtype.type(float(constant)))


@given(constant=st.fractions())
def test_a_literal_is_the_nearest_double(constant: Fraction) -> None:
    assert np.float64(1) * NUMPY.literal(np.float64(1), constant) == float(constant)


@given(constant=st.fractions() | st.integers())
@example(constant=10**400)
def test_a_rational_literal_is_exact(constant: Fraction | int) -> None:
    literal = EXACT.literal(rationals([1]), constant)
    assert type(literal) is Fraction
    assert literal == constant


@given(constant=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_an_exact_literal_of_what_it_is(constant: float) -> None:
    assert EXACT.literal(rationals([1]), constant) == Fraction(
        *constant.as_integer_ratio()
    )


@pytest.mark.parametrize(
    ("constant", "exact"),
    [
        (np.float64(0.1), Fraction(0.1)),
        (np.float32(0.1), Fraction(float(np.float32(0.1)))),
        (np.float16(0.1), Fraction(float(np.float16(0.1)))),
        (np.longdouble(0.25), Fraction(1, 4)),
        (np.int64(3), Fraction(3)),
        (np.uint8(255), Fraction(255)),
        (quotient(np.int64(6), np.int64(4)), Fraction(3, 2)),
    ],
)
def test_a_numpy_number_is_an_exact_literal_of_what_it_is(
    constant: Any,  # Any: NumPy's scalars
    exact: Fraction,
) -> None:
    literal = EXACT.literal(rationals([1]), constant)
    assert_exact(literal)
    assert literal == exact


@pytest.mark.parametrize("n", [3, 7, 10, -3, 49, 10**19 + 7])
def test_a_literal_of_long_doubles_has_all_their_bits(n: int) -> None:
    like, one = np.longdouble(0), np.longdouble(1)
    third = one / np.longdouble(str(n))
    if np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant:
        assert third != np.float64(third)  # or there would be nothing to lose
    assert same(np.longdouble(NUMPY.literal(like, Fraction(1, n))), third)
    assert same(NUMPY.literal(like, third), third)
    assert same(like + NUMPY.literal(like, third), third)


@pytest.mark.parametrize("constant", [10**400, -(10**400), Fraction(10**400, 3)])
def test_a_literal_beyond_doubles_is_refused(constant: Any) -> None:
    with pytest.raises(Refused) as refusal:
        NUMPY.literal(np.float64(1), constant)
    reason = "the constant is beyond double precision"
    assert refusal.value.error == OutsideDomain("literal", reason)


@pytest.mark.parametrize("constant", [float("inf"), float("-inf"), float("nan")])
def test_a_literal_that_is_no_rational_is_refused(constant: float) -> None:
    with pytest.raises(Refused) as refusal:
        EXACT.literal(rationals([1]), constant)
    reason = f"{constant!r} is not a rational number"
    assert refusal.value.error == OutsideDomain("literal", reason)


# -- exact arrays ----------------------------------------------------------------------

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
exact_arrays = shapes.flatmap(
    lambda shape: hnp.arrays(np.int64, shape, elements=st.integers(-9, 9))
).map(lambda eighths: from_eighths(eighths, object))


def assert_exact(result: Array) -> None:
    """Assert that no entry is an int; a scalar may be bare until it is normal."""
    if not isinstance(result, Fraction):
        assert all(type(entry) is Fraction for entry in np.asarray(result).flat)
    assert_fractions(EXACT.canonical(result))


@given(x=exact_arrays)
def test_no_function_of_an_exact_array_gives_an_int(x: Array) -> None:
    assert_exact(EXACT.abs(x))
    assert_exact(EXACT.maximum(x, 0))
    assert_exact(EXACT.maximum(0, x))
    assert_exact(EXACT.maximum(x, x))
    assert_exact(EXACT.where(x > 0, x, 0))
    assert_exact(EXACT.where(x > 0, 1, x))
    assert_exact(EXACT.where(x > 0, 1, 0))
    assert_exact(EXACT.sum(x))
    for axis in range(x.ndim):
        assert_exact(EXACT.sum(x, axis=axis))
        assert_exact(EXACT.sum(x, axis=axis, keepdims=True))
    assert_exact(EXACT.zeros_like(x))
    assert_exact(EXACT.ones_like(x))
    assert_exact(EXACT.reshape(x, (x.size,)))
    assert_exact(EXACT.broadcast_to(x, (2, *x.shape)))
    assert_exact(EXACT.permute_dims(x, tuple(range(x.ndim))[::-1]))


@given(extents=st.tuples(*[st.integers(0, 3)] * 3))
def test_no_product_of_exact_arrays_gives_an_int(extents: tuple[int, int, int]) -> None:
    m, n, p = extents
    a, b = (EXACT.ones_like(np.zeros(shape)) for shape in ((m, n), (n, p)))
    assert_exact(EXACT.matmul(a, b))
    assert (EXACT.matmul(a, b) == n).all()
    assert_exact(EXACT.matmul(a, EXACT.ones_like(np.zeros(n))))


TRANSCENDENTAL = ["exp", "log", "tanh", "sech2", "sigmoid", "softplus", "detached_max"]
TRANSCENDENTAL += ["softmax", "log_softmax", "logsumexp"]


@pytest.mark.parametrize("name", TRANSCENDENTAL)
@pytest.mark.parametrize("shape", [(), (2,), (0,)])
def test_what_is_not_rational_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused) as refusal:
        getattr(EXACT, name)(rationals(np.zeros(shape, object)))
    assert "not a rational function" in refusal.value.error.message


# -- the one form of a value -----------------------------------------------------------


def test_a_scalar_is_a_numpy_scalar() -> None:
    for x in (np.float32(2), np.array(2, np.float32)):
        normal = NUMPY.canonical(x)
        assert type(normal) is np.float32
        assert normal == 2


def test_a_scalar_of_rationals_is_an_array_without_axes() -> None:
    for x in (Fraction(1, 2), rationals("1/2")):
        normal = EXACT.canonical(x)
        assert_fractions(normal)
        assert normal.shape == ()
        assert normal == Fraction(1, 2)


@pytest.mark.parametrize(
    "entries",
    [[1, 2], [Fraction(1), 2], [np.int64(1), 2], [quotient(np.int64(1), 1), 2]],
)
def test_integers_become_fractions(entries: list[Any]) -> None:
    array = np.empty(2, object)
    array[:] = entries
    assert_fractions(EXACT.canonical(array))
    assert EXACT.canonical(array).tolist() == [1, 2]


@pytest.mark.parametrize("entry", [0.5, np.float64(1), True, "1", None, 1j])
def test_what_is_no_rational_is_a_type_error(entry: object) -> None:
    array = np.empty(1, object)
    array[0] = entry
    with pytest.raises(TypeError, match="an exact array holds rationals, got"):
        EXACT.canonical(array)


@pytest.mark.parametrize("x", [1.0, [1.0], None, Fraction(1)])
def test_what_numpy_did_not_compute_is_a_type_error(x: object) -> None:
    with pytest.raises(TypeError, match="expected a NumPy array or scalar, got"):
        NUMPY.canonical(x)


@pytest.mark.parametrize(
    ("xp", "x"),
    [(NUMPY, np.float64(2)), (NUMPY, np.ones((2, 3))), (EXACT, rationals([1, 2]))],
)
def test_values_are_concrete(xp: Namespace, x: Array) -> None:
    known = xp.concrete(x)
    assert isinstance(known, np.ndarray)
    np.testing.assert_array_equal(known, x)


def test_rows_of_no_entries_are_shifted_by_zero() -> None:
    x = np.zeros((2, 0), np.float32)
    np.testing.assert_array_equal(
        NUMPY.detached_max(x), np.zeros((2, 1), np.float32), strict=True
    )


# -- tracers --------------------------------------------------------------------------


def variable(x: float, level: int) -> Dual:
    return Dual(np.float64(x), np.float64(1), level)


@pytest.mark.parametrize("swap", [False, True])
def test_of_two_levels_the_highest_computes(swap: bool) -> None:
    low, high = variable(2, 1), variable(3, 2)
    for result in (
        DISPATCHING.maximum(low, high) if swap else DISPATCHING.maximum(high, low),
        DISPATCHING.where(np.bool_(swap), *((low, high) if swap else (high, low))),
        low * high if swap else high * low,
        low + high if swap else high + low,
    ):
        assert isinstance(result, Dual)
        assert result.level == 2


class Tagged(Tracer):
    """No array at all but for its level."""

    shape = ()
    dtype = np.dtype(float)

    def parts(self) -> tuple[object, ...]:
        return ()

    def astype(self, dtype: Any) -> "Tagged":
        return self


@pytest.mark.parametrize("levels", list(permutations([1, 2, 3])))
def test_each_function_is_that_of_the_highest_tracer(levels: tuple[int, ...]) -> None:
    def tagged(level: int) -> Tracer:
        tracer = Tagged()
        tracer.level = level
        where: Any = SimpleNamespace(where=lambda *_: level)
        tracer.namespace = where
        return tracer

    assert DISPATCHING.where(*map(tagged, levels)) == 3


def test_a_lower_level_is_a_constant_to_a_higher_one() -> None:
    # d/dx (x * d/dy (x + y)) is 1; with one level for both it would be 2
    x = variable(5, 1)
    inner = x + variable(7, 2)
    derivative = (x * inner.tangent).tangent
    assert derivative == 1


def test_levels_nest() -> None:
    # the second derivative of exp(x) * x at 0 is 2
    x = Dual(variable(0, 1), np.float64(1), 2)
    y = DISPATCHING.exp(x) * x
    assert y.tangent.tangent == 2


def test_plain_operands_beside_a_tracer_are_computed_by_their_base() -> None:
    assert DISPATCHING.exp(np.float64(0)) == 1
    assert_exact(DISPATCHING.sum(rationals([])))
    assert_exact(DISPATCHING.maximum(rationals([-1, 1]), 0))
    assert_exact(DISPATCHING.maximum(0, rationals([-1, 1])))
    assert_exact(DISPATCHING.zeros_like(rationals([1])))
    assert type(DISPATCHING.literal(rationals([1]), Fraction(1, 3))) is Fraction
    assert DISPATCHING.literal(np.float64(1), Fraction(1, 4)) == 0.25


@pytest.mark.parametrize(
    "x", [rationals([-1, 2]), rationals(2)], ids=["array", "scalar"]
)
def test_a_condition_does_not_decide_whether_branches_are_exact(x: Array) -> None:
    assert_exact(DISPATCHING.where(np.asarray(x > 0), x, 0))
    assert_exact(DISPATCHING.where(np.asarray(x > 0), 0, x))
    assert_exact(DISPATCHING.where(np.asarray(x > 0), x, x))


def test_a_literal_takes_the_scalar_type_that_a_tracer_carries() -> None:
    exact = Dual(rationals([1]), rationals([1]), 1)
    assert type(DISPATCHING.literal(exact, Fraction(1, 3))) is Fraction
    assert (
        type(DISPATCHING.literal(Dual(np.ones(1), np.ones(1), 1), Fraction(1, 3)))
        is float
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("step", [1, -2])
def test_choosing_among_many_entries_is_choosing_one_by_one(
    dtype: type, step: int
) -> None:
    rng = np.random.default_rng(7)
    x: Array = rng.normal(size=(100, 90)).astype(dtype)
    x[:4, :4] = [np.nan, np.inf, -np.inf, -0.0]
    chosen = x[:, ::step]
    condition = rng.random(chosen.shape) < 0.5
    ours = NUMPY.where(condition, chosen, 0)
    assert ours.dtype == dtype
    for kept, entry, found in zip(condition.flat, chosen.flat, ours.flat, strict=True):
        expected = entry if kept else dtype(0)
        assert found.tobytes() == expected.tobytes()


def test_where_chooses_between_literals_and_repeats_one_entry() -> None:
    condition = np.arange(9000) % 2 == 0
    assert NUMPY.where(condition, 1, 0).tolist() == condition.astype(int).tolist()
    one = NUMPY.where(condition, np.ones(1), 0)
    assert one.tolist() == condition.astype(float).tolist()


def test_a_condition_of_integers_is_not_taken_for_bits() -> None:
    thirds = np.full(9000, 1 / 3)
    assert (NUMPY.where(np.full(9000, 2), thirds, 0) == thirds).all()
