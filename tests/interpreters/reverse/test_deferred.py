"""Products that rules leave to the sweep: summed at once, in bounded memory."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Op,
    Shape,
    Tape,
    add,
    apply_op,
    backward,
    const,
    do,
    dot,
    linear,
    matmul,
    mul,
    param,
    rationals,
    sum_,
    vjp_rules,
)
from tapem_dsl.arrays import EXACT, NUMPY, Array, Namespace
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.reverse import Outer, deferred
from tapem_dsl.interpreters.reverse.deferred import Pending, worth_keeping
from tests.oracles import assert_close, both_parts, usual


@do
def summed(
    w: Array, b: Array, samples: list[tuple[Array, Array]]
) -> Do[tuple[NodeId, NodeId], Any]:
    """Give the weight, and the sum of ``u . (w @ x + b)`` over samples (u, x)."""
    weight = yield from param(w)
    bias = yield from param(b)
    total = yield from const(w.flat[0] - w.flat[0])
    for u, x in samples:
        factor = yield from const(u)
        vector = yield from const(x)
        mapped = yield from linear(weight, bias, vector)
        value = yield from dot(factor, mapped)
        total = yield from add(total, value)
    return weight, total


def weights_gradient(w: Array, samples: list[tuple[Array, Array]]) -> Array:
    b = np.zeros_like(w, shape=w.shape[:1])
    (weight, total), tape = summed(w, b, samples).run().unwrap()
    return backward(tape, total, 1, wrt=(weight,)).unwrap()[weight]


def floats(
    samples: int, m: int = 4, n: int = 3, dtype: type = np.float64
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    rng = np.random.default_rng(7)
    pairs = [(rng.normal(size=m), rng.normal(size=n)) for _ in range(samples)]
    return [(u.astype(dtype), x.astype(dtype)) for u, x in pairs]


@pytest.mark.parametrize("samples", [1, 2, 50, 5000])  # of 7 entries: 5000 overflow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_sum_is_that_of_the_outer_products(samples: int, dtype: type) -> None:
    pairs = floats(samples, dtype=dtype)
    gradient = weights_gradient(np.zeros((4, 3), dtype), pairs)
    expected = sum(np.outer(u, x).astype(np.float64) for u, x in pairs)
    assert gradient.dtype == dtype
    assert not gradient.flags.writeable
    digits = 1e-12 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(gradient, expected, rtol=digits, atol=digits)


@pytest.mark.parametrize("samples", [1, 2, 50, 500])
def test_the_sum_is_made_in_float32_where_all_is_float16(samples: int) -> None:
    pairs = floats(samples, dtype=np.float16)
    gradient = weights_gradient(np.zeros((4, 3), np.float16), pairs)
    single = [(u.astype(np.float32), x.astype(np.float32)) for u, x in pairs]
    expected = weights_gradient(np.zeros((4, 3), np.float32), single)
    np.testing.assert_array_equal(gradient, expected.astype(np.float16), strict=True)
    assert not gradient.flags.writeable


@usual
@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 4), min_size=1, max_size=9))
def test_over_rationals_the_sum_is_exact(entries: list[tuple[int, ...]]) -> None:
    pairs = [(rationals(e[:2]) / 7, rationals(e[2:]) / 3) for e in entries]
    gradient = weights_gradient(rationals([[1, 2], [3, 4]]), pairs)
    expected = sum(np.outer(u, x) for u, x in pairs)
    assert [*gradient.flat] == [*expected.flat]  # type: ignore[union-attr] # an array
    assert all(type(entry) is Fraction for entry in gradient.flat)


def products(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the products behind every sum that is asked for."""
    counts: list[int] = []
    total = Pending.total

    def counted(pending: Pending) -> Any:
        counts.append(len(pending.lefts))
        return total(pending)

    monkeypatch.setattr(Pending, "total", counted)
    return counts


