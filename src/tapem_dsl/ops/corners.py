"""Functions applied entry by entry that have a corner or a pole."""

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Binary, Unary
from tapem_dsl.program.arguments import real_argument
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Abs(Unary):
    """Absolute value."""

    name = "abs"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.abs(x)


@final
@dataclass(frozen=True, slots=True)
class Sqrt(Unary):
    """Square root of ``max(x, 0)``."""

    name = "sqrt"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Take what is negative for 0; NaN stays."""
        (x,) = inputs
        return xp.sqrt(xp.maximum(x, 0))


@final
@dataclass(frozen=True, slots=True)
class Inv(Unary):
    """``1 / x``."""

    name = "inv"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Divide; floats give inf at 0, rationals refuse."""
        (x,) = inputs
        return 1 / x


@final
@dataclass(frozen=True, slots=True)
class Clamp(Unary):
    """``min(high, max(low, x))``."""

    name = "clamp"

    low: float | Fraction
    high: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Raise to the lower bound, then lower to the upper; NaN stays."""
        (x,) = inputs
        raised = xp.maximum(x, xp.literal(x, self.low))
        return xp.minimum(raised, xp.literal(x, self.high))


@final
@dataclass(frozen=True, slots=True)
class Max(Binary):
    """The larger of two."""

    name = "max"
    with_numbers = ("clamp(x, {}, float('inf'))",) * 2

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does: NaN if either is."""
        a, b = inputs
        return xp.maximum(a, b)


@final
@dataclass(frozen=True, slots=True)
class Min(Binary):
    """The smaller of two."""

    name = "min"
    with_numbers = ("clamp(x, float('-inf'), {})",) * 2

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does: NaN if either is."""
        a, b = inputs
        return xp.minimum(a, b)


_ABS: Final = Abs()
_SQRT: Final = Sqrt()
_INV: Final = Inv()
_MAX: Final = Max()
_MIN: Final = Min()


def abs_(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Absolute value, entry by entry.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`.

    Gradient:
        ``g`` where ``x > 0``, ``-g`` where ``x < 0``, 0 at 0 and for NaN.

    Source:
        Lean: ``TapeM.abs``. PyTorch: ``torch.abs``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-2.0).bind(abs_).bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_ABS, (x,), shape)


def sqrt(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Square root, entry by entry, of ``max(x, 0)``: 0 for what is negative.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``g / (2 * y)`` where ``x > 0``; 0 elsewhere, also at 0 and for NaN.

    Source:
        Lean: ``TapeM.sqrt``. PyTorch: ``torch.sqrt``, NaN for what is negative, and
        with the gradient inf at 0.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(9.0).bind(sqrt).bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_SQRT, (x,), shape)


def inv(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Reciprocal, entry by entry.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` for a
        rational 0, where floats give inf.

    Gradient:
        ``-(g * y * y)``.

    Source:
        Lean: ``TapeM.inv``. PyTorch: ``torch.reciprocal``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(4.0).bind(inv).bind(value_of).eval()
    <Success: 0.25>
    """
    return record_op(_INV, (x,), shape)


def clamp(
    x: NodeId,
    low: float | Fraction,
    high: float | Fraction,
    *,
    shape: Shape | None = None,
) -> TapeM[NodeId, Any]:
    """
    Keep entries between two bounds: ``min(high, max(low, x))``.

    Args:
        x: of any shape; NaN stays NaN.
        low: a real number; -inf for no bound.
        high: a real number; inf for no bound. Where it is less than ``low``, all is it.
        shape: the shape that ``x`` must have, if given.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` for a
        bound beyond double precision, or, over rationals, an infinite one.

    Raises:
        TypeError: a bound that is no real number.
        ValueError: a bound that is NaN.

    Gradient:
        ``g`` where ``low < x < high``; 0 elsewhere, also at both ends and for NaN.

    Source:
        Lean: ``TapeM.clamp``. PyTorch: ``torch.clamp``, with the gradient ``g`` at the
        ends.

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


def max_(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Larger of two nodes, entry by entry; NaN if either is.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g`` to the larger; half of it to each where they are equal, or one is NaN.

    Source:
        Lean: ``TapeM.max``, whose ``max(0, NaN)`` is 0. PyTorch: ``torch.maximum``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> larger = two.bind(lambda a: three.bind(lambda b: max_(a, b)))
    >>> larger.bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_MAX, (a, b), shape)


def min_(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Smaller of two nodes, entry by entry; NaN if either is.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given;
        nothing is broadcast.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g`` to the smaller; half of it to each where they are equal, or one is NaN.

    Source:
        Lean: ``TapeM.min``, whose ``min(NaN, 0)`` is 0. PyTorch: ``torch.minimum``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> smaller = two.bind(lambda a: three.bind(lambda b: min_(a, b)))
    >>> smaller.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_MIN, (a, b), shape)


def _is_nan(number: Any) -> bool:  # Any: a real number of whatever class
    return not isinstance(number, Rational) and math.isnan(number)
