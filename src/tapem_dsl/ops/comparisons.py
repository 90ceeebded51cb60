"""Comparisons of two nodes, as nodes of truth values."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Binary
from tapem_dsl.program.tapem import TapeM, record_op


@final
@dataclass(frozen=True, slots=True)
class Less(Binary):
    """``a < b``."""

    name = "less"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a < b


@final
@dataclass(frozen=True, slots=True)
class LessEqual(Binary):
    """``a <= b``."""

    name = "less_equal"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a <= b


@final
@dataclass(frozen=True, slots=True)
class Greater(Binary):
    """``a > b``."""

    name = "greater"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a > b


@final
@dataclass(frozen=True, slots=True)
class GreaterEqual(Binary):
    """``a >= b``."""

    name = "greater_equal"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a >= b


@final
@dataclass(frozen=True, slots=True)
class Equal(Binary):
    """``a == b``."""

    name = "equal"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a == b


@final
@dataclass(frozen=True, slots=True)
class NotEqual(Binary):
    """``a != b``."""

    name = "not_equal"
    differentiable = False

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Compare by operator."""
        a, b = inputs
        return a != b


_LESS: Final = Less()
_LESS_EQUAL: Final = LessEqual()
_GREATER: Final = Greater()
_GREATER_EQUAL: Final = GreaterEqual()
_EQUAL: Final = Equal()
_NOT_EQUAL: Final = NotEqual()


def less(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is less than the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. False where an entry is NaN.

    Source:
        Lean: ``if a < b``, decided where a program is built. PyTorch: ``torch.lt``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: less(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LESS, (a, b), shape)


def less_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is at most the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. False where an entry is NaN.

    Source:
        Lean: ``if a <= b``, decided where a program is built. PyTorch: ``torch.le``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: less_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LESS_EQUAL, (a, b), shape)


def greater(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is greater than the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. False where an entry is NaN.

    Source:
        Lean: ``if a > b``, decided where a program is built. PyTorch: ``torch.gt``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: greater(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_GREATER, (a, b), shape)


def greater_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is at least the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. False where an entry is NaN.

    Source:
        Lean: ``if a >= b``, decided where a program is built. PyTorch: ``torch.ge``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: greater_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_GREATER_EQUAL, (a, b), shape)


def equal(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is equal to the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. False where an entry is NaN.

    Source:
        Lean: ``if a == b``, decided where a program is built. PyTorch: ``torch.eq``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_EQUAL, (a, b), shape)


def not_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Tell entry by entry whether the first node is different from the second.

    Shapes:
        ``a``, ``b`` and the result alike, and equal to ``shape`` if that is given.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        None: the result holds truth values. True where an entry is NaN.

    Source:
        Lean: ``if a != b``, decided where a program is built. PyTorch: ``torch.ne``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: not_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_NOT_EQUAL, (a, b), shape)
