"""Derivatives of programs: against JAX, exactly, and where levels could be confused."""

from fractions import Fraction
from functools import partial
from itertools import permutations
from typing import Any, Final, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import numpy as jnp

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Shape,
    TapeM,
    add,
    const,
    cross_entropy,
    detach,
    do,
    linear,
    log_softmax_last,
    make_dual,
    mul,
    pure,
    rationals,
    relu,
    softmax,
    sum_,
    tanh,
    value_of,
)
from tapem_dsl.errors import (
    InvalidNodeId,
    InvalidOutputId,
    OutsideDomain,
    SeedShapeMismatch,
    ShapeMismatch,
)
from tapem_dsl.interpreters.forward import (
    derivative,
    derivative_vjp,
    hessian_input,
    hvp_inputs,
    hvp_params,
    jacfwd_input,
    jacrev_inputs,
    jacrev_params,
    jvp,
    vjp,
)
from tests.oracles import assert_fractions, usual


class Net(NamedTuple):
    w1: Any  # Any: arrays outside, ids inside
    b1: Any
    w2: Any


@do
def network(net: Net, x: NodeId) -> Do[NodeId]:
    zero = yield from const(np.zeros(2))
    hidden = yield from linear(net.w1, net.b1, x)
    bent = yield from tanh(hidden)
    return (yield from linear(net.w2, zero, bent))


@do
def loss(net: Net, x: NodeId) -> Do[NodeId]:
    y = yield from network(net, x)
    square = yield from mul(y, y)
    return (yield from sum_(square))


def jax_network(net: Any, x: Any) -> Any:
    return net.w2 @ jnp.tanh(net.w1 @ x + net.b1)


def jax_loss(net: Any, x: Any) -> Any:
    return (jax_network(net, x) ** 2).sum()


def drawn(seed: int) -> tuple[Net, Array, Net, Array]:
    rng = np.random.default_rng(seed)
    shapes = ((4, 3), (4,), (2, 4))
    net, along = (Net(*(rng.normal(size=s) for s in shapes)) for _ in range(2))
    return net, rng.normal(size=3), along, rng.normal(size=3)


def assert_alike(ours: Any, theirs: Any, tolerance: float = 1e-9) -> None:
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-12)


def plain(*scalars: Any) -> list[Any]:
    """Give numbers; a dual, which may equal one, has no ``tolist``."""
    return [x.tolist() for x in scalars]


seeds = st.integers(0, 10_000)


@usual
@given(seed=seeds)
def test_first_derivatives_are_those_of_jax(seed: int) -> None:
    net, x, v, w = drawn(seed)
    assert_alike(
        jvp(network, net, x, v, w).unwrap(), jax.jvp(jax_network, (net, x), (v, w))
    )
    only_x = jvp(network, net, x, along_inputs=w).unwrap()
    assert_alike(only_x, jax.jvp(partial(jax_network, net), (x,), (w,)))
    g = np.array([2.0, -3.0])
    _, pull = jax.vjp(jax_network, net, x)
    assert_alike(vjp(network, net, x, g).unwrap(), pull(g))


@usual
@given(seed=seeds)
def test_hessian_vector_products_are_those_of_jax(seed: int) -> None:
    net, x, v, w = drawn(seed)
    slope_net, slope_x = jax.grad(jax_loss), jax.grad(jax_loss, 1)
    _, theirs = jax.jvp(lambda p: slope_net(p, x), (net,), (v,))
    assert_alike(hvp_params(loss, net, x, v).unwrap(), theirs)
    _, of_x = jax.jvp(lambda z: slope_x(net, z), (x,), (w,))
    assert_alike(hvp_inputs(loss, net, x, w).unwrap(), of_x)


def test_jacobians_and_hessians_are_those_of_jax() -> None:
    net, x, _, _ = drawn(0)
    assert_alike(
        jacrev_params(network, net, x).unwrap(), jax.jacrev(jax_network)(net, x)
    )
    assert_alike(
        jacrev_inputs(network, net, x).unwrap(), jax.jacrev(jax_network, 1)(net, x)
    )
    row = np.random.default_rng(1).normal(size=(2, 2))
    assert_alike(jacfwd_input(tanh, row).unwrap(), jax.jacfwd(jnp.tanh)(row))

    def bent(z: NodeId) -> TapeM[NodeId, Any]:
        return tanh(z).bind(lambda y: mul(y, y)).bind(sum_)

    theirs = jax.hessian(lambda z: (jnp.tanh(z) ** 2).sum())(row)
    assert_alike(hessian_input(bent, row).unwrap(), theirs)


# -- exactly ---------------------------------------------------------------------------


class Field(NamedTuple):
    a: Any
    b: Any
    c: Any


@do
def cubic(p: Field, x: NodeId) -> Do[NodeId, Any]:
    """TorchLean's golden field ``(a * x0 + b * x1 + c) ** 3``."""
    first = yield from const(rationals([1, 0]))
    last = yield from const(rationals([0, 1]))
    x0 = yield from mul(x, first)
    x1 = yield from mul(x, last)
    left = yield from sum_(x0)
    right = yield from sum_(x1)
    ax = yield from mul(p.a, left)
    by = yield from mul(p.b, right)
    inner = yield from add(ax, by)
    inner = yield from add(inner, p.c)
    square = yield from mul(inner, inner)
    return (yield from mul(square, inner))


