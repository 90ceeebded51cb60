"""Convolution over any number of spatial axes, and its transpose."""

from dataclasses import dataclass
from math import prod
from typing import Any, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, window_counts, wrong_shapes
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.base import checked_result
from tapem_dsl.ops.windows import (
    Extents,
    check_extents,
    check_positive,
    positions,
    strides_and_pads,
)
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class Conv(Op):
    """Each output channel's kernel summed over each window, plus its bias."""

    name = "conv"

    stride: Extents
    padding: Extents

    @override
    def shape(self, *inputs: Shape) -> Shape:
        kernel, bias, x = operands(self.name, inputs, 3)
        match kernel, bias, x:
            case (out, channels, *window), (biases,), (found, *spatial) if (
                out,
                channels,
                len(window),
            ) == (biases, found, len(spatial)):
                at = strides_and_pads(self, len(spatial), *inputs)
                geometry = (tuple(spatial), tuple(window), *at)
                return (out, *positions(self.name, *geometry, *inputs))
        wants = "(out, in, *kernel), (out,) and (in, *spatial)"
        raise wrong_shapes(self.name, *inputs, wants=wants)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        kernel, bias, x = inputs
        y = self.shape(kernel.shape, bias.shape, x.shape)
        products = xp.matmul(matrix_of(xp, kernel), columns_of(self, xp, kernel, x))
        return xp.reshape(products + xp.reshape(bias, (y[0], 1)), y)


def columns_of(op: Any, xp: Namespace, kernel: Array, x: Array) -> Array:
    """
    Lay out each position's window, of all channels, as one column.

    Args:
        op: a :class:`Conv` or a :class:`ConvTranspose`.
        xp: what to compute with.
        kernel: the op's kernel.
        x: what the windows are taken of.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> columns_of(Conv(1, 0), NUMPY, np.ones((1, 1, 2)), np.arange(3)[None]).tolist()
    [[0, 1], [1, 2]]
    """
    window = kernel.shape[2:]
    at = strides_and_pads(op, len(window), x.shape)
    counts = window_counts(x.shape[1:], window, *at)
    parts = xp.windows(x, window, *at)
    return xp.reshape(parts, (x.shape[0] * prod(window), prod(counts)))


def matrix_of(xp: Namespace, x: Array) -> Array:
    """
    Flatten all axes but the first.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> matrix_of(NUMPY, np.ones((2, 3, 4))).shape
    (2, 12)
    """
    return xp.reshape(x, (x.shape[0], prod(x.shape[1:])))


def conv(
    kernel: NodeId,
    bias: NodeId,
    x: NodeId,
    *,
    stride: Extents = 1,
    padding: Extents = 0,
) -> TapeM[NodeId, Any]:
    """
    Convolve one sample, channels first, over any number of spatial axes.

    The kernel is not flipped: this is what signal processing calls correlation. For
    ``stride`` and ``padding`` see :func:`windows`.

    Shapes: ``kernel``: ``(out, in, *kernel)``; ``bias``: ``(out,)``; ``x``: ``(in,
        *spatial)``; result: ``(out, *positions)``, with ``(n + 2 * p - k) // s + 1``
        positions on an axis.
    Fails with: as :func:`windows`.
    Raises: as :func:`windows`.
    Gradient: ``sum(g[o] * x[o * s + k - p])`` over positions ``o`` to the kernel's
        ``k``, ``sum(g)`` to the bias, the transposed convolution of ``g`` to ``x``.
    Cost: a matrix product with a copy of all windows: ``in * prod(kernel)`` entries a
        position; the rule makes the copy again.
    Lean: ``TapeM.conv``, which gives no positions where no window fits. PyTorch:
        ``torch.nn.functional.conv1d`` to ``conv3d``. JAX:
        ``jax.lax.conv_general_dilated``.

    >>> import numpy as np
    >>> from tapem_dsl import Do, const, do, param, value_of
    >>> @do
    ... def program() -> Do[object]:
    ...     kernel = yield from param(np.array([[[1.0, -1.0]]]))
    ...     bias = yield from param(np.array([10.0]))
    ...     x = yield from const(np.array([[1.0, 2.0, 4.0]]))
    ...     y = yield from conv(kernel, bias, x)
    ...     return (yield from value_of(y))
    >>> program().eval()
    <Success: [[9. 8.]]>
    """
    check_extents("conv", stride=stride, padding=padding)
    return record_op(Conv(stride, padding), (kernel, bias, x))


