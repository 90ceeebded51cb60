"""Arithmetic of two nodes, or of a node and a constant, entry by entry."""

import math
import operator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Binary, Operator, Unary
from tapem_dsl.program.checks import real_argument
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Add(Operator):
    """``a + b``."""

    name = "add"
    with_numbers = ("shift_by(x, {})",) * 2
    operator = operator.add


def add(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Add two nodes, entry by entry.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` to each; ``add(x, x)`` contributes twice.
    Lean: ``TapeM.add``. PyTorch: ``torch.add``, which broadcasts. JAX:
        ``jax.numpy.add``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(lambda a: add(a, a)).bind(value_of).eval()
    <Success: 4.0>
    """
    return record_op(_ADD, (a, b), shape)


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


def sub(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Subtract the second node from the first, entry by entry.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` and ``0 - g``.
    Lean: ``TapeM.sub``. PyTorch: ``torch.sub``, which broadcasts. JAX:
        ``jax.numpy.subtract``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(2.0).bind(lambda a: sub(a, a)).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SUB, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Mul(Operator):
    """``a * b``."""

    name = "mul"
    with_numbers = ("scale(x, {})",) * 2
    operator = operator.mul


def mul(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Multiply two nodes, entry by entry.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g * b`` and ``g * a``.
    Lean: ``TapeM.mul``. PyTorch: ``torch.mul``, which broadcasts. JAX:
        ``jax.numpy.multiply``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda a: mul(a, a)).bind(value_of).eval()
    <Success: 9.0>
    """
    return record_op(_MUL, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Div(Operator):
    """``a / b``."""

    name = "div"
    with_numbers = ("inv(x).bind(lambda y: scale(y, {}))", "scale(x, {inverse})")
    operator = operator.truediv


def div(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Divide the first node by the second, entry by entry.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for a rational divided by 0, where
        floats give inf or NaN.
    Gradient: ``g / b`` and ``0 - g * ((a / b) / b)``, where no square of ``b`` can
        overflow.
    Lean: ``TapeM.div``. PyTorch: ``torch.div``, which broadcasts. JAX:
        ``jax.numpy.divide``, which broadcasts.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda a: div(a, a)).bind(value_of).eval()
    <Success: 1.0>
    """
    return record_op(_DIV, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Inv(Unary):
    """``1 / x``."""

    name = "inv"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return 1 / x


def inv(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Reciprocal, entry by entry.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for a rational 0, where floats give
        inf.
    Gradient: ``-(g * y * y)``.
    Lean: ``TapeM.inv``. PyTorch: ``torch.reciprocal``. JAX: ``jax.numpy.reciprocal``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(4.0).bind(inv).bind(value_of).eval()
    <Success: 0.25>
    """
    return record_op(_INV, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Scale(Unary):
    """``x * factor`` for a constant that receives no gradient."""

    name = "scale"

    factor: float | Fraction

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x * xp.literal(x, self.factor)


def scale(
    x: NodeId, factor: float | Fraction, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Multiply a node by a constant; :func:`mul` multiplies two nodes.

    The factor is rounded once, to the scalar type of the tape. ``Fraction(1, 3)`` is
    as near to a third as that type can come.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for a factor beyond double
        precision, and over rationals for inf and NaN.
    Gradient: ``g * factor``; none for the factor.
    Lean: ``TapeM.scale``. PyTorch: ``x * factor``. JAX: ``x * factor``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda x: scale(x, Fraction(1, 2))).bind(value_of).eval()
    <Success: 1.5>
    """
    real_argument(factor, "scale", "factor", "mul(x, factor)")
    return record_op(Scale(factor), (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class ShiftBy(Unary):
    """``x + offset`` for a constant that receives no gradient."""

    name = "shift_by"

    offset: float | Fraction

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x + xp.literal(x, self.offset)


def shift_by(
    x: NodeId, offset: float | Fraction, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Add a constant to every entry of a node; :func:`add` adds two nodes.

    The offset is rounded once, to the scalar type of the tape.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for an offset beyond double
        precision, and over rationals for inf and NaN.
    Gradient: ``g``; none for the offset.
    Lean: none; a constant is recorded and added. PyTorch: ``x + offset``. JAX:
        ``x + offset``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda x: shift_by(x, -1)).bind(value_of).eval()
    <Success: 2.0>
    """
    real_argument(offset, "shift_by", "offset", "add(x, offset)")
    return record_op(ShiftBy(offset), (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Clamp(Unary):
    """``min(high, max(low, x))``; NaN stays NaN."""

    name = "clamp"

    low: float | Fraction
    high: float | Fraction

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        raised = xp.maximum(x, xp.literal(x, self.low))
        return xp.minimum(raised, xp.literal(x, self.high))


def clamp(
    x: NodeId,
    low: float | Fraction,
    high: float | Fraction,
    *,
    shape: Shape | None = None,
) -> TapeM[NodeId, Any]:
    """
    Keep entries between two constants: ``min(high, max(low, x))``.

    NaN stays NaN. -inf and inf are no bounds. If ``high`` is less than ``low``, every
    entry becomes ``high``.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for a bound beyond double precision,
        and over rationals for an infinite one.
    Raises: ValueError: a bound is NaN.
    Gradient: ``g`` where ``low < x < high``; 0 elsewhere, also at both ends and for
        NaN.
    Lean: ``TapeM.clamp``. PyTorch: ``torch.clamp``, with the gradient ``g`` at the
        ends. JAX: ``jax.numpy.clip``, with half the gradient at the ends.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(3.0).bind(lambda x: clamp(x, 0, 1)).bind(value_of).eval()
    <Success: 1.0>
    """
    real_argument(low, "clamp", "low", "max_(x, low)")
    real_argument(high, "clamp", "high", "min_(x, high)")
    for name, bound in (("low", low), ("high", high)):
        if _is_nan(bound):
            raise ValueError(f"clamp takes a real number for {name}, not NaN")
    return record_op(Clamp(low, high), (x,), shape)


def _is_nan(number: Any) -> bool:  # Any: a real number of any class
    return not isinstance(number, Rational) and math.isnan(number)


@final
@dataclass(frozen=True, slots=True)
class Max(Binary):
    """The larger of two; NaN if either is."""

    name = "max"
    recorded_by = "max_"
    with_numbers = ("clamp(x, {}, float('inf'))",) * 2

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.maximum(*inputs)


def max_(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Larger of two nodes, entry by entry; NaN if either is.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` to the larger; half of it to each where they are equal, or one is
        NaN.
    Lean: ``TapeM.max``, whose ``max(0, NaN)`` is 0. PyTorch: ``torch.maximum``. JAX:
        ``jax.numpy.maximum``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> larger = two.bind(lambda a: three.bind(lambda b: max_(a, b)))
    >>> larger.bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_MAX, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Min(Binary):
    """The smaller of two; NaN if either is."""

    name = "min"
    recorded_by = "min_"
    with_numbers = ("clamp(x, float('-inf'), {})",) * 2

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.minimum(*inputs)


def min_(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Smaller of two nodes, entry by entry; NaN if either is.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` to the smaller; half of it to each where they are equal, or one is
        NaN.
    Lean: ``TapeM.min``, whose ``min(NaN, 0)`` is 0. PyTorch: ``torch.minimum``. JAX:
        ``jax.numpy.minimum``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> smaller = two.bind(lambda a: three.bind(lambda b: min_(a, b)))
    >>> smaller.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_MIN, (a, b), shape)


_ADD: Final = Add()
_SUB: Final = Sub()
_MUL: Final = Mul()
_DIV: Final = Div()
_INV: Final = Inv()
_MAX: Final = Max()
_MIN: Final = Min()
