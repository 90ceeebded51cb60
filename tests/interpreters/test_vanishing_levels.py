"""Levels that vanish on the way though no op leaves them, as in ``d/dw q (w + p)``."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Op,
    Shape,
    TapeM,
    add,
    apply_op,
    backward,
    backward_m,
    backward_scalar,
    const,
    do,
    hvp_params,
    jvp,
    jvp_m,
    leaf,
    make_dual,
    mul,
    primal,
    sqrt,
    tangent,
    value_and_grad,
    value_of,
    vjp_rules,
)
from tapem_dsl.arrays import Namespace
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.interpreters.forward import Dual, fresh_level
from tapem_dsl.interpreters.forward.level_ops import Inject, Lift
from tests.untyped import LOOSE

# Any, throughout: programs of any scalar type, and arrays of JAX.

P, Q, ONE = np.float64(2), np.float64(3), np.float64(1)

Program = Callable[[NodeId, NodeId], TapeM[NodeId, Any]]


@do
def slope(p: NodeId, q: NodeId) -> Do[NodeId, Any]:
    """``d/dw q (w + p)`` along ``q``: ``q ** 2``, whatever ``p`` is."""

    @do
    def line(w: NodeId) -> Do[NodeId, Any]:
        shifted = yield from add(w, p)
        return (yield from mul(q, shifted))

    _, along = yield from jvp_m(line, q, q)
    return along


@do
def mixed(p: NodeId, q: NodeId) -> Do[NodeId, Any]:
    """``d/dz d/dw w (z + p)``, both along ``q``: ``q ** 2``."""

    @do
    def of_z(z: NodeId) -> Do[NodeId, Any]:
        @do
        def of_w(w: NodeId) -> Do[NodeId, Any]:
            shifted = yield from add(z, p)
            return (yield from mul(w, shifted))

        _, along = yield from jvp_m(of_w, q, q)
        return along

    _, along = yield from jvp_m(of_z, q, q)
    return along


PROGRAMS = pytest.mark.parametrize("program", [slope, mixed])


def dual(value: Array) -> Dual:
    return Dual(value, ONE, fresh_level())


def test_jax_agrees_on_what_is_expected() -> None:
    def function(p: Any, q: Any) -> Any:
        def of_z(z: Any) -> Any:
            return jax.jvp(lambda w: w * (z + p), (q,), (q,))[1]

        return jax.jvp(of_z, (q,), (q,))[1]

    gradient = jax.grad(function, 1)
    value, derivative = jax.jvp(lambda p: gradient(p, 3.0), (2.0,), (1.0,))
    assert (float(value), float(derivative)) == (6.0, 0.0)
    assert float(jax.grad(gradient, 1)(2.0, 3.0)) == 2.0


@PROGRAMS
@pytest.mark.parametrize("p", [P, dual(P)], ids=["plain", "dual"])
def test_gradients_do_not_depend_on_a_level_that_is_not_in_the_output(
    program: Program, p: Array
) -> None:
    assert LOOSE.vjp(program, p, Q, ONE).unwrap()[1] == 6.0
    loss: Any = lambda both: program(*both)  # noqa: E731 - Any: duals among the leaves
    _, gradients = value_and_grad(loss)((p, Q)).unwrap()
    assert gradients[1] == 6.0
    assert hvp_params(lambda q, p: program(p, q), Q, p, ONE).unwrap() == 2.0


@PROGRAMS
def test_the_level_that_is_in_the_output_stays(program: Program) -> None:
    _, gradient = LOOSE.vjp(program, dual(P), dual(Q), ONE).unwrap()
    assert (gradient.primal, gradient.tangent) == (6.0, 2.0)


@PROGRAMS
def test_recorded_gradients_have_the_right_derivatives(program: Program) -> None:
    @do
    def gradient(p: NodeId, _: NodeId) -> Do[NodeId, Any]:
        q = yield from leaf(Q)
        y = yield from program(p, q)
        gradients = yield from backward_m(y, wrt=[q])
        return gradients[q]

    assert jvp(gradient, P, ONE, ONE).unwrap() == (6.0, 0.0)


@PROGRAMS
def test_a_level_left_on_another_path_leaves_gradients_alone(program: Program) -> None:
    @do
    def loss() -> Do[Any, Any]:
        """``q ** 2 * d/dp p ** 2``."""
        p = yield from leaf(P)
        q = yield from leaf(Q)
        one = yield from const(ONE)
        entered = yield from make_dual(p, one)
        factor = yield from program(entered, q)
        square = yield from mul(entered, entered)
        twice = yield from tangent(square, entered)
        y = yield from mul(factor, twice)
        recorded = yield from backward_m(y)
        gradients = yield from backward_scalar(y)
        of_p = yield from value_of(recorded[p])
        of_q = yield from value_of(recorded[q])
        return [gradients[p], gradients[q]], [of_p, of_q]

    assert loss().eval().unwrap() == ([18.0, 24.0], [18.0, 24.0])


@PROGRAMS
def test_gradients_of_a_value_and_its_slope_add_up(program: Program) -> None:
    @do
    def loss() -> Do[Any, Any]:
        """``p q ** 2 + q ** 2``."""
        p = yield from leaf(P)
        q = yield from leaf(Q)
        one = yield from const(ONE)

        @do
        def product(at: NodeId) -> Do[NodeId, Any]:
            factor = yield from program(at, q)
            return (yield from mul(factor, at))

        value, along = yield from jvp_m(product, p, one)
        y = yield from add(value, along)
        gradients = yield from backward_scalar(y)
        return [gradients[p], gradients[q]]

    assert loss().eval().unwrap() == [9.0, 18.0]


def test_a_constant_is_its_own_primal_beside_an_ambient_level() -> None:
    @do
    def products(part: Callable[..., TapeM[NodeId, Any]]) -> Do[Any, Any]:
        x = yield from leaf(Q)
        k = yield from const(P)
        entered = yield from make_dual(x, x)
        two = yield from part(k, entered)
        y = yield from mul(two, entered)
        recorded = yield from backward_m(y, wrt=[x])
        gradients = yield from backward_scalar(y)
        return gradients[x], (yield from value_of(recorded[x]))

    for gradient in products(primal).eval().unwrap():
        assert (gradient.primal, gradient.tangent) == (2.0, 2.0)
    for gradient in products(tangent).eval().unwrap():
        assert (gradient.primal, gradient.tangent) == (0.0, 0.0)


def test_another_leaf_is_its_own_primal_beside_an_ambient_level() -> None:
    @do
    def product() -> Do[Any, Any]:
        """``k (x + x e)``."""
        x = yield from leaf(Q)
        k = yield from leaf(P)
        entered = yield from make_dual(x, x)
        same = yield from primal(k, entered)
        y = yield from mul(same, entered)
        recorded = yield from backward_m(y, wrt=[k])
        gradients = yield from backward_scalar(y)
        return gradients[k], (yield from value_of(recorded[k]))

    for gradient in product().eval().unwrap():
        assert (gradient.primal, gradient.tangent) == (3.0, 3.0)


class Forgetful(Op):
    """The value, by a rule that makes a plain 0 of any cotangent."""

    name = "forgetful"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0] * 1


@vjp_rules.define(Forgetful)
def _forgetful(op: Forgetful, *_: object) -> tuple[Array]:
    return (np.float64(0),)


def test_a_plain_contribution_gets_the_levels_of_its_node() -> None:
    x = dual(P)
    out, tape = LOOSE.leaf(x).bind(lambda i: apply_op(Forgetful(), i)).run().unwrap()
    gradient: Any = backward(tape, out, 1.0).unwrap()[NodeId(0)]
    assert (gradient.level, gradient.primal, gradient.tangent) == (x.level, 0.0, 0.0)


@pytest.mark.parametrize("op", [Lift(), Inject()])
def test_a_level_does_not_stand_inside_itself(op: Op) -> None:
    twice = leaf(Q).bind(lambda p: make_dual(p, p).bind(lambda d: apply_op(op, d, d)))
    assert isinstance(twice.eval().failure(), OutsideDomain)


def test_the_parts_of_a_dual_carry_the_same_levels() -> None:
    inner, outer = fresh_level(), fresh_level()
    x = Dual(np.float64(4), Dual(ONE, ONE, inner), outer)
    assert (x.primal.level, x.primal.tangent) == (inner, 0.0)
    root = LOOSE.leaf(x).bind(lambda y: sqrt(y).bind(value_of)).eval().unwrap()
    assert (root.primal.primal, root.tangent.primal, root.tangent.tangent) == (
        2.0,
        0.25,
        0.25,
    )
