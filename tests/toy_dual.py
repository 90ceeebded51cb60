"""Directional derivatives by duals, as the tests of ops and rules ask for them."""

from fractions import Fraction
from typing import Any

from tapem_dsl import Array, NodeId, TapeM, leaf, map_m
from tapem_dsl.interpreters.forward import Dual as LevelDual
from tapem_dsl.interpreters.forward.dual import primal_at, tangent_at
from tapem_dsl.interpreters.forward.parts import canonical


def Dual(primal: Array, tangent: Array, level: int = 1) -> LevelDual:  # noqa: N802 - as the class
    """Make a dual, at the first level unless told otherwise."""
    return LevelDual(primal, tangent, level)


def split(x: Array, level: int) -> tuple[Array, Array]:
    """Give primal and tangent at a level; a constant has the tangent 0."""
    if type(x) in (int, float, Fraction):
        return x, 0
    x = canonical(x)
    return primal_at(x, level), tangent_at(x, level)


def jvp(
    function: Any,  # Any: takes as many ids as there are operands
    xs: tuple[Array, ...],
    vs: tuple[Array | None, ...],
) -> tuple[Array, Array]:
    """
    Give the value of a program and its derivative along ``vs``.

    An operand whose direction is ``None`` stays a plain array.
    """
    operands = [x if v is None else Dual(x, v) for x, v in zip(xs, vs, strict=True)]
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, operands)
    out, tape = leaves.bind(lambda ids: function(*ids)).run().unwrap()
    return split(tape[out].value, 1)
