"""Numbers of TorchLean's tests that take several ops."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Do,
    NodeId,
    TapeM,
    add,
    backward,
    backward_dense_all,
    backward_scalar,
    concat,
    const,
    derivative,
    do,
    inv,
    layer_norm,
    leaf,
    map_m,
    mul,
    param,
    rationals,
    scale,
    sqrt,
)


@do
def mixed_flags() -> Do[NodeId]:
    frozen = yield from const(2.0)
    scaled = yield from scale(frozen, 3)
    root = yield from sqrt(frozen)
    product = yield from mul(scaled, root)
    trainable = yield from param(5.0)
    both = yield from mul(product, trainable)
    return (yield from add(both, both))


def test_only_flagged_nodes_receive_gradients() -> None:
    out, tape = mixed_flags().run().unwrap()
    assert tape[out].value == pytest.approx(60 * math.sqrt(2), rel=1e-15)
    gradients = backward_scalar(tape, out).unwrap()
    assert gradients[NodeId(4)] == pytest.approx(12 * math.sqrt(2), rel=1e-15)
    assert set(gradients) == {4, 5, 6}
    dense = backward_dense_all(tape, out, np.float64(1)).unwrap()
    assert [dense[i] for i in range(4)] == [0, 0, 0, 0]


# Any: the ops' functions, which share no more than being callable.
@given(flag=st.booleans(), x=st.sampled_from([0.0, -0.0, math.inf, math.nan]))
def test_what_is_not_on_the_path_stays_0_whatever_it_is(flag: bool, x: float) -> None:
    @do
    def program() -> Do[NodeId]:
        beside = yield from leaf(x, requires_grad=flag)
        yield from inv(beside)
        on_the_path: Any = yield from param(3.0)
        return (yield from mul(on_the_path, on_the_path))

    out, tape = program().run().unwrap()
    dense = backward_dense_all(tape, out, np.float64(1)).unwrap()
    assert [float(g) for g in dense] == [0, 0, 6, 1]


# -- layer norm with epsilon 1/4 -------------------------------------------------------

# Rows of mean m and entries m - 1, m + 1: the variance is 1, the root of 1 + 1/4 is
# sqrt(5) / 2, and what is scaled and shifted is -+ 2 / sqrt(5).
GAMMA, BETA = [2.0, 3.0], [1.0, -1.0]
ROOT5 = math.sqrt(5)
NORMED = [1 - 4 / ROOT5, 6 / ROOT5 - 1]


def normed(
    x: Any, epsilon: Fraction, gamma: Any, beta: Any
) -> TapeM[tuple[NodeId, ...], Any]:
    """Record what a layer norm takes, and the norm, and give all their ids."""
    leaves: Any = map_m(param, [np.array(z, float) for z in (x, gamma, beta)])
    ids: TapeM[tuple[NodeId, ...], Any] = leaves.bind(
        lambda ids: layer_norm(*ids, epsilon=epsilon).map(lambda y: (*ids, y))
    )
    return ids


@pytest.mark.parametrize("means", [[2], [2, 3], [[2], [3]]])
def test_layer_norm_with_epsilon_a_quarter_is_torchleans(means: Any) -> None:
    x = np.array(means, float)[..., np.newaxis] + [-1, 1]
    ids, tape = normed(x, Fraction(1, 4), GAMMA, BETA).run().unwrap()
    expected = np.broadcast_to(NORMED, x.shape)
    np.testing.assert_allclose(tape[ids[-1]].value, expected, rtol=1e-15)


def test_layer_norm_of_matrices_is_that_of_their_entries_in_a_row() -> None:
    """TorchLean normalises the last two axes: here they are one."""
    x = np.array([[[1, 3], [1, 3]], [[2, 4], [2, 4]]]).reshape(2, 4)
    ids, tape = normed(x, Fraction(1, 4), GAMMA * 2, BETA * 2).run().unwrap()
    value = tape[ids[-1]].value
    printed = [-0.7888543819998317, 1.6832815729997477]  # by TorchLean
    for row in (NORMED, printed):
        np.testing.assert_allclose(value, [row * 2] * 2, rtol=1e-15)


def test_the_gradient_of_layer_norm_is_that_by_hand() -> None:
    """
    By hand: ``dx = (2 / sqrt(5)) (h - mean h - (4/5) c mean(h c))``, exactly.

    ``c = (-1, 1)`` are the centred rows and ``h = g * gamma``. Of two entries ``h -
    mean h`` is ``c mean(h c)``, so that a fifth of it is left.
    """
    x, g = [[1, 3], [2, 4]], [[5, 7], [-1, 4]]
    ids, tape = normed(x, Fraction(1, 4), GAMMA, BETA).run().unwrap()
    slots = backward(tape, ids[-1], np.array(g, float)).unwrap()
    h = [(5 * 2, 7 * 3), (-1 * 2, 4 * 3)]
    kept = [Fraction(b - a, 2) / 5 for a, b in h]  # of the entry at c = 1
    dx = [[-float(k) * 2 / ROOT5, float(k) * 2 / ROOT5] for k in kept]
    np.testing.assert_allclose(slots[ids[0]], dx, rtol=1e-14)
    dgamma = [-(5 - 1) * 2 / ROOT5, (7 + 4) * 2 / ROOT5]
    np.testing.assert_allclose(slots[ids[1]], dgamma, rtol=1e-15)
    np.testing.assert_array_equal(slots[ids[2]], [5 - 1, 7 + 4])


@pytest.mark.parametrize("epsilon", [Fraction(1), Fraction(1, 4)])
def test_derivatives_of_layer_norm_at_a_constant_row_are_torchleans(
    epsilon: Fraction,
) -> None:
    """
    ``J[u] = gamma * centred(u) / sqrt(epsilon)``, and every second derivative is 0.

    TorchLean's directions; with epsilon 1 its numbers, with 1/4 twice these.
    """
    gamma, beta = np.array([1.0, -2.0, 0.0, 3.0]), np.array([4.0, 5.0, 6.0, 7.0])
    x = np.array([[0.0] * 4, [5.0] * 4])
    left, right, mixed = (
        np.array([row, [0.0] * 4])
        for row in ([1.0, 0, -2, 3], [0.0, 2, -1, -2], [2.0, -1, 0, 3])
    )

    def norm(p: Any, z: NodeId) -> TapeM[NodeId, Any]:
        return layer_norm(z, p[0], p[1], epsilon=epsilon)

    def along(*directions: Any) -> Any:
        return derivative(norm, (gamma, beta), x, directions).unwrap()

    scale_by = 1 / math.sqrt(epsilon)
    for direction, expected in ((left, [0.5, 1, 0, 7.5]), (mixed, [1, 4, 0, 6])):
        found = np.array([np.array(expected) * scale_by, [0.0] * 4])
        np.testing.assert_allclose(along(direction), found, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(along(left, right), 0 * x, atol=1e-15)


# -- joining along the second axis -----------------------------------------------------


def test_what_is_joined_twice_receives_both_parts() -> None:
    """Cotangents 1 to 12 by rows: ``(1 + 5, 2 + 6)`` and ``(7 + 11, 8 + 12)``."""
    matrix = rationals([[1, 2], [3, 4]])

    @do
    def program() -> Do[NodeId, Any]:
        x = yield from param(matrix)
        between = yield from const(matrix)
        return (yield from concat(x, between, x, axis=1))

    out, tape = program().run().unwrap()
    assert tape[out].value.tolist() == [[1, 2] * 3, [3, 4] * 3]
    seed = rationals(np.arange(1, 13).reshape(2, 6))
    slots = backward(tape, out, seed).unwrap()
    assert slots[NodeId(0)].tolist() == [[6, 8], [18, 20]]
    assert set(slots) == {0, out}
