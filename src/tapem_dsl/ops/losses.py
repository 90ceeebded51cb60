"""Losses: the mean error of predictions, as a scalar."""

from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from numbers import Real
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Namespace
from tapem_dsl.arrays.shape import Shape, equal_shapes, operands, wrong_shapes
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.ops.base import check_with_integers
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


def entries(shape: Shape) -> int:
    """
    Count the entries that a mean divides by: at least 1.

    Lean: ``meanDenominator``.

    >>> entries((2, 3)), entries((0,)), entries(())
    (6, 1, 1)
    """
    return prod(shape) or 1


def mean_of(xp: Namespace, x: Array, shape: Shape) -> Array:
    """
    Return the mean of all entries, 0 for none; a scalar is its own mean.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> float(mean_of(NUMPY, np.array([1.0, 2.0]), (2,)))
    1.5
    """
    return xp.sum(x) / entries(shape) if shape else x


class Loss(Op):
    """A scalar of a prediction and a target of the same shape."""

    __slots__ = ()

    @override
    def shape(self, *inputs: Shape) -> Shape:
        prediction, target = operands(self.name, inputs, 2)
        equal_shapes(self.name, prediction, target)
        return ()


@final
@dataclass(frozen=True, slots=True)
class MseLoss(Loss):
    """``sum((prediction - target) ** 2) / N`` for N entries, and N = 1 for none."""

    name = "mse_loss"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        prediction, target = inputs
        difference = prediction - target
        return xp.sum(difference * difference) / entries(prediction.shape)


def mse_loss(prediction: NodeId, target: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean of the squared differences.

    .. math:: y = \frac{1}{N} \sum_i (p_i - t_i)^2

    Shapes: ``prediction`` and ``target``: equal; result: ``()``, 0 for empty arrays.
    Fails with: as every op.
    Gradient: ``(p - t) * (2 / N) * g`` to the prediction, and 0 minus that to the
        target.
    Lean: ``TapeM.mseLoss``. PyTorch: ``torch.nn.functional.mse_loss``, NaN for empty
        arrays. JAX: ``jax.numpy.mean(jax.numpy.square(x - y))``.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: mse_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 4.0>
    """
    return record_op(_MSE_LOSS, (prediction, target))


@final
@dataclass(frozen=True, slots=True)
class L1Loss(Loss):
    """Mean of ``abs(prediction - target)``."""

    name = "l1_loss"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        prediction, target = inputs
        return mean_of(xp, xp.abs(prediction - target), prediction.shape)


def l1_loss(prediction: NodeId, target: NodeId) -> TapeM[NodeId, Any]:
    """
    Mean of the absolute differences.

    Shapes: ``prediction`` and ``target``: equal; result: ``()``, 0 for empty arrays.
    Fails with: as every op.
    Gradient: ``sign(p - t) * g / N`` to the prediction, 0 where they are equal or one
        is NaN, and 0 minus that to the target.
    Lean: none on tapes. PyTorch: ``torch.nn.functional.l1_loss``. JAX:
        ``jax.numpy.mean(jax.numpy.abs(x - y))``.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: l1_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_L1_LOSS, (prediction, target))


@final
@dataclass(frozen=True, slots=True)
class HuberLoss(Loss):
    """Mean of ``d**2 / 2`` up to ``delta``, of ``delta * (|d| - delta / 2)`` beyond."""

    name = "huber_loss"

    delta: float | Fraction

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        prediction, target = inputs
        difference = prediction - target
        delta = xp.literal(prediction, self.delta)
        near = xp.minimum(xp.maximum(difference, -delta), delta)
        # only what is small is squared, so that no square overflows
        return mean_of(xp, near * (difference - near / 2), prediction.shape)


