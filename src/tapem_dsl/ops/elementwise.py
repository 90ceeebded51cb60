"""Ops that act entry by entry; they never broadcast and never mix scalar types."""

from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, Final, final

import numpy as np

from tapem_dsl.core.errors import OutsideDomain, Refused
from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, equal_shapes
from tapem_dsl.core.tapem import TapeM, record_op


class Binary(Op):
    """Two operands of one shape, which is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Both alike."""
        a, b = inputs
        return equal_shapes(self.name, a, b)


class Unary(Op):
    """One operand, whose shape is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the operand's."""
        (x,) = inputs
        return x


@final
@dataclass(frozen=True, slots=True)
class Add(Binary):
    """``a + b``."""

    name = "add"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Add by operator."""
        a, b = inputs
        return a + b


@final
@dataclass(frozen=True, slots=True)
class Sub(Binary):
    """``a - b``."""

    name = "sub"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Subtract by operator."""
        a, b = inputs
        return a - b


@final
@dataclass(frozen=True, slots=True)
class Mul(Binary):
    """``a * b``."""

    name = "mul"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Multiply by operator."""
        a, b = inputs
        return a * b


@final
@dataclass(frozen=True, slots=True)
class Div(Binary):
    """``a / b``."""

    name = "div"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Divide by operator; floats give inf or NaN at 0, rationals refuse."""
        a, b = inputs
        return a / b


@final
@dataclass(frozen=True, slots=True)
class Scale(Unary):
    """``x * factor`` for a constant that carries no gradient."""

    name = "scale"

    factor: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Round the factor once, into the operand's scalar type."""
        (x,) = inputs
        return x * xp.lit(x, self.factor)


@final
@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """``max(x, 0)``, and 0 at ``-0.0``."""

    name = "relu"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Keep NaN, as ``maximum`` does and ``where(x > 0, x, 0)`` would not."""
        (x,) = inputs
        return xp.maximum(x, 0)


@final
@dataclass(frozen=True, slots=True)
class Tanh(Unary):
    """Hyperbolic tangent."""

    name = "tanh"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.tanh(x)


@final
@dataclass(frozen=True, slots=True)
class Sigmoid(Unary):
    """``1 / (1 + exp(-x))``."""

    name = "sigmoid"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Take ``exp`` of what is not positive, so that it cannot overflow."""
        (x,) = inputs
        z = xp.exp(-xp.abs(x))
        return xp.where(x > 0, 1 / (1 + z), z / (1 + z))


@final
@dataclass(frozen=True, slots=True)
class Exp(Unary):
    """``e ** x``."""

    name = "exp"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.exp(x)


@final
@dataclass(frozen=True, slots=True)
class Log(Unary):
    """Natural logarithm of what is greater than 0."""

    name = "log"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Refuse an entry that is not greater than 0, where entries are known."""
        (x,) = inputs
        known = xp.concrete(x)
        if known is not None:
            bad = np.argwhere(np.logical_not(known > 0))
            if len(bad):
                index = tuple(map(int, bad[0]))
                entry = str(known[index])
                raise Refused(OutsideDomain(self.name, _LOG, entry=entry, index=index))
        return xp.log(x)


_LOG: Final = (
    "input contains values <= 0 (or NaN); "
    "`safe_log` computes log(softplus(x) + eps) and accepts every input"
)
_ADD: Final = Add()
_SUB: Final = Sub()
_MUL: Final = Mul()
_DIV: Final = Div()
_RELU: Final = Relu()
_TANH: Final = Tanh()
_SIGMOID: Final = Sigmoid()
_EXP: Final = Exp()
_LOG_OP: Final = Log()


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
        factor: a real number, rounded once into the tape's scalar type: ``Fraction(1,
        3)``
            is a third as exactly as that type can say it.

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
    if isinstance(factor, bool) or not isinstance(factor, Real):
        raise TypeError(
            f"scale multiplies by a real number, not by {factor!r}; "
            "record it with const and multiply with mul"
        )
    return record_op(Scale(factor), (x,), shape)


def relu(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Rectify: the larger of ``x`` and 0, entry by entry.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`.

    Gradient:
        ``g`` where ``x > 0``, else 0: also at 0 and for NaN, and where ``g`` is inf.

    Source:
        Lean: ``TapeM.relu``. PyTorch: ``torch.relu``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([-1.0, 2.0])).bind(relu).bind(value_of).eval()
    <Success: [0. 2.]>
    """
    return record_op(_RELU, (x,), shape)


def tanh(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Hyperbolic tangent, entry by entry.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``(1 - y * y) * g``.

    Source:
        Lean: ``TapeM.tanh``. PyTorch: ``torch.tanh``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(tanh).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_TANH, (x,), shape)


def sigmoid(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Logistic function ``1 / (1 + exp(-x))``, entry by entry, without overflow.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``y * (1 - y) * g``.

    Source:
        Lean: ``TapeM.sigmoid``. PyTorch: ``torch.sigmoid``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-1000.0).bind(sigmoid).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SIGMOID, (x,), shape)


def exp(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Exponential, entry by entry; beyond the range of the scalar type it is inf.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``y * g``.

    Source:
        Lean: ``TapeM.exp``. PyTorch: ``torch.exp``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(exp).bind(value_of).eval()
    <Success: 1.0>
    >>> print(leaf(Fraction(1, 2)).bind(exp).run().failure().message)
    autograd: exp: not a rational function; run the program over float64 instead
    """
    return record_op(_EXP, (x,), shape)


def log(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Natural logarithm, entry by entry, of what is greater than 0.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given; empty
        arrays pass.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` for an
        entry that is not greater than 0, NaN included, and over rationals.

    Gradient:
        ``(1 / x) * g``.

    Source:
        Lean: ``TapeM.log``. PyTorch: ``torch.log``, which gives -inf and NaN instead.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1.0).bind(log).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_LOG_OP, (x,), shape)
