"""Wrapping arrays of another kind than duals beside and inside them."""

from collections.abc import Callable
from itertools import product
from typing import Any, cast

import numpy as np
import pytest

from tapem_dsl import Array, NodeId, Shape, TapeM, backward, mul
from tapem_dsl.arrays import Namespace, namespace_of
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import joined, part_at
from tapem_dsl.interpreters.tracer import Layer, drop_level, levels_of, raised
from tests.untyped import LOOSE


class Boxed(Layer):
    """An array in a box, and nothing more: what is computed with it is boxed."""

    __slots__ = ("array", "level")

    def __init__(self, array: Array, level: int) -> None:
        self.array = array
        self.level = level

    @property
    def shape(self) -> Shape:
        return cast("Shape", self.array.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def parts(self) -> tuple[Array, ...]:
        return (self.array,)

    def rebuilt(self, *parts: Array) -> "Boxed":
        (array,) = parts
        return Boxed(array, self.level)

    def lift(self, x: Array) -> "Boxed":
        return Boxed(x, self.level)

    def project(self) -> Array:
        return self.array

    def inject(self, x: Array) -> Array:
        return self.lift(x)


class _Boxes:
    """Each function, of what is in the boxes of the highest level."""

    def __getattr__(self, name: str) -> Callable[..., Array]:
        def call(*operands: Array, **options: object) -> Array:
            level = max(x.level for x in operands if isinstance(x, Boxed))
            inside = [
                x.array if isinstance(x, Boxed) and x.level == level else x
                for x in operands
            ]
            arrays = [x for x in inside if hasattr(x, "dtype")]
            xp = namespace_of(*arrays)
            return Boxed(getattr(xp, name)(*inside, **options), level)

        return call


Boxed.namespace = cast("Namespace", _Boxes())

TWO, THREE, FIVE = (np.float64(n) for n in (2, 3, 5))
OPERATORS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
]

COMPARISONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a > b,
    lambda a, b: a >= b,
    lambda a, b: a == b,
    lambda a, b: a != b,
]


def unboxed(x: Any, level: int) -> Any:
    return x.array if isinstance(x, Boxed) and x.level == level else x


@pytest.mark.parametrize("dual_first", [False, True])
@pytest.mark.parametrize(("of_dual", "of_box"), [(1, 9), (9, 1)])
@pytest.mark.parametrize("which", range(len(OPERATORS)))
def test_of_two_kinds_the_higher_computes(
    which: int, of_dual: int, of_box: int, dual_first: bool
) -> None:
    operate = OPERATORS[which]
    dual, box = Dual(TWO, FIVE, of_dual), Boxed(THREE, of_box)
    pair: tuple[Any, Any] = (dual, box) if dual_first else (box, dual)
    plain: tuple[Any, Any] = (dual, THREE) if dual_first else (THREE, dual)
    found, expected = operate(*pair), operate(*plain)
    assert type(found) is (Boxed if of_box > of_dual else Dual)
    assert levels_of(found) >= {of_dual}
    for tangent in (False, True):
        part = part_at(found, of_dual, tangent=tangent)
        assert unboxed(part, of_box) == part_at(expected, of_dual, tangent=tangent)


@pytest.mark.parametrize(("of_dual", "of_box"), [(1, 9), (9, 1)])
@pytest.mark.parametrize("which", range(len(COMPARISONS)))
def test_comparisons_look_at_values(which: int, of_dual: int, of_box: int) -> None:
    compare = COMPARISONS[which]
    dual, box = Dual(TWO, FIVE, of_dual), Boxed(THREE, of_box)
    for a, b in ((dual, box), (box, dual)):
        x, y = (TWO, THREE) if a is dual else (THREE, TWO)
        assert unboxed(compare(a, b), of_box) == compare(x, y)


def test_a_plain_array_on_the_left_leaves_the_operator_to_the_tracer() -> None:
    row = np.array([1.0, 2.0])
    found: Any = row * Boxed(row, 1)
    assert type(found) is Boxed
    assert found.array.tolist() == [1, 4]


def boxed_condition(level: int) -> Boxed:
    return Boxed(np.array([True, False]), level)


@pytest.mark.parametrize("level", [1, 9])
def test_what_chooses_may_be_of_another_kind_than_what_is_chosen(level: int) -> None:
    """Conditions, labels and indices are among the operands that choose a namespace."""
    row, ones = np.array([2.0, 3.0]), np.ones(2)
    dual: Any = Dual(row, ones, 5)
    xp = namespace_of(dual)
    label = Boxed(np.array(1), level)
    indices = Boxed(np.array([1, 1]), level)
    condition = boxed_condition(level)
    cases: list[tuple[Any, Any]] = [
        (xp.where(condition, dual, 0), [1, 0]),
        (xp.where(condition, row, dual), [0, 1]),
        (xp.where(condition, dual, dual), [1, 1]),
        (xp.pick(dual, label), 1),
        (xp.take(dual, indices, 0), [1, 1]),
        (xp.index_add(dual, dual, indices, 0), [1, 3]),
        (xp.index_add(row, dual, indices, 0), [0, 2]),
    ]
    for found, slope in cases:
        tangent = part_at(found, 5, tangent=True)
        assert unboxed(tangent, level).tolist() == slope
    assert unboxed(xp.one_hot(dual, label), level).tolist() == [0, 1]


def test_levels_are_seen_through_every_kind() -> None:
    """Boxes within duals and duals within boxes, in every order of three levels."""
    for outer, inner in product((Boxed, Dual), repeat=2):
        low: Any = Boxed(TWO, 1) if inner is Boxed else Dual(TWO, FIVE, 1)
        x: Any = Boxed(low, 7) if outer is Boxed else Dual(low, low, 7)
        assert levels_of(x) == {1, 7}
        between = joined(x, THREE, 4)
        assert between.level == 7
        assert levels_of(between) == {1, 4, 7}
        assert bool_of(part_at(between, 4, tangent=False) == x)
        assert levels_of(part_at(between, 4, tangent=True)) == {1, 7}
        assert levels_of(raised(THREE, x)) == {1, 7}
        assert levels_of(raised(Dual(TWO, THREE, 4), x)) == {1, 4, 7}
        assert levels_of(drop_level(x, 1)) == {7}
        assert levels_of(drop_level(x, 7)) == {1}
        assert levels_of(drop_level(drop_level(x, 7), 1)) == set()
        assert drop_level(x, 5) is x


def bool_of(x: Any) -> bool:
    while isinstance(x, Boxed):
        x = x.array
    return bool(x)


def test_a_sweep_carries_any_wrapping_array() -> None:
    """The output is boxed, and so is the gradient of a plain leaf."""
    box: Any = Boxed(THREE, 4)
    program: TapeM[NodeId, Any] = LOOSE.const(box).bind(
        lambda c: LOOSE.leaf(5.0).bind(lambda x: mul(x, x).bind(lambda y: mul(c, y)))
    )
    out, tape = program.run().unwrap()
    slot: Any = backward(tape, out, 1).unwrap()[NodeId(1)]
    assert type(slot) is Boxed
    assert slot.array == 3 * 2 * 5
