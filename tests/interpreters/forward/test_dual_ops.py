"""Entering and leaving levels of duals inside one program."""

import pickle
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tapem_dsl
from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    apply_op,
    backward,
    backward_m,
    const,
    derivative_vjp,
    do,
    jvp,
    jvp_m,
    leaf,
    linear,
    make_dual,
    map_m,
    mul,
    primal,
    rationals,
    scale,
    shift_by,
    sum_,
    tangent,
    tanh,
    value_of,
    vjp,
)
from tapem_dsl.errors import DTypeMismatch, OutsideDomain, ShapeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual_ops import MakeDual, Primal, Tangent
from tapem_dsl.interpreters.forward.level_ops import Inject, Lift
from tapem_dsl.interpreters.tracer import levels_of
from tests.interpreters.forward.test_functions import ALONG, AT, FIELD, GOLDEN, cubic
from tests.oracles import assert_fractions, inner, usual

LOOSE: Any = tapem_dsl  # Any: the mistakes are those that types would show
X, D = NodeId(0), NodeId(1)

# Any: programs of floats and of rationals.
Function = Callable[[NodeId], TapeM[NodeId, Any]]
Way = Callable[[Function, NodeId], TapeM[NodeId, Any]]


# -- two ways to differentiate a function of a scalar, each within the other -----------


@do
def by_duals(function: Function, x: NodeId) -> Do[NodeId, Any]:
    zero = yield from scale(x, 0)
    one = yield from shift_by(zero, 1)
    _, slope = yield from jvp_m(function, x, one)
    return slope


@do
def by_sweep(function: Function, x: NodeId) -> Do[NodeId, Any]:
    y = yield from function(x)
    slopes = yield from backward_m(y, wrt=[x])
    return slopes[x] if x in slopes else (yield from scale(x, 0))


WAYS = [by_duals, by_sweep]
both = pytest.mark.parametrize("outer", WAYS, ids=lambda f: f.__name__)
inside = pytest.mark.parametrize("inner_way", WAYS, ids=lambda f: f.__name__)


def at(point: float, program: Function) -> float:
    """Give a number; a dual, which may equal one, has no ``tolist``."""
    found: float = leaf(point).bind(program).bind(value_of).eval().unwrap().tolist()
    return found


@both
@inside
def test_an_inner_derivative_is_not_confused_with_the_outer(
    outer: Way, inner_way: Way
) -> None:
    """``d/dx (x * d/dy (x + y))`` is 1; with one level for both it would be 2."""

    @do
    def times_slope(x: NodeId) -> Do[NodeId, Any]:
        y = yield from leaf(7.0)
        slope = yield from inner_way(lambda z: add(x, z), y)
        return (yield from mul(x, slope))

    assert at(3.0, lambda x: outer(times_slope, x)) == 1


@both
@inside
def test_what_an_inner_derivative_takes_from_outside_is_differentiated(
    outer: Way, inner_way: Way
) -> None:
    """``d/dx (d/dy (x * y * y))`` at ``y = 5`` is 10: the slope depends on ``x``."""

    @do
    def slope_at_five(x: NodeId) -> Do[NodeId, Any]:
        y = yield from leaf(5.0)

        @do
        def product(z: NodeId) -> Do[NodeId, Any]:
            square = yield from mul(z, z)
            return (yield from mul(x, square))

        return (yield from inner_way(product, y))

    assert at(3.0, slope_at_five) == 30
    assert at(3.0, lambda x: outer(slope_at_five, x)) == 10


@both
@inside
def test_the_same_node_inside_and_outside(outer: Way, inner_way: Way) -> None:
    """``d/dx (x * f'(x))`` of the cube: ``9 * x ** 2``."""

    @do
    def cube(z: NodeId) -> Do[NodeId, Any]:
        square = yield from mul(z, z)
        return (yield from mul(square, z))

    @do
    def weighed(x: NodeId) -> Do[NodeId, Any]:
        slope = yield from inner_way(cube, x)
        return (yield from mul(x, slope))

    assert at(2.0, lambda x: outer(weighed, x)) == 36


