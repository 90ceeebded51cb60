"""Ops that reduce an array to fewer entries."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, operands
from tapem_dsl.core.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Sum(Op):
    """The sum of all entries."""

    name = "sum"

    def shape(self, *inputs: Shape) -> Shape:
        """Give a scalar, whatever comes in."""
        operands(self.name, inputs, 1)
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Sum in the namespace's order."""
        (x,) = inputs
        return xp.sum(x)


_SUM: Final = Sum()


def sum_(x: NodeId) -> TapeM[NodeId, Any]:
    """
    Sum all entries to a scalar.

    Shapes:
        ``x``: any; result: ``()``, 0 for an empty array.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`.

    Gradient:
        ``g`` at every entry.

    Source:
        Lean: ``TapeM.sum``, a left fold; NumPy adds in pairs, so that last digits may
        differ over floats. PyTorch: ``torch.sum``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> leaf(np.array([1.0, 2.0])).bind(sum_).bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_SUM, (x,))
