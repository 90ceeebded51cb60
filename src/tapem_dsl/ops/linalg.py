"""Linear algebra: products of vectors, of matrices and of batches of matrices."""

from dataclasses import dataclass
from typing import Any, Final, final

from typing_extensions import override

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

    @override
    def shape(self, *inputs: Shape) -> Shape:
        match inputs:
            case (out, n), (bias,), (features,) if bias == out and features == n:
                return (out,)
        raise wrong_shapes(self.name, *inputs, wants="(out, in), (out,) and (in,)")

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        w, b, x = inputs
        return xp.matmul(w, x) + b


def linear(w: NodeId, b: NodeId, x: NodeId) -> TapeM[NodeId, Any]:
    """
    Affine map of one vector: ``w @ x + b``.

    Shapes: ``w``: ``(out, in)``; ``b``: ``(out,)``; ``x``: ``(in,)``; result:
        ``(out,)``.
    Fails with: as every op.
    Gradient: ``outer(g, x)``, ``g`` and ``w.T @ g``.
    Lean: ``TapeM.linear``. PyTorch: ``torch.nn.functional.linear(x, w, b)``. JAX:
        ``jax.numpy.matmul(w, x) + b``.

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


@final
@dataclass(frozen=True, slots=True)
class Matmul(Op):
    """``a @ b``, with batch axes to the left that broadcast."""

    name = "matmul"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        match inputs:
            case (m, n), (rows, p) if rows == n:
                return (m, p)
            case (*batch_a, m, n), (*batch_b, rows, p) if rows == n:
                batch = broadcast(tuple(batch_a), tuple(batch_b))
                if batch is not None:
                    return (*batch, m, p)
        wants = "(..., m, n) and (..., n, p), whose left axes broadcast"
        raise wrong_shapes(self.name, *inputs, wants=wants)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.matmul(*inputs)


def matmul(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Product of two matrices, or of batches of matrices whose left axes broadcast.

    Shapes: ``a``: ``(..., m, n)``; ``b``: ``(..., n, p)``; result: ``(..., m, p)``.
    Fails with: as every op.
    Gradient: ``g @ b.T`` and ``a.T @ g``, summed over what was broadcast.
    Lean: ``TapeM.matmul``; on tapes with batch axes. PyTorch: ``torch.matmul`` of what
        has at least two axes. JAX: ``jax.numpy.matmul``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([[1.0, 1.0], [0.0, 1.0]])).bind(lambda a: matmul(a, a))
    >>> square.bind(value_of).eval().unwrap().tolist()
    [[1.0, 2.0], [0.0, 1.0]]
    """
    return record_op(_MATMUL, (a, b))


@final
@dataclass(frozen=True, slots=True)
class Bmm(Op):
    """``a @ b`` for each pair of a batch."""

    name = "bmm"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        match inputs:
            case (k, m, n), (pairs, rows, p) if (pairs, rows) == (k, n):
                return (k, m, p)
        raise wrong_shapes(self.name, *inputs, wants="(k, m, n) and (k, n, p)")

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.matmul(*inputs)


def bmm(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Products of the pairs of matrices in two batches of one size.

    Shapes: ``a``: ``(k, m, n)``; ``b``: ``(k, n, p)``; result: ``(k, m, p)``.
    Fails with: as every op.
    Gradient: ``g @ b.T`` and ``a.T @ g``, pair by pair.
    Lean: ``Tape.bmm``, of the first generation. PyTorch: ``torch.bmm``. JAX:
        ``jax.lax.batch_matmul``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> batch = leaf(np.array([[[2.0]], [[3.0]]])).bind(lambda a: bmm(a, a))
    >>> batch.bind(value_of).eval().unwrap().tolist()
    [[[4.0]], [[9.0]]]
    """
    return record_op(_BMM, (a, b))


@final
@dataclass(frozen=True, slots=True)
class OuterProduct(Op):
    """``a[i] * b[j]`` of two vectors."""

    name = "outer"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        match inputs:
            case (m,), (n,):
                return (m, n)
        raise wrong_shapes(self.name, *inputs, wants="(m,) and (n,)")

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return xp.reshape(a, (a.shape[0], 1)) * b


def outer(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Outer product of two vectors.

    Shapes: ``a``: ``(m,)``; ``b``: ``(n,)``; result: ``(m, n)``.
    Fails with: as every op.
    Gradient: ``g @ b`` and ``a @ g``.
    Lean: none on tapes. PyTorch: ``torch.outer``. JAX: ``jax.numpy.outer``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([1.0, 2.0])).bind(lambda a: outer(a, a))
    >>> square.bind(value_of).eval().unwrap().tolist()
    [[1.0, 2.0], [2.0, 4.0]]
    """
    return record_op(_OUTER, (a, b))


@final
@dataclass(frozen=True, slots=True)
class Dot(Op):
    """``sum(a * b)`` of two vectors."""

    name = "dot"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        match inputs:
            case (m,), (n,) if m == n:
                return ()
        raise wrong_shapes(self.name, *inputs, wants="(n,) and (n,)")

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return xp.matmul(*inputs)


def dot(a: NodeId, b: NodeId) -> TapeM[NodeId, Any]:
    """
    Inner product of two vectors.

    Shapes: ``a`` and ``b``: ``(n,)``; result: ``()``, 0 for empty vectors.
    Fails with: as every op.
    Gradient: ``g * b`` and ``g * a``.
    Lean: none on tapes. PyTorch: ``torch.dot``. JAX: ``jax.numpy.vdot``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> square = leaf(np.array([3.0, 4.0])).bind(lambda a: dot(a, a))
    >>> square.bind(value_of).eval()
    <Success: 25.0>
    """
    return record_op(_DOT, (a, b))


_LINEAR: Final = Linear()
_MATMUL: Final = Matmul()
_BMM: Final = Bmm()
_OUTER: Final = OuterProduct()
_DOT: Final = Dot()
