"""Ops that compare a prediction with a target and give a scalar."""

from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from numbers import Real
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, equal_shapes, operands
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import said
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


class Compared(Op):
    """A scalar of two operands alike."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar of two operands alike."""
        prediction, target = operands(self.name, inputs, 2)
        equal_shapes(self.name, prediction, target)
        return ()


@final
@dataclass(frozen=True, slots=True)
class MseLoss(Compared):
    """``sum((prediction - target) ** 2) / N`` for N entries, and N = 1 for none."""

    name = "mse_loss"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Divide once, by the count."""
        prediction, target = inputs
        difference = prediction - target
        return xp.sum(difference * difference) / entries(prediction.shape)


def mean_of(xp: Namespace, x: Array, shape: Shape) -> Array:
    """
    Give the mean of all entries, 0 for none; a scalar is its own.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(mean_of(NUMPY, np.array([1.0, 2.0]), (2,)))
    1.5
    """
    return xp.sum(x) / entries(shape) if shape else x


@final
@dataclass(frozen=True, slots=True)
class L1Loss(Compared):
    """Mean of ``abs(prediction - target)``."""

    name = "l1_loss"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Divide once, by the count."""
        prediction, target = inputs
        return mean_of(xp, xp.abs(prediction - target), prediction.shape)


@final
@dataclass(frozen=True, slots=True)
class HuberLoss(Compared):
    """Mean of ``d**2 / 2`` where that is small, else ``delta * (|d| - delta / 2)``."""

    name = "huber_loss"

    delta: float | Fraction

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Square no more than what is small, so that nothing else can overflow."""
        prediction, target = inputs
        difference = prediction - target
        delta = xp.literal(prediction, self.delta)
        near = xp.minimum(xp.maximum(difference, -delta), delta)
        return mean_of(xp, near * (difference - near / 2), prediction.shape)


@final
@dataclass(frozen=True, slots=True)
class BceWithLogits(Compared):
    """Mean of ``log(1 + exp(x)) - x * target``."""

    name = "bce_with_logits"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Subtract targets from 0 or 1 first, so that what is small survives."""
        logits, targets = inputs
        share = xp.where(logits > 0, 1 - targets, 0 - targets)
        linear = xp.multiply_no_nan(logits, share)
        losses = linear + xp.softplus(not_positive(xp, logits))
        return mean_of(xp, losses, logits.shape)


def not_positive(xp: Namespace, x: Array) -> Array:
    """
    Give ``-abs(x)``, whose derivative at 0 is that of ``x``.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> not_positive(NUMPY, np.array([-2.0, 3.0]))
    array([-2., -3.])
    """
    return xp.where(x > 0, 0 - x, x)


def entries(shape: Shape) -> int:
    """
    Count the entries that a mean divides by: at least 1.

    Lean: ``meanDenominator``.

    >>> entries((2, 3)), entries((0,)), entries(())
    (6, 1, 1)
    """
    return prod(shape) or 1


_MSE_LOSS: Final = MseLoss()
_L1_LOSS: Final = L1Loss()
_BCE_WITH_LOGITS: Final = BceWithLogits()


def mse_loss(prediction: NodeId, target: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean of the squared differences.

    .. math:: y = \frac{1}{N} \sum_i (p_i - t_i)^2

    Shapes:
        ``prediction`` and ``target`` alike; result: ``()``, 0 for empty arrays.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``(p - t) * (2 / N) * g`` to the prediction and 0 minus that to the target: both
        sides, if flagged.

    Source:
        Lean: ``TapeM.mseLoss``. PyTorch: ``torch.nn.functional.mse_loss``, NaN for
        empty arrays.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: mse_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 4.0>
    """
    return record_op(_MSE_LOSS, (prediction, target))


def l1_loss(prediction: NodeId, target: NodeId) -> TapeM[NodeId, Any]:
    """
    Mean of the absolute differences.

    Shapes:
        ``prediction`` and ``target`` alike; result: ``()``, 0 for empty arrays.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``sign(p - t) * g / N`` to the prediction, 0 where they are equal or one is NaN,
        and 0 minus that to the target.

    Source:
        Lean: none on tapes. PyTorch: ``torch.nn.functional.l1_loss``.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: l1_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_L1_LOSS, (prediction, target))


def huber_loss(
    prediction: NodeId, target: NodeId, delta: float | Fraction = 1
) -> TapeM[NodeId, Any]:
    r"""
    Mean of squares of small differences, and of absolute values of large ones.

    .. math:: \ell(d) = d^2 / 2 \text{ if } |d| \le \delta, \text{ else }
        \delta\,(|d| - \delta / 2)

    Args:
        prediction: of any shape.
        target: of the same shape.
        delta: a finite number greater than 0, where the square ends.

    Shapes:
        ``prediction`` and ``target`` alike; result: ``()``, 0 for empty arrays.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`;
        :class:`OutsideDomain` for a ``delta`` beyond double precision.

    Raises:
        ValueError: a ``delta`` that is not greater than 0, or not finite.

    Gradient:
        ``clamp(p - t, -delta, delta) * g / N`` to the prediction, 0 minus that to the
        target.

    Source:
        Huber, Ann. Math. Statist. 35(1), 1964. Lean: none on tapes. PyTorch:
        ``torch.nn.functional.huber_loss``.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: huber_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 1.5>
    """
    real = isinstance(delta, Real) and not isinstance(delta, bool)
    if not (real and 0 < delta < inf):
        raise ValueError(f"delta is a finite number greater than 0, not {said(delta)}")
    return record_op(HuberLoss(delta), (prediction, target))


def bce_with_logits(logits: NodeId, targets: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean of the binary cross-entropies of logits and probabilities.

    .. math:: \ell(x, t) = \log(1 + e^x) - x t

    Shapes:
        ``logits`` and ``targets`` alike; result: ``()``, 0 for empty arrays.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`;
        :class:`OutsideDomain` over rationals.

    Gradient:
        ``(sigmoid(x) - t) * g / N`` to the logits, ``0 - x * g / N`` to the targets.

    Source:
        Lean: none on tapes. PyTorch:
        ``torch.nn.functional.binary_cross_entropy_with_logits``.

    >>> from tapem_dsl import const, leaf, value_of
    >>> logit, target = leaf(1000.0), const(1.0)
    >>> loss = logit.bind(lambda x: target.bind(lambda t: bce_with_logits(x, t)))
    >>> loss.bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_BCE_WITH_LOGITS, (logits, targets))
