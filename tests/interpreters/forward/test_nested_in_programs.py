"""Two ways to differentiate inside a program, each within the other."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from tapem_dsl import (
    Do,
    NodeId,
    TapeM,
    add,
    backward_m,
    do,
    jvp_m,
    leaf,
    mul,
    primal,
    scale,
    shift_by,
    value_of,
)
from tests.oracles import assert_fractions

# Any: programs of floats and of rationals.
Function = Callable[[NodeId], TapeM[NodeId, Any]]
Way = Callable[[Function, NodeId], TapeM[NodeId, Any]]


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
def test_a_node_may_be_differentiated_inside_and_outside(
    outer: Way, inner_way: Way
) -> None:
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
def test_three_nested_derivatives_are_exact_however_they_nest(
    third: Way, outer: Way, inner_way: Way
) -> None:
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
def test_a_closure_that_escapes_a_derivative_may_be_differentiated(outer: Way) -> None:
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