FIELD = Field(rationals(2), rationals(3), rationals(1))
AT, ALONG = rationals([1, 2]), rationals([2, -1])
DX, DY = rationals([1, 0]), rationals([0, 1])

# With u = a x0 + b x1 + c, which is 9 here, by hand:
OF_THE_FIELD: Final[list[tuple[list[Array], int]]] = [
    ([], 729),  # u ** 3
    ([DX], 486),  # 3 u**2 a
    ([DX, DY], 324),  # 6 u a b
    ([DX, DX, DY], 72),  # 6 a**2 b
    ([DX, DY, DX, DY], 0),  # a cubic has no fourth derivative
    ([ALONG, ALONG], 54),  # 6 u (2a - b)**2
    ([ALONG] * 3, 6),  # 6 (2a - b)**3
    ([ALONG] * 4, 0),
]
# What a, b, c and x receive from some of them.
FROM_THE_FIELD: Final[list[tuple[list[Array], list[int], list[int]]]] = [
    # 6 (x0 ab + ub), 6 (x1 ab + ua), 6 ab; 6 a ab, 6 b ab
    ([DX, DY], [198, 180, 36], [72, 108]),
    # 12 ab, 6 a**2, 0; it does not depend on x
    ([DX, DX, DY], [72, 24, 0], [0, 0]),
    # with s = 2a - b: 6 (x0 s**2 + 4 us), 6 (x1 s**2 - 2 us), 6 s**2; 6 a s**2 ...
    ([ALONG, ALONG], [6 + 216, 12 - 108, 6], [12, 18]),
]
GOLDEN: Final = [*FROM_THE_FIELD[-1][1], *FROM_THE_FIELD[-1][2]]


@pytest.mark.parametrize(("directions", "expected"), OF_THE_FIELD)
def test_the_golden_cubic_field(directions: list[Array], expected: int) -> None:
    for order in permutations(directions):
        found = derivative(cubic, FIELD, AT, order).unwrap()
        assert_fractions(found)
        assert found.tolist() == expected
    value, slope = jvp(cubic, FIELD, AT, along_inputs=DX).unwrap()
    assert (value.tolist(), slope.tolist()) == (729, 486)


@pytest.mark.parametrize(("directions", "parameters", "inputs"), FROM_THE_FIELD)
def test_the_golden_pullbacks_of_the_cubic_field(
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
def test_the_golden_cubic_field_as_a_model(dtype: Any) -> None:
    """Its numbers are small integers: exact in every scalar type."""

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


def test_golden_numbers_of_first_derivatives() -> None:
    """TorchLean's: the identity, and the logarithm of a softmax."""

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
def test_the_golden_derivatives_of_softmax(name: str) -> None:
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


def test_the_golden_hessian_vector_product_of_softmax() -> None:
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


# -- levels ----------------------------------------------------------------------------


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scalar_types_stay(dtype: Any) -> None:
    x = np.array([0.5, -0.25], dtype)

    def program(z: NodeId) -> TapeM[NodeId, Any]:
        return tanh(z).bind(sum_)

    for result in (hessian_input(program, x), jacfwd_input(tanh, x)):
        assert result.unwrap().dtype == dtype
        assert not result.unwrap().flags.writeable
    value, tangent = jvp(lambda _, z: tanh(z), None, x, along_inputs=x).unwrap()
    assert value.dtype == tangent.dtype == dtype


def test_empty_and_scalar_inputs_have_derivatives_too() -> None:
    assert jacfwd_input(tanh, np.zeros(0)).unwrap().shape == (0, 0)
    assert hessian_input(sum_, np.zeros((0, 2))).unwrap().shape == (0, 2, 0, 2)
    assert hessian_input(lambda x: mul(x, x), np.float64(3)).unwrap() == 2
    rows: Any = jacrev_params(lambda p, x: relu(x), np.ones(2), np.zeros(0)).unwrap()
    assert rows.shape == (0, 2)


# -- failures --------------------------------------------------------------------------


def test_a_direction_of_another_shape_is_a_failure() -> None:
    for direction in (np.ones(3), np.ones(2, np.float32)):
        wrong = jvp(add, np.ones(2), np.ones(2), direction).failure()
        assert isinstance(wrong, ShapeMismatch)
        assert (
            f"float64[2], not {direction.dtype}{list(direction.shape)}" in wrong.wants
        )
    nested = derivative(lambda p, x: tanh(x), None, np.ones(2), [np.ones(3)])
    assert isinstance(nested.failure(), ShapeMismatch)


def test_a_hessian_wants_a_scalar_and_failures_pass_through() -> None:
    assert isinstance(hessian_input(tanh, np.ones(2)).failure(), SeedShapeMismatch)
    lost = jacfwd_input(lambda x: tanh(NodeId(9)), np.ones(2))
    assert isinstance(lost.failure(), InvalidNodeId)
    seed = vjp(add, np.ones(2), np.ones(2), np.ones(3))
    assert isinstance(seed.failure(), SeedShapeMismatch)


def test_pytrees_of_two_structures_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="pytrees differ"):
        jvp(add, [1.0], [1.0], [1.0, 2.0])


