"""Ops whose rules report, or go wrong as they are told, and tapes of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    Tape,
    add,
    const,
    do,
    mul,
    param,
    scale,
    vjp_rules,
)
from tapem_dsl.errors import Refused, ShapeMismatch

# Any, throughout: tapes of several scalars go through the same checks.
ONE: Any = np.float64(1)
SEEN: list[tuple[str, Any]] = []


@dataclass(frozen=True, slots=True)
class Probe(Op):
    """The identity of one operand, or the sum of several; its rule reports."""

    name = "probe"

    tag: str = ""
    gives: str = "right"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return sum(inputs[1:], start=inputs[0])


@vjp_rules.define(Probe)
def _probe(
    op: Probe,
    xp: Namespace,
    g: Array,
    xs: tuple[Array, ...],
    y: Array,
    need: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    SEEN.append((op.tag, need))
    wrong: dict[str, Any] = {
        "shape": np.zeros((7,)),
        "dtype": np.float32(1),
        "list": [1.0],
        "few": (),
        "none": (None,) * len(xs),
    }
    if op.gives in ("few", "none"):
        few: tuple[Array | None, ...] = wrong[op.gives]
        return few
    if op.gives == "overwrites":
        g *= 2
        return tuple(g for _ in xs)
    if op.gives == "bare":
        bare: Any = g
        return bare  # type: ignore[no-any-return] # the mistake
    if op.gives == "refuses":
        raise Refused(ShapeMismatch("probe", shapes=(), wants="no gradient"))
    if op.gives == "division":
        return tuple(x / (x - x) for x in xs)
    return tuple(wrong.get(op.gives, g) for _ in xs)


@dataclass(frozen=True, slots=True)
class Ruleless(Op):
    name = "ruleless"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


def run(program: Any) -> tuple[NodeId, Tape[Any]]:
    pair: tuple[NodeId, Tape[Any]] = program.run().unwrap()
    return pair


def ids(*numbers: int) -> tuple[NodeId, ...]:
    return tuple(map(NodeId, numbers))


@do
def mixed() -> Do[NodeId]:
    """Golden: a frozen 2 and a trainable 5; ``2 * (scale(2, 3) * 5)`` in two halves."""
    frozen = yield from const(2.0)  # 0
    tripled = yield from scale(frozen, 3.0)  # 1
    squared = yield from mul(frozen, tripled)  # 2
    trainable = yield from param(5.0)  # 3
    product = yield from mul(squared, trainable)  # 4
    return (yield from add(product, product))  # 5
