"""Attention, against loops over tokens and heads."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    NodeId,
    Op,
    Shape,
    attention,
    backward,
    leaf,
    map_m,
    rationals,
    vjp_rules,
)
from tapem_dsl.arrays import NUMPY
from tapem_dsl.errors import EmptyAxis, OutsideDomain, ShapeMismatch
from tapem_dsl.ops.attention import Attention
from tests.oracles import usual
from tests.untyped import LOOSE

INF = math.inf


def run(*xs: Array, g: Array | None = None, **options: Any) -> Any:
    """Give the result, or the gradients where there is a cotangent."""
    program = map_m(leaf, xs).bind(lambda ids: attention(*ids, **options))
    out, tape = program.run().unwrap()
    if g is None:
        return tape[out].value
    slots = backward(tape, out, g).unwrap()
    return tuple(slots[NodeId(i)] for i in range(5))


def operands(seed: int, tokens: int, model: int, columns: int) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    into, back = (model, columns), (columns, model)
    shapes = (into, into, into, back, (tokens, model))
    return tuple(rng.normal(size=shape) for shape in shapes)


def by_hand(xs: tuple[Array, ...], heads: int, mask: Array) -> Array:
    """Token by token, head by head; a token that may attend to none gets 0."""
    wq, wk, wv, wo, x = xs
    q, k, v = x @ wq, x @ wk, x @ wv
    width = q.shape[1] // heads
    mixed = np.zeros_like(q)
    for h in range(heads):
        own = slice(h * width, (h + 1) * width)
        for i in range(len(x)):
            allowed = [j for j in range(len(x)) if mask[i, j]]
            if not allowed:
                continue
            scores = [q[i, own] @ k[j, own] / math.sqrt(width) for j in allowed]
            top = max(scores)
            terms = [math.exp(score - top) for score in scores]
            for j, term in zip(allowed, terms, strict=True):
                mixed[i, own] += term / math.fsum(terms) * v[j, own]
    return mixed @ wo


@usual
@given(
    seed=st.integers(0, 999),
    tokens=st.integers(1, 4),
    heads=st.integers(1, 3),
    width=st.integers(1, 3),
    density=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
)
def test_each_token_is_a_weighted_mean_of_those_it_may_attend_to(
    seed: int, tokens: int, heads: int, width: int, density: float
) -> None:
    xs = operands(seed, tokens, 3, heads * width)
    rng = np.random.default_rng(seed)
    mask = rng.random((tokens, tokens)) < density
    expected = by_hand(xs, heads, mask)
    masked = run(*xs, heads=heads, mask=mask)
    np.testing.assert_allclose(masked, expected, rtol=1e-10, atol=1e-12)
    every = np.ones_like(mask)
    plain = run(*xs, heads=heads)
    np.testing.assert_allclose(plain, by_hand(xs, heads, every), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run(*xs, heads=heads, mask=every), plain, rtol=1e-13)


def test_masked_gradients_are_difference_quotients() -> None:
    xs = operands(5, 3, 2, 4)
    mask = np.array([[True, False, True], [False, False, False], [True, True, True]])
    g = np.random.default_rng(6).normal(size=(3, 2))
    for which, gradient in enumerate(run(*xs, heads=2, mask=mask, g=g)):
        for entry in np.ndindex(xs[which].shape):
            step = np.zeros(xs[which].shape)
            step[entry] = 1e-6
            up, down = (
                [x + sign * step if i == which else x for i, x in enumerate(xs)]
                for sign in (1, -1)
            )
            slope = run(*up, heads=2, mask=mask) - run(*down, heads=2, mask=mask)
            quotient = float((g * slope).sum() / 2e-6)
            assert gradient[entry] == pytest.approx(quotient, rel=1e-6, abs=1e-8)


def test_a_token_that_may_attend_to_none_gets_and_gives_nothing() -> None:
    xs = operands(7, 3, 2, 2)
    mask = np.array([[True, True, True], [False, False, False], [True, True, True]])
    y = run(*xs, heads=1, mask=mask)
    assert (y[1] == 0).all()
    g = np.zeros((3, 2))
    g[1] = 1.0
    for gradient in run(*xs, heads=1, mask=mask, g=g):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))
    nothing = np.zeros((3, 3), bool)
    np.testing.assert_array_equal(run(*xs, heads=1, mask=nothing), np.zeros((3, 2)))


@pytest.mark.parametrize("other", [1e300, -1e300, 0.0])
def test_what_is_masked_has_no_influence(other: float) -> None:
    xs = operands(8, 3, 2, 2)
    mask = np.tril(np.ones((3, 3), bool))
    y = run(*xs, heads=2, mask=mask)
    x = xs[4].copy()
    x[2] = other  # the last token, to which only it may attend
    np.testing.assert_array_equal(run(*xs[:4], x, heads=2, mask=mask)[:2], y[:2])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_scores_do_not_overflow(dtype: Any) -> None:
    one = np.ones((1, 1), dtype)
    x = np.array([[1e4], [-1e4], [9e3]], dtype)
    y = run(one, one, one, one, x, heads=1)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.array([[1e4], [-1e4], [1e4]], dtype))
    for gradient in run(one, one, one, one, x, heads=1, g=np.ones_like(x)):
        assert np.isfinite(gradient).all()
        assert gradient.dtype == dtype


def test_the_queries_are_divided_before_their_product_can_overflow() -> None:
    xs = [np.full((1, 4), 9e153), np.full((1, 4), 9e153), *operands(9, 1, 1, 4)[2:]]
    xs[4] = np.ones((1, 1))
    assert np.isfinite(run(*xs, heads=1)).all()  # 3.2e308 / 2


def test_a_head_without_columns_mixes_nothing() -> None:
    xs = operands(10, 2, 3, 0)
    np.testing.assert_array_equal(run(*xs, heads=2), np.zeros((2, 3)))
    for gradient in run(*xs, heads=2, g=np.ones((2, 3))):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


def test_one_node_that_is_all_operands_receives_x_first() -> None:
    square = np.random.default_rng(11).normal(size=(3, 3))
    g = np.random.default_rng(12).normal(size=(3, 3))
    wq, wk, wv, wo, x = run(*(square,) * 5, heads=1, g=g)
    shared = leaf(square).bind(lambda a: attention(a, a, a, a, a, heads=1))
    out, tape = shared.run().unwrap()
    total = backward(tape, out, g).unwrap()[NodeId(0)]
    np.testing.assert_array_equal(total, (((x + wq) + wk) + wv) + wo)
    assert (total != (((wq + wk) + wv) + wo) + x).any()


def test_an_order_of_contributions_names_each_operand_once() -> None:
    with pytest.raises(TypeError, match=r"is \(0, 0\); it names each operand once"):
        type("Wrong", (Op,), {"contribution_order": (0, 0)})


def test_the_mask_is_copied() -> None:
    xs, mask = operands(13, 2, 2, 2), np.ones((2, 2), bool)
    program = map_m(leaf, xs).bind(lambda ids: attention(*ids, heads=1, mask=mask))
    before = attention(*map(NodeId, range(5)), heads=1, mask=mask)
    mask[0, 1] = False
    assert before != attention(*map(NodeId, range(5)), heads=1, mask=mask)
    out, tape = program.run().unwrap()
    op = tape[out].op
    assert isinstance(op, Attention)
    assert op.mask is not None
    assert not op.mask.flags.writeable


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 4), (2, 4), (2, 4), (4, 2), (3, 3)),
        ((2, 4), (2, 2), (2, 4), (4, 2), (3, 2)),
        ((2, 4), (2, 4), (2, 4), (2, 4), (3, 2)),
        ((2, 3), (2, 3), (2, 3), (3, 2), (3, 2)),
        ((2, 4), (2, 4), (2, 4), (4, 2), (2,)),
        ((4,), (4,), (4,), (4, 2), (3, 2)),
    ],
)
def test_shapes_must_fit(shapes: tuple[Shape, ...]) -> None:
    xs = [np.ones(shape) for shape in shapes]
    program = map_m(leaf, xs).bind(lambda ids: attention(*ids, heads=2))
    error = program.run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.shapes == shapes
    assert "where 2 divides w" in error.wants


@pytest.mark.parametrize("shape", [(2, 3), (3,), (), (1, 3, 3)])
def test_a_mask_of_another_shape_is_a_failure(shape: Shape) -> None:
    mask = np.ones(shape, bool)
    program = map_m(leaf, operands(14, 3, 2, 2)).bind(
        lambda ids: attention(*ids, heads=1, mask=mask)
    )
    error = program.run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants.endswith(f"a mask of shape (n, n), not {shape}")


def test_without_tokens_there_is_nothing_to_attend_to() -> None:
    program = map_m(leaf, operands(15, 0, 2, 2)).bind(
        lambda ids: attention(*ids, heads=1)
    )
    error = program.run().failure()
    assert isinstance(error, EmptyAxis)
    assert error.axis == 0


@pytest.mark.parametrize(
    "mask", [[[True]], np.ones((1, 1)), "no", 1, np.ma.array([[True]])]
)
def test_a_mask_is_an_array_of_truth_values(mask: object) -> None:
    with pytest.raises(TypeError, match="NumPy array of truth values"):
        LOOSE.attention(0, 0, 0, 0, 0, heads=1, mask=mask)


@pytest.mark.parametrize(
    ("heads", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError)]
)
def test_there_is_at_least_one_head(heads: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="attention takes"):
        attention(*map(NodeId, range(5)), heads=heads)


@pytest.mark.parametrize("mask", [None, np.ones((1, 1), bool)])
def test_attention_over_rationals_fails(mask: Any) -> None:
    one = rationals([[1]])
    program = map_m(leaf, [one] * 5).bind(
        lambda ids: attention(*ids, heads=1, mask=mask)
    )
    assert isinstance(program.run().failure(), OutsideDomain)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_of_the_op_has_a_mask_that_nobody_writes_to(copied: Any) -> None:
    op = Attention(1, np.ones((2, 2), bool))
    again = copied(op)
    assert again == op
    for made in (op, again):
        assert made.mask is not None
        with pytest.raises(ValueError, match="read-only"):
            made.mask[0, 0] = False


def test_more_heads_than_an_array_can_have_are_a_failure() -> None:
    xs = [np.ones((1, 0))] * 3 + [np.ones((0, 1)), np.ones((1, 1))]
    program = map_m(leaf, xs).bind(lambda ids: attention(*ids, heads=2**62))
    assert isinstance(program.run().failure(), ShapeMismatch)


@pytest.mark.parametrize(
    ("need", "products"),
    [
        ((False, False, False, True, False), 3 + 3),
        ((False, False, True, False, False), 3 + 3),
        ((True, False, False, False, False), 3 + 5),
        ((False, True, False, False, False), 3 + 5),
        ((False, False, False, False, True), 3 + 9),
        ((True,) * 5, 3 + 14),
    ],
)
def test_frozen_operands_cost_no_work(need: Any, products: int) -> None:
    xs, op = operands(16, 3, 2, 4), Attention(2, None)
    y = op.evaluate(NUMPY, *xs)
    calls: list[str] = []

    class Spy:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(NUMPY, name)

    rule: Any = vjp_rules.get(Attention)
    given = rule(op, Spy(), np.ones_like(y), xs, y, need)
    assert [cotangent is not None for cotangent in given] == list(need)
    assert calls.count("matmul") == products
