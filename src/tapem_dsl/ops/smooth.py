"""Functions applied entry by entry that round off a corner or a singularity."""

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, Final, final

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node_id import NodeId
from tapem_dsl.core.shape import Shape
from tapem_dsl.core.tapem import TapeM, record_op
from tapem_dsl.ops.base import Unary


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
        """Softplus first: what the logarithm takes is greater than 0."""
        (x,) = inputs
        return xp.log(xp.softplus(x) + xp.lit(x, self.epsilon))


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
    >>> from tapem_dsl.core.namespace import NUMPY
    >>> float(gelu_exponent(NUMPY, np.float64(0), np.float64(0)))
    0.0
    """
    linear, cubic = xp.lit(x, 2 * LINEAR), xp.lit(x, 2 * CUBIC)
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
        epsilon: a real number greater than 0, by default TorchLean's 1e-6; where the
        tape's scalar type rounds it to 0, the value is -inf far to the left.
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
        raise ValueError(f"epsilon is a number greater than 0, not {epsilon!r}")
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