@final
@dataclass(frozen=True, slots=True)
class ConvTranspose(Op):
    """Each entry's multiples of its kernels, added up where they fall, plus a bias."""

    name = "conv_transpose"

    stride: Extents
    padding: Extents

    @override
    def shape(self, *inputs: Shape) -> Shape:
        kernel, bias, x = operands(self.name, inputs, 3)
        match kernel, bias, x:
            case (channels, out, *window), (biases,), (found, *counts) if (
                channels,
                out,
                len(window),
            ) == (found, biases, len(counts)):
                stride, padding = strides_and_pads(self, len(counts), *inputs)
                check_positive(self.name, tuple(window), stride)
                axes = zip(counts, window, stride, padding, strict=True)
                spatial = [(n - 1) * s + k - 2 * p for n, k, s, p in axes]
                if any(n < 1 for n in (*counts, *spatial)):
                    wants = "positions on each axis, of which padding leaves entries"
                    raise wrong_shapes(self.name, *inputs, wants=wants)
                return checked_result(self.name, (out, *spatial), *inputs)
        wants = "(in, out, *kernel), (out,) and (in, *positions)"
        raise wrong_shapes(self.name, *inputs, wants=wants)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        kernel, bias, x = inputs
        out, *spatial = self.shape(kernel.shape, bias.shape, x.shape)
        rows = xp.permute_dims(matrix_of(xp, kernel), (1, 0))
        columns = xp.matmul(rows, matrix_of(xp, x))
        parts = xp.reshape(columns, (*kernel.shape[1:], *x.shape[1:]))
        at = strides_and_pads(self, len(spatial), x.shape)
        biases = xp.reshape(bias, (out, *(1 for _ in spatial)))
        return xp.fold(parts, tuple(spatial), *at) + biases


def conv_transpose(
    kernel: NodeId,
    bias: NodeId,
    x: NodeId,
    *,
    stride: Extents = 1,
    padding: Extents = 0,
) -> TapeM[NodeId, Any]:
    """
    Transposed convolution of one sample, channels first: the adjoint of :func:`conv`.

    ``stride`` and ``padding`` are those of the convolution: here padding drops entries
    at either end of an axis.

    Shapes: ``kernel``: ``(in, out, *kernel)``, the channels in the other order than in
        :func:`conv`; ``bias``: ``(out,)``; ``x``: ``(in, *positions)``; result:
        ``(out, *spatial)``, with ``(n - 1) * s + k - 2 * p`` entries on an axis.
    Fails with: as :func:`windows`; :class:`ShapeMismatch` also where there is no
        position, or padding drops every entry of an axis.
    Raises: as :func:`windows`.
    Gradient: ``sum(x[i] * g[i * s + k - p])`` over positions ``i`` to the kernel's
        ``k``, ``sum(g)`` to the bias, the convolution of ``g`` to ``x``.
    Cost: a matrix product into all windows: ``out * prod(kernel)`` entries a position.
    Lean: ``TapeM.convTranspose``. PyTorch: ``torch.nn.functional.conv_transpose1d`` to
        ``conv_transpose3d``, with ``output_padding=0``. JAX:
        ``jax.lax.conv_transpose``.

    >>> import numpy as np
    >>> from tapem_dsl import Do, const, do, param, value_of
    >>> @do
    ... def program() -> Do[object]:
    ...     kernel = yield from param(np.array([[[1.0, -1.0]]]))
    ...     bias = yield from param(np.array([10.0]))
    ...     x = yield from const(np.array([[1.0, 2.0]]))
    ...     y = yield from conv_transpose(kernel, bias, x)
    ...     return (yield from value_of(y))
    >>> program().eval()
    <Success: [[11. 11.  8.]]>
    """
    check_extents("conv_transpose", stride=stride, padding=padding)
    return record_op(ConvTranspose(stride, padding), (kernel, bias, x))
