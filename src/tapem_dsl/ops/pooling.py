"""Pooling: one number of each window of each channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, prod
from typing import Any, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, window_counts, wrong_shapes
from tapem_dsl.errors import Refused, RequirementNotMet
from tapem_dsl.ids import NodeId
from tapem_dsl.ops.windows import (
    Extents,
    check_extents,
    check_positive,
    per_axis,
    positions,
)
from tapem_dsl.program.checks import real_argument
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


class Pool(Op):
    """An op that makes one number of each window of each channel."""

    __slots__ = ()

    kernel: Extents
    stride: Extents
    padding: Extents

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        kernel, stride, padding = self.geometry(x)
        check_positive(self.name, kernel, stride)
        if any(p > k // 2 for k, p in zip(kernel, padding, strict=True)):
            raise self.requires("padding <= kernel_size / 2 on every spatial axis")
        return (x[0], *positions(self.name, x[1:], kernel, stride, padding, x))

    def geometry(self, x: Shape) -> tuple[Shape, Shape, Shape]:
        """Return kernel, stride and padding for each spatial axis."""
        if not x:
            raise wrong_shapes(self.name, x, wants="(channels, *spatial)")
        rank = len(x) - 1
        return (
            per_axis(self.name, "kernel", self.kernel, rank, x),
            per_axis(self.name, "stride", self.stride, rank, x),
            per_axis(self.name, "padding", self.padding, rank, x),
        )

    def requires(self, requirement: str) -> Refused:
        """Refuse a parameter, in TorchLean's words."""
        return Refused(RequirementNotMet(self.name, requirement))


@final
@dataclass(frozen=True, slots=True)
class MaxPool(Pool):
    """The largest entry of each window; NaN if one is NaN."""

    name = "max_pool"

    kernel: Extents
    stride: Extents
    padding: Extents

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        first, *rest = cells(self, xp, x)
        best = first
        for cell in rest:
            best = xp.where((cell > best) | is_nan(cell), cell, best)
        return best


def is_nan(x: Array) -> Array:
    """
    Return which entries are NaN: those that do not equal themselves.

    >>> import numpy as np
    >>> is_nan(np.array([1.0, np.nan])).tolist()
    [False, True]
    """
    return x != x  # noqa: PLR0124 - see above


def cells(op: MaxPool, xp: Namespace, x: Array) -> Iterator[Array]:
    """
    Return the first entry of every window, then the second of every window, and so on.

    Beyond the edge stand copies of the nearest entry. That entry is in the window too,
    because at most half of a window is padding, and what the rule gives to a copy goes
    to it. So copies change neither the maximum nor which entry has it first.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> row = np.array([[1, 2, 3]])
    >>> [cell.tolist() for cell in cells(MaxPool(2, 2, 1), NUMPY, row)]
    [[[1, 2]], [[1, 3]]]
    """
    kernel, stride, padding = op.geometry(x.shape)
    counts = window_counts(x.shape[1:], kernel, stride, padding)
    for axis, p in enumerate(padding, 1):
        if p:
            n = x.shape[axis]
            nearest = (0,) * p + tuple(range(n)) + (n - 1,) * p
            x = xp.take(x, nearest, axis)
    axes = zip(kernel, counts, stride, strict=True)
    places = [[slice(o, o + (c - 1) * s + 1, s) for o in range(k)] for k, c, s in axes]
    for there in product(*places):
        yield x[(slice(None), *there)]


def max_pool(
    x: NodeId,
    kernel: Extents,
    *,
    stride: Extents | None = None,
    padding: Extents = 0,
) -> TapeM[NodeId, Any]:
    """
    Largest entry of each window of each channel; padding is never the largest.

    NaN in a window makes its result NaN. ``stride`` is ``kernel`` unless it is given;
    for ``padding`` see :func:`windows`.

    Shapes: ``x``: ``(channels, *spatial)``; result: ``(channels, *positions)``, with
        ``(n + 2 * p - k) // s + 1`` positions on an axis.
    Fails with: as :func:`windows`; :class:`RequirementNotMet` also for padding above
        half the kernel.
    Raises: as :func:`windows`.
    Gradient: all of ``g`` to the window's first largest entry in row-major order, or to
        its first NaN.
    Cost: a comparison and a choice of all positions for each entry of the window.
    Lean: ``TapeM.maxPool``, where NaN wins only as the first entry of its window, and
        which gives no positions where no window fits. PyTorch:
        ``torch.nn.functional.max_pool1d`` to ``max_pool3d``. JAX:
        ``jax.lax.reduce_window`` with ``jax.lax.max``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([[1.0, 3.0, 2.0, 0.0]]))
    >>> row.bind(lambda x: max_pool(x, 2)).bind(value_of).eval()
    <Success: [[3. 2.]]>
    """
    stride = kernel if stride is None else stride
    check_extents("max_pool", kernel=kernel, stride=stride, padding=padding)
    return record_op(MaxPool(kernel, stride, padding), (x,))


@final
@dataclass(frozen=True, slots=True)
class AvgPool(Pool):
    """The mean of each window, in which padding counts as zeros."""

    name = "avg_pool"

    kernel: Extents
    stride: Extents
    padding: Extents

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        kernel, stride, padding = self.geometry(x.shape)
        total = xp.windows(x, kernel, stride, padding)
        for _ in kernel:
            total = xp.sum(total, axis=1)
        return total / prod(kernel)


