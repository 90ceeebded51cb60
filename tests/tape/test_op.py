"""Ops as values: they compare by class and parameters."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tapem_dsl import Array, Namespace, NodeId, Op, Shape, apply_op, leaf, scale
from tapem_dsl.ops.activations import Relu
from tapem_dsl.ops.arithmetic import Add, Scale


def test_an_op_compares_by_class_and_parameters_however_it_is_decorated() -> None:
    assert Add() == Add()
    assert hash(Add()) == hash(Add())
    assert Scale(1) != Scale(True)
    assert Scale(0.0) != Scale(-0.0)
    assert Scale(Fraction(1, 2)) != Scale(0.5)
    assert Scale(1.0) != "scale"
    assert apply_op(Scale(1.0), NodeId(0)) == scale(NodeId(0), 1.0)


@dataclass(frozen=True, eq=False)
class WithoutEq(Relu):  # type: ignore[misc] # a final op, here only to be decorated
    factor: float


class ByHand(Op):
    name = "by_hand"

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


@dataclass(frozen=True)
class Slotless(ByHand):
    factor: float


class Extended(Slotless):
    """An undecorated subclass with one parameter more."""

    def __init__(self, factor: float, more: float) -> None:
        super().__init__(factor)
        object.__setattr__(self, "more", more)


@pytest.mark.parametrize("make", [WithoutEq, ByHand, Slotless])
def test_an_op_decorated_otherwise_or_not_at_all_compares_by_parameters(
    make: Any,
) -> None:
    assert make(2.0) == make(2.0)
    assert make(2.0) != make(3.0)
    assert make(1) != make(True)
    assert make(np.zeros(2)) == make(np.zeros(2))


def test_an_ops_every_attribute_counts_and_its_own_equality_is_refused() -> None:
    assert Extended(1.0, 2.0) == Extended(1.0, 2.0)
    assert Extended(1.0, 2.0) != Extended(1.0, 3.0)
    with pytest.raises(TypeError, match="ops compare by parameters"):
        type("Mine", (ByHand,), {"__eq__": lambda self, other: True})


def test_ops_that_differ_in_an_attribute_are_recorded_apart() -> None:
    @dataclass(frozen=True)
    class Repeat(Op):
        name = "repeat"

        def shape(self, *inputs: Shape) -> Shape:
            return (self.times,)

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return np.full(self.times, inputs[0] + inputs[1])

        times = 1

    class Twice(Repeat):
        def __init__(self, times: int) -> None:
            object.__setattr__(self, "times", times)

    tape = leaf(1.0).exec().unwrap()
    x = NodeId(0)
    for times in (2, 3):
        made = apply_op(Twice(times), x, x).exec(tape).unwrap()
        assert made.nodes()[-1].value.shape == (times,)


# -- what an op may define -------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 0), (1, 2), (-1,)])
def test_an_order_of_contributions_names_each_operand_once(order: Any) -> None:
    with pytest.raises(TypeError, match=r"Odd.contribution_order is .*counted from 0"):
        type("Odd", (Op,), {"name": "odd", "contribution_order": order})


def test_an_op_does_not_define_its_own_equality() -> None:
    with pytest.raises(TypeError, match="Odd defines ==, but ops compare by"):
        type("Odd", (Op,), {"name": "odd", "__eq__": lambda self, other: True})
