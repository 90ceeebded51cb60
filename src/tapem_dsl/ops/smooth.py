"""Functions applied entry by entry that round off a corner or a singularity."""

import math
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from typing import Any, Final, final

from tapem_dsl.arrays import EXACT, Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import said
from tapem_dsl.ops.base import Unary
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Log1p(Unary):
    """``log(1 + x)``, to full precision where ``x`` is small."""

    name = "log1p"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.log1p(x)


@final
@dataclass(frozen=True, slots=True)
class Softplus(Unary):
    """``log(1 + exp(x))``."""

    name = "softplus"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.softplus(x)


@final
@dataclass(frozen=True, slots=True)
class SafeLog(Unary):
    """``log(softplus(x) + epsilon)``."""

    name = "safe_log"

    epsilon: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Far to the left as ``softplus(z) + log(epsilon)``, ``z`` from the log."""
        (x,) = inputs
        epsilon = xp.literal(x, self.epsilon)
        left = far_left(xp, x)
        if left is None:
            return xp.log(xp.softplus(x) + epsilon)
        near = xp.log(xp.softplus(xp.where(~left, x, FAR_LEFT)) + epsilon)
        z = self.from_log(xp, xp.where(left, x, FAR_LEFT))
        return xp.where(left, xp.softplus(z) + xp.literal(x, self._log()), near)

    def from_log(self, xp: Namespace, x: Array) -> Array:
        """
        Give ``log(softplus(x)) - log(epsilon)`` of entries far to the left.

        The logarithm of epsilon is subtracted in two parts: all digits of the second
        count where the first leaves little.
        """
        log = self._log()
        whole = round(log)
        return (x - xp.exp(x) / 2 - whole) - xp.literal(x, log - whole)

    def _log(self) -> Fraction:
        """Give the logarithm of epsilon, which a scalar type may round to 0."""
        return _log_of(EXACT.literal(None, self.epsilon))


def far_left(xp: Namespace, x: Array) -> Array | None:
    """
    Tell where softplus is soon lost beside the least floats; ``None`` if nowhere.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> far_left(NUMPY, np.array([-60.0, 0.0])), far_left(NUMPY, np.array([0.0]))
    (array([ True, False]), None)
    """
    known = xp.concrete(x)
    if known is not None and not (known < FAR_LEFT).any():
        return None
    return x < FAR_LEFT


FAR_LEFT: Final = -50
"""
Below it ``log(softplus(x))`` is ``x - exp(x) / 2`` in every scalar type.

There ``exp(x)`` has all digits, in float32 too.
"""


@lru_cache(maxsize=256)
def _log_of(number: Fraction) -> Fraction:
    """Give the logarithm to more digits than any scalar type has."""
    digits = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX)
    ratio = digits.divide(Decimal(number.numerator), Decimal(number.denominator))
    return Fraction(digits.ln(ratio))


@final
@dataclass(frozen=True, slots=True)
class Gelu(Unary):
    """``x * (1 + tanh(u)) / 2`` for ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""

    name = "gelu"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Take the sigmoid of ``2 * u``, which is 0 or 1 beyond a reach."""
        (x,) = inputs
        least = xp.maximum(x, -REACH)
        near = xp.minimum(least, REACH)
        return least * xp.sigmoid(gelu_exponent(xp, near, near * near))


def gelu_exponent(xp: Namespace, x: Array, square: Array) -> Array:
    """
    Compute ``2 * u`` of entries within reach and their squares.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(gelu_exponent(NUMPY, np.float64(0), np.float64(0)))
    0.0
    """
    linear, cubic = xp.literal(x, 2 * LINEAR), xp.literal(x, 2 * CUBIC)
    return x * (linear + cubic * square)


REACH: Final = 60
"""Where ``tanh(u)`` is 1 or -1 in every scalar type."""

LINEAR: Final = math.sqrt(2 / math.pi)
CUBIC: Final = 0.044715 * LINEAR

_LOG1P: Final = Log1p()
_SOFTPLUS: Final = Softplus()
_GELU: Final = Gelu()


def log1p(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Natural logarithm of ``1 + x``, entry by entry; -inf at -1 and NaN below.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``g / (1 + x)``.

    Source:
        Lean: none on tapes. PyTorch: ``torch.log1p``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1e-20).bind(log1p).bind(value_of).eval()
    <Success: 1e-20>
    """
    return record_op(_LOG1P, (x,), shape)


def softplus(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Smooth rectifier ``log(1 + exp(x))``, entry by entry, without overflow.

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``sigmoid(x) * g``.

    Source:
        Lean: ``TapeM.softplus``, with a plain logarithm, which loses what is below
        1e-16. PyTorch: ``torch.nn.functional.softplus`` without a threshold.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1000.0).bind(softplus).bind(value_of).eval()
    <Success: 1000.0>
    """
    return record_op(_SOFTPLUS, (x,), shape)


def safe_log(
    x: NodeId,
    epsilon: float | Fraction = Fraction(1, 1_000_000),
    *,
    shape: Shape | None = None,
) -> TapeM[NodeId, Any]:
    """
    Logarithm that accepts every input: ``log(softplus(x) + epsilon)``, entry by entry.

    It is not ``log(x + epsilon)``: at large ``x`` it is near ``log(x)``, at very
    negative ``x`` near ``log(epsilon)``.

    Args:
        x: of any shape.
        epsilon: a real number greater than 0, by default TorchLean's 1e-6.
        shape: the shape that ``x`` must have, if given.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals, and for an ``epsilon`` beyond double precision.

    Raises:
        ValueError: an ``epsilon`` that is not greater than 0.

    Gradient:
        ``sigmoid(x) / (softplus(x) + epsilon) * g``.

    Source:
        Lean: ``TapeM.safeLog``. PyTorch: ``torch.log(softplus(x) + epsilon)``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(-1000.0).bind(safe_log).bind(value_of).eval()
    <Success: -13.815510557964274>
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, Real) or not epsilon > 0:
        raise ValueError(f"epsilon is a number greater than 0, not {said(epsilon)}")
    return record_op(SafeLog(epsilon), (x,), shape)


def gelu(x: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    r"""
    Gaussian error linear unit, in its tanh form, entry by entry.

    .. math:: y = x (1 + \tanh u) / 2, \qquad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)

    Shapes:
        ``x`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` over
        rationals.

    Gradient:
        ``(1 + T + x * (1 - T**2) * u') / 2 * g`` with ``T = tanh(u)``; 1 at inf, 0 at
        -inf.

    Source:
        Hendrycks & Gimpel, arXiv:1606.08415. Lean: ``Tape.gelu``. PyTorch:
        ``torch.nn.functional.gelu(x, approximate="tanh")``.

    >>> from tapem_dsl import leaf, value_of
    >>> leaf(1.0).bind(gelu).bind(value_of).eval()
    <Success: 0.8411919906082768>
    """
    return record_op(_GELU, (x,), shape)