@pytest.mark.parametrize("third", WAYS, ids=lambda f: f.__name__)
@both
@inside
def test_three_derivatives(third: Way, outer: Way, inner_way: Way) -> None:
    """``x ** 4`` three times: ``24 * x``, exactly, in all eight ways."""

    @do
    def fourth(z: NodeId) -> Do[NodeId, Any]:
        square = yield from mul(z, z)
        return (yield from mul(square, square))

    function: Function = fourth
    for way in (inner_way, outer, third):
        function = partial(way, function)
    found = leaf(Fraction(2, 3)).bind(function).bind(value_of).eval().unwrap()
    assert_fractions(found)
    assert found.tolist() == 16


@both
def test_a_closure_over_an_inner_node_that_escapes(outer: Way) -> None:
    """
    A function made inside one derivative and differentiated outside of it.

    ``d/dx`` of ``f(x) = d/dy (x * y)`` at ``y = x`` is 1, also where the inner function
    was kept and is called after its level was left.
    """
    kept: list[Function] = []

    @do
    def program(x: NodeId) -> Do[NodeId, Any]:
        @do
        def keeping(z: NodeId) -> Do[NodeId, Any]:
            kept.append(lambda y: mul(z, y))
            return (yield from mul(z, z))

        yield from by_duals(keeping, x)
        escaped = kept[-1]  # multiplies by the dual that was left
        y = yield from leaf(4.0)
        slope = yield from outer(escaped, y)
        return (yield from primal(slope, slope))

    assert at(3.0, program) == 3


# -- reverse mode through dual_ops ----------------------------------------------------


@do
def second_along(field: Any, x: NodeId, along: NodeId) -> Do[NodeId, Any]:
    def slope(z: NodeId) -> TapeM[NodeId, Any]:
        return jvp_m(lambda y: cubic(field, y), z, along).map(lambda pair: pair[1])

    _, second = yield from jvp_m(slope, x, along)
    return second


def test_the_golden_field_on_one_tape() -> None:
    """Its second derivative along (2, -1) and the gradient of that, exactly."""

    @do
    def program() -> Do[Any, Any]:
        field = yield from map_m(leaf, FIELD)
        x, along = (yield from leaf(AT)), (yield from const(ALONG))
        second = yield from second_along(type(FIELD)(*field), x, along)
        recorded = yield from backward_m(second, wrt=[*field, x])
        return [*field, x], second, recorded

    (wanted, second, recorded), tape = program().run().unwrap()
    assert tape[second].value.tolist() == 54
    slots = backward(tape, second, 1, wrt=wanted).unwrap()
    found = [slots[id].tolist() for id in wanted]
    assert [*found[:3], *found[3]] == GOLDEN
    for id in wanted:
        assert_fractions(slots[id])
        again = tape[recorded[id]].value
        assert_fractions(again)
        assert again.tolist() == slots[id].tolist()
    outside, at_x = derivative_vjp(cubic, FIELD, AT, [ALONG, ALONG], 1).unwrap()
    assert [*(p.tolist() for p in outside), *at_x.tolist()] == GOLDEN


points = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=6, max_size=6)


@do
def crossed(x: NodeId, v: NodeId) -> Do[NodeId, Any]:
    """All three ops, with a use of each part."""
    dual = yield from make_dual(x, v)
    square = yield from mul(dual, dual)
    cube = yield from mul(square, dual)
    value = yield from primal(square, dual)
    slope = yield from tangent(cube, dual)
    return (yield from mul(value, slope))


