"""What ops of several families check, and shape rules of those entry by entry."""

from typing import Any

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, equal_shapes, operands
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.tape.op import Op


class Binary(Op):
    """Two operands of one shape, which is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Both alike."""
        if len(inputs) == 2 and inputs[0] == inputs[1]:
            return inputs[0]  # what follows only says what is wrong
        a, b = operands(self.name, inputs, 2)
        return equal_shapes(self.name, a, b)


class Operator(Binary):
    """One of Python's operators."""

    __slots__ = ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Apply the operator."""
        apply: Any = type(self).operator  # Any: each subclass has one
        return apply(*inputs)


class Unary(Op):
    """One operand, whose shape is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the operand's."""
        if len(inputs) == 1:
            return inputs[0]
        (x,) = operands(self.name, inputs, 1)
        return x


# Any: dtypes of whatever scalar.
def check_with_integers(
    op: str, inputs: tuple[np.dtype[Any], ...], wants: str, takes: str = "fO"
) -> None:
    """
    Refuse all but one of some kinds, numbers as a rule, beside integers.

    >>> check_with_integers("nll", (np.dtype(np.float64), np.dtype(np.int64)), "both")
    """
    reals, integers = operands(op, inputs, 2)
    if reals.kind not in takes or integers.kind not in "iu":
        raise Refused(DTypeMismatch(op, dtypes=tuple(map(str, inputs)), wants=wants))
