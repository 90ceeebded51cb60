"""Vector-Jacobian products of arithmetic."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.arithmetic import Add, Div, Mul, Scale, ShiftBy, Sub


@vjp_rules.define(Add)
def _add(
    op: Add, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` to both."""
    return g, g


@vjp_rules.define(Sub)
def _sub(
    op: Sub, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` and ``0 - g``, which at 0 is 0 and not ``-0.0``."""
    return g, 0 - g if need[1] else None


@vjp_rules.define(Mul)
def _mul(
    op: Mul, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g * b`` and ``g * a``."""
    a, b = xs
    return g * b if need[0] else None, g * a if need[1] else None


@vjp_rules.define(Div)
def _div(
    op: Div, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / b`` and ``0 - g * (y / b)``: no square of ``b`` that could overflow."""
    _, b = xs
    return g / b if need[0] else None, 0 - g * (y / b) if need[1] else None


@vjp_rules.define(Scale)
def _scale(
    op: Scale, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g * factor``."""
    return (g * xp.literal(g, op.factor),)


@vjp_rules.define(ShiftBy)
def _shift_by(
    op: ShiftBy, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g``."""
    return (g,)