def test_many_samples_become_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = products(monkeypatch)
    weights_gradient(np.zeros((4, 3)), floats(50))
    assert counts == [50]


def test_pending_products_are_summed_when_they_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deferred, "SMALL", 70)  # ten pairs of 4 + 3, and no more
    counts = products(monkeypatch)
    weights_gradient(np.zeros((4, 3)), floats(50))
    assert counts == [11, 11, 11, 11, 6]


def test_a_matrix_that_goes_on_is_summed_when_it_is_visited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rule of a weight that is no leaf needs the whole sum."""

    @do
    def program() -> Do[tuple[NodeId, NodeId]]:
        w = yield from param(np.eye(4, 3))
        double = yield from add(w, w)
        bias = yield from const(np.zeros(4))
        total = yield from const(0.0)
        for u, x in floats(5):
            factor = yield from const(u)
            vector = yield from const(x)
            mapped = yield from linear(double, bias, vector)
            value = yield from dot(factor, mapped)
            total = yield from add(total, value)
        return w, total

    counts = products(monkeypatch)
    (w, total), tape = program().run().unwrap()
    gradient = backward(tape, total, 1.0).unwrap()[w]
    assert counts == [5]
    assert_close(gradient, 2 * sum(np.outer(u, x) for u, x in floats(5)))


def test_deferred_and_other_contributions_meet_in_any_order() -> None:
    """A weight is used by linear, by matmul and by a sum of its entries."""

    @do
    def program(order: tuple[int, ...]) -> Do[tuple[NodeId, NodeId]]:
        w = yield from param(np.eye(8))
        bias = yield from const(np.zeros(8))
        ones = yield from const(np.ones(8))
        row = yield from const(np.arange(8.0)[None])
        total = yield from const(0.0)
        for kind in order:
            if kind == 0:
                mapped = yield from linear(w, bias, ones)
                value = yield from sum_(mapped)
            elif kind == 1:
                product = yield from matmul(row, w)
                value = yield from sum_(product)
            else:
                value = yield from sum_(w)
            total = yield from add(total, value)
        return w, total

    expected = np.ones((8, 8)) + np.arange(8.0)[:, None] + 1
    for order in [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)]:
        (w, total), tape = program(order).run().unwrap()
        gradient = backward(tape, total, 1.0, wrt=(w,)).unwrap()[w]
        assert_close(gradient, expected)


def test_a_large_batch_is_not_kept() -> None:
    """Its operands are as large as their product, which is computed at once."""
    batch = Outer(np.ones((9, 4)), np.ones((9, 3)))
    assert not worth_keeping(batch, np.ones((4, 3)))
    assert worth_keeping(Outer(np.ones((1, 4)), np.ones((1, 3))), np.ones((4, 3)))


@pytest.mark.parametrize(
    "product",
    [
        Outer(np.ones(4), np.ones(4)),
        Outer(np.ones(3), np.ones(4)),
        Outer(np.ones((2, 4)), np.ones((1, 3))),
        Outer(np.ones((1, 4)), np.ones(3)),
        Outer(np.ones(4, np.float32), np.ones(3)),
        Outer(np.float64(1), np.float64(1)),
        Outer(rationals([1, 2, 3, 4]), rationals([1, 2, 3])),
        np.ones((4, 3)),
    ],
)
def test_what_does_not_fit_is_not_kept(product: object) -> None:
    assert not worth_keeping(product, np.ones((4, 3)))


def test_a_product_is_the_same_over_rationals() -> None:
    left, right = rationals([["1/3", 2], [3, 4]]), rationals([[1, 0], ["1/7", 1]])
    product = Outer(left, right).computed(EXACT)
    assert product.tolist() == (left.T @ right).tolist()
    assert_close(
        Outer(left.astype(float), right.astype(float)).computed(NUMPY),
        product.astype(float),
    )


# -- a custom rule ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corner(Op):
    """The entry (0, 0) of a matrix."""

    name = "corner"
    deferred: bool
    extent: int

    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x[0, 0]


@vjp_rules.define(Corner)
def _corner(
    op: Corner, xp: Namespace, g: Array, xs: Any, y: Array, need: Any
) -> tuple[Any, ...]:
    unit = np.eye(op.extent, 1)[:, 0]
    return (Outer(g * unit, unit) if op.deferred else np.outer(g * unit, unit),)


def corner(extent: int, *, deferred: bool) -> Any:
    @do
    def program() -> Do[NodeId]:
        w = yield from param(np.eye(5))
        return (yield from apply_op(Corner(deferred, extent), w))

    out, tape = program().run().unwrap()
    return backward(tape, out, 2.0)


def test_a_custom_rule_may_defer_its_product() -> None:
    now, later = corner(5, deferred=False), corner(5, deferred=True)
    np.testing.assert_array_equal(later.unwrap()[0], now.unwrap()[0], strict=True)


def test_a_deferred_product_of_another_shape_is_refused() -> None:
    now, later = corner(4, deferred=False), corner(4, deferred=True)
    assert now.failure() == later.failure()
    assert "wrong shape for parent" in later.failure().message


def test_a_hand_made_cycle_ends() -> None:
    """A node that is its own parent has no later visit at which to sum."""
    node = Node(Corner(deferred=True, extent=5), (NodeId(0),), np.eye(5))
    tape = Tape([node])
    gradients = backward(tape, NodeId(0), np.eye(5))
    assert "wrong shape for parent" in gradients.failure().message


# -- beside tracers -------------------------------------------------------------------


@pytest.mark.parametrize("order", ["DP", "PD", "DDP", "PPD", "PDP", "DPPD"])
def test_a_weight_may_be_shared_by_plain_samples_and_duals(order: str) -> None:
    """The weight's gradient carries the derivative of the duals' level."""

    @do
    def program() -> Do[NodeId, Any]:
        w = yield from param(np.ones((3, 2)))
        bias = yield from const(np.zeros(3))
        total = yield from const(0.0)
        for kind in order:
            plain = np.array([1.0, 2.0])
            x = yield from const(Dual(plain, np.ones(2), 1) if kind == "D" else plain)
            mapped = yield from linear(w, bias, x)
            value = yield from sum_(mapped)
            total = yield from add(total, value)
        return total

    total, tape = program().run().unwrap()
    (gradient,) = backward(tape, total, 1, wrt=(NodeId(0),)).unwrap().values()
    value, slope = both_parts(gradient)
    assert value.tolist() == [[len(order), 2 * len(order)]] * 3
    assert slope.tolist() == [[order.count("D")] * 2] * 3


@pytest.mark.parametrize("order", ["PPD", "PPDPP", "DPP", "PPPDDPP"])
def test_a_node_may_be_shared_by_plain_factors_and_duals(order: str) -> None:
    """Contributions that are computed at once are added in place."""

    @do
    def program() -> Do[NodeId, Any]:
        w = yield from param(np.ones(3))
        total = yield from const(0.0)
        for kind in order:
            plain = np.full(3, 2.0)
            x = yield from const(Dual(plain, np.ones(3), 1) if kind == "D" else plain)
            product = yield from mul(w, x)
            value = yield from sum_(product)
            total = yield from add(total, value)
        return total

    total, tape = program().run().unwrap()
    (gradient,) = backward(tape, total, 1, wrt=(NodeId(0),)).unwrap().values()
    value, slope = both_parts(gradient)
    assert value.tolist() == [2 * len(order)] * 3
    assert slope.tolist() == [order.count("D")] * 3


def test_what_is_kept_cannot_be_written_to() -> None:
    left, right = np.ones(4), np.ones(3)
    Pending((4, 3)).keep(Outer(left, right))
    assert not left.flags.writeable
    assert not right.flags.writeable