def huber_loss(
    prediction: NodeId, target: NodeId, delta: float | Fraction = 1
) -> TapeM[NodeId, Any]:
    r"""
    Mean of squares of small differences, and of absolute values of large ones.

    .. math:: \ell(d) = d^2 / 2 \text{ if } |d| \le \delta, \text{ else }
        \delta\,(|d| - \delta / 2)

    Shapes: ``prediction`` and ``target``: equal; result: ``()``, 0 for empty arrays.
    Fails with: as every op; :class:`OutsideDomain` for a ``delta`` beyond double
        precision.
    Raises: ValueError: ``delta`` is not a finite number greater than 0.
    Gradient: ``clamp(p - t, -delta, delta) * g / N`` to the prediction, and 0 minus
        that to the target.
    Source: Huber, Ann. Math. Statist. 35(1), 1964.
    Lean: none on tapes. PyTorch: ``torch.nn.functional.huber_loss``. JAX: none; Optax:
        ``optax.huber_loss``, of entries.

    >>> from tapem_dsl import leaf, value_of
    >>> prediction, target = leaf(3.0), leaf(1.0)
    >>> loss = prediction.bind(lambda p: target.bind(lambda t: huber_loss(p, t)))
    >>> loss.bind(value_of).eval()
    <Success: 1.5>
    """
    real = isinstance(delta, Real) and not isinstance(delta, bool)
    if not (real and 0 < delta < inf):
        raise ValueError(
            f"delta is a finite number greater than 0, not {short_repr(delta)}"
        )
    return record_op(HuberLoss(delta), (prediction, target))


@final
@dataclass(frozen=True, slots=True)
class BceWithLogits(Loss):
    """Mean of ``log(1 + exp(x)) - x * target``."""

    name = "bce_with_logits"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        logits, targets = inputs
        # targets are subtracted from 0 or 1 first, so that small ones are not lost
        share = xp.where(logits > 0, 1 - targets, 0 - targets)
        linear = xp.multiply_no_nan(logits, share)
        losses = linear + xp.softplus(not_positive(xp, logits))
        return mean_of(xp, losses, logits.shape)


def not_positive(xp: Namespace, x: Array) -> Array:
    """
    Return ``-abs(x)``, with the derivative of ``x`` at 0.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> not_positive(NUMPY, np.array([-2.0, 3.0]))
    array([-2., -3.])
    """
    return xp.where(x > 0, 0 - x, x)


