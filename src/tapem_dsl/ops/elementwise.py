"""Functions applied entry by entry."""

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Unary
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR


@final
@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """``max(x, 0)``, and 0 at ``-0.0``."""

    name = "relu"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Keep NaN, as ``where(x > 0, x, 0)`` would not; ``+ 0`` fixes ``-0.0``."""
        (x,) = inputs
        return xp.maximum(x, 0) + 0


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
        """As the namespace does."""
        (x,) = inputs
        return xp.sigmoid(x)


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
class Sin(Unary):
    """Sine, of radians."""

    name = "sin"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.sin(x)


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
                raise Refused(
                    OutsideDomain(self.name, _NOT_POSITIVE, entry=entry, index=index)
                )
        return xp.log(x)


@final
@dataclass(frozen=True, slots=True)
class Cos(Unary):
    """Cosine, of radians."""

    name = "cos"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.cos(x)


@final
@dataclass(frozen=True, slots=True)
class Detach(Unary):
    """The operand, as a constant."""

    name = "detach"
    scalar_kinds = ANY_SCALAR
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Give the operand; a tracer gives what it carries."""
        (x,) = inputs
        return xp.constant(x)


_NOT_POSITIVE: Final = (
    "input contains values <= 0 (or NaN); "
    "`safe_log` computes log(softplus(x) + eps) and accepts every input"
)
_RELU: Final = Relu()
_TANH: Final = Tanh()
_SIGMOID: Final = Sigmoid()
_EXP: Final = Exp()
_LOG: Final = Log()
_SIN: Final = Sin()
_COS: Final = Cos()
_DETACH: Final = Detach()


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
        ``sech(x)**2 * g``, which is ``1 - y * y``, also where ``y`` rounds to 1.

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
        ``y * (1 - y) * g``, with all digits also where ``y`` rounds to 1.

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
    >>> from fractions import Fraction
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
    return record_op(_LOG, (x,), shape)


def sin(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Sine, entry by entry, of angles in radians; NaN at infinity.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``cos(x) * g``.

    Source:
        Lean: ``TapeM.sin``, of the later generations. PyTorch: ``torch.sin``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(sin).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SIN, (x,), shape)


def cos(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Cosine, entry by entry, of angles in radians; NaN at infinity.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``-(sin(x) * g)``.

    Source:
        Lean: ``TapeM.cos``, of the later generations. PyTorch: ``torch.cos``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(cos).bind(value_of).eval()
    <Success: 1.0>
    """
    return record_op(_COS, (x,), shape)


def detach(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Treat a node as a constant: its value stays, and no gradient passes through it.

    Shapes:
        ``x`` and the result alike, of any scalar type, and equal to ``shape`` if that
        is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`ShapeMismatch`.

    Gradient:
        None: the result's ``requires_grad`` is false, whatever its operand's.

    Source:
        Lean: ``detach`` of the program interface, which clears tangents too. PyTorch:
        ``Tensor.detach``.

    >>> from tapem_dsl import leaf, mul
    >>> square = leaf(3.0).bind(lambda x: detach(x).bind(lambda c: mul(x, c)))
    >>> from tapem_dsl import backward_scalar
    >>> square.bind(backward_scalar).eval()
    <Success: {0: np.float64(3.0), 2: np.float64(1.0)}>
    """
    return record_op(_DETACH, (x,), shape)
