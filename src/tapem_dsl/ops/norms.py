"""Normalisation by the mean and the variance of rows or of channels."""

from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from numbers import Real
from typing import Any, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands, wrong_shapes
from tapem_dsl.errors import EmptyAxis, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.messages import short_repr
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class LayerNorm(Op):
    """Rows brought to mean 0 and variance 1, then scaled and shifted."""

    name = "layer_norm"

    epsilon: float | Fraction

    @override
    def shape(self, *inputs: Shape) -> Shape:
        x, gamma, beta = operands(self.name, inputs, 3)
        if not x or not x[-1:] == gamma == beta:
            wants = "(..., n), (n,) and (n,)"
            raise wrong_shapes(self.name, *inputs, wants=wants)
        return with_means(self.name, x, len(x) - 1)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        x, gamma, beta = inputs
        if 0 in x.shape:
            return x
        n = x.shape[-1]
        rows = xp.reshape(x, (prod(x.shape) // n, n))
        centred, deviation = standardised(xp, rows, self.epsilon)
        return xp.reshape(centred / deviation * gamma + beta, x.shape)


def layer_norm(
    x: NodeId,
    gamma: NodeId,
    beta: NodeId,
    *,
    epsilon: float | Fraction = Fraction(1, 100_000),
) -> TapeM[NodeId, Any]:
    r"""
    Bring each row to mean 0 and variance 1, then scale it by gamma and add beta.

    .. math:: y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta

    Shapes: ``x``: ``(..., n)`` with ``n > 0``, of any number of rows; ``gamma`` and
        ``beta``: ``(n,)``; result: as ``x``.
    Fails with: as every op; :class:`EmptyAxis`; :class:`OutsideDomain` over rationals,
        and for an ``epsilon`` beyond double precision.
    Raises: ValueError: ``epsilon`` is negative or not a number.
    Gradient: with ``r = (x - mean) / std`` and ``h = g * gamma``:
        ``(h - mean(h) - r * mean(h * r)) / std``, ``sum(g * r)`` and ``sum(g)``.
    Source: Ba, Kiros & Hinton, arXiv:1607.06450.
    Lean: ``TapeM.layerNorm``, of matrices. PyTorch: ``torch.nn.functional.layer_norm``
        over the last axis. JAX: ``jax.nn.standardize``, without scale and offset.

    >>> from tapem_dsl import Do, const, do, param, value_of
    >>> @do
    ... def program() -> Do[object]:
    ...     x = yield from const(np.array([[1.0, 3.0]]))
    ...     gamma = yield from param(np.array([1.0, 1.0]))
    ...     beta = yield from param(np.array([0.0, 10.0]))
    ...     y = yield from layer_norm(x, gamma, beta, epsilon=0)
    ...     return (yield from value_of(y))
    >>> program().eval()
    <Success: [[-1. 11.]]>
    """
    _check_epsilon("layer_norm", epsilon)
    return record_op(LayerNorm(epsilon), (x, gamma, beta))


@final
@dataclass(frozen=True, slots=True)
class BatchNorm(Op):
    """Channels brought to mean 0 and variance 1, then scaled and shifted."""

    name = "batch_norm"

    epsilon: float | Fraction

    @override
    def shape(self, *inputs: Shape) -> Shape:
        x, gamma, beta = operands(self.name, inputs, 3)
        if not x or not x[:1] == gamma == beta:
            wants = "(channels, *spatial), (channels,) and (channels,)"
            raise wrong_shapes(self.name, *inputs, wants=wants)
        return with_means(self.name, x, 1)

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        x, gamma, beta = inputs
        if 0 in x.shape:
            return x
        channels = x.shape[0]
        rows = xp.reshape(x, (channels, prod(x.shape[1:])))
        centred, deviation = standardised(xp, rows, self.epsilon)
        scale, shift = (xp.reshape(z, (channels, 1)) for z in (gamma, beta))
        return xp.reshape(centred / deviation * scale + shift, x.shape)


def batch_norm(
    x: NodeId,
    gamma: NodeId,
    beta: NodeId,
    *,
    epsilon: float | Fraction = Fraction(1, 100_000),
) -> TapeM[NodeId, Any]:
    r"""
    Bring each channel of one sample to mean 0 and variance 1: an instance norm.

    .. math:: y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta

    The name is TorchLean's. There is no batch axis: a channel's mean and variance are
    those of its own positions in this sample, and there are no running statistics.

    Shapes: ``x``: ``(channels, *spatial)``, no spatial extent of it 0; ``gamma`` and
        ``beta``: ``(channels,)``; result: as ``x``.
    Fails with: as every op; :class:`EmptyAxis`; :class:`OutsideDomain` over rationals,
        and for an ``epsilon`` beyond double precision.
    Raises: ValueError: ``epsilon`` is negative or not a number.
    Gradient: with ``r = (x - mean) / std`` and ``h = g * gamma``:
        ``(h - mean(h) - r * mean(h * r)) / std``, ``sum(g * r)`` and ``sum(g)``, by
        channel.
    Source: Ioffe & Szegedy, arXiv:1502.03167.
    Lean: ``TapeM.batchNorm``. PyTorch: ``torch.nn.functional.instance_norm`` of one
        sample, with weight and bias. JAX: ``jax.nn.standardize`` over all axes but the
        channels.

    >>> from tapem_dsl import Do, const, do, param, value_of
    >>> @do
    ... def program() -> Do[object]:
    ...     x = yield from const(np.array([[1.0, 3.0]]))
    ...     gamma = yield from param(np.array([2.0]))
    ...     beta = yield from param(np.array([10.0]))
    ...     y = yield from batch_norm(x, gamma, beta, epsilon=0)
    ...     return (yield from value_of(y))
    >>> program().eval()
    <Success: [[ 8. 12.]]>
    """
    _check_epsilon("batch_norm", epsilon)
    return record_op(BatchNorm(epsilon), (x, gamma, beta))


def with_means(op: str, x: Shape, start: int) -> Shape:
    """
    Refuse a shape with an empty axis from ``start`` on: its rows have no mean.

    >>> with_means("layer_norm", (0, 3), 1)
    (0, 3)
    """
    for axis, extent in enumerate(x):
        if extent == 0 and axis >= start:
            raise Refused(EmptyAxis(op, axis, x))
    return x


def standardised(
    xp: Namespace, rows: Array, epsilon: float | Fraction
) -> tuple[Array, Array]:
    """
    Return rows minus their means, and ``sqrt(variance + epsilon)`` of each as a column.

    In a row that is almost constant the rounding of its mean would show. There the
    first entry is subtracted from all before, which is exact.

    >>> from tapem_dsl.arrays import NUMPY
    >>> standardised(NUMPY, np.array([[5.0, 1.0]]), 0.0)
    (array([[ 2., -2.]]), array([[2.]]))
    """
    share = xp.ones_like(rows[0]) / rows.shape[1]
    mean = means(xp, rows, share)
    centred = rows - mean
    deviation = deviations(xp, centred, share, epsilon)
    if xp.holds(lambda at, spread: abs(at) <= 8 * spread, mean, deviation):
        return centred, deviation
    if not xp.holds(lambda x: abs(x) != inf, rows):
        alone = lone_infinities(xp, xp.constant(rows))
        if not xp.holds(lambda alone: ~alone, alone):
            most = min(np.finfo(rows.dtype).max, np.finfo(np.float64).max)
            bound = float(most) / 2**16
            bounded = xp.minimum(xp.maximum(rows, -bound), bound)
            return standardised(xp, xp.where(alone, bounded, rows), epsilon)
    shifted = rows - rows[:, :1]
    centred = shifted - means(xp, shifted, share)
    return centred, deviations(xp, centred, share, epsilon)


def lone_infinities(xp: Namespace, rows: Array) -> Array:
    """
    Tell, as a column, in which rows exactly one entry is infinite.

    The result for such a row is the limit as that entry grows. With two infinite
    entries there is no limit, as their difference is unknown.

    >>> from tapem_dsl.arrays import NUMPY
    >>> lone_infinities(NUMPY, np.array([[np.inf, 2.0], [1.0, 2.0]])).tolist()
    [[True], [False]]
    """
    infinite = xp.where(xp.abs(rows) == inf, xp.ones_like(rows), 0)
    return xp.sum(infinite, axis=1, keepdims=True) == 1


def deviations(
    xp: Namespace, centred: Array, share: Array, epsilon: float | Fraction
) -> Array:
    """
    Return ``sqrt(mean(row**2) + epsilon)`` as a column, also where a square overflows.

    >>> from tapem_dsl.arrays import NUMPY
    >>> deviations(NUMPY, np.array([[3.0, -3.0]]), np.full(2, 1 / 2), 7).tolist()
    [[4.0]]
    """
    offset = xp.literal(centred, epsilon)
    squares = means(xp, centred * centred, share)
    if xp.holds(lambda x: x < inf, squares):
        return xp.sqrt(squares + offset)
    largest = xp.maximum(xp.detached_max(xp.abs(centred)), 1)
    scaled = centred / largest
    rest = means(xp, scaled * scaled, share) + offset / largest / largest
    return largest * xp.sqrt(rest)


def means(xp: Namespace, rows: Array, share: Array) -> Array:
    """
    Return the mean of each row as a column, given the share ``1 / n`` of each entry.

    Entries are divided before they are summed, so that the sum does not overflow.

    >>> from tapem_dsl.arrays import NUMPY
    >>> means(NUMPY, np.array([[1.0, 3.0]]), np.full(2, 1 / 2)).tolist()
    [[2.0]]
    """
    return xp.reshape(xp.matmul(rows, share), (rows.shape[0], 1))


def _check_epsilon(op: str, epsilon: float | Fraction) -> None:
    if isinstance(epsilon, bool) or not isinstance(epsilon, Real) or not epsilon >= 0:
        raise ValueError(
            f"{op} takes a non-negative number for epsilon, not {short_repr(epsilon)}"
        )
