"""Losses of rows, each with a label: a node of an integer type."""

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, wrong_shapes
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import check_with_integers
from tapem_dsl.ops.losses import mean_of
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op

_ROWS_AND_LABELS: Final = (
    "real rows and integer labels, such as const(np.int64(3)): "
    "record labels.astype(np.int64)"
)


@final
@dataclass(frozen=True, slots=True)
class CrossEntropy(Op):
    """Mean of ``log(sum(exp(row))) - row[label]`` over the rows."""

    name = "cross_entropy"

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar of rows, not empty ones, and a label for each."""
        return rows_and_labels(self.name, inputs)

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take floating-point or rational logits, and integer labels."""
        check_with_integers(self.name, inputs, _ROWS_AND_LABELS)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Pick of the log-softmax, and take the mean."""
        logits, labels = inputs
        check_labels(self.name, xp, labels, logits.shape[-1])
        picked = xp.pick(xp.log_softmax(logits), labels)
        return 0 - mean_of(xp, picked, labels.shape)


@final
@dataclass(frozen=True, slots=True)
class Nll(Op):
    """Mean of ``-row[label]`` over the rows."""

    name = "nll"

    def shape(self, *inputs: Shape) -> Shape:
        """As cross-entropy's."""
        return rows_and_labels(self.name, inputs)

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """As cross-entropy's."""
        check_with_integers(self.name, inputs, _ROWS_AND_LABELS)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Pick, and take the mean."""
        rows, labels = inputs
        check_labels(self.name, xp, labels, rows.shape[-1])
        return 0 - mean_of(xp, xp.pick(rows, labels), labels.shape)


def rows_and_labels(op: str, inputs: tuple[Shape, ...]) -> Shape:
    """
    Shape rule of the losses of rows, not empty ones, with a label for each.

    >>> rows_and_labels("nll", ((4, 3), (4,)))
    ()
    """
    rows, labels = operands(op, inputs, 2)
    if rows[:-1] != labels or rows[-1:] in {(), (0,)}:
        raise wrong_shapes(op, rows, labels, wants="(..., n > 0) and (...)")
    return ()


def check_labels(op: str, xp: Namespace, labels: Array, classes: int) -> None:
    """
    Refuse labels that count to no class, where they are known.

    >>> from tapem_dsl.arrays import NUMPY
    >>> check_labels("nll", NUMPY, np.array([0, 3]), 3)
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: nll: a label is none of 0 to 2 (...)
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


_CROSS_ENTROPY: Final = CrossEntropy()
_NLL: Final = Nll()


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


def nll(log_probabilities: NodeId, labels: NodeId) -> TapeM[NodeId, Any]:
    """
    Mean of the negative log-likelihoods of the labels.

    Shapes:
        ``log_probabilities``: ``(..., n)`` with ``n > 0``; ``labels``: ``(...)``,
        integers from 0 to ``n - 1``; result: ``()``, 0 for no rows.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`;
        :class:`OutsideDomain` for a label that counts to no class.

    Gradient:
        ``-g / N`` to each row's label; none to the labels.

    Source:
        Lean: none on tapes. PyTorch: ``torch.nn.functional.nll_loss``, whose classes
        are axis 1.

    >>> from tapem_dsl import const, leaf, value_of
    >>> row, label = leaf(np.array([-1.0, -2.0])), const(np.int64(1))
    >>> loss = row.bind(lambda x: label.bind(lambda y: nll(x, y)))
    >>> loss.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_NLL, (log_probabilities, labels))
