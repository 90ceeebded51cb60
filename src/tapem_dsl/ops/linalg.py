"""Linear algebra."""

from dataclasses import dataclass
from typing import Any, Final, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, broadcast, wrong_shapes
from tapem_dsl.ids import NodeId
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class Linear(Op):
    """``w @ x + b``."""

    name = "linear"

    def shape(self, *inputs: Shape) -> Shape:
        """Take (out, in), (out,) and (in,) to (out,)."""
        match inputs:
            case (out, n), (bias,), (features,) if bias == out and features == n:
                return (out,)
        raise wrong_shapes(self.name, *inputs, wants="(out, in), (out,) and (in,)")

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Multiply, then add."""
        w, b, x = inputs
        return xp.matmul(w, x) + b


@final
@dataclass(frozen=True, slots=True)
class Matmul(Op):
    """``a @ b``, with batch axes to the left that broadcast."""

    name = "matmul"

    def shape(self, *inputs: Shape) -> Shape:
        """Take (..., m, n) and (..., n, p) to (..., m, p)."""
        match inputs:
            case (m, n), (rows, p) if rows == n:
                return (m, p)
            case (*batch_a, m, n), (*batch_b, rows, p) if rows == n:
                batch = broadcast(tuple(batch_a), tuple(batch_b))
                if batch is not None:
                    return (*batch, m, p)
        wants = "(..., m, n) and (..., n, p), whose left axes broadcast"
        raise wrong_shapes(self.name, *inputs, wants=wants)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        a, b = inputs
        return xp.matmul(a, b)


@final
@dataclass(frozen=True, slots=True)
class Bmm(Op):
    """``a @ b`` for each pair of a batch."""

    name = "bmm"

    def shape(self, *inputs: Shape) -> Shape:
        """Take (k, m, n) and (k, n, p) to (k, m, p)."""
        match inputs:
            case (k, m, n), (pairs, rows, p) if (pairs, rows) == (k, n):
                return (k, m, p)
        raise wrong_shapes(self.name, *inputs, wants="(k, m, n) and (k, n, p)")

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        a, b = inputs
        return xp.matmul(a, b)


@final
@dataclass(frozen=True, slots=True)
class OuterProduct(Op):
    """``a[i] * b[j]`` of two vectors."""

    name = "outer"

    def shape(self, *inputs: Shape) -> Shape:
        """Take (m,) and (n,) to (m, n)."""
        match inputs:
            case (m,), (n,):
                return (m, n)
        raise wrong_shapes(self.name, *inputs, wants="(m,) and (n,)")

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Multiply a column by a row."""
        a, b = inputs
        return xp.reshape(a, (a.shape[0], 1)) * b


@final
@dataclass(frozen=True, slots=True)
class Dot(Op):
    """``sum(a * b)`` of two vectors."""

    name = "dot"

    def shape(self, *inputs: Shape) -> Shape:
        """Take (n,) and (n,) to a scalar."""
        match inputs:
            case (m,), (n,) if m == n:
                return ()
        raise wrong_shapes(self.name, *inputs, wants="(n,) and (n,)")

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace multiplies a row by a column."""
        a, b = inputs
        return xp.matmul(a, b)


_LINEAR: Final = Linear()
_DOT: Final = Dot()
_MATMUL: Final = Matmul()
_BMM: Final = Bmm()
_OUTER: Final = OuterProduct()


def linear(w: NodeId, b: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
    """
    Affine map of one vector: ``w @ x + b``.

    Shapes:
        ``w``: ``(out, in)``; ``b``: ``(out,)``; ``x``: ``(in,)``; result: ``(out,)``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``outer(g, x)``, ``g`` and ``w.T @ g``.

    Source:
        Lean: ``TapeM.linear``. PyTorch: ``torch.nn.functional.linear(x, w, b)``.

    >>> import numpy as np
    >>> from tapem_dsl import Do, const, do, param, value_of
    >>> @do
    ... def program() -> Do[object]:
    ...     w = yield from param(np.array([[1.0, 2.0]]))
    ...     b = yield from param(np.array([0.5]))
    ...     x = yield from const(np.array([3.0, 4.0]))
    ...     y = yield from linear(w, b, x)
    ...     return (yield from value_of(y))
    >>> program().eval()
    <Success: [11.5]>
    """
    return record_op(_LINEAR, (w, b, x))


def matmul(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Product of two matrices, or of batches of them, whose left axes broadcast.

    Shapes:
        ``a``: ``(..., m, n)``; ``b``: ``(..., n, p)``; result: ``(..., m, p)``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g @ b.T`` and ``a.T @ g``, summed over what was broadcast.

    Source:
        Lean: ``TapeM.matmul``; on tapes with batch axes. PyTorch: ``torch.matmul`` of
        what has at least two axes.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([[1.0, 1.0], [0.0, 1.0]])).bind(lambda a: matmul(a, a))
    >>> square.bind(value_of).eval().unwrap().tolist()
    [[1.0, 2.0], [0.0, 1.0]]
    """
    return record_op(_MATMUL, (a, b))


def bmm(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Products of the pairs of two batches of matrices.

    Shapes:
        ``a``: ``(k, m, n)``; ``b``: ``(k, n, p)``; result: ``(k, m, p)``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g @ b.T`` and ``a.T @ g``, pair by pair.

    Source:
        Lean: ``Tape.bmm``, of the first generation. PyTorch: ``torch.bmm``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> batch = leaf(np.array([[[2.0]], [[3.0]]])).bind(lambda a: bmm(a, a))
    >>> batch.bind(value_of).eval().unwrap().tolist()
    [[[4.0]], [[9.0]]]
    """
    return record_op(_BMM, (a, b))


def outer(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Outer product of two vectors.

    Shapes:
        ``a``: ``(m,)``; ``b``: ``(n,)``; result: ``(m, n)``.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g @ b`` and ``a @ g``.

    Source:
        Lean: none on tapes. PyTorch: ``torch.outer``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([1.0, 2.0])).bind(lambda a: outer(a, a))
    >>> square.bind(value_of).eval().unwrap().tolist()
    [[1.0, 2.0], [2.0, 4.0]]
    """
    return record_op(_OUTER, (a, b))


def dot(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Inner product of two vectors.

    Shapes:
        ``a`` and ``b``: ``(n,)``; result: ``()``, 0 for empty vectors.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        ``g * b`` and ``g * a``.

    Source:
        Lean: none on tapes. PyTorch: ``torch.dot``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([3.0, 4.0])).bind(lambda a: dot(a, a))
    >>> square.bind(value_of).eval()
    <Success: 25.0>
    """
    return record_op(_DOT, (a, b))
