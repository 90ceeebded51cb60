"""What functions make of recorded arrays: the ops that they are."""

from fractions import Fraction
from numbers import Rational
from typing import Any, Final, cast, final

from numpy.typing import NDArray

from tapem_dsl.arrays import (
    Applicable,
    Array,
    Indices,
    Namespace,
    namespace_of,
)
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.recorded.operands import alike, binary, record, taken
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

_ADD, _SUB, _MUL, _DIV = Add(), Sub(), Mul(), Div()


@final
class Recording(Namespace):
    """
    Functions of recorded arrays; plain operands become frozen leaves.

    >>> import numpy as np
    >>> from tapem_dsl import Node, NodeId
    >>> from tapem_dsl.interpreters.recorded.recorder import Recorder
    >>> x = Recorder([Node(None, (), np.zeros(2))]).at(NodeId(0))
    >>> RECORDING.exp(x), x.recorder.nodes[1]
    (Recorded(1, array([1., 1.])), Node(exp(0), value=float64[2], requires_grad=True))
    """

    __slots__ = ()

    # -- what the operators mean -------------------------------------------------------

    def add(self, a: Array, b: Array, /) -> Array:
        """Record the op, or a shift by a number."""
        if type(b) in NUMBERS:
            return record(ShiftBy(b), a)
        if type(a) in NUMBERS:
            return record(ShiftBy(a), b)
        return binary(_ADD, a, b)

    def subtract(self, a: Array, b: Array, /) -> Array:
        """Record the op, or a shift by a number."""
        if type(b) in NUMBERS:
            return record(ShiftBy(-b), a)
        return binary(_SUB, a, b)

    def multiply(self, a: Array, b: Array, /) -> Array:
        """Record the op, or a scale by a number."""
        if type(b) in NUMBERS:
            return record(Scale(b), a)
        if type(a) in NUMBERS:
            return record(Scale(a), b)
        return binary(_MUL, a, b)

    def divide(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(_DIV, a, b)

    def negative(self, x: Array, /) -> Array:
        """Record a scale."""
        return record(Scale(-1), x)

    def less(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(Less(), a, b)

    def less_equal(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(LessEqual(), a, b)

    def greater(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(Greater(), a, b)

    def greater_equal(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(GreaterEqual(), a, b)

    def equal(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(Equal(), a, b)

    def not_equal(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(NotEqual(), a, b)

    def logical_and(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(LogicalAnd(), a, b)

    def logical_or(self, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return binary(LogicalOr(), a, b)

    def logical_not(self, x: Array, /) -> Array:
        """Record the op."""
        return record(LogicalNot(), x)

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

    # -- elementwise -------------------------------------------------------------------

    def exp(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Exp(), x)

    def log(self, x: Array, /) -> Array:
        """Record it for any entry: rules may compute what they then do not choose."""
        return record(UncheckedLog(), x)

    def log1p(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Log1p(), x)

    def sqrt(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Sqrt(), x)

    def tanh(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Tanh(), x)

    def sech2(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Sech2(), x)

    def sigmoid(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Sigmoid(), x)

    def softplus(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Softplus(), x)

    def multiply_no_nan(self, x: Array, by: Array, /) -> Array:
        """Record the op."""
        return record(MultiplyNoNan(), *alike(x, by))

    def sin(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Sin(), x)

    def cos(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Cos(), x)

    def abs(self, x: Array, /) -> Array:
        """Record the op."""
        return record(Abs(), x)

    def maximum(self, a: Array, b: Array, /) -> Array:
        """Record the op; beside a number, which has no derivative, a choice."""
        if type(a) in NUMBERS:
            a, b = b, a
        if type(b) in NUMBERS:
            return self.where(a <= b, b, a)
        return record(Max(), *alike(a, b))

    def minimum(self, a: Array, b: Array, /) -> Array:
        """Record the op; beside a number, which has no derivative, a choice."""
        if type(a) in NUMBERS:
            a, b = b, a
        if type(b) in NUMBERS:
            return self.where(a >= b, b, a)
        return record(Min(), *alike(a, b))

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        """Record the op."""
        return record(Where(), *alike(condition, a, b))

    # -- reductions, rows and labels ---------------------------------------------------

    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        """Record the op, and the shape with the axes kept."""
        total = record(Sum() if axis is None else ReduceSum(axis), x)
        if not keepdims:
            return total
        axes = range(x.ndim) if axis is None else (axis % x.ndim,)
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        return self.reshape(total, kept)

    def detached_max(self, x: Array, /) -> Array:
        """Record the constant, which the data decide."""
        return record(DetachedMax(), x)

    def softmax(self, x: Array, /) -> Array:
        """Record the op."""
        return record(SoftmaxLast(), x)

    def log_softmax(self, x: Array, /) -> Array:
        """Record the op."""
        return record(LogSoftmaxLast(), x)

    def logsumexp(self, x: Array, /) -> Array:
        """Record the op."""
        return record(LogSumExp(), x)

    def pick(self, x: Array, labels: Array, /) -> Array:
        """Sum each row where its label points."""
        chosen = self.where(self.one_hot(x, labels) > 0, x, 0)
        return self.sum(chosen, axis=-1)

    def one_hot(self, x: Array, labels: Array, /) -> Array:
        """Record the constant, which the data decide."""
        return record(OneHot(), *taken(x, labels))

    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        """Record the op for static indices, or that for those that are data."""
        if isinstance(indices, tuple):
            return record(IndexSelect(indices, axis), x)
        return record(Gather(axis), *taken(x, indices))

    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        """Record the op for static indices, or that for those that are data."""
        if isinstance(indices, tuple):
            return record(ScatterAdd(indices, axis), *taken(base, source))
        return record(IndexAdd(axis), *taken(base, source, indices))

    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        """Record the op."""
        return record(Windows(kernel, stride, padding), x)

    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        """Record the op."""
        return record(Fold(spatial, stride, padding), x)

    # -- linear algebra and shape ------------------------------------------------------

    def matmul(self, a: Array, b: Array, /) -> Array:
        """Record the op of matrices; a vector becomes one for it."""
        if not type(a) is type(b) is Recorded:
            a, b = taken(a, b)
        if a.ndim == b.ndim == 1:
            return record(Dot(), a, b)
        if b.ndim == 1:
            column = self.matmul(a, self.reshape(b, (*b.shape, 1)))
            return self.reshape(column, column.shape[:-1])
        if a.ndim == 1:
            row = self.matmul(self.reshape(a, (1, *a.shape)), b)
            return self.reshape(row, (*row.shape[:-2], row.shape[-1]))
        return record(Matmul(), a, b)

    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        """Record the op; where it undoes another, give what that was made of."""
        made = x.recorder.nodes[x.id]
        if type(made.op) is Permute:
            back = [made.op.axes[axis] for axis in axes]
            if back == sorted(back):
                return x.recorder.at(made.parents[0])
        return record(Permute(axes), x)

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Record the op, unless the shape is this one."""
        return x if x.shape == shape else record(Reshape(shape), x)

    def concat(self, *arrays: Array, axis: int) -> Array:
        """Record the op."""
        return record(Concat(axis), *taken(*arrays))

    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        """Record the op."""
        return record(Embed(start, shape[axis], axis), x)

    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        """Record the op, unless the shape is this one."""
        return x if x.shape == shape else record(BroadcastTo(shape), x)

    def zeros_like(self, x: Array, /) -> Array:
        """Give zeros, which are recorded once."""
        return x.recorder.literal(0, x.value, x.shape)

    def ones_like(self, x: Array, /) -> Array:
        """Give ones, which are recorded once."""
        return x.recorder.literal(1, x.value, x.shape)

    # -- not in the standard -----------------------------------------------------------

    def apply(self, op: Applicable, /, *operands: Array) -> Array:
        """Record it."""
        return record(cast("Op", op), *taken(*operands))

    def literal(self, x: Array, constant: object, /) -> Array:
        """Give a number of Python's: an op rounds it into the type of its operand."""
        if type(constant) in NUMBERS:
            return constant
        if isinstance(constant, Rational):
            return Fraction(int(constant.numerator), int(constant.denominator))
        return namespace_of(x.value).literal(x.value, constant)

    def constant(self, x: Array, /) -> Array:
        """Record the op that stops the gradient."""
        return record(Detach(), x)

    def concrete(self, x: Array, /) -> "NDArray[Any] | None":  # Any: of any scalar
        """Give the value."""
        return namespace_of(x.value).concrete(x.value)

    def canonical(self, x: Array, /) -> Array:
        """Give the node itself, whose value is as a tape keeps it."""
        return x


RECORDING: Final = Recording()
Recorded.namespace = RECORDING
