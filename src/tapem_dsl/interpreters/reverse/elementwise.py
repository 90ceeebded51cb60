"""Vector-Jacobian products of the elementwise ops."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.elementwise import (
    Add,
    Div,
    Exp,
    Log,
    Mul,
    Relu,
    Scale,
    Sigmoid,
    Sub,
    Tanh,
)


@vjp.define(Add)
def _add(
    op: Add, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` to both."""
    return g, g


@vjp.define(Sub)
def _sub(
    op: Sub, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` and ``0 - g``, which at 0 is 0 and not ``-0.0``."""
    return g, 0 - g if need[1] else None


@vjp.define(Mul)
def _mul(
    op: Mul, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g * b`` and ``g * a``."""
    a, b = xs
    return g * b if need[0] else None, g * a if need[1] else None


@vjp.define(Div)
def _div(
    op: Div, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g / b`` and ``0 - g * (y / b)``: no square of ``b`` that could overflow."""
    _, b = xs
    return g / b if need[0] else None, 0 - g * (y / b) if need[1] else None


@vjp.define(Scale)
def _scale(
    op: Scale, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g * factor``."""
    return (g * xp.lit(g, op.factor),)


@vjp.define(Relu)
def _relu(
    op: Relu, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` where ``x > 0``; elsewhere 0, even if ``g`` is inf."""
    (x,) = xs
    return (xp.where(x > 0, g, 0),)


@vjp.define(Tanh)
def _tanh(
    op: Tanh, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(1 - y**2) * g``."""
    return ((1 - y * y) * g,)


@vjp.define(Sigmoid)
def _sigmoid(
    op: Sigmoid, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * (1 - y) * g``."""
    return (y * (1 - y) * g,)


@vjp.define(Exp)
def _exp(
    op: Exp, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * g``."""
    return (y * g,)


@vjp.define(Log)
def _log(
    op: Log, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(1 / x) * g``."""
    (x,) = xs
    return (1 / x * g,)
