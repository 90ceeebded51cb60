"""Derivatives of programs: TorchLean's numbers, and exact ones."""

from fractions import Fraction
from functools import partial
from itertools import permutations
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Shape,
    TapeM,
    add,
    const,
    do,
    linear,
    log_softmax_last,
    mul,
    pure,
    rationals,
    softmax,
    sum_,
)
from tapem_dsl.interpreters.forward import (
    derivative,
    derivative_vjp,
    hessian_input,
    hvp_inputs,
    jacfwd_input,
    jacrev_inputs,
    jvp,
    vjp,
)
from tests.interpreters.forward.cubic_field import (
    ALONG,
    AT,
    DX,
    FIELD,
    FROM_THE_FIELD,
    OF_THE_FIELD,
    cubic,
)
from tests.oracles import assert_fractions, plain, usual


@pytest.mark.parametrize(("directions", "expected"), OF_THE_FIELD)
def test_derivatives_of_the_cubic_field_are_torchleans(
    directions: list[Array], expected: int
) -> None:
    for order in permutations(directions):
        found = derivative(cubic, FIELD, AT, order).unwrap()
        assert_fractions(found)
        assert found.tolist() == expected
    value, slope = jvp(cubic, FIELD, AT, along_inputs=DX).unwrap()
    assert (value.tolist(), slope.tolist()) == (729, 486)


@pytest.mark.parametrize(("directions", "parameters", "inputs"), FROM_THE_FIELD)
def test_pullbacks_of_the_cubic_field_are_torchleans(
    directions: list[Array], parameters: list[int], inputs: list[int]
) -> None:
    found, x = derivative_vjp(cubic, FIELD, AT, directions, 1).unwrap()
    assert [p.tolist() for p in found] == parameters
    assert x.tolist() == inputs
    for slot in (*found, x):
        assert_fractions(slot)


@do
def cubed_linear(p: tuple[NodeId, NodeId], x: NodeId) -> Do[NodeId, Any]:
    """The same field as TorchLean writes it: a linear layer to one entry, cubed."""
    inner = yield from linear(*p, x)
    square = yield from mul(inner, inner)
    return (yield from mul(square, inner))


@pytest.mark.parametrize("dtype", [object, np.float64, np.float32])
def test_derivatives_of_the_cubic_field_as_a_model_are_torchleans(dtype: Any) -> None:
    """The numbers are small integers, which every scalar type holds exactly."""

    def of(numbers: Any) -> Array:
        return rationals(numbers) if dtype is object else np.array(numbers, dtype)

    layer = (of([[2, 3]]), of([1]))
    for exact, expected in OF_THE_FIELD:
        directions = [of(d.astype(int)) for d in exact]
        found = derivative(cubed_linear, layer, of([1, 2]), directions).unwrap()
        assert found.tolist() == [expected]
    for exact, (a, b, c), inputs in FROM_THE_FIELD:
        directions = [of(d.astype(int)) for d in exact]
        (w, bias), x = derivative_vjp(
            cubed_linear, layer, of([1, 2]), directions, of([1])
        ).unwrap()
        assert (w.tolist(), bias.tolist(), x.tolist()) == ([[a, b]], [c], inputs)
        assert {g.dtype for g in (w, bias, x)} == {np.dtype(dtype)}
    twos = (of([[2, 2]]), of([2]))  # 6 u a b at u = 8
    mixed = derivative(cubed_linear, twos, of([1, 2]), [of([1, 0]), of([0, 1])])
    assert mixed.unwrap().tolist() == [192]


def test_first_derivatives_are_torchleans() -> None:
    """TorchLean differentiates the identity and the logarithm of a softmax."""

    def identity(_: None, x: NodeId) -> TapeM[NodeId, Any]:
        return pure(x)

    three, two = np.float64(3), np.float64(2)
    assert plain(*jvp(identity, None, three, None, two).unwrap()) == [3, 2]
    _, pulled = vjp(identity, None, three, 5.0).unwrap()
    assert plain(pulled) == [5]
    row, along = np.array([0.0, np.log(2)]), np.array([1.0, 0.0])
    _, tangent = jvp(lambda _, x: log_softmax_last(x), None, row, None, along).unwrap()
    np.testing.assert_allclose(tangent, [2 / 3, -1 / 3], rtol=1e-15)


def field(a: Any, b: Any, c: Any, x0: Any, x1: Any) -> Any:
    """The second derivative along (2, -1), by hand: 6 * inner * (2a - b)**2."""
    return 6 * (a * x0 + b * x1 + c) * (2 * a - b) ** 2


def test_gradients_of_the_second_derivative_are_difference_quotients() -> None:
    parameters, x = derivative_vjp(cubic, FIELD, AT, [ALONG, ALONG], 1).unwrap()
    ours = [*(p.tolist() for p in parameters), *x.tolist()]
    point = [Fraction(n) for n in (2, 3, 1, 1, 2)]
    h = Fraction(1, 10**9)
    for i, slope in enumerate(ours):
        up, down = (
            [p + s * h * (i == j) for j, p in enumerate(point)] for s in (1, -1)
        )
        quotient = (field(*up) - field(*down)) / (2 * h)
        assert abs(quotient - slope) <= 60 * h**2  # of a cubic: exact but for h * h


