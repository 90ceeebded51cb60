"""Ops that compare a prediction with a target and give a scalar."""

from dataclasses import dataclass
from math import prod
from typing import Any, Final, final

import numpy as np

from tapem_dsl.core.errors import DTypeMismatch, OutsideDomain, Refused
from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, equal_shapes, operands, wrong_shapes
from tapem_dsl.core.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class MseLoss(Op):
    """``sum((prediction - target) ** 2) / N`` for N entries, and N = 1 for none."""

    name = "mse_loss"

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar of two operands alike."""
        prediction, target = operands(self.name, inputs, 2)
        equal_shapes(self.name, prediction, target)
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Divide once, by the count."""
        prediction, target = inputs
        difference = prediction - target
        return xp.sum(difference * difference) / entries(prediction.shape)


@final
@dataclass(frozen=True, slots=True)
class CrossEntropy(Op):
    """Mean of ``log(sum(exp(row))) - row[label]`` over the rows."""

    name = "cross_entropy"

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar of rows, not empty ones, and a label for each."""
        logits, labels = operands(self.name, inputs, 2)
        if logits[:-1] != labels or logits[-1:] in {(), (0,)}:
            raise wrong_shapes(
                self.name, logits, labels, wants="(..., n > 0) and (...)"
            )
        return ()

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take floating-point or rational logits, and integer labels."""
        logits, labels = operands(self.name, inputs, 2)
        if logits.kind not in "fO" or labels.kind not in "iu":
            wants = "real logits and integer labels, such as const(np.int64(3))"
            raise Refused(
                DTypeMismatch(self.name, dtypes=tuple(map(str, inputs)), wants=wants)
            )

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Shift by each row's maximum first, so that ``exp`` cannot overflow."""
        logits, labels = inputs
        check_labels(self.name, xp, labels, logits.shape[-1])
        shifted = logits - xp.shift(logits)
        losses = xp.log(xp.sum(xp.exp(shifted), axis=-1)) - xp.pick(shifted, labels)
        return xp.sum(losses) / entries(labels.shape) if labels.shape else losses


def check_labels(op: str, xp: Namespace, labels: Array, classes: int) -> None:
    """
    Refuse labels that count to no class, where they are known.

    >>> from tapem_dsl.core.namespace import NUMPY
    >>> check_labels("nll", NUMPY, np.array([0, 3]), 3)
    Traceback (most recent call last):
    ...
    tapem_dsl.core.errors.base.Refused: autograd: nll: a label is none of 0 to 2 (...)
    """
    known = xp.concrete(labels)
    if known is None:
        return
    if known.ndim == 0:  # one sample: a tenth of the cost
        if 0 <= int(known) < classes:
            return
    elif ((known >= 0) & (known < classes)).all():
        return
    index = tuple(map(int, np.argwhere((known < 0) | (known >= classes))[0]))
    reason = f"a label is none of 0 to {classes - 1}"
    raise Refused(OutsideDomain(op, reason, entry=str(known[index]), index=index))


def entries(shape: Shape) -> int:
    """
    Count the entries that a mean divides by: at least 1.

    Lean: ``meanDenominator``.

    >>> entries((2, 3)), entries((0,)), entries(())
    (6, 1, 1)
    """
    return prod(shape) or 1


_MSE_LOSS: Final = MseLoss()
_CROSS_ENTROPY: Final = CrossEntropy()


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


def cross_entropy(logits: NodeId, labels: NodeId) -> TapeM[NodeId, Any]:
    r"""
    Mean of the negative log-likelihood that a softmax gives to the labels.

    .. math:: y = \frac{1}{N} \sum_i \Big(\log \sum_j e^{x_{ij}} - x_{i l_i}\Big)

    Shapes:
        ``logits``: ``(..., n)`` with ``n > 0``; ``labels``: ``(...)``, integers from 0
        to ``n - 1``, of any integer type; result: ``()``, 0 for no rows. For one
        sample: ``(n,)`` and ``()``, as ``const(np.int64(3))``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`;
        :class:`OutsideDomain` for a label that counts to no class, and over rationals.

    Gradient:
        ``(softmax(x) - one_hot(label)) * g / N`` to the logits; none to the labels.

    Source:
        Lean: on tapes a softmax, its logarithm and a product with one-hot rows.
        PyTorch: ``torch.nn.functional.cross_entropy``, whose classes are axis 1 and
        which gives NaN for no rows.

    >>> from tapem_dsl import const, leaf, value_of
    >>> logits, label = leaf(np.array([1000.0, 0.0])), const(np.int64(1))
    >>> loss = logits.bind(lambda x: label.bind(lambda y: cross_entropy(x, y)))
    >>> loss.bind(value_of).eval()
    <Success: 1000.0>
    """
    return record_op(_CROSS_ENTROPY, (logits, labels))
