"""TorchLean's lemmas of nested duals, exactly over rationals."""

from fractions import Fraction
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    abs_,
    add,
    const,
    derivative,
    derivative_vjp,
    div,
    do,
    inv,
    jvp,
    linear,
    mul,
    rationals,
    relu,
    scale,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.value import zeros_like
from tapem_dsl.testing.strategies import tensors
from tests.oracles import usual

STEPS = st.lists(
    st.sampled_from(["square", "times", "mix", "plus", "divide"]), max_size=4
)
VECTORS = tensors((2,))
POINTS = st.lists(st.fractions(1, 2, max_denominator=5), min_size=2, max_size=2)


@do
def rational_function(steps: list[str], p: NodeId, x: NodeId) -> Do[NodeId, Any]:
    """A composition of products, quotients and a linear map, of two entries."""
    matrix = yield from const(rationals([[1, 2], [-1, 1]]))
    zero = yield from const(rationals([0, 0]))
    y = x
    for step in steps:
        if step == "square":
            y = yield from mul(y, y)
        elif step == "times":
            y = yield from mul(y, x)
        elif step == "mix":
            y = yield from linear(matrix, zero, y)
        elif step == "plus":
            y = yield from add(y, p)
        else:
            y = yield from div(y, p)
    return y


def program(steps: list[str]) -> Any:
    return lambda p, x: rational_function(steps, p, x)


@usual
@given(
    steps=STEPS,
    point=POINTS,
    directions=st.lists(VECTORS, max_size=2),
    at=st.integers(0, 2),
)
def test_a_zero_direction_gives_a_zero_derivative(
    steps: list[str], point: list[Fraction], directions: list[Array], at: int
) -> None:
    """It may stand anywhere among the others, and passes nothing back."""
    p, x, zero = rationals([2, 3]), rationals(point), rationals([0, 0])
    directions.insert(at, zero)
    assert same(derivative(program(steps), p, x, directions).unwrap(), zero)
    slots = derivative_vjp(program(steps), p, x, directions, rationals([1, 5]))
    assert same(slots.unwrap(), (zero, zero))


@usual
@given(steps=STEPS, point=POINTS)
def test_zero_tangents_are_those_of_a_constant(
    steps: list[str], point: list[Fraction]
) -> None:
    """Seeding with zeros is embedding: the value is the plain one, the tangent 0."""
    p, x, zero = rationals([2, 3]), rationals(point), rationals([0, 0])
    plain = derivative(program(steps), p, x, []).unwrap()
    for along in (zero, None):
        found = jvp(program(steps), p, x, along, along).unwrap()
        assert same(found, (plain, zero))


@usual
@given(
    steps=STEPS,
    point=POINTS,
    directions=st.lists(VECTORS, min_size=2, max_size=3),
)
def test_mixed_derivatives_do_not_depend_on_the_order_of_directions(
    steps: list[str], point: list[Fraction], directions: list[Array]
) -> None:
    p, x, seed = rationals([2, 3]), rationals(point), rationals([1, 5])
    first, *others = permutations(directions)
    found = derivative(program(steps), p, x, first).unwrap()
    pulled = derivative_vjp(program(steps), p, x, first, seed).unwrap()
    for order in others:
        assert same(derivative(program(steps), p, x, order).unwrap(), found)
        again = derivative_vjp(program(steps), p, x, order, seed).unwrap()
        assert same(again, pulled)


@usual
@given(steps=STEPS, point=POINTS, u=VECTORS, v=VECTORS, w=VECTORS)
def test_a_derivative_is_linear_in_each_direction(
    steps: list[str], point: list[Fraction], u: Array, v: Array, w: Array
) -> None:
    p, x = rationals([2, 3]), rationals(point)

    def along(first: Array, second: Array) -> Array:
        return derivative(program(steps), p, x, [first, second]).unwrap()

    combined = u * Fraction(2) - v * Fraction(1, 3)
    expected = along(u, w) * 2 - along(v, w) * Fraction(1, 3)
    assert along(combined, w).tolist() == expected.tolist()
    assert along(w, combined).tolist() == expected.tolist()


@usual
@given(point=POINTS, u=VECTORS, v=VECTORS)
def test_seeds_and_tangents_are_taken_entry_by_entry(
    point: list[Fraction], u: Array, v: Array
) -> None:
    """The derivatives of an elementwise function are those of each entry alone."""

    @do
    def each(_: None, x: NodeId) -> Do[NodeId, Any]:
        inverse = yield from inv(x)
        square = yield from mul(x, x)
        half = yield from scale(square, Fraction(1, 2))
        bent = yield from relu((yield from abs_(half)))
        return (yield from add(bent, inverse))

    def entry(x: Array, i: int) -> Array:
        return rationals(x[i])

    x = rationals(point)
    for directions in ([], [u], [u, v], [v, u, u]):
        whole = derivative(each, None, x, directions).unwrap()
        alone = [
            derivative(each, None, entry(x, i), [entry(d, i) for d in directions])
            for i in range(2)
        ]
        assert whole.tolist() == [part.unwrap().tolist() for part in alone]


@given(x=VECTORS, u=VECTORS)
def test_a_constant_has_zero_derivatives_of_every_order(x: Array, u: Array) -> None:
    def constant(p: NodeId, _: NodeId) -> TapeM[NodeId, Any]:
        return mul(p, p)

    for order in (1, 2, 3):
        found = derivative(constant, x, x, [u] * order).unwrap()
        assert same(found, zeros_like(x))
