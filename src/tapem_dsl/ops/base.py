"""What several families share: shape rules, labels and refusals."""

from typing import Any

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Namespace
from tapem_dsl.arrays.shape import (
    Shape,
    equal_shapes,
    operands,
    possible,
    wrong_shapes,
)
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.tape.op import Op


class Binary(Op):
    """An elementwise op of two operands."""

    __slots__ = ()

    @override
    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) == 2 and inputs[0] == inputs[1]:
            return inputs[0]  # the rest only says what is wrong
        a, b = operands(self.name, inputs, 2)
        return equal_shapes(self.name, a, b)


class Operator(Binary):
    """One of Python's operators."""

    __slots__ = ()

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        apply: Any = type(self).operator  # Any: each subclass has one
        return apply(*inputs)


class Unary(Op):
    """An elementwise op of one operand."""

    __slots__ = ()

    @override
    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) == 1:
            return inputs[0]
        (x,) = operands(self.name, inputs, 1)
        return x


class AlongAxis(Op):
    """An op along one axis, which its label names."""

    __slots__ = ()

    axis: int

    @property
    @override
    def label(self) -> str:
        return f"{self.name}(axis={self.axis})"


def wrong_dtypes(op: str, dtypes: tuple[AnyDType, ...], wants: str) -> Refused:
    """
    Refuse operands of these scalar types, saying what the op wants.

    >>> import numpy as np
    >>> wrong_dtypes("where", (np.dtype(float),), "a condition").error.message
    'autograd: dtype mismatch'
    """
    return Refused(DTypeMismatch(op, dtypes=tuple(map(str, dtypes)), wants=wants))


def check_with_integers(
    op: str, inputs: tuple[AnyDType, ...], wants: str, takes: str = "fO"
) -> None:
    """
    Refuse all but one operand of the kinds that an op takes, then one of integers.

    >>> import numpy as np
    >>> check_with_integers("nll", (np.dtype(np.float64), np.dtype(np.int64)), "both")
    """
    reals, integers = operands(op, inputs, 2)
    if reals.kind not in takes or integers.kind not in "iu":
        raise wrong_dtypes(op, inputs, wants)


def checked_result(op: str, result: Shape, *inputs: Shape) -> Shape:
    """
    Refuse operands whose result would be larger than any array.

    >>> checked_result("windows", (2, 3), (4,))
    (2, 3)
    """
    if not possible(result):
        wants = f"a result that an array can be, not {result}"
        raise wrong_shapes(op, *inputs, wants=wants)
    return result
