"""Ops that compare a prediction with a target and give a scalar."""

from dataclasses import dataclass
from math import prod
from typing import Any, Final, final

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, equal_shapes, operands
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


def entries(shape: Shape) -> int:
    """
    Count the entries that a mean divides by: at least 1.

    Lean: ``meanDenominator``.

    >>> entries((2, 3)), entries((0,)), entries(())
    (6, 1, 1)
    """
    return prod(shape) or 1


_MSE_LOSS: Final = MseLoss()


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
