"""
Vector-Jacobian products of the normalisations.

Both are ``(h - mean(h) - r * mean(h * r)) / std`` for each row, with the standardised
rows ``r`` and the cotangent ``h`` of these; sums are products with vectors, which are
cheaper.
"""

from math import prod

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.norms import BatchNorm, LayerNorm, standardised


@vjp.define(LayerNorm)
def _layer_norm(
    op: LayerNorm, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """As above with ``h = g * gamma``; ``sum(g * r)`` and ``sum(g)`` over the rows."""
    x, gamma, _ = xs
    n = x.shape[-1]
    count = prod(x.shape) // n
    g = xp.reshape(g, (count, n))
    every = xp.ones_like(g[:, 0]) if need[1] or need[2] else None
    to_x = to_gamma = None
    if need[0] or need[1]:
        centred, deviation = standardised(xp, xp.reshape(x, (count, n)), op.epsilon)
        r = centred / deviation
        by_r = g * r
        if need[0]:
            mean, slope = (
                xp.reshape(xp.matmul(z, gamma) / n, (count, 1)) for z in (g, by_r)
            )
            to_x = (g * gamma - mean - r * slope) / deviation
            to_x = xp.reshape(to_x, x.shape)
        if need[1]:
            to_gamma = xp.matmul(every, by_r)
    return to_x, to_gamma, xp.matmul(every, g) if need[2] else None


@vjp.define(BatchNorm)
def _batch_norm(
    op: BatchNorm, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """As above with ``h = g * gamma``; ``sum(g * r)`` and ``sum(g)`` by channel."""
    x, gamma, _ = xs
    channels, n = x.shape[0], prod(x.shape[1:])
    g = xp.reshape(g, (channels, n))
    total: Array = xp.sum(g, axis=1) if need[0] or need[2] else None
    to_x = by_slope = None
    if need[0] or need[1]:
        centred, deviation = standardised(xp, xp.reshape(x, (channels, n)), op.epsilon)
        r = centred / deviation
        by_slope = xp.sum(g * r, axis=1)
        if need[0]:
            mean, slope = (xp.reshape(z / n, (channels, 1)) for z in (total, by_slope))
            scale = xp.reshape(gamma, (channels, 1)) / deviation
            to_x = xp.reshape((g - mean - r * slope) * scale, x.shape)
    to_gamma = by_slope if need[1] else None
    return to_x, to_gamma, total if need[2] else None
