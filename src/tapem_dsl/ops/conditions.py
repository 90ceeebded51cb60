"""Ops of truth values, and the choice between two nodes by one."""

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, wants_equal, wrong_shapes
from tapem_dsl.errors import DTypeMismatch, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Binary, Unary
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


class Logical(Op):
    """An op of truth values."""

    __slots__ = ()

    differentiable = False

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take truth values only."""
        if any(dtype.kind != "b" for dtype in inputs):
            wants = "truth values, such as those of a comparison"
            raise Refused(
                DTypeMismatch(self.name, dtypes=tuple(map(str, inputs)), wants=wants)
            )


@final
@dataclass(frozen=True, slots=True)
class LogicalAnd(Logical, Binary):
    """``a and b``."""

    name = "logical_and"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """By operator."""
        a, b = inputs
        return a & b


@final
@dataclass(frozen=True, slots=True)
class LogicalOr(Logical, Binary):
    """``a or b``."""

    name = "logical_or"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """By operator."""
        a, b = inputs
        return a | b


@final
@dataclass(frozen=True, slots=True)
class LogicalNot(Logical, Unary):
    """``not a``."""

    name = "logical_not"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """By operator."""
        (a,) = inputs
        return ~a


@final
@dataclass(frozen=True, slots=True)
class Where(Op):
    """``a`` where the condition holds, ``b`` elsewhere."""

    name = "where"

    def shape(self, *inputs: Shape) -> Shape:
        """All three alike."""
        condition, a, b = operands(self.name, inputs, 3)
        if not condition == a == b:
            wants = wants_equal(condition, a, b)
            raise wrong_shapes(self.name, condition, a, b, wants=wants)
        return a

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take truth values first, then two of any one scalar type."""
        condition, a, b = operands(self.name, inputs, 3)
        if condition.kind != "b" or a != b:
            wants = "truth values, such as those of a comparison, and two of one type"
            raise Refused(
                DTypeMismatch(self.name, dtypes=tuple(map(str, inputs)), wants=wants)
            )

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        condition, a, b = inputs
        return xp.where(condition, a, b)


_LOGICAL_AND: Final = LogicalAnd()
_LOGICAL_OR: Final = LogicalOr()
_LOGICAL_NOT: Final = LogicalNot()
_WHERE: Final = Where()


def logical_and(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether both hold of two conditions.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch` for what is no truth value,
        :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values.

    Source:
        Lean: none on tapes. PyTorch: ``torch.logical_and``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> yes, no = const(np.True_), const(np.False_)
    >>> answer = yes.bind(lambda a: no.bind(lambda b: logical_and(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_LOGICAL_AND, (a, b), shape)


def logical_or(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether at least one holds of two conditions.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch` for what is no truth value,
        :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values.

    Source:
        Lean: none on tapes. PyTorch: ``torch.logical_or``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> yes, no = const(np.True_), const(np.False_)
    >>> answer = yes.bind(lambda a: no.bind(lambda b: logical_or(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LOGICAL_OR, (a, b), shape)


def logical_not(a: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether a condition does not hold.

    Shapes:
        ``a`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch` for what is no truth value.

    Gradient:
        None: the result holds truth values.

    Source:
        Lean: none on tapes. PyTorch: ``torch.logical_not``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> const(np.True_).bind(logical_not).bind(value_of).eval()
    <Success: False>
    """
    return record_op(_LOGICAL_NOT, (a,), shape)


def where(
    condition: NodeId, a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Choose entry by entry: ``a`` where the condition holds, ``b`` elsewhere.

    Both are recorded before: a choice does not keep an op from failing on the entries
    that are not chosen. Make what goes into such an op harmless first, by a choice too.

    Shapes:
        all three and the result alike, and equal to ``shape`` if that is given; ``a``
        and ``b`` of any one scalar type. :func:`broadcast_to` takes conditions too.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g`` to the one chosen, 0 to the other, even if ``g`` is inf; none to the
        condition.

    Source:
        Lean: none on tapes. PyTorch: ``torch.where``, which broadcasts.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> both = two.bind(lambda a: three.map(lambda b: (a, b)))
    >>> chosen = const(np.True_).bind(lambda c: both.bind(lambda ab: where(c, *ab)))
    >>> chosen.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_WHERE, (condition, a, b), shape)