@usual
@given(x=points, v=points)
def test_rules_are_adjoints(x: list[Fraction], v: list[Fraction]) -> None:
    """``<g, J u> = <J^T g, u>`` for both operands at once."""
    operands = rationals(x[:3]), rationals(x[3:])
    along = rationals(v[:3]), rationals(v[3:])
    g = rationals([1, -2, 3])
    _, moved = jvp(crossed, *operands, *along).unwrap()
    slots = vjp(crossed, *operands, g).unwrap()
    total = sum(inner(slot, u) for slot, u in zip(slots, along, strict=True))
    assert inner(g, moved) == total


def test_a_plain_leaf_may_feed_two_levels_inside_one_program() -> None:
    """``p * x ** 3`` twice along 1: ``6 * p * x``, and its gradient to both."""

    @do
    def program() -> Do[Any, Any]:
        p, x = (yield from leaf(Fraction(2))), (yield from leaf(Fraction(5)))
        one = yield from const(Fraction(1))

        @do
        def cube(z: NodeId) -> Do[NodeId, Any]:
            square = yield from mul(z, z)
            y = yield from mul(square, z)
            return (yield from mul(p, y))

        def slope(z: NodeId) -> TapeM[NodeId, Any]:
            return jvp_m(cube, z, one).map(lambda pair: pair[1])

        _, second = yield from jvp_m(slope, x, one)
        return p, x, second

    (p, x, second), tape = program().run().unwrap()
    assert tape[second].value.tolist() == 60
    slots = backward(tape, second, 1, wrt=[p, x]).unwrap()
    assert (slots[p].tolist(), slots[x].tolist()) == (30, 12)


def test_levels_may_be_left_in_any_order() -> None:
    """Enter two levels side by side, and leave the older one first."""

    @do
    def program() -> Do[Any, Any]:
        x, y = (yield from leaf(Fraction(3))), (yield from leaf(Fraction(5)))
        one = yield from const(Fraction(1))
        first = yield from make_dual(x, one)
        second = yield from make_dual(y, one)
        square = yield from mul(first, first)
        product = yield from mul(square, second)  # x * x * y
        by_x = yield from tangent(product, first)
        mixed = yield from tangent(by_x, second)
        inner_value = yield from primal(by_x, second)
        swept = yield from backward_m(mixed, wrt=[x, y])
        other = yield from backward_m(inner_value, wrt=[x, y])
        return x, y, by_x, mixed, inner_value, swept, other

    (x, y, by_x, mixed, value, swept, other), tape = program().run().unwrap()
    assert len(levels_of(tape[by_x].value)) == 1
    assert (tape[mixed].value.tolist(), tape[value].value.tolist()) == (6, 30)
    assert backward(tape, mixed, 1).unwrap()[x].tolist() == 2
    slots = backward(tape, value, 1).unwrap()
    assert (slots[x].tolist(), slots[y].tolist()) == (10, 6)
    assert tape[swept[x]].value.tolist() == 2
    assert tape[swept[y]].value.tolist() == 0
    assert [tape[other[id]].value.tolist() for id in (x, y)] == [10, 6]


def test_a_part_of_what_does_not_depend_on_the_level() -> None:
    @do
    def program() -> Do[Any, Any]:
        x, c = (yield from leaf(3.0)), (yield from leaf(4.0))
        dual = yield from make_dual(x, x)
        same = yield from primal(c, dual)
        none = yield from tangent(c, dual)
        return c, same, none

    (c, same, none), tape = program().run().unwrap()
    assert tape[same].value.tolist() == 4
    assert tape[none].value.tolist() == 0
    assert backward(tape, same, 1.0).unwrap()[c] == 1
    assert backward(tape, none, 1.0).unwrap()[c] == 0


# -- what stays ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, object])
def test_scalar_types_stay(dtype: Any) -> None:
    x = rationals([1, 2]) if dtype is object else np.array([1, 2], dtype)
    operands: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, (x, x))
    out, tape = operands.bind(lambda ids: crossed(*ids)).run().unwrap()
    for node in tape:
        assert node.value.dtype == dtype
    for slot in backward(tape, out, x).unwrap().values():
        assert slot.dtype == dtype


