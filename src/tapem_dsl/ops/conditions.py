"""Conditions: comparisons, logic, and the choice between two nodes."""

from dataclasses import dataclass
from typing import Any, Final, final

from typing_extensions import override

from tapem_dsl.arrays import AnyDType, Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, wants_equal, wrong_shapes
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import Binary, Unary, wrong_dtypes
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


class Comparison(Binary):
    """Two numbers compared, entry by entry."""

    __slots__ = ()

    differentiable = False


@final
@dataclass(frozen=True, slots=True)
class Less(Comparison):
    """``a < b``."""

    name = "less"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a < b


def less(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Condition ``a < b``, entry by entry; false where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a < b``, decided where a program is built. PyTorch: ``torch.lt``. JAX:
        ``jax.numpy.less``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: less(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LESS, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class LessEqual(Comparison):
    """``a <= b``."""

    name = "less_equal"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a <= b


def less_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Condition ``a <= b``, entry by entry; false where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a <= b``, decided where a program is built. PyTorch: ``torch.le``. JAX:
        ``jax.numpy.less_equal``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: less_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LESS_EQUAL, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Greater(Comparison):
    """``a > b``."""

    name = "greater"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a > b


def greater(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Condition ``a > b``, entry by entry; false where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a > b``, decided where a program is built. PyTorch: ``torch.gt``. JAX:
        ``jax.numpy.greater``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: greater(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_GREATER, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class GreaterEqual(Comparison):
    """``a >= b``."""

    name = "greater_equal"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a >= b


def greater_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Condition ``a >= b``, entry by entry; false where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a >= b``, decided where a program is built. PyTorch: ``torch.ge``. JAX:
        ``jax.numpy.greater_equal``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: greater_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_GREATER_EQUAL, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class Equal(Comparison):
    """``a == b``."""

    name = "equal"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a == b


def equal(a: NodeId, b: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Condition ``a == b``, entry by entry; false where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a == b``, decided where a program is built. PyTorch: ``torch.eq``. JAX:
        ``jax.numpy.equal``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_EQUAL, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class NotEqual(Comparison):
    """``a != b``."""

    name = "not_equal"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a != b


def not_equal(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Condition ``a != b``, entry by entry; true where an entry is NaN.

    Shapes: elementwise.
    Fails with: as every op.
    Gradient: none: the result is a condition.
    Lean: ``if a != b``, decided where a program is built. PyTorch: ``torch.ne``. JAX:
        ``jax.numpy.not_equal``.

    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> answer = two.bind(lambda a: three.bind(lambda b: not_equal(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_NOT_EQUAL, (a, b), shape)


class Logical(Op):
    """An op of conditions."""

    __slots__ = ()

    differentiable = False

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        if any(dtype.kind != "b" for dtype in inputs):
            wants = "truth values, such as those of a comparison"
            raise wrong_dtypes(self.name, inputs, wants)


@final
@dataclass(frozen=True, slots=True)
class LogicalAnd(Logical, Binary):
    """``a and b``."""

    name = "logical_and"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a & b


def logical_and(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Condition ``a and b``, entry by entry, of two conditions.

    Shapes: elementwise.
    Fails with: as every op; :class:`DTypeMismatch` for operands other than conditions.
    Gradient: none: the result is a condition.
    Lean: none on tapes. PyTorch: ``torch.logical_and``. JAX: ``jax.numpy.logical_and``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> yes, no = const(np.True_), const(np.False_)
    >>> answer = yes.bind(lambda a: no.bind(lambda b: logical_and(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: False>
    """
    return record_op(_LOGICAL_AND, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class LogicalOr(Logical, Binary):
    """``a or b``."""

    name = "logical_or"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return a | b


def logical_or(
    a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Condition ``a or b``, entry by entry, of two conditions.

    Shapes: elementwise.
    Fails with: as every op; :class:`DTypeMismatch` for operands other than conditions.
    Gradient: none: the result is a condition.
    Lean: none on tapes. PyTorch: ``torch.logical_or``. JAX: ``jax.numpy.logical_or``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> yes, no = const(np.True_), const(np.False_)
    >>> answer = yes.bind(lambda a: no.bind(lambda b: logical_or(a, b)))
    >>> answer.bind(value_of).eval()
    <Success: True>
    """
    return record_op(_LOGICAL_OR, (a, b), shape)


@final
@dataclass(frozen=True, slots=True)
class LogicalNot(Logical, Unary):
    """``not a``."""

    name = "logical_not"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (a,) = inputs
        return ~a


def logical_not(a: NodeId, *, shape: Shape | None = None) -> TapeM[NodeId, Any]:
    """
    Condition ``not a``, entry by entry, of a condition.

    Shapes: elementwise.
    Fails with: as every op; :class:`DTypeMismatch` for an operand other than a
        condition.
    Gradient: none: the result is a condition.
    Lean: none on tapes. PyTorch: ``torch.logical_not``. JAX: ``jax.numpy.logical_not``.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> const(np.True_).bind(logical_not).bind(value_of).eval()
    <Success: False>
    """
    return record_op(_LOGICAL_NOT, (a,), shape)


@final
@dataclass(frozen=True, slots=True)
class Where(Op):
    """``a`` where the condition holds, ``b`` elsewhere."""

    name = "where"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        condition, a, b = operands(self.name, inputs, 3)
        if not condition == a == b:
            wants = wants_equal(condition, a, b)
            raise wrong_shapes(self.name, condition, a, b, wants=wants)
        return a

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        condition, a, b = operands(self.name, inputs, 3)
        if condition.kind != "b" or a != b:
            wants = "truth values, such as those of a comparison, and two of one type"
            raise wrong_dtypes(self.name, inputs, wants)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.where(*inputs)


def where(
    condition: NodeId, a: NodeId, b: NodeId, *, shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Choose entry by entry: ``a`` where the condition holds, ``b`` elsewhere.

    Both ``a`` and ``b`` are computed before. If an op fails on the entries that are not
    chosen, replace these by another :func:`where` before that op.

    Shapes: elementwise; ``a`` and ``b`` of any one scalar type.
    Fails with: as every op; :class:`DTypeMismatch` for a first operand other than a
        condition.
    Gradient: ``g`` to the entry that is chosen, 0 to the other, even if ``g`` is inf;
        none to the condition.
    Lean: none on tapes. PyTorch: ``torch.where``, which broadcasts. JAX:
        ``jax.numpy.where``, which broadcasts.

    >>> import numpy as np
    >>> from tapem_dsl import const, value_of
    >>> two, three = const(2.0), const(3.0)
    >>> both = two.bind(lambda a: three.map(lambda b: (a, b)))
    >>> chosen = const(np.True_).bind(lambda c: both.bind(lambda ab: where(c, *ab)))
    >>> chosen.bind(value_of).eval()
    <Success: 2.0>
    """
    return record_op(_WHERE, (condition, a, b), shape)


_LESS: Final = Less()
_LESS_EQUAL: Final = LessEqual()
_GREATER: Final = Greater()
_GREATER_EQUAL: Final = GreaterEqual()
_EQUAL: Final = Equal()
_NOT_EQUAL: Final = NotEqual()
_LOGICAL_AND: Final = LogicalAnd()
_LOGICAL_OR: Final = LogicalOr()
_LOGICAL_NOT: Final = LogicalNot()
_WHERE: Final = Where()
