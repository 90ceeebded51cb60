"""Errors of recording a node: invalid ids, shapes, dtypes and values."""

from dataclasses import dataclass, field
from typing import ClassVar, final

from tapem_dsl.errors.base import TapeError
from tapem_dsl.ids import NodeId


@final
@dataclass(frozen=True, slots=True)
class InvalidNodeId(TapeError):
    """
    The tape has no node of this id.

    Lean: ``requireValue``, first check.

    >>> from tapem_dsl import NodeId, relu
    >>> relu(NodeId(3)).run()
    <Failure: autograd: invalid node id (op='relu', id=3, size=0)>
    """

    _text: ClassVar[str] = "autograd: invalid node id"

    op: str
    id: NodeId
    size: int


@dataclass(frozen=True, slots=True)
class OpError(TapeError):
    """
    An op refused its operands; ``ids`` and ``names`` are those of the operands.

    >>> from tapem_dsl.errors import ShapeMismatch
    >>> issubclass(ShapeMismatch, OpError)
    True
    """

    op: str
    ids: tuple[NodeId, ...] = field(default=(), kw_only=True)
    names: tuple[str | None, ...] = field(default=(), kw_only=True)


@final
@dataclass(frozen=True, slots=True)
class ShapeMismatch(OpError):
    """
    The op's shape rule does not accept the operands' shapes; ops never broadcast.

    Lean: ``requireValue``, second check.

    >>> import numpy as np
    >>> from tapem_dsl import add, const
    >>> scalar, row = const(1.0), const(np.zeros(2))
    >>> scalar.bind(lambda a: row.bind(lambda b: add(a, b))).run()
    <Failure: autograd: shape mismatch (op='add', ids=(0, 1), shapes=((), (2,)), ...)>
    """

    _text: ClassVar[str] = "autograd: shape mismatch"

    shapes: tuple[tuple[int, ...], ...]
    wants: str


@final
@dataclass(frozen=True, slots=True)
class AxisOutOfRange(OpError):
    """
    The operand does not have this axis, or a range exceeds an axis.

    Lean: a static proof.

    >>> from tapem_dsl import const, reduce_sum
    >>> print(const(1.0).bind(lambda x: reduce_sum(x, axis=0)).run().failure().message)
    autograd: reduce_sum: axis 0 is out of range for shape ()
    """

    _text: ClassVar[str] = "autograd: {op}: {what} is out of range for shape {shape}"

    what: str
    shape: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class EmptyAxis(OpError):
    """
    The op needs an axis with at least one entry, and it has none.

    Lean: a static proof.

    >>> import numpy as np
    >>> from tapem_dsl import const, reduce_mean
    >>> empty = const(np.zeros((2, 0))).bind(lambda x: reduce_mean(x, axis=1)).run()
    >>> print(empty.failure().message)
    autograd: reduce_mean: axis 1 of shape (2, 0) is empty
    """

    _text: ClassVar[str] = "autograd: {op}: axis {axis} of shape {shape} is empty"

    axis: int
    shape: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class RequirementNotMet(OpError):
    """
    A static parameter has a value for which the op is not defined.

    Lean: the checks of the pooling ops.

    >>> import numpy as np
    >>> from tapem_dsl import const, max_pool
    >>> x = const(np.zeros((1, 4)))
    >>> print(x.bind(lambda x: max_pool(x, 2, stride=0)).run().failure().message)
    autograd: max_pool requires stride > 0 on every spatial axis
    """

    _text: ClassVar[str] = "autograd: {op} requires {requirement}"

    requirement: str


@final
@dataclass(frozen=True, slots=True)
class DTypeMismatch(OpError):
    """
    The operands' scalar types differ, or have no gradient.

    TorchLean has no such error: the type of a tape fixes one scalar type.

    >>> import numpy as np
    >>> from tapem_dsl import add, const
    >>> double, single = const(1.0), const(np.float32(1))
    >>> double.bind(lambda a: single.bind(lambda b: add(a, b))).run()
    <Failure: autograd: dtype mismatch (op='add', ..., dtypes=('float64', 'float32'),
    ...)>
    """

    _text: ClassVar[str] = "autograd: dtype mismatch"

    dtypes: tuple[str, ...]
    wants: str


@final
@dataclass(frozen=True, slots=True)
class OutsideDomain(OpError):
    """
    The op is not defined for a value, such as the logarithm of a negative number.

    ``entry`` and ``index`` are the first such value in row-major order, and its place.

    >>> from tapem_dsl import const, log
    >>> print(const(-1.0).bind(log).run().failure().message)
    autograd: log: input contains values <= 0 (or NaN); `safe_log` computes ...
    """

    _text: ClassVar[str] = "autograd: {op}: {reason}"

    reason: str
    entry: str | None = None
    index: tuple[int, ...] | None = None
