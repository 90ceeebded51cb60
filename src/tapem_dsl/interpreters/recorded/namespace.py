"""The functions of recorded arrays: each appends the op that it is."""

# pyright: reportAssignmentType=false
# members made by one function for many names do not repeat the signatures

from collections.abc import Callable
from fractions import Fraction
from numbers import Rational
from typing import Any, Final, TypeAlias, cast, final

from typing_extensions import override

from tapem_dsl.arrays import (
    AnyArray,
    Applicable,
    Array,
    Indices,
    Namespace,
    namespace_of,
)
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.recorded.operands import (
    as_nodes,
    as_nodes_of_one_shape,
    record,
    record_binary,
)
from tapem_dsl.interpreters.recorded.ops import (
    DetachedMax,
    LogSumExp,
    MultiplyNoNan,
    OneHot,
    Sech2,
    UncheckedLog,
)
from tapem_dsl.interpreters.recorded.recorder import NUMBERS, Recorded
from tapem_dsl.ops.activations import (
    LogSoftmaxLast,
    Sigmoid,
    SoftmaxLast,
    Softplus,
    Tanh,
)
from tapem_dsl.ops.arithmetic import Add, Div, Max, Min, Mul, Scale, ShiftBy, Sub
from tapem_dsl.ops.conditions import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
    Where,
)
from tapem_dsl.ops.elementwise import Abs, Cos, Detach, Exp, Log1p, Sin, Sqrt
from tapem_dsl.ops.indexing import Gather, IndexAdd, IndexSelect, ScatterAdd, Select
from tapem_dsl.ops.linalg import Dot, Matmul
from tapem_dsl.ops.reductions import ReduceSum, Sum
from tapem_dsl.ops.shapes import BroadcastTo, Permute, Reshape
from tapem_dsl.ops.slicing import Concat, Embed, Slice
from tapem_dsl.ops.windows import Fold, Windows
from tapem_dsl.tape.op import Op

Member: TypeAlias = "staticmethod[..., Array]"

_ADD, _SUB, _MUL, _MAX, _MIN = Add(), Sub(), Mul(), Max(), Min()


def _unary(op: Op) -> Member:
    """Make a function that records an op of one operand."""
    return staticmethod(lambda x, /: x.recorder.record(op, x))


def _binary(op: Op) -> Member:
    """Make a function that records an op of two operands, which broadcast."""
    return staticmethod(lambda a, b, /: record_binary(op, a, b))


def _with_attributes(kind: type[Op]) -> Member:
    """Make a function that records an op of one operand, with these attributes."""
    # Any: shapes and whatever else the op has
    attributed = cast(Any, kind)
    return staticmethod(lambda x, /, *of, **named: record(attributed(*of, **named), x))


