"""Products of matrices and affine maps: exact values and gradients."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Tape,
    backward,
    backward_scalar,
    do,
    leaf,
    linear,
    matmul,
    rationals,
    relu,
    scale,
    sum_,
)
from tests.oracles import (
    assert_fractions,
    from_eighths,
    gradient,
    operands,
    thorough,
    value,
)
from tests.specs.every import named

LINEAR, MATMUL = named("linear"), named("matmul")


def product(a: Array, b: Array) -> list[list[Fraction]]:
    return [
        [
            sum((a[i, k] * b[k, j] for k in range(a.shape[1])), start=Fraction(0))
            for j in range(b.shape[1])
        ]
        for i in range(a.shape[0])
    ]


@thorough
@given(data=st.data())
def test_over_rationals_a_product_is_exact(data: st.DataObject) -> None:
    a, b = data.draw(operands(MATMUL, object))
    y = value(MATMUL, a, b)
    assert_fractions(y)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    assert y.shape == (*batch, a.shape[-2], b.shape[-1])
    wide_a = np.broadcast_to(a, batch + a.shape[-2:])
    wide_b = np.broadcast_to(b, batch + b.shape[-2:])
    for index in np.ndindex(batch):
        assert y[index].tolist() == product(wide_a[index], wide_b[index])


@thorough
@given(data=st.data())
def test_over_rationals_an_affine_map_is_exact(data: st.DataObject) -> None:
    w, b, x = data.draw(operands(LINEAR, object))
    y = value(LINEAR, w, b, x)
    assert_fractions(y)
    assert y.shape == b.shape
    wx = [row for (row,) in product(w, x.reshape(-1, 1))]
    assert y.tolist() == [p + q for p, q in zip(wx, b, strict=True)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, object])
def test_a_sum_over_no_terms_is_zero(dtype: Any) -> None:
    def zeros(*shape: int) -> Array:
        return from_eighths(np.zeros(shape, np.int64), dtype)

    np.testing.assert_array_equal(
        value(MATMUL, zeros(2, 0), zeros(0, 3)), zeros(2, 3), strict=True
    )
    bias = from_eighths(np.array([8, 16]), dtype)
    np.testing.assert_array_equal(
        value(LINEAR, zeros(2, 0), bias, zeros(0)), bias, strict=True
    )


@pytest.mark.parametrize(
    ("a", "b", "y"),
    [
        ([[1e300]], [[1e300]], np.inf),
        ([[np.inf, 1.0]], [[0.0], [1.0]], np.nan),
        ([[np.nan]], [[0.0]], np.nan),
        ([[np.inf, -np.inf]], [[1.0], [1.0]], np.nan),
        ([[1e308, 1e308]], [[1.0], [1.0]], np.inf),
    ],
)
def test_products_hold_at_extremes(
    a: list[list[float]], b: list[list[float]], y: float
) -> None:
    left, right = np.array(a), np.array(b)
    np.testing.assert_array_equal(value(MATMUL, left, right), [[y]])
    affine = value(LINEAR, left, np.zeros(1), np.ascontiguousarray(right[:, 0]))
    np.testing.assert_array_equal(affine, [y])


@do
def scaled_product(flags: tuple[bool, bool]) -> Do[NodeId, np.object_]:
    left = yield from leaf(rationals([[1, 2], [3, 4]]), requires_grad=flags[0])
    right = yield from leaf(rationals([[5], [6]]), requires_grad=flags[1])
    two = yield from scale(left, 2)
    three = yield from scale(right, 3)
    return (yield from sum_((yield from matmul(two, three))))


@pytest.mark.parametrize("flags", [(True, False), (False, True)])
def test_a_product_of_scaled_matrices_has_the_gradients_of_torchlean(
    flags: tuple[bool, bool],
) -> None:
    out, tape = scaled_product(flags).run().unwrap()
    slots = backward_scalar(tape, out).unwrap()
    left, right = map(NodeId, range(2))
    if flags[0]:
        assert slots[left].tolist() == [[30, 36], [30, 36]]
        assert right not in slots
    else:
        assert slots[right].tolist() == [[24], [36]]
        assert left not in slots


@do
def perceptron() -> Do[tuple[NodeId, ...], np.object_]:
    w1 = yield from leaf(rationals([["1/10", "1/5"], ["3/10", "2/5"], ["1/2", "3/5"]]))
    b1 = yield from leaf(rationals(["1/10", "1/5", "3/10"]))
    w2 = yield from leaf(rationals([["7/10", "4/5", "9/10"]]))
    b2 = yield from leaf(rationals(["2/5"]))
    x = yield from leaf(rationals(["1/2", "4/5"]))
    hidden = yield from linear(w1, b1, x)
    y = yield from linear(w2, b2, (yield from relu(hidden)))
    return w1, b1, w2, b2, x, hidden, y


def test_a_perceptron_over_rationals_has_exact_gradients() -> None:
    ids, tape = perceptron().run().unwrap()
    w1, b1, w2, b2, x, hidden, y = ids
    slots = backward(tape, y, rationals([1])).unwrap()

    def hundredths(numbers: Array) -> list[Any]:
        return list((numbers * 100).tolist())

    assert hundredths(value_at(tape, hidden)) == [31, 67, 103]
    assert hundredths(value_at(tape, y)) == [208]
    assert hundredths(slots[w1]) == [[35, 56], [40, 64], [45, 72]]
    assert hundredths(slots[b1]) == [70, 80, 90]
    assert hundredths(slots[w2]) == [[31, 67, 103]]
    assert hundredths(slots[b2]) == [100]
    assert hundredths(slots[x]) == [76, 100]


def value_at(tape: Tape[np.object_], id: NodeId) -> Array:
    return tape[id].value


def test_a_product_with_one_frozen_factor_has_the_numbers_of_torchlean() -> None:
    """The loss sum((2 L) @ (3 R)), with one of the two trainable."""
    left, right = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]])
    g = np.ones((2, 1))
    to_left, nothing = gradient(MATMUL, (2 * left, 3 * right), g, (True, False))
    assert nothing is None
    assert to_left is not None
    assert (2 * to_left).tolist() == [[30, 36], [30, 36]]
    _, to_right = gradient(MATMUL, (2 * left, 3 * right), g, (False, True))
    assert to_right is not None
    assert (3 * to_right).tolist() == [[24], [36]]
