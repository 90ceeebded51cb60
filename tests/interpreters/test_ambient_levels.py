"""A level around a sweep means the same to every entry point, as in JAX."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import numpy as np
import pytest
from returns.primitives.exceptions import UnwrapFailedError

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    backward,
    backward_dense,
    backward_dense_all,
    backward_dense_from,
    backward_dense_step,
    backward_m,
    backward_scalar,
    const,
    do,
    exp,
    jvp,
    jvp_m,
    leaf,
    make_dual,
    mul,
    param,
    primal,
    relu,
    scale,
    softmax_last,
    sub,
    tangent,
    value_and_grad,
    value_of,
    vjp,
)
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.interpreters.forward import Dual, fresh_level
from tapem_dsl.interpreters.forward.dual import primal_at, tangent_at
from tapem_dsl.interpreters.tracer import levels_of
from tests.untyped import LOOSE

# Any, throughout: programs of any scalar type, and duals among arrays.

Program = Callable[[NodeId, NodeId], TapeM[NodeId, Any]]


@do
def cubed(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
    """``c * p ** 3``."""
    square = yield from mul(p, p)
    cube = yield from mul(square, p)
    return (yield from mul(c, cube))


@do
def alone(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
    """``p * p + c``: the gradient does not depend on ``c``."""
    square = yield from mul(p, p)
    return (yield from add(square, c))


@do
def inner_slope(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
    """``d/dp (c * p ** 3)`` by duals entered and left inside, times ``c``."""
    zero = yield from scale(p, 0)
    one = yield from add(zero, (yield from const(Fraction(1))))
    _, slope = yield from jvp_m(lambda z: cubed(z, c), p, one)
    return (yield from mul(slope, c))


@do
def inner_gradient(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
    """The same by a recorded sweep, minus ``p``."""
    y = yield from cubed(p, c)
    slopes = yield from backward_m(y, wrt=[p])
    return (yield from sub(slopes[p], p))


@do
def bent(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
    """``relu(p - c) * p``: a plain branch and one that carries the level."""
    shifted = yield from sub(p, c)
    positive = yield from relu(shifted)
    return (yield from mul(positive, p))


PROGRAMS: dict[str, tuple[Program, Callable[[Any, Any], Any]]] = {
    "cubed": (cubed, lambda p, c: c * p**3),
    "alone": (alone, lambda p, c: p * p + c),
    "inner_slope": (inner_slope, lambda p, c: 3 * c * p * p * c),
    "inner_gradient": (inner_gradient, lambda p, c: 3 * c * p * p - p),
    "bent": (bent, lambda p, c: jax.numpy.maximum(p - c, 0.0) * p),
}


# -- entry points: from a program, a point and a constant to the point's gradient -----


def _swept(program: Program, p: Array, c: Array) -> tuple[Any, Any, Any]:
    @do
    def recorded() -> Do[Any, Any]:
        at, other = (yield from param(p)), (yield from LOOSE.const(c))
        return at, (yield from program(at, other))

    (at, out), tape = recorded().run().unwrap()
    return tape, out, at


def by_backward(program: Program, p: Array, c: Array) -> Array:
    tape, out, at = _swept(program, p, c)
    return backward(tape, out, 1).unwrap()[at]


def by_backward_wrt(program: Program, p: Array, c: Array) -> Array:
    tape, out, at = _swept(program, p, c)
    return backward(tape, out, 1, wrt=[at]).unwrap()[at]


def by_backward_dense(program: Program, p: Array, c: Array) -> Array:
    tape, out, at = _swept(program, p, c)
    return backward_dense(tape, out, 1).unwrap()[at]


def by_backward_dense_all(program: Program, p: Array, c: Array) -> Array:
    tape, out, at = _swept(program, p, c)
    return backward_dense_all(tape, out, 1).unwrap()[at]


def by_steps(program: Program, p: Array, c: Array) -> Array:
    tape, out, at = _swept(program, p, c)
    seeded = backward_dense(tape, out, 1).unwrap()[out]
    slots: Any = [seeded if id == out else None for id in tape.ids()]
    for id in reversed(tape.ids()):
        slots = backward_dense_step(tape, slots, id).unwrap()
    return slots[at]


def by_backward_scalar(program: Program, p: Array, c: Array) -> Array:
    @do
    def run_sweep() -> Do[Any, Any]:
        at, other = (yield from param(p)), (yield from LOOSE.const(c))
        out = yield from program(at, other)
        return (yield from backward_scalar(out))[at]

    return run_sweep().eval().unwrap()


def by_recorded_sweep(program: Program, p: Array, c: Array) -> Array:
    @do
    def run_sweep() -> Do[Any, Any]:
        at, other = (yield from param(p)), (yield from LOOSE.const(c))
        out = yield from program(at, other)
        gradient = yield from backward_m(out, wrt=[at])
        return (yield from value_of(gradient[at]))

    return run_sweep().eval().unwrap()


def by_value_and_grad(program: Program, p: Array, c: Array) -> Array:
    @do
    def loss(at: NodeId) -> Do[NodeId, Any]:
        other = yield from LOOSE.const(c)
        return (yield from program(at, other))

    return value_and_grad(loss)(p).unwrap()[1]


def by_vjp(program: Program, p: Array, c: Array) -> Array:
    return vjp(program, p, c, 1).unwrap()[0]


ENTRY_POINTS = [
    by_backward,
    by_backward_wrt,
    by_backward_dense,
    by_backward_dense_all,
    by_steps,
    by_backward_scalar,
    by_recorded_sweep,
    by_value_and_grad,
    by_vjp,
]

each_entry_point = pytest.mark.parametrize(
    "gradient_of", ENTRY_POINTS, ids=lambda f: f.__name__
)
each_program = pytest.mark.parametrize("name", PROGRAMS)


@each_entry_point
@each_program
def test_a_gradient_carries_the_derivative_by_what_is_around(
    name: str, gradient_of: Callable[..., Array]
) -> None:
    """``jax.jvp`` of ``jax.grad``: ``d/dc d/dp``, at a leaf that lacks the level."""
    program, theirs = PROGRAMS[name]
    level = fresh_level()
    p, c, along = Fraction(3), Fraction(2), Fraction(5)
    found = gradient_of(
        program, p, Dual(LOOSE.rationals(c), LOOSE.rationals(along), level)
    )
    value = primal_at(found, level)
    slope = tangent_at(found, level)
    with jax.enable_x64(True):
        expected = jax.jvp(
            lambda c: jax.grad(theirs)(float(p), c), (float(c),), (float(along),)
        )
    assert [float(value.item()), float(slope.item())] == [x.item() for x in expected]
    assert levels_of(found) == {level}


@each_entry_point
def test_levels_around_do_not_mix(gradient_of: Callable[..., Array]) -> None:
    """Two levels on two constants: ``d/da d/db d/dp (a * b * p * p)`` is ``2 * p``."""
    a, b = fresh_level(), fresh_level()
    two, three, one = np.float64(2), np.float64(3), np.float64(1)

    @do
    def program(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
        other = yield from LOOSE.const(Dual(three, one, b))
        square = yield from mul(p, p)
        product = yield from mul(square, other)
        return (yield from mul(product, c))

    found = gradient_of(program, np.float64(5), Dual(two, one, a))
    assert levels_of(found) == {a, b}
    parts = {
        (i, j): (primal_at, tangent_at)[i]((primal_at, tangent_at)[j](found, b), a)
        for i in (False, True)
        for j in (False, True)
    }
    assert parts == {
        (False, False): 2 * 3 * 10,
        (True, False): 3 * 10,
        (False, True): 2 * 10,
        (True, True): 10,
    }


@each_entry_point
def test_a_sweep_cannot_go_back_out_of_a_level_that_the_output_carries(
    gradient_of: Callable[..., Array],
) -> None:
    @do
    def program(p: NodeId, c: NodeId) -> Do[NodeId, Any]:
        dual = yield from make_dual(p, p)
        left = yield from primal(dual, dual)
        return (yield from mul(dual, left))

    with pytest.raises(UnwrapFailedError) as caught:
        gradient_of(program, np.float64(2), np.float64(1))
    refused: Any = caught.value.halted_container
    failure = refused.failure()
    assert isinstance(failure, OutsideDomain)
    assert "sweep from its primal or its tangent" in failure.message


def test_a_seed_may_carry_a_level_too() -> None:
    level = fresh_level()
    out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    g: Any = Dual(np.float64(1), np.float64(10), level)
    slot: Any = backward(tape, out, g).unwrap()[NodeId(0)]
    assert (slot.primal, slot.tangent) == (6, 60)
    functions = (exp, softmax_last, relu)  # rules that ask functions of a plain node
    for function in functions:
        out, tape = leaf(np.array([1.0, 2.0])).bind(function).run().unwrap()
        row = np.array([1.0, -2.0])
        seed: Any = Dual(row, 3 * row, level)
        found: Any = backward(tape, out, seed).unwrap()[NodeId(0)]
        once = backward(tape, out, row).unwrap()[NodeId(0)]
        np.testing.assert_allclose(found.primal, once, rtol=1e-15)
        np.testing.assert_allclose(found.tangent, 3 * once, rtol=1e-15)


def test_functions_of_pytrees_nest_by_their_levels() -> None:
    """``jvp`` of a gradient is the mixed derivative; with one level it would not be."""

    @do
    def slope(_: Any, c: NodeId) -> Do[NodeId, Any]:
        p = yield from leaf(3.0)
        y = yield from cubed(p, c)
        gradient = yield from backward_m(y, wrt=[p])
        dual = yield from make_dual(p, p)
        same = yield from tangent(dual, dual)  # 3, entered and left
        return (yield from mul(gradient[p], same))

    value, along = jvp(slope, None, np.float64(2), None, np.float64(1)).unwrap()
    assert (value, along) == (3 * 2 * 9 * 3, 3 * 9 * 3)


def stepped(tape: Any, slots: list[Any]) -> list[Any]:
    for id in reversed(tape.ids()):
        slots = list(backward_dense_step(tape, slots, id).unwrap())
    return slots


def parts_of(x: Any) -> tuple[float, float]:
    return float(x.primal), float(x.tangent)


def test_zero_slots_of_other_nodes_change_nothing() -> None:
    @do
    def with_another(c: Any) -> Do[NodeId, Any]:
        p = yield from leaf(3.0)
        factor = yield from const(c)
        y = yield from mul(p, factor)
        yield from leaf(1.0)
        return y

    two = Dual(np.float64(2), np.float64(1), fresh_level())
    y, tape = with_another(two).run().unwrap()
    expected = parts_of(backward(tape, y, 1.0).unwrap()[NodeId(0)])
    assert expected == (2.0, 1.0)
    whole = backward_dense_from(tape, [0.0, 0.0, 1.0, 0.0]).unwrap()
    assert parts_of(whole[0]) == expected
    for last in (None, 0.0):
        assert parts_of(stepped(tape, [None, None, 1.0, last])[0]) == expected


def test_levels_of_all_seeds_are_ambient() -> None:
    @do
    def powers() -> Do[NodeId, Any]:
        p = yield from leaf(3.0)
        square = yield from mul(p, p)
        return (yield from mul(square, p))

    _, tape = powers().run().unwrap()
    seed: Any = Dual(np.float64(1), np.float64(10), fresh_level())
    alone = backward_dense_from(tape, [0.0, seed, 0.0]).unwrap()
    assert parts_of(alone[0]) == (6.0, 60.0)
    beside = backward_dense_from(tape, [0.0, seed, 1.0]).unwrap()
    assert parts_of(beside[0]) == (33.0, 60.0)


@pytest.mark.parametrize("part", [primal, tangent])
def test_no_entry_point_sweeps_out_of_an_ambient_level(part: Any) -> None:
    @do
    def mixed_up() -> Do[NodeId, Any]:
        p = yield from leaf(3.0)
        entered = yield from make_dual(p, p)
        left = yield from part(entered, entered)
        return (yield from add(entered, left))

    out, tape = mixed_up().run().unwrap()
    slots = backward_dense_step(tape, [None, None, None, 1.0], out).unwrap()
    for found in (
        backward(tape, out, 1.0),
        backward_dense_from(tape, [0.0, 0.0, 0.0, 1.0]),
        backward_dense_step(tape, slots, NodeId(2)),
    ):
        assert isinstance(found.failure(), OutsideDomain)
