"""Derivatives within derivatives, where levels could be confused."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    const,
    do,
    make_dual,
    mul,
    rationals,
    sum_,
    value_of,
)
from tapem_dsl.interpreters.forward import (
    derivative_vjp,
    hessian_input,
    hvp_inputs,
    jacfwd_input,
    jacrev_inputs,
    jvp,
    vjp,
)
from tests.oracles import assert_fractions, plain


def test_a_derivative_within_a_derivative_is_not_confused() -> None:
    """``d/dx (x * d/dy (x + y))`` is 1; with one level for both it would be 2."""

    @do
    def outer(_: None, x: NodeId) -> Do[NodeId, Any]:
        seen = yield from value_of(x)
        one = np.float64(1)
        _, slope = jvp(add, seen, one, along_inputs=one).unwrap()
        inner = yield from const(slope)
        return (yield from mul(x, inner))

    _, slope = jvp(outer, None, np.float64(3), along_inputs=np.float64(1)).unwrap()
    assert plain(slope) == [1]


def test_what_an_inner_derivative_takes_from_outside_keeps_its_own() -> None:
    """``d/dx d/dy (x * y)`` at ``y = x``, where the inner slope is ``x`` itself."""

    @do
    def outer(_: None, x: NodeId) -> Do[NodeId, Any]:
        seen = yield from value_of(x)
        one = np.float64(1)
        _, slope = jvp(mul, seen, np.float64(5), along_inputs=one).unwrap()
        inner = yield from const(slope)
        return (yield from mul(inner, inner))

    value, slope = jvp(outer, None, np.float64(3), along_inputs=np.float64(1)).unwrap()
    assert plain(value, slope) == [9, 6]


def test_a_plain_leaf_may_feed_two_levels() -> None:
    """The gradient of a mixed derivative to a parameter that is a constant to both."""

    def program(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        cube = mul(x, x).bind(lambda square: mul(square, x))
        return cube.bind(lambda y: mul(p, y))

    two, one = rationals(2), rationals(1)
    p, x = derivative_vjp(program, two, rationals(5), [one, one], 1).unwrap()
    assert (p.tolist(), x.tolist()) == (6 * 5, 6 * 2)
    assert_fractions(p)


@pytest.mark.parametrize("inside", ["pulled", "jacobian", "forward", "product"])
def test_an_inner_derivative_carries_the_outer_derivative(inside: str) -> None:
    """``d/dp (d/dx (p * x * x))`` is ``2 * x``: also where ``x`` itself is plain."""
    four, one = np.float64(4), np.float64(1)

    def curve(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        return mul(x, x).bind(lambda y: mul(p, y))

    @do
    def outer(p: NodeId, _: object) -> Do[NodeId, Any]:
        seen = yield from value_of(p)
        found: Array = None
        if inside == "pulled":
            _, found = vjp(curve, seen, four, 1.0).unwrap()
        elif inside == "jacobian":
            found = jacrev_inputs(curve, seen, four).unwrap()
        elif inside == "forward":
            found = jacfwd_input(
                lambda x: const(seen).bind(lambda i: curve(i, x)), four
            ).unwrap()
        else:
            cube = hvp_inputs(
                lambda q, x: curve(q, x).bind(lambda y: mul(y, x)), seen, four, one
            )
            found = cube.unwrap()  # 6 * p * x
        result: NodeId = yield from const(found)
        return result

    value, slope = jvp(outer, np.float64(3), None, one).unwrap()
    expected = [72, 24] if inside == "product" else [24, 8]
    assert plain(value, slope) == expected


def test_a_hessian_of_duals_carries_third_derivatives() -> None:
    """Their tangents are third derivatives: of ``sum(x ** 4)``, ``24 * x * v``."""

    def quartic(x: NodeId) -> TapeM[NodeId, Any]:
        return mul(x, x).bind(lambda y: mul(y, y)).bind(sum_)

    @do
    def entries(_: None, x: NodeId) -> Do[NodeId, Any]:
        seen = yield from value_of(x)
        return (yield from const(hessian_input(quartic, seen).unwrap()))

    x, v = rationals([2, 3]), rationals([1, 5])
    hessian, third = jvp(entries, None, x, along_inputs=v).unwrap()
    assert hessian.tolist() == [[48, 0], [0, 108]]
    assert third.tolist() == [[48, 0], [0, 360]]


def test_a_seed_may_carry_a_level() -> None:
    """The gradient is linear in the seed, which is differentiated."""
    two, three, one = np.float64(2), np.float64(3), np.float64(1)

    @do
    def outer(s: NodeId, _: object) -> Do[NodeId, Any]:
        seed = yield from value_of(s)
        p, _ = vjp(mul, two, three, seed).unwrap()
        return (yield from const(p))

    assert plain(*jvp(outer, np.float64(5), None, one).unwrap()) == [15, 3]


def test_a_level_that_the_result_still_carries_is_on_its_gradients() -> None:
    """With ``d = p + x e``, ``d * d`` gives ``2 d`` to ``p``, ``2 d e`` to ``x``."""

    @do
    def squared(p: NodeId, x: NodeId) -> Do[NodeId, Any]:
        dual = yield from make_dual(p, x)
        return (yield from mul(dual, dual))

    two, three = np.float64(2), np.float64(3)
    slots: Any = vjp(squared, two, three, 1.0).unwrap()
    of_p, of_x = slots
    assert (of_p.primal, of_p.tangent) == (4, 6)
    assert (of_x.primal, of_x.tangent) == (0, 4)
