"""Define an op and its rule outside the package: softsign, x / (1 + |x|)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import tapem_dsl as t
from tapem_dsl import Array


@dataclass(frozen=True, slots=True)
class Softsign(t.Op):
    name = "softsign"

    def shape(self, *inputs: t.Shape) -> t.Shape:
        (x,) = inputs
        return x

    def evaluate(self, xp: t.Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x / (1 + xp.abs(x))


def to_x(op: Softsign, xp: t.Namespace, g: Array, x: Array, y: Array) -> Array:
    slope = 1 / (1 + xp.abs(x))
    return g * slope * slope


t.vjp_rules.each(Softsign, to_x)


def softsign(x: t.NodeId) -> t.TapeM[t.NodeId, Any]:  # Any: every scalar
    return t.apply_op(Softsign(), x)


if __name__ == "__main__":
    out, tape = t.param(Fraction(2)).bind(softsign).run().unwrap()
    print(t.backward_scalar(tape, out).unwrap()[t.NodeId(0)])  # exactly 1/9
