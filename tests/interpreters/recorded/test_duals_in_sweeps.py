"""Levels of duals around and inside a recorded sweep."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final

import numpy as np
import pytest

import tapem_dsl
from tapem_dsl import (
    Do,
    NodeId,
    Op,
    add,
    apply_op,
    backward,
    backward_m,
    const,
    do,
    jvp,
    leaf,
    make_dual,
    map_m,
    mul,
    sqrt,
    tangent,
    value_of,
    vjp,
)
from tapem_dsl.errors import OutsideDomain
from tests.untyped import LOOSE

X: Final = NodeId(0)


def test_a_seed_may_carry_a_level_that_the_output_does_not() -> None:
    """The gradient is linear in the seed, and its tangent in that of the seed."""

    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(Fraction(3))
        square = yield from mul(x, x)
        s, ds = (yield from leaf(Fraction(5))), (yield from leaf(Fraction(7)))
        seed = yield from make_dual(s, ds)
        found = yield from backward_m(square, seed=seed, wrt=[x])
        return (yield from tangent(found[x], seed).bind(value_of))

    assert program().eval().unwrap().tolist() == 2 * 3 * 7


def test_what_surrounds_a_sweep_reaches_also_the_parts_of_a_dual() -> None:
    """``y = (p + t e) ** 3`` by ``p`` and ``t``, inside its own level."""

    @do
    def program() -> Do[Any, Any]:
        p, t = (yield from leaf(Fraction(2))), (yield from leaf(Fraction(5)))
        dual = yield from make_dual(p, t)
        square = yield from mul(dual, dual)
        cube = yield from mul(square, dual)
        found = yield from backward_m(cube, wrt=[p, t])
        parts = []
        for id in (found[p], found[t]):
            parts.append((yield from tangent(id, dual)))
            parts.append((yield from LOOSE.primal(id, dual)))
        return (yield from map_m(value_of, parts))

    # y = p^3 + 3 p^2 t e: by p it is 3 p^2 + 6 p t e, by t it is 3 p^2 e
    found = [value.tolist() for value in program().eval().unwrap()]
    assert found == [6 * 2 * 5, 12, 12, 0]


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_a_sweep_goes_back_into_a_level_that_was_left(dtype: Any) -> None:
    """``t`` is ``2 * w * x``, the slope of ``w * x * x``; its square is swept."""

    @do
    def program() -> Do[tuple[Any, Any], Any]:
        x, w = (yield from leaf(dtype(3))), (yield from leaf(dtype(2)))
        dual = yield from make_dual(x, (yield from const(dtype(1))))
        once = yield from mul(w, dual)
        slope = yield from tangent((yield from mul(once, dual)), dual)
        found = yield from backward_m((yield from mul(slope, slope)), wrt=[w, x])
        return (yield from value_of(found[w])), (yield from value_of(found[x]))

    gradients = program().eval().unwrap()
    assert gradients == (144, 96)
    assert all(type(gradient) is dtype for gradient in gradients)


def test_over_float16_each_node_is_widened_once_and_casts_do_not_pile_up() -> None:
    @do
    def program() -> Do[tuple[NodeId, NodeId], Any]:
        x = yield from leaf(np.float16(3))
        square = yield from mul(x, x)
        both = yield from add(square, x)
        seed = yield from const(np.float16(1))
        found = yield from backward_m(both, seed=seed)
        return seed, found[square]

    (seed, at_square), tape = program().run().unwrap()
    assert at_square == seed  # what add passes on is not rounded again
    widened = [node.parents for node in tape if node.label == "widen"]
    assert len(widened) == len(set(widened))
    assert sum(node.label == "narrow" for node in tape) == 2  # to x, from either side


@pytest.mark.parametrize("leave", [LOOSE.primal, tangent])
def test_a_sweep_does_not_go_back_out_of_a_level_that_the_output_carries(
    leave: Any,
) -> None:
    @do
    def program() -> Do[Any, Any]:
        x = yield from leaf(3.0)
        dual = yield from make_dual(x, x)
        left = yield from leave(dual, dual)
        out = yield from mul(left, dual)
        return (yield from backward_m(out, wrt=[x]))

    error = program().run().failure()
    assert isinstance(error, OutsideDomain)
    assert "sweep from its primal or its tangent" in error.message


def test_a_dual_output_with_a_plain_seed_keeps_its_level() -> None:
    """``d/dx (d/dw (w * w * x))`` is ``2 * w``."""

    @do
    def slope(w: NodeId, x: NodeId) -> Do[NodeId, Any]:
        square = yield from mul(w, w)
        y = yield from mul(square, x)
        seed = yield from const(1.0)
        found = yield from backward_m(y, seed=seed, wrt=[w])
        return found[w]

    three, two, one = np.float64(3), np.float64(2), np.float64(1)
    found = jvp(slope, three, two, None, one).unwrap()
    assert [x.tolist() for x in found] == [12, 6]


def test_at_a_kink_vjp_and_jvp_agree() -> None:
    """The gradient of a square root at 0 is 0, and so are all its derivatives."""

    @do
    def slope(x: NodeId, z: NodeId) -> Do[NodeId, Any]:
        root = yield from sqrt(x)
        loss = yield from mul(root, z)
        return (yield from backward_m(loss, wrt=[x]))[x]

    zero, three, one = np.float64(0), np.float64(3), np.float64(1)
    for found in (
        vjp(slope, zero, three, 1.0),
        jvp(slope, zero, three, one, None),
        jvp(slope, zero, three, None, one),
    ):
        assert [x.tolist() for x in found.unwrap()] == [0, 0]


@dataclass(frozen=True, slots=True)
class Through(Op):
    """An op that drops every level, and whose rule brings them back."""

    name: ClassVar[str] = "through"

    def shape(self, *inputs: Any) -> Any:
        return inputs[0]

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        return xp.constant(inputs[0]) * 1


@tapem_dsl.vjp_rules.define(Through)
def _through(op: Any, xp: Any, g: Any, xs: Any, y: Any, need: Any) -> Any:
    return (g * xs[0],)


def test_a_custom_rule_may_bring_back_a_level_that_its_op_drops() -> None:
    @do
    def program() -> Do[Any, Any]:
        x, p = (yield from leaf(2.0)), (yield from leaf(5.0))
        dual = yield from make_dual(x, x)
        product = yield from mul(dual, p)
        out = yield from apply_op(Through(), product)
        return p, out, (yield from backward_m(out, wrt=[p]))

    (p, out, ids), tape = program().run().unwrap()
    numeric = backward(tape, out, 1, wrt=[p]).unwrap()[p]
    assert tape[ids[p]].value.tolist() == numeric.tolist() == 2 * 2 * 5 * 2