def bce_with_logits(logits: NodeId, targets: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean of the binary cross-entropies of logits and probabilities.

    .. math:: \ell(x, t) = \log(1 + e^x) - x t

    Shapes: ``logits`` and ``targets``: equal; result: ``()``, 0 for empty arrays.
    Fails with: as every op; :class:`OutsideDomain` over rationals.
    Gradient: ``(sigmoid(x) - t) * g / N`` to the logits, ``0 - x * g / N`` to the
        targets.
    Lean: none on tapes. PyTorch:
        ``torch.nn.functional.binary_cross_entropy_with_logits``. JAX: none; Optax:
        ``optax.sigmoid_binary_cross_entropy``, of entries.

    >>> from tapem_dsl import const, leaf, value_of
    >>> logit, target = leaf(1000.0), const(1.0)
    >>> loss = logit.bind(lambda x: target.bind(lambda t: bce_with_logits(x, t)))
    >>> loss.bind(value_of).eval()
    <Success: 0.0>
    """
    return record_op(_BCE_WITH_LOGITS, (logits, targets))


class LabelLoss(Op):
    """A scalar of rows of real numbers, and an integer label for each row."""

    __slots__ = ()

    @override
    def shape(self, *inputs: Shape) -> Shape:
        rows, labels = operands(self.name, inputs, 2)
        if rows[:-1] != labels or rows[-1:] in {(), (0,)}:
            raise wrong_shapes(self.name, rows, labels, wants="(..., n > 0) and (...)")
        return ()

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        wants = (
            "real rows and integer labels, such as const(np.int64(3)): "
            "record labels.astype(np.int64)"
        )
        check_with_integers(self.name, inputs, wants)


def check_labels(op: str, xp: Namespace, labels: Array, classes: int) -> None:
    """
    Refuse labels outside 0 to ``classes - 1``, where labels are known.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> check_labels("nll", NUMPY, np.array([0, 3]), 3)
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: nll: a label is outside 0 to 2 (...)
    """
    reason = f"a label is outside 0 to {classes - 1}"
    xp.require(
        lambda labels: (labels >= 0) & (labels < classes),
        labels,
        lambda entry, index: OutsideDomain(op, reason, entry=entry, index=index),
    )


@final
@dataclass(frozen=True, slots=True)
class CrossEntropy(LabelLoss):
    """Mean of ``log(sum(exp(row))) - row[label]`` over the rows."""

    name = "cross_entropy"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        logits, labels = inputs
        check_labels(self.name, xp, labels, logits.shape[-1])
        picked = xp.pick(xp.log_softmax(logits), labels)
        return 0 - mean_of(xp, picked, labels.shape)


def cross_entropy(logits: NodeId, labels: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean negative log-likelihood of the labels under the softmax of the logits.

    .. math:: y = \frac{1}{N} \sum_i \Big(\log \sum_j e^{x_{ij}} - x_{i l_i}\Big)

    Classes are the last axis; in PyTorch's ``cross_entropy`` they are axis 1.

    Shapes: ``logits``: ``(..., n)`` with ``n > 0``; ``labels``: ``(...)``, of any
        integer type, from 0 to ``n - 1``; result: ``()``, 0 for no rows. For one
        sample: ``(n,)`` and ``()``, as ``const(np.int64(3))``.
    Fails with: as every op; :class:`OutsideDomain` for a label outside 0 to ``n - 1``,
        and over rationals.
    Gradient: ``(softmax(x) - one_hot(label)) * g / N`` to the logits; none to the
        labels.
    Lean: on tapes a softmax, its logarithm and a product with one-hot rows. PyTorch:
        ``torch.nn.functional.cross_entropy``, which gives NaN for no rows. JAX: none;
        Optax: ``optax.softmax_cross_entropy_with_integer_labels``, of rows.

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> logits, label = leaf(np.array([1000.0, 0.0])), const(np.int64(1))
    >>> loss = logits.bind(lambda x: label.bind(lambda y: cross_entropy(x, y)))
    >>> loss.bind(value_of).eval()
    <Success: 1000.0>
    """
    return record_op(_CROSS_ENTROPY, (logits, labels))


@final
@dataclass(frozen=True, slots=True)
class Nll(LabelLoss):
    """Mean of ``-row[label]`` over the rows."""

    name = "nll"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        rows, labels = inputs
        check_labels(self.name, xp, labels, rows.shape[-1])
        return 0 - mean_of(xp, xp.pick(rows, labels), labels.shape)


def nll(log_probabilities: NodeId, labels: NodeId) -> TapeM[NodeId, Any]:
    """
    Mean negative log-likelihood of the labels: PyTorch's ``nll_loss``.

    Classes are the last axis; in PyTorch they are axis 1.

    Shapes: ``log_probabilities``: ``(..., n)`` with ``n > 0``; ``labels``: ``(...)``,
        of any integer type, from 0 to ``n - 1``; result: ``()``, 0 for no rows.
    Fails with: as every op; :class:`OutsideDomain` for a label outside 0 to ``n - 1``.
    Gradient: ``-g / N`` to each row's label; none to the labels.
    Lean: none on tapes. PyTorch: ``torch.nn.functional.nll_loss``. JAX: none.

    >>> import numpy as np
    >>> from tapem_dsl import const, leaf, value_of
    >>> row, label = leaf(np.array([-1.0, -2.0])), const(np.int64(1))
    >>> loss = row.bind(lambda x: label.bind(lambda y: nll(x, y)))
    >>> loss.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_NLL, (log_probabilities, labels))


_MSE_LOSS: Final = MseLoss()
_L1_LOSS: Final = L1Loss()
_BCE_WITH_LOGITS: Final = BceWithLogits()
_CROSS_ENTROPY: Final = CrossEntropy()
_NLL: Final = Nll()