# Of logits whose probabilities are p along the axis: the derivative along u, and the
# mixed one along u and v, as TorchLean states them. For two entries they are
# p (1-p) (u0-u1) and p (1-p) (1-2p) (u0-u1) (v0-v1), with the other sign at the second.
SOFTMAX_ROWS: Final[dict[str, tuple[Shape, int, list[str]]]] = {
    "last axis": (
        (2, 2),
        1,
        [
            *("1/4 3/4 1/3 2/3", "2 -1 4 2", "3 5 -2 1"),
            *("9/16 -9/16 4/9 -4/9", "-9/16 9/16 -4/9 4/9"),
        ],
    ),
    "outer axis": (
        (2, 2),
        0,
        [
            *("1/4 1/3 3/4 2/3", "2 4 -1 2", "3 -2 5 1"),
            *("9/16 4/9 -9/16 -4/9", "-9/16 -4/9 9/16 4/9"),
        ],
    ),
    "interior axis": (
        (2, 2, 2),
        1,
        [
            *("1/4 1/3 3/4 2/3 1/2 1/4 1/2 3/4", "2 4 -1 2 0 1 0 0"),
            *("3 -2 5 1 2 0 -3 1", "9/16 4/9 -9/16 -4/9 0 3/16 0 -3/16"),
            "-9/16 -4/9 9/16 4/9 0 -3/32 0 3/32",
        ],
    ),
    "disjoint rows": (
        (2, 2),
        1,
        [
            *("1/4 3/4 1/3 2/3", "2 -1 0 0", "0 0 4 -2"),
            *("9/16 -9/16 0 0", "0 0 0 0"),
        ],
    ),
    "three entries and a constant shift": (
        (2, 3),
        1,
        [
            *("1/3 1/3 1/3 1/4 1/4 1/2", "1 0 -1 2 2 2", "0 2 -2 3 -1 1"),
            *("1/3 0 -1/3 0 0 0", "-2/9 -2/9 4/9 0 0 0"),
        ],
    ),
    "rows of one entry": (
        (2, 1, 2),
        1,
        ["1 1 1 1", "2 -1 4 2", "3 5 -2 1", "0 0 0 0", "0 0 0 0"],
    ),
    "an empty axis": ((2, 0, 3), 1, [""] * 5),
    "no rows": ((0, 2), 1, [""] * 5),
}


@pytest.mark.parametrize("name", SOFTMAX_ROWS)
def test_derivatives_of_softmax_are_torchleans(name: str) -> None:
    shape, axis, texts = SOFTMAX_ROWS[name]
    p, u, v, first, mixed = (
        np.array([float(Fraction(n)) for n in text.split()]).reshape(shape)
        for text in texts
    )
    x = np.log(p)

    def along(*directions: Array) -> Array:
        return derivative(
            lambda _, z: softmax(z, axis=axis), None, x, directions
        ).unwrap()

    close = partial(np.testing.assert_allclose, rtol=1e-14, atol=1e-15, strict=True)
    close(along(), p)
    close(along(u), first)
    close(along(u, v), mixed)
    close(along(v, u), mixed)


def test_the_hessian_vector_product_of_softmax_is_torchleans() -> None:
    """
    Of ``sum(w * softmax(x))`` by rows, ``w = (2, -1, 3, 4)``, along ``(3, 5, -2, 1)``.

    The first entry of a row is ``(w0 - w1) p (1-p) (1-2p) (v0 - v1)``: with ``p = 1/4``
    ``3 * 3/16 * 1/2 * -2``, with ``p = 1/3`` ``-1 * 2/9 * 1/3 * -3``; the second is its
    opposite.
    """
    w = np.array([[2.0, -1.0], [3.0, 4.0]])
    x = np.log([[1 / 4, 3 / 4], [1 / 3, 2 / 3]])
    v = np.array([[3.0, 5.0], [-2.0, 1.0]])

    @do
    def weighted(weights: NodeId, z: NodeId) -> Do[NodeId, Any]:
        probabilities = yield from softmax(z, axis=1)
        product = yield from mul(weights, probabilities)
        return (yield from sum_(product))

    expected = [[-9 / 16, 9 / 16], [2 / 9, -2 / 9]]
    close = partial(np.testing.assert_allclose, rtol=1e-14, strict=True)
    close(hvp_inputs(weighted, w, x, v).unwrap(), np.array(expected))
    hessian = hessian_input(lambda z: const(w).bind(lambda c: weighted(c, z)), x)
    close(np.tensordot(hessian.unwrap(), v, axes=2), np.array(expected))


polynomials = st.lists(st.sampled_from("am"), min_size=1, max_size=5)
points = st.lists(st.fractions(-2, 2, max_denominator=5), min_size=3, max_size=3)


@usual
@given(steps=polynomials, point=points)
def test_hessians_of_polynomials_are_symmetric_to_the_last_digit(
    steps: list[str], point: list[Fraction]
) -> None:
    mix = rationals([[1, 2, 0], [0, 1, 3], [4, 0, 1]])

    @do
    def program(x: NodeId) -> Do[NodeId, Any]:
        matrix, zero = (yield from const(mix)), (yield from const(rationals([0, 0, 0])))
        y = x
        for step in steps:
            mixed = yield from linear(matrix, zero, y)
            y = yield from (mul(mixed, x) if step == "m" else add(mixed, x))
        return (yield from sum_(y))

    hessian = hessian_input(program, rationals(point)).unwrap()
    assert_fractions(hessian)
    assert hessian.tolist() == hessian.T.tolist()
    slopes = jacfwd_input(program, rationals(point)).unwrap()
    assert (
        slopes.tolist()
        == jacrev_inputs(lambda _, x: program(x), None, rationals(point))
        .unwrap()
        .tolist()
    )
