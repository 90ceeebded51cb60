"""Arithmetic: exact rationals, factors, and values at extremes."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl import (
    Array,
    NodeId,
    add,
    apply_op,
    div,
    leaf,
    mul,
    pure,
    rationals,
    scale,
    sub,
    value_of,
)
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.ops.arithmetic import Add, Scale, Sub
from tests.oracles import (
    assert_fractions,
    assert_same_numbers,
    operands,
    program,
    thorough,
    usual,
    value,
)
from tests.specs.every import named
from tests.specs.spec import Spec

# Any, throughout: ops' functions, numbers, and what is wrong on purpose.

# -- over rationals --------------------------------------------------------------------

EXACTLY: dict[str, Callable[..., Fraction]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "scale": lambda x: Fraction(-3, 4) * x,
}


@pytest.mark.parametrize("spec", [named(name) for name in EXACTLY], ids=str)
@usual
@given(data=st.data())
def test_over_rationals_each_entry_is_exact(spec: Spec, data: st.DataObject) -> None:
    xs = data.draw(operands(spec, object))
    entries = zip(*(x.flat for x in xs), strict=True)
    expected = [EXACTLY[spec.op.name](*entry) for entry in entries]
    y = value(spec, *xs)
    assert_fractions(y)
    assert list(y.flat) == expected


def test_products_of_rationals_and_a_factor_are_exact() -> None:
    a, b = rationals([2, 3]), rationals([5, 7])
    product = value(named("mul"), a, b)
    four = leaf(product).bind(lambda x: scale(x, 4)).bind(value_of)
    assert four.eval().unwrap().tolist() == [40, 84]


@pytest.mark.parametrize("zero", [rationals(0), rationals([1, 0])])
def test_a_rational_divided_by_zero_is_refused(zero: Array) -> None:
    one = np.full(zero.shape, Fraction(1))
    outcome = program(named("div"), (one, zero), None, ("a", "b")).run()
    ids = (NodeId(0), NodeId(1))
    error = OutsideDomain("div", "division by zero", ids=ids, names=("a", "b"))
    assert outcome == Failure(error)
    assert error.message == "autograd: div: division by zero"


quotient: Any = Fraction  # Any: the stubs know no NumPy integer, Fraction takes them


@pytest.mark.parametrize(
    "wide",
    [
        np.array(np.int64(2**40), dtype=object),
        np.array([np.int64(2**40)], dtype=object),
        quotient(np.int64(2**40), 1),
        np.array([quotient(np.int64(2**40), np.int64(1))]),
    ],
    ids=["entry", "entries", "fraction", "fractions"],
)
def test_rationals_made_of_numpy_integers_do_not_wrap_around(wide: Any) -> None:
    square = value(named("mul"), wide, wide)
    assert_fractions(square)
    assert square == 2**80


def test_an_exact_array_is_made_of_python_integers() -> None:
    for entries in (np.int64(2**40), [np.int64(2**40)], np.array([2**40])):
        assert_fractions(rationals(entries))
        assert rationals(entries) == 2**40


# -- extremes --------------------------------------------------------------------------

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("apply", "a", "b", "y"),
    [
        (add, 1e308, 1e308, INF),
        (add, INF, -INF, NAN),
        (sub, INF, INF, NAN),
        (sub, 0.0, 0.0, 0.0),
        (mul, 1e300, -1e300, -INF),
        (mul, 0.0, INF, NAN),
        (mul, -0.0, 1.0, -0.0),
        (div, 1.0, 0.0, INF),
        (div, 1.0, -0.0, -INF),
        (div, 0.0, 0.0, NAN),
        (div, 1e300, 1e-300, INF),
        (div, 1.0, INF, 0.0),
        (div, INF, INF, NAN),
    ],
)
@pytest.mark.parametrize("size", [None, 9])
def test_ops_of_two_operands_hold_at_extremes(
    apply: Any,
    a: float,
    b: float,
    y: float,
    size: int | None,
) -> None:
    first: Any = a if size is None else np.full(size, a)
    second: Any = b if size is None else np.full(size, b)
    both = leaf(first).bind(lambda i: leaf(second).bind(lambda j: apply(i, j)))
    result = both.bind(value_of).eval().unwrap()
    assert_same_numbers(result, y)


# -- scale -----------------------------------------------------------------------------


@thorough
@given(factor=st.fractions(), x=st.fractions(max_denominator=100))
def test_over_rationals_a_factor_is_exact(factor: Fraction, x: Fraction) -> None:
    y = leaf(x).bind(lambda x: scale(x, factor)).bind(value_of).eval().unwrap()
    assert_fractions(y)
    assert y == factor * x


@given(factor=st.floats(allow_nan=False, allow_infinity=False))
def test_over_rationals_a_float_factor_is_the_double_that_it_is(factor: float) -> None:
    third = leaf(Fraction(1, 3)).bind(lambda x: scale(x, factor))
    assert third.bind(value_of).eval().unwrap()[()] == Fraction(factor) / 3


@pytest.mark.parametrize(
    "factor",
    [
        np.float64(0.5),
        np.float32(0.5),
        np.float16(0.5),
        np.longdouble(0.5),
        np.int64(2**40),
        np.uint8(200),
    ],
)
def test_over_rationals_a_numpy_factor_is_the_number_that_it_is(factor: Any) -> None:
    plain = Fraction(float(factor))
    huge = Fraction(10**30)
    y = leaf(huge).bind(lambda x: scale(x, factor)).bind(value_of).eval().unwrap()
    assert_fractions(y)
    assert y == plain * huge


def nearest_float32(exact: Fraction) -> np.float32:
    """Round once: the nearest of three candidates, the even one of two."""
    about = np.float32(float(exact))
    candidates = [
        about,
        np.nextafter(about, np.float32(-np.inf)),
        np.nextafter(about, np.float32(np.inf)),
    ]
    return min(
        candidates,
        key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.int32)) & 1),
    )


@example(factor=1 + Fraction(1, 2**24) + Fraction(1, 2**60))
@given(factor=st.fractions(-1000, 1000))
def test_a_factor_is_rounded_once_into_the_scalar_type(factor: Fraction) -> None:
    one = leaf(np.float32(1)).bind(lambda x: scale(x, factor))
    y: Array = one.bind(value_of).eval().unwrap()
    assert type(y) is np.float32
    assert y == nearest_float32(factor)
    double = leaf(1.0).bind(lambda x: scale(x, factor)).bind(value_of)
    assert double.eval() == Success(np.float64(float(factor)))


@pytest.mark.parametrize("factor", [10**400, Fraction(10**400), -(10**400)])
def test_a_factor_beyond_double_precision_is_refused_over_floats(
    factor: int | Fraction,
) -> None:
    outcome = leaf(1.0, name="x").bind(lambda x: scale(x, factor)).run()
    reason = "the constant is beyond double precision"
    error = OutsideDomain("scale", reason, ids=(NodeId(0),), names=("x",))
    assert outcome == Failure(error)
    exact = leaf(Fraction(1)).bind(lambda x: scale(x, factor)).bind(value_of)
    assert exact.eval().unwrap() == factor


@pytest.mark.parametrize("factor", [INF, -INF, NAN])
def test_a_factor_that_is_no_rational_is_refused_over_rationals_only(
    factor: float,
) -> None:
    outcome = leaf(Fraction(1)).bind(lambda x: scale(x, factor)).run()
    reason = f"{factor!r} is not a rational number"
    assert outcome == Failure(OutsideDomain("scale", reason, ids=(NodeId(0),)))
    floats = leaf(1.0).bind(lambda x: scale(x, factor)).bind(value_of)
    np.testing.assert_array_equal(floats.eval().unwrap(), factor)


@pytest.mark.parametrize("size", [(), (3,)])
def test_a_factor_beyond_float32_is_infinite_there(size: tuple[int, ...]) -> None:
    x = np.ones(size, np.float32)[()]
    y = value_at(x, 1e300)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, np.inf)


def value_at(x: Array, factor: float) -> Array:
    return leaf(x).bind(lambda x: scale(x, factor)).bind(value_of).eval().unwrap()


@pytest.mark.parametrize(
    "factor",
    [True, None, "2", Decimal(2), 2j, pure(2), np.bool_(True), np.array(2.0)],
    ids=str,
)
def test_a_factor_that_is_no_real_number_is_a_type_error(factor: Any) -> None:
    with pytest.raises(TypeError, match="scale takes a real number for factor"):
        scale(NodeId(0), factor)


def test_ops_are_equal_by_kind_and_parameters() -> None:
    true: Any = True  # wrong on purpose
    assert Scale(2) == Scale(2)
    assert Scale(1) != Scale(true)
    assert Scale(1) != Scale(1.0)
    assert Scale(0.0) != Scale(-0.0)
    assert Add() == Add()
    assert Add() != Sub()
    assert scale(NodeId(0), Fraction(1, 3)) == apply_op(
        Scale(Fraction(1, 3)), NodeId(0)
    )