@final
class Recording(Namespace):
    """
    The functions of recorded arrays; plain operands become frozen leaves.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.zeros(2))]).at(NodeId(0))
    >>> RECORDING.exp(x), x.recorder.nodes[1]
    (Recorded(1, array([1., 1.])), Node(exp(0), value=float64[2], requires_grad=True))
    """

    __slots__ = ()

    divide = _binary(Div())
    less = _binary(Less())
    less_equal = _binary(LessEqual())
    greater = _binary(Greater())
    greater_equal = _binary(GreaterEqual())
    equal = _binary(Equal())
    not_equal = _binary(NotEqual())
    logical_and = _binary(LogicalAnd())
    logical_or = _binary(LogicalOr())
    multiply_no_nan = _binary(MultiplyNoNan())

    negative = _unary(Scale(-1))
    logical_not = _unary(LogicalNot())
    exp = _unary(Exp())
    log = _unary(UncheckedLog())
    log1p = _unary(Log1p())
    sqrt = _unary(Sqrt())
    tanh = _unary(Tanh())
    sech2 = _unary(Sech2())
    sigmoid = _unary(Sigmoid())
    softplus = _unary(Softplus())
    sin = _unary(Sin())
    cos = _unary(Cos())
    abs = _unary(Abs())
    detached_max = _unary(DetachedMax())
    softmax = _unary(SoftmaxLast())
    log_softmax = _unary(LogSoftmaxLast())
    logsumexp = _unary(LogSumExp())
    constant = _unary(Detach())

    windows = _with_attributes(Windows)
    fold = _with_attributes(Fold)

    @override
    def add(self, a: Array, b: Array, /) -> Array:
        if type(b) in NUMBERS:
            return record(ShiftBy(b), a)
        if type(a) in NUMBERS:
            return record(ShiftBy(a), b)
        return record_binary(_ADD, a, b)

    @override
    def subtract(self, a: Array, b: Array, /) -> Array:
        if type(b) in NUMBERS:
            return record(ShiftBy(-b), a)
        return record_binary(_SUB, a, b)

    @override
    def multiply(self, a: Array, b: Array, /) -> Array:
        if type(b) in NUMBERS:
            return record(Scale(b), a)
        if type(a) in NUMBERS:
            return record(Scale(a), b)
        return record_binary(_MUL, a, b)

    @override
    def maximum(self, a: Array, b: Array, /) -> Array:
        """Record the op; beside a number, which has no derivative, a choice."""
        if type(a) in NUMBERS:
            a, b = b, a
        if type(b) in NUMBERS:
            return self.where(a <= b, b, a)
        return record_binary(_MAX, a, b)

    @override
    def minimum(self, a: Array, b: Array, /) -> Array:
        """Record the op; beside a number, which has no derivative, a choice."""
        if type(a) in NUMBERS:
            a, b = b, a
        if type(b) in NUMBERS:
            return self.where(a >= b, b, a)
        return record_binary(_MIN, a, b)

    @override
    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        return record(Where(), *as_nodes_of_one_shape(condition, a, b))

    @override
    def getitem(self, x: Array, index: Any, /) -> Array:  # Any: what NumPy takes
        """Record a selection or a slice for each axis."""
        items = index if isinstance(index, tuple) else (index,)
        if Ellipsis in items:
            at = items.index(Ellipsis)
            rest = (slice(None),) * (x.ndim - len(items) + 1)
            items = (*items[:at], *rest, *items[at + 1 :])
        axis = 0
        for item in items:
            extent = x.shape[axis]
            if isinstance(item, int):
                if not -extent <= item < extent:
                    raise IndexError(f"no entry {item} of {extent}")
                x = record(Select(item % extent, axis), x)
                continue
            start, stop, step = item.indices(extent)
            chosen = range(start, stop, step)
            if step != 1:
                x = record(IndexSelect(tuple(chosen), axis), x)
            elif len(chosen) < extent:
                x = record(Slice(start, len(chosen), axis), x)
            axis += 1
        return x

    @override
    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        total = record(Sum() if axis is None else ReduceSum(axis), x)
        if not keepdims:
            return total
        axes = range(x.ndim) if axis is None else (axis % x.ndim,)
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        return self.reshape(total, kept)

    @override
    def pick(self, x: Array, labels: Array, /) -> Array:
        """Sum each row where its label points."""
        chosen = self.where(self.one_hot(x, labels) > 0, x, 0)
        return self.sum(chosen, axis=-1)

    @override
    def one_hot(self, x: Array, labels: Array, /) -> Array:
        return record(OneHot(), *as_nodes(x, labels))

    @override
    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        if isinstance(indices, tuple):
            return record(IndexSelect(indices, axis), x)
        return record(Gather(axis), *as_nodes(x, indices))

    @override
    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        if isinstance(indices, tuple):
            return record(ScatterAdd(indices, axis), *as_nodes(base, source))
        return record(IndexAdd(axis), *as_nodes(base, source, indices))

    @override
    def matmul(self, a: Array, b: Array, /) -> Array:
        """Record the op of matrices; a vector becomes one for it."""
        if not type(a) is type(b) is Recorded:
            a, b = as_nodes(a, b)
        if a.ndim == b.ndim == 1:
            return record(Dot(), a, b)
        if b.ndim == 1:
            column = self.matmul(a, self.reshape(b, (*b.shape, 1)))
            return self.reshape(column, column.shape[:-1])
        if a.ndim == 1:
            row = self.matmul(self.reshape(a, (1, *a.shape)), b)
            return self.reshape(row, (*row.shape[:-2], row.shape[-1]))
        return record(Matmul(), a, b)

    @override
    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        """Record the op; if it undoes another, return the operand of that."""
        made = x.recorder.nodes[x.id]
        if type(made.op) is Permute:
            back = [made.op.axes[axis] for axis in axes]
            if back == sorted(back):
                return x.recorder.at(made.parents[0])
        return record(Permute(axes), x)

    @override
    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Record the op, unless the shape is this one."""
        return x if x.shape == shape else record(Reshape(shape), x)

    @override
    def concat(self, *arrays: Array, axis: int) -> Array:
        return record(Concat(axis), *as_nodes(*arrays))

    @override
    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        return record(Embed(start, shape[axis], axis), x)

    @override
    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        """Record the op, unless the shape is this one."""
        return x if x.shape == shape else record(BroadcastTo(shape), x)

    @override
    def zeros_like(self, x: Array, /) -> Array:
        return x.recorder.literal(0, x.value, x.shape)

    @override
    def ones_like(self, x: Array, /) -> Array:
        return x.recorder.literal(1, x.value, x.shape)

    @override
    def apply(self, op: Applicable, /, *operands: Array) -> Array:
        return record(cast("Op", op), *as_nodes(*operands))

    @override
    def literal(self, x: Array, constant: object, /) -> Array:
        """Return a Python number: an op rounds it into the dtype of its operand."""
        if type(constant) in NUMBERS:
            return constant
        if isinstance(constant, Rational):
            return Fraction(int(constant.numerator), int(constant.denominator))
        return namespace_of(x.value).literal(x.value, constant)

    @override
    def argmax(self, x: Array, /) -> Array:
        return namespace_of(x.value).argmax(x.value)

    @override
    def require(self, predicate: Any, x: Array, /, error: Any) -> None:
        namespace_of(x.value).require(predicate, x.value, error)

    @override
    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        values = [x.value if isinstance(x, Recorded) else x for x in arrays]
        return namespace_of(*values).holds(predicate, *values)

    @override
    def concrete(self, x: Array, /) -> AnyArray | None:
        return namespace_of(x.value).concrete(x.value)

    @override
    def canonical(self, x: Array, /) -> Array:
        return x


RECORDING: Final = Recording()
Recorded.namespace = RECORDING
