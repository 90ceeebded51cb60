"""Arithmetic, entry by entry; it never broadcasts and never mixes scalar types."""

import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Operator, Unary
from tapem_dsl.program.arguments import real_argument
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Add(Operator):
    """``a + b``."""

    name = "add"
    with_numbers = ("shift_by(x, {})",) * 2
    operator = operator.add


@final
@dataclass(frozen=True, slots=True)
class Sub(Operator):
    """``a - b``."""

    name = "sub"
    with_numbers = (
        "scale(x, -1).bind(lambda y: shift_by(y, {}))",
        "shift_by(x, {negative})",
    )
    operator = operator.sub


@final
@dataclass(frozen=True, slots=True)
class Mul(Operator):
    """``a * b``."""

    name = "mul"
    with_numbers = ("scale(x, {})",) * 2
    operator = operator.mul


@final
@dataclass(frozen=True, slots=True)
class Div(Operator):
    """``a / b``; floats give inf or NaN at 0, rationals refuse."""

    name = "div"
    with_numbers = ("inv(x).bind(lambda y: scale(y, {}))", "scale(x, {inverse})")
    operator = operator.truediv


@final
@dataclass(frozen=True, slots=True)
class Scale(Unary):
    """``x * factor`` for a constant that carries no gradient."""

    name = "scale"

    factor: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Round the factor once, into the operand's scalar type."""
        (x,) = inputs
        return x * xp.literal(x, self.factor)


@final
@dataclass(frozen=True, slots=True)
class ShiftBy(Unary):
    """``x + offset`` for a constant that carries no gradient."""

    name = "shift_by"

    offset: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Round the offset once, into the operand's scalar type."""
        (x,) = inputs
        return x + xp.literal(x, self.offset)


_ADD: Final = Add()
_SUB: Final = Sub()
_MUL: Final = Mul()
_DIV: Final = Div()


def add(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Add two nodes, entry by entry.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g`` to each; ``add(x, x)`` contributes twice.

    Source:
        Lean: ``TapeM.add``. PyTorch: ``torch.add``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(lambda a: add(a, a)).bind(value_of).eval()
    <Success: 4.0>
    """
    return record_op(_ADD, (a, b), shape)


def sub(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Subtract the second node from the first, entry by entry.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g`` and ``0 - g``.

    Source:
        Lean: ``TapeM.sub``. PyTorch: ``torch.sub``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(lambda a: sub(a, a)).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SUB, (a, b), shape)


def mul(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Multiply two nodes, entry by entry.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g * b`` and ``g * a``.

    Source:
        Lean: ``TapeM.mul``. PyTorch: ``torch.mul``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda a: mul(a, a)).bind(value_of).eval()
    <Success: 9.0>
    """
    return record_op(_MUL, (a, b), shape)


def div(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Divide the first node by the second, entry by entry.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`;
        :class:`OutsideDomain` for a rational divided by 0, where floats give inf or
        NaN.

    Gradient:
        ``g / b`` and ``0 - g * ((a / b) / b)``: divided twice, so that no square of
        ``b`` overflows.

    Source:
        Lean: ``TapeM.div``. PyTorch: ``torch.div``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda a: div(a, a)).bind(value_of).eval()
    <Success: 1.0>
    """
    return record_op(_DIV, (a, b), shape)


def scale(
    x: NodeId, factor: float | Fraction, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Multiply a node by a constant.

    Args:
        x: of any shape.
        shape: the shape that ``x`` must have, if given.
        factor: a real number, rounded once into the tape's scalar type, which says
            ``Fraction(1, 3)`` as exactly as it can.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` for a
        factor beyond double precision, or, over rationals, one that is inf or NaN.

    Raises:
        TypeError: the factor is no real number; a node times a node is :func:`mul`.

    Gradient:
        ``g * factor``; none for the factor.

    Source:
        Lean: ``TapeM.scale``. PyTorch: ``x * factor``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda x: scale(x, Fraction(1, 2))).bind(value_of).eval()
    <Success: 1.5>
    """
    real_argument(factor, "scale", "factor", "mul(x, factor)")
    return record_op(Scale(factor), (x,), shape)


def shift_by(
    x: NodeId, offset: float | Fraction, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Add a constant to every entry of a node.

    Args:
        x: of any shape.
        offset: a real number, rounded once into the tape's scalar type.
        shape: the shape that ``x`` must have, if given.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` for an
        offset beyond double precision, or, over rationals, one that is inf or NaN.

    Raises:
        TypeError: the offset is no real number; a node and a node are :func:`add`.

    Gradient:
        ``g``; none for the offset.

    Source:
        Lean: none; a constant is recorded and added. PyTorch: ``x + offset``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda x: shift_by(x, -1)).bind(value_of).eval()
    <Success: 2.0>
    """
    real_argument(offset, "shift_by", "offset", "add(x, offset)")
    return record_op(ShiftBy(offset), (x,), shape)