def test_equal_programs_make_equal_tapes_whatever_their_levels_are_called() -> None:
    def program(point: float) -> TapeM[NodeId, Any]:
        return leaf(point).bind(lambda x: crossed(x, x))

    first, second, third = (program(z).exec().unwrap() for z in (3.0, 3.0, 4.0))
    assert levels_of(first[NodeId(1)].value) != levels_of(second[NodeId(1)].value)
    assert first == second
    assert first != third
    assert make_dual(X, D) == apply_op(MakeDual(), X, D)
    assert primal(X, D) == apply_op(Primal(), X, D)
    assert tangent(X, D) == apply_op(Tangent(), X, D)


def test_duals_that_differ_in_the_tangent_only_are_different() -> None:
    one, two = np.float64(1), np.float64(2)
    tapes = [LOOSE.leaf(Dual(one, t, 1)).exec().unwrap() for t in (one, two, one)]
    assert tapes[0] != tapes[1]
    assert tapes[0] == tapes[2]


def test_programs_pickle() -> None:
    program = make_dual(X, D)
    assert pickle.loads(pickle.dumps(program)) == program
    assert repr(program) == "<TapeM: make_dual(0, 1)>"
    assert repr(jvp_m(tanh, X, D)) == "<TapeM: jvp_m(tanh, 0, 1)>"


# -- refusals --------------------------------------------------------------------------


def test_primal_and_tangent_are_alike() -> None:
    others: list[tuple[Array, Any]] = [
        (np.ones(2), ShapeMismatch),
        (np.float32(1), DTypeMismatch),
    ]
    for other, wrong in others:
        operands = (np.float64(1), other)
        program = map_m(const, operands).bind(lambda ids: make_dual(*ids))
        assert isinstance(program.run().failure(), wrong)


@pytest.mark.parametrize("op", [primal, tangent])
def test_the_level_is_that_of_a_dual(op: Any) -> None:
    error = leaf(3.0).bind(lambda x: op(x, x)).run().failure()
    assert isinstance(error, OutsideDomain)
    assert "no level" in error.message
    assert error.op == op.__name__


def test_the_second_operand_of_lift_and_inject_is_the_level() -> None:
    @do
    def program() -> Do[Any, Any]:
        x, v = (yield from leaf(Fraction(3))), (yield from leaf(Fraction(2)))
        first = yield from make_dual(x, v)
        primal = yield from apply_op(Lift(), v, first)
        again = yield from add(primal, (yield from apply_op(Inject(), x, first)))
        product = yield from mul(first, again)
        return x, v, (yield from tangent(product, first))

    (x, v, slope), tape = program().run().unwrap()
    assert tape[slope].value.tolist() == 3 * 3 + 2 * 2
    slots = backward(tape, slope, 1).unwrap()
    assert (slots[x].tolist(), slots[v].tolist()) == (6, 4)


def test_a_function_is_called_with_the_dual() -> None:
    with pytest.raises(TypeError, match="jvp_m takes a function for function, not 3"):
        LOOSE.jvp_m(3, X, D)


def test_failures_of_the_function_pass_through() -> None:
    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(np.ones(2))
        return (yield from jvp_m(lambda z: linear(z, z, z), x, x))

    assert isinstance(program().run().failure(), ShapeMismatch)


def test_a_network_differentiated_by_its_input() -> None:
    """The slope of ``sum(tanh(x))`` along ``v`` is ``v * (1 - tanh ** 2)``."""
    x, v = np.array([0.5, -1.0]), np.array([2.0, 3.0])

    @do
    def program() -> Do[Array, Any]:
        ids = (yield from leaf(x)), (yield from const(v))
        _, slope = yield from jvp_m(lambda z: tanh(z).bind(sum_), *ids)
        return (yield from value_of(slope))

    expected = (v * (1 - np.tanh(x) ** 2)).sum()
    assert program().eval().unwrap() == pytest.approx(expected, rel=1e-14)