def avg_pool(
    x: NodeId,
    kernel: Extents,
    *,
    stride: Extents | None = None,
    padding: Extents = 0,
) -> TapeM[NodeId, Any]:
    """
    Mean of each window of each channel, in which padding counts as zeros.

    Arguments are those of :func:`max_pool`.

    Shapes: as :func:`max_pool`.
    Fails with: as :func:`max_pool`.
    Raises: as :func:`windows`.
    Gradient: ``g / prod(kernel)`` to every entry of the window, also beside padding.
    Lean: ``TapeM.avgPool``. PyTorch: ``torch.nn.functional.avg_pool1d`` to
        ``avg_pool3d``, with its default ``count_include_pad=True``. JAX:
        ``jax.lax.reduce_window`` with ``jax.lax.add``, over the size of a window.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([[1.0, 3.0, 2.0, 0.0]]))
    >>> row.bind(lambda x: avg_pool(x, 2)).bind(value_of).eval()
    <Success: [[2. 1.]]>
    """
    stride = kernel if stride is None else stride
    check_extents("avg_pool", kernel=kernel, stride=stride, padding=padding)
    return record_op(AvgPool(kernel, stride, padding), (x,))


@final
@dataclass(frozen=True, slots=True)
class SmoothMaxPool(Pool):
    """``log(sum(exp(beta * window))) / beta``, in which padding counts as zeros."""

    name = "smooth_max_pool"

    kernel: Extents
    stride: Extents
    padding: Extents
    beta: float | Fraction

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        if self.beta == 0 or self.beta - self.beta != 0:
            raise self.requires("finite nonzero beta")
        if len(x) == 1:
            raise self.requires("at least one spatial dimension")
        return Pool.shape(self, x)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        rounded = np.ones((), x.dtype) * xp.literal(x, self.beta)
        if rounded == 0 or rounded - rounded != 0:
            raise self.requires("finite nonzero beta")
        pivot, above = from_extremes(self, xp, x)
        y = pivot + xp.logsumexp(above) / xp.literal(x, self.beta)
        return xp.reshape(y, self.shape(x.shape))


def from_extremes(op: SmoothMaxPool, xp: Namespace, x: Array) -> tuple[Array, Array]:
    """
    Return each window's extreme (0 if infinite), and ``beta * (window - extreme)``.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> pool = SmoothMaxPool(2, 1, 0, beta=1.0)
    >>> from_extremes(pool, NUMPY, np.array([[1000.0, 1000.0]]))
    (array([[1000.]]), array([[[0., 0.]]]))
    """
    kernel, stride, padding = op.geometry(x.shape)
    counts = window_counts(x.shape[1:], kernel, stride, padding)
    parts = xp.windows(x, kernel, stride, padding)
    flat = xp.reshape(parts, (x.shape[0], prod(kernel), prod(counts)))
    rows = xp.permute_dims(flat, (0, 2, 1))
    beta = xp.literal(x, op.beta)
    extreme = xp.detached_max(rows) if op.beta > 0 else -xp.detached_max(-rows)
    pivot = xp.where(xp.abs(extreme) < inf, extreme, 0)
    return xp.reshape(pivot, (x.shape[0], prod(counts))), (rows - pivot) * beta


def smooth_max_pool(
    x: NodeId,
    kernel: Extents,
    *,
    beta: float | Fraction,
    stride: Extents | None = None,
    padding: Extents = 0,
) -> TapeM[NodeId, Any]:
    r"""
    Smooth maximum of each window of each channel, in which padding counts as zeros.

    .. math:: y = \tfrac{1}{\beta} \log \sum_i e^{\beta x_i}

    It is greater than the maximum by up to ``log(n) / beta``. With a negative ``beta``
    it is a smooth minimum. The other arguments are those of :func:`max_pool`.

    Shapes: as :func:`max_pool`, with at least one spatial axis.
    Fails with: as :func:`max_pool`; :class:`RequirementNotMet` also for a ``beta`` that
        is 0 or not finite in the tape's scalar type, and for no spatial axis;
        :class:`OutsideDomain` over rationals, and for a ``beta`` beyond double
        precision.
    Raises: as :func:`windows`.
    Gradient: ``exp(beta * x) / sum(exp(beta * x)) * g`` to each entry; none to padding.
    Lean: ``TapeM.smoothMaxPool``. PyTorch: ``torch.logsumexp(beta * x) / beta`` of what
        ``torch.nn.functional.unfold`` gives. JAX: ``jax.nn.logsumexp(beta * x) / beta``
        of windows.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, value_of
    >>> row = leaf(np.array([[1000.0, 1000.0]]))
    >>> row.bind(lambda x: smooth_max_pool(x, 2, beta=1.0)).bind(value_of).eval()
    <Success: [[1000.69314718]]>
    """
    stride = kernel if stride is None else stride
    check_extents("smooth_max_pool", kernel=kernel, stride=stride, padding=padding)
    real_argument(beta, "smooth_max_pool", "beta")
    return record_op(SmoothMaxPool(kernel, stride, padding, beta), (x,))
