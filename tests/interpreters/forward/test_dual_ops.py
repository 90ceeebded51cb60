"""The ops by which a program enters and leaves levels of duals."""

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tests.interpreters.forward.cubic_field import ALONG, AT, FIELD, GOLDEN, cubic
from tests.oracles import assert_fractions, inner, usual
from tests.untyped import LOOSE

X, D = NodeId(0), NodeId(1)

# -- reverse mode through dual_ops -----------------------------------------------------


@do
def second_along(field: Any, x: NodeId, along: NodeId) -> Do[NodeId, Any]:
    def slope(z: NodeId) -> TapeM[NodeId, Any]:
        return jvp_m(lambda y: cubic(field, y), z, along).map(lambda pair: pair[1])

    _, second = yield from jvp_m(slope, x, along)
    return second


def test_derivatives_of_the_cubic_field_on_one_tape_are_torchleans() -> None:
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
def test_the_rules_of_dual_ops_are_adjoints(
    x: list[Fraction], v: list[Fraction]
) -> None:
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


def test_a_constant_is_its_own_primal_and_has_tangent_0() -> None:
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


def test_make_dual_refuses_a_tangent_unlike_its_primal() -> None:
    others: list[tuple[Array, Any]] = [
        (np.ones(2), ShapeMismatch),
        (np.float32(1), DTypeMismatch),
    ]
    for other, wrong in others:
        operands = (np.float64(1), other)
        program = map_m(const, operands).bind(lambda ids: make_dual(*ids))
        assert isinstance(program.run().failure(), wrong)


@pytest.mark.parametrize("op", [primal, tangent])
def test_primal_and_tangent_refuse_a_level_of_no_dual(op: Any) -> None:
    error = leaf(3.0).bind(lambda x: op(x, x)).run().failure()
    assert isinstance(error, OutsideDomain)
    assert "no level" in error.message
    assert error.op == op.__name__


def test_a_third_operand_of_make_dual_gives_the_level() -> None:
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


def test_jvp_m_refuses_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="jvp_m takes a function for function, not 3"):
        LOOSE.jvp_m(3, X, D)


def test_failures_of_the_function_pass_through() -> None:
    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(np.ones(2))
        return (yield from jvp_m(lambda z: linear(z, z, z), x, x))

    assert isinstance(program().run().failure(), ShapeMismatch)


def test_jvp_m_gives_the_slope_of_a_network_by_its_input() -> None:
    """The slope of ``sum(tanh(x))`` along ``v`` is ``v * (1 - tanh ** 2)``."""
    x, v = np.array([0.5, -1.0]), np.array([2.0, 3.0])

    @do
    def program() -> Do[Array, Any]:
        ids = (yield from leaf(x)), (yield from const(v))
        _, slope = yield from jvp_m(lambda z: tanh(z).bind(sum_), *ids)
        return (yield from value_of(slope))

    expected = (v * (1 - np.tanh(x) ** 2)).sum()
    assert program().eval().unwrap() == pytest.approx(expected, rel=1e-14)