def test_what_has_no_direction_stays_plain() -> None:
    net, x, v, _ = drawn(3)
    one = Net(v.w1, None, None)
    along = jvp(network, net, x, one).unwrap()
    theirs = jax.jvp(lambda w1: jax_network(net._replace(w1=w1), x), (net.w1,), (v.w1,))
    assert_alike(along, theirs)


def test_a_leaf_without_a_direction_has_its_share_of_the_product() -> None:
    """The Hessian of ``a * b`` along ``(1, 0)`` is ``(0, 1)``, said either way."""

    def area(sides: Any, _: None) -> TapeM[NodeId, Any]:
        return mul(sides[0], sides[1])

    two, three, one, zero = (np.float64(n) for n in (2, 3, 1, 0))
    for along in ([one, None], [one, zero]):
        found: list[Any] = hvp_params(area, [two, three], None, along).unwrap()
        assert found == [0, 1]
    assert hvp_params(area, [two, three], None, [None, None]).unwrap() == [0, 0]


def test_what_does_not_depend_on_the_input_has_no_derivative() -> None:
    three, one = np.float64(3), np.float64(1)

    def of_parameters(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        return mul(p, p)

    def held(p: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
        return detach(x).bind(lambda z: mul(z, p))

    for program in (of_parameters, held):
        for directions in ([one], [one, one]):
            assert derivative(program, three, one, directions).unwrap() == 0
            pulled: Any = derivative_vjp(program, three, one, directions, 1.0).unwrap()
            assert plain(*pulled) == [0, 0]
    assert hvp_inputs(of_parameters, three, one, one).unwrap() == 0
    itself: Any = derivative_vjp(of_parameters, three, one, [], 1.0).unwrap()
    assert plain(*itself) == [6, 0]


def test_labels_are_inputs_too() -> None:
    logits, label = np.array([0.5, -1.0, 2.0]), np.int64(1)
    v = np.array([1.0, 2.0, -1.0])
    found = hvp_params(cross_entropy, logits, label, v).unwrap()

    def theirs(z: Any) -> Any:
        return -jax.nn.log_softmax(z)[1]

    assert_alike(found, jax.jvp(jax.grad(theirs), (logits,), (v,))[1])
    _, nothing = vjp(cross_entropy, logits, label, 1.0).unwrap()
    assert nothing == 0
    assert nothing.dtype == np.int64
    wrong = jvp(cross_entropy, logits, label, v, np.int64(1)).failure()
    assert isinstance(wrong, ShapeMismatch)
    assert (
        wrong.wants == "None as the direction of a leaf of int64: it has no derivative"
    )


# -- derivatives around: functions that meet duals -------------------------------------


@pytest.mark.parametrize("inside", ["pulled", "jacobian", "forward", "product"])
def test_derivatives_within_a_derivative(inside: str) -> None:
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


def test_hessians_and_jacobians_of_duals() -> None:
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


# -- more failures ---------------------------------------------------------------------


def test_a_result_that_is_on_no_tape_is_a_failure() -> None:
    def lost(*_: Any) -> TapeM[NodeId, Any]:
        return pure(NodeId(99))

    one = np.float64(1)
    for found in (
        jvp(lost, None, one),
        vjp(lost, None, one, 1.0),
        jacrev_inputs(lost, None, one),
        jacfwd_input(lost, one),
        hessian_input(lost, one),
        derivative(lost, None, one, [one]),
        derivative_vjp(lost, None, one, [one], 1.0),
    ):
        assert isinstance(found.failure(), InvalidOutputId)


def test_what_no_double_can_say_is_a_failure() -> None:
    huge: Any = 10**400
    one = np.float64(1)
    for found in (
        jvp(lambda p, x: mul(x, x), None, one, None, huge),
        jvp(lambda p, x: mul(x, x), None, huge),
        derivative(lambda p, x: mul(x, x), None, huge, []),
        vjp(mul, one, one, huge),
        hessian_input(lambda x: mul(x, x), huge),
        jacfwd_input(lambda x: mul(x, x), huge),
    ):
        assert isinstance(found.failure(), OutsideDomain)


def test_directions_are_a_list_of_arrays() -> None:
    loose: Any = derivative
    one = np.float64(1)
    with pytest.raises(TypeError, match="a list of directions, one for each order"):
        loose(mul, one, one, 1.0)
    with pytest.raises(TypeError, match="no value of a tape"):
        loose(mul, one, one, [None, one])


def test_empty_columns_stand_after_the_result() -> None:
    """Of a result of shape (2, 3) in an input of shape (0, 4)."""
    ones = np.ones((2, 3))
    found = jacfwd_input(lambda x: const(ones), np.zeros((0, 4))).unwrap()
    assert found.shape == (2, 3, 0, 4)
