"""Dual arrays: how their parts go together, and that no other array changes."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import Array, NodeId, TapeM, backward, leaf, map_m, mul, rationals
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import (
    dual_at_level,
    primal_at,
    tangent_at,
    zeros,
)
from tapem_dsl.interpreters.tracer import align_levels, levels_of, raised
from tests.untyped import LOOSE

ONE, TWO, THREE = (np.float64(n) for n in (1, 2, 3))


def test_a_dual_has_arrays_of_its_own() -> None:
    mine = np.ones(2)
    dual = Dual(mine[:], np.zeros(2), 1)
    (node,) = LOOSE.leaf(dual).exec().unwrap()
    mine[0] = 5
    assert mine.flags.writeable
    assert dual.primal.tolist() == node.value.primal.tolist() == [1, 1]
    assert not dual.primal.flags.writeable


@pytest.mark.parametrize(
    "tangent", [np.ones(3), np.float64(1), np.ones(2, np.float32), rationals([1, 2])]
)
def test_a_tangent_unlike_its_primal_is_refused(tangent: Array) -> None:
    with pytest.raises(ValueError, match=r"like its primal, float64\[2\], not"):
        Dual(np.ones(2), tangent, 1)


@pytest.mark.parametrize("level", [1, 2])
def test_a_dual_holds_lower_levels_only(level: int) -> None:
    inner = Dual(ONE, ONE, 2)
    for primal, tangent in ((inner, ONE), (ONE, inner)):
        with pytest.raises(ValueError, match="lower levels only"):
            Dual(primal, tangent, level)


@pytest.mark.parametrize(
    ("result", "tangent"),
    [
        (lambda x, row: row - x, [-3, -3]),
        (lambda x, row: x - row, [3, 3]),
        (lambda x, row: row + x, [3, 3]),
        (lambda x, row: row * x, [3, 3]),
        (lambda x, row: x / row, [3, 3]),
        (lambda x, row: row / x, [-0.75, -0.75]),
    ],
)
def test_tangents_are_broadcast_to_the_shape_of_the_result(
    result: Any, tangent: list[float]
) -> None:
    y = result(Dual(TWO, THREE, 1), np.ones(2))
    assert y.tangent.tolist() == tangent
    assert y.shape == (2,)


def test_joining_gives_both_parts_the_same_levels() -> None:
    inner, outer = Dual(ONE, TWO, 1), Dual(ONE, TWO, 3)
    both: Any = dual_at_level(inner, THREE, 2)
    assert levels_of(both.tangent) == levels_of(both.primal) == {1}
    other_way: Any = dual_at_level(THREE, inner, 2)
    assert levels_of(other_way.primal) == {1}
    within: Any = dual_at_level(inner, outer, 2)
    assert (within.level, within.primal.level) == (3, 2)
    assert levels_of(within) == {1, 2, 3}
    for level, x, y in ((2, inner, outer), (1, ONE, TWO)):
        made = dual_at_level(x, y, level)
        assert bool(primal_at(made, level) == x)
        assert bool(tangent_at(made, level) == y)


def test_raised_adds_the_levels_that_are_missing() -> None:
    nested = Dual(Dual(ONE, TWO, 1), Dual(ONE, TWO, 1), 2)
    for x in (ONE, Dual(ONE, TWO, 1), Dual(ONE, TWO, 2), Dual(ONE, TWO, 3)):
        lifted = raised(x, nested)
        assert levels_of(lifted) == levels_of(x) | {1, 2}
        for level in levels_of(x):
            assert np.all(tangent_at(lifted, level) == TWO)
    assert levels_of(zeros(nested)) == {1, 2}


def test_gradients_carry_all_levels_of_the_output() -> None:
    """``p * q * q`` with a level each, which both gradients carry."""
    p, q = Dual(TWO, ONE, 1), Dual(THREE, ONE, 2)
    operands: TapeM[tuple[NodeId, ...], Any] = map_m(LOOSE.leaf, (p, q))
    out, tape = (
        operands.bind(lambda ids: mul(*ids).bind(lambda y: mul(y, ids[1])))
        .run()
        .unwrap()
    )
    slots: Any = backward(tape, out, 1).unwrap()
    # q * q is 9 + 6 e2, and 2 * p * q is 12 + 6 e1 + 4 e2 + 2 e1 e2
    for id, parts in ((NodeId(0), [9, 0, 6, 0]), (NodeId(1), [12, 6, 4, 2])):
        assert levels_of(slots[id]) == {1, 2}
        found = [
            (primal_at, tangent_at)[inner](
                (primal_at, tangent_at)[outer](slots[id], 2), 1
            )
            for outer in (False, True)
            for inner in (False, True)
        ]
        assert found == parts


def test_a_cotangent_drops_what_its_node_lacks_and_is_not_ambient() -> None:
    q = Dual(THREE, ONE, 2)
    mixed = Dual(Dual(ONE, TWO, 1), Dual(THREE, ONE, 1), 2)
    none: frozenset[int] = frozenset()
    assert repr(align_levels(mixed, q, none)) == repr(Dual(TWO, ONE, 2))
    assert repr(align_levels(mixed, ONE, none)) == repr(ONE)
    assert repr(align_levels(mixed, ONE, frozenset({1}))) == repr(Dual(THREE, ONE, 1))
    assert align_levels(mixed, q, frozenset({1, 2})) is mixed
    assert align_levels(ONE, q, frozenset({2})) is ONE


def test_a_cotangent_that_lacks_a_level_of_its_node_is_that_of_the_value() -> None:
    none: frozenset[int] = frozenset()
    zero = np.float64(0)
    inner, outer = Dual(THREE, ONE, 1), Dual(THREE, ONE, 2)
    assert repr(align_levels(ONE, outer, none)) == repr(Dual(zero, ONE, 2))
    both = Dual(inner, inner, 2)
    lifted = Dual(Dual(zero, zero, 1), Dual(zero, ONE, 1), 2)
    assert repr(align_levels(ONE, both, none)) == repr(lifted)
    beside = Dual(Dual(zero, TWO, 1), Dual(zero, ONE, 1), 2)
    assert repr(align_levels(Dual(TWO, ONE, 2), both, none)) == repr(beside)


def test_a_sweep_adds_plain_and_dual_cotangents() -> None:
    """A scalar's softmax gives it a plain 0 beside a dual cotangent."""
    found = LOOSE.hvp_inputs(
        lambda _, x: (
            LOOSE.softmax_last(x)
            .bind(lambda y: LOOSE.add(y, x))
            .bind(lambda y: mul(y, x))
        ),
        None,
        THREE,
        ONE,
    )
    assert found.unwrap() == 2


def test_a_recorded_leaf_may_be_a_dual() -> None:
    x = Dual(TWO, ONE, 1)
    (node,) = LOOSE.leaf(x).exec().unwrap()
    assert repr(node.value) == repr(x)
    assert leaf(2.0).exec().unwrap() != LOOSE.leaf(x).exec().unwrap()
