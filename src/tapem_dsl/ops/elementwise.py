"""Functions of one node, entry by entry."""

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import EXACT, Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import OutsideDomain, TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.ops.base import Unary
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import ANY_SCALAR


@final
@dataclass(frozen=True, slots=True)
class Exp(Unary):
    """``e ** x``."""

    name = "exp"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.exp(*inputs)


def exp(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Exponential, entry by entry; inf beyond the range of the scalar type.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``y * g``.
    Lean: ``TapeM.exp``. PyTorch: ``torch.exp``. JAX: ``jax.numpy.exp``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(exp).bind(value_of).eval()
    <Success: 1.0>
    >>> print(leaf(Fraction(1, 2)).bind(exp).run().failure().message)
    autograd: exp: not a rational function; run the program over float64 instead
    """
    return record_op(_EXP, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Log(Unary):
    """Natural logarithm of what is greater than 0."""

    name = "log"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        xp.require(lambda x: x > 0, x, self._not_positive)  # NaN is refused, too
        return xp.log(x)

    def _not_positive(self, entry: str, index: tuple[int, ...]) -> TapeError:
        return OutsideDomain(self.name, _NOT_POSITIVE, entry=entry, index=index)


_NOT_POSITIVE: Final = (
    "input contains values <= 0 (or NaN); "
    "`safe_log` computes log(softplus(x) + eps) and accepts every input"
)


def log(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Natural logarithm, entry by entry, of entries greater than 0.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` for an entry that is not greater
        than 0, NaN included, and over rationals.
    Gradient: ``(1 / x) * g``.
    Lean: ``TapeM.log``. PyTorch: ``torch.log``, which gives -inf and NaN instead. JAX:
        ``jax.numpy.log``, which gives -inf and NaN instead.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1.0).bind(log).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_LOG, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Log1p(Unary):
    """``log(1 + x)``, to full precision where ``x`` is small."""

    name = "log1p"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.log1p(*inputs)


def log1p(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Natural logarithm of ``1 + x``, entry by entry; -inf at -1 and NaN below.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``g / (1 + x)``.
    Lean: none on tapes. PyTorch: ``torch.log1p``. JAX: ``jax.numpy.log1p``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1e-20).bind(log1p).bind(value_of).eval()
    <Success: 1e-20>
    """
    return record_op(_LOG1P, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class SafeLog(Unary):
    """``log(softplus(x) + epsilon)``."""

    name = "safe_log"

    epsilon: float | Fraction

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        epsilon = xp.literal(x, self.epsilon)
        left = far_left(xp, x)
        if left is None:
            return xp.log(xp.softplus(x) + epsilon)
        near = xp.log(xp.softplus(xp.where(~left, x, FAR_LEFT)) + epsilon)
        # log(s + e) = log(1 + s / e) + log(e) = softplus(log(s / e)) + log(e)
        z = self.from_log(xp, xp.where(left, x, FAR_LEFT))
        return xp.where(left, xp.softplus(z) + xp.literal(x, self._log()), near)

    def from_log(self, xp: Namespace, x: Array) -> Array:
        """
        Return ``log(softplus(x)) - log(epsilon)`` of entries far to the left.

        The logarithm of epsilon is subtracted in two parts, so that no digit of the
        second is lost where the first leaves little.
        """
        log = self._log()
        whole = round(log)
        return (x - xp.exp(x) / 2 - whole) - xp.literal(x, log - whole)

    def _log(self) -> Fraction:
        """Return the logarithm of epsilon, though a scalar type may round it to 0."""
        return _log_of(EXACT.literal(None, self.epsilon))


FAR_LEFT: Final = -50
"""Below it ``log(softplus(x))`` is ``x - exp(x) / 2`` to all digits of any type."""


def far_left(xp: Namespace, x: Array) -> Array | None:
    """
    Return where ``x`` is below ``FAR_LEFT``; ``None`` if nowhere.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> far_left(NUMPY, np.array([-60.0, 0.0])), far_left(NUMPY, np.array([0.0]))
    (array([ True, False]), None)
    """
    return None if xp.holds(lambda x: ~(x < FAR_LEFT), x) else x < FAR_LEFT


@lru_cache(maxsize=256)
def _log_of(number: Fraction) -> Fraction:
    """Return the logarithm to more digits than any scalar type has."""
    digits = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX)
    ratio = digits.divide(Decimal(number.numerator), Decimal(number.denominator))
    return Fraction(digits.ln(ratio))


def safe_log(
    x: NodeId,
    epsilon: float | Fraction = Fraction(1, 1_000_000),
    *,
    shape: Shape | None = None,
) -> TapeM[NodeId, Any]:
    """
    Logarithm that accepts every input: ``log(softplus(x) + epsilon)``, entry by entry.

    It is not ``log(x + epsilon)``. It is near ``log(x)`` where ``x`` is large, and near
    ``log(epsilon)`` where ``x`` is very negative. TorchLean's default is the same.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals, and for an
        ``epsilon`` beyond double precision.
    Raises: ValueError: ``epsilon`` is not a number greater than 0.
    Gradient: ``sigmoid(x) / (softplus(x) + epsilon) * g``.
    Lean: ``TapeM.safeLog``. PyTorch: ``torch.log(softplus(x) + epsilon)``. JAX:
        ``jax.numpy.log(jax.nn.softplus(x) + epsilon)``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-1000.0).bind(safe_log).bind(value_of).eval()
    <Success: -13.815510557964274>
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, Real) or not epsilon > 0:
        raise ValueError(
            f"epsilon is a number greater than 0, not {short_repr(epsilon)}"
        )
    return record_op(SafeLog(epsilon), (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Sqrt(Unary):
    """Square root of ``max(x, 0)``; NaN stays NaN."""

    name = "sqrt"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return xp.sqrt(xp.maximum(x, 0))


def sqrt(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Square root of ``max(x, 0)``, entry by entry: 0 for a negative entry.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``g / (2 * y)`` where ``x > 0``; 0 elsewhere, also at 0 and for NaN.
    Lean: ``TapeM.sqrt``. PyTorch: ``torch.sqrt``, which gives NaN for a negative entry,
        and the gradient inf at 0. JAX: ``jax.numpy.sqrt``, which gives NaN for a
        negative entry.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(9.0).bind(sqrt).bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_SQRT, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Sin(Unary):
    """Sine, of radians."""

    name = "sin"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.sin(*inputs)


def sin(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Sine, entry by entry, of angles in radians; NaN at infinity.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``cos(x) * g``.
    Lean: ``TapeM.sin``, of the later generations. PyTorch: ``torch.sin``. JAX:
        ``jax.numpy.sin``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(sin).bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_SIN, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Cos(Unary):
    """Cosine, of radians."""

    name = "cos"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.cos(*inputs)


def cos(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Cosine, entry by entry, of angles in radians; NaN at infinity.

    Shapes: elementwise.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``-(sin(x) * g)``.
    Lean: ``TapeM.cos``, of the later generations. PyTorch: ``torch.cos``. JAX:
        ``jax.numpy.cos``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(0.0).bind(cos).bind(value_of).eval()
    <Success: 1.0>
    """
    return record_op(_COS, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Abs(Unary):
    """Absolute value."""

    name = "abs"
    recorded_by = "abs_"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.abs(*inputs)


def abs_(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Absolute value, entry by entry.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: ``g`` where ``x > 0``, ``-g`` where ``x < 0``, 0 at 0 and for NaN.
    Lean: ``TapeM.abs``. PyTorch: ``torch.abs``. JAX: ``jax.numpy.abs``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-2.0).bind(abs_).bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_ABS, (x,), shape)


@final
@dataclass(frozen=True, slots=True)
class Detach(Unary):
    """The operand, as a constant."""

    name = "detach"
    scalar_kinds = ANY_SCALAR
    differentiable = False

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.constant(*inputs)


def detach(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Treat a node as a constant: its value stays, and no gradient passes through it.

    JAX calls this ``stop_gradient``.

    Shapes: elementwise, of any scalar type.
    Fails with: as every op.
    Gradient: none. The result does not require one, even if the operand does.
    Lean: ``detach`` of the program interface, which clears tangents too. PyTorch:
        ``Tensor.detach``. JAX: ``jax.lax.stop_gradient``.

    >>> from tapem_dsl import backward_scalar, leaf, mul
    >>> square = leaf(3.0).bind(lambda x: detach(x).bind(lambda c: mul(x, c)))
    >>> square.bind(backward_scalar).eval()
    <Success: {0: np.float64(3.0), 2: np.float64(1.0)}>
    """
    return record_op(_DETACH, (x,), shape)


_EXP: Final = Exp()
_LOG: Final = Log()
_LOG1P: Final = Log1p()
_SQRT: Final = Sqrt()
_SIN: Final = Sin()
_COS: Final = Cos()
_ABS: Final = Abs()
_DETACH: Final = Detach()
