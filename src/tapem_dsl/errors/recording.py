"""Failures of recording a node: bad ids, shapes, dtypes and values."""

from dataclasses import dataclass, field
from typing import ClassVar, final

from tapem_dsl.errors.base import TapeError
from tapem_dsl.ids import NodeId


@final
@dataclass(frozen=True, slots=True)
class InvalidNodeId(TapeError):
    """
    An id that is no node of the tape it is used on.

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
    An op refused its operands; the machine adds which nodes they were.

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
    Operands whose shapes the op's shape rule refuses; nothing is ever broadcast.

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
    An axis that the operand does not have, or a range that leaves it.

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
    An axis without entries, where the op needs one.

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
    A static parameter for which the op has no meaning.

    Lean: the checks of the pooling ops, which data may decide there.

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
    Scalar types that do not go together, or that carry no gradient.

    TorchLean has no such failure: its tapes are homogeneous by type.

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
    Values the op has no result for, such as the logarithm of a negative number.

    ``entry`` and ``index`` say which value came first, in row-major order.

    >>> from tapem_dsl import const, log
    >>> print(const(-1.0).bind(log).run().failure().message)
    autograd: log: input contains values <= 0 (or NaN); `safe_log` computes ...
    """

    _text: ClassVar[str] = "autograd: {op}: {reason}"

    reason: str
    entry: str | None = None
    index: tuple[int, ...] | None = None
