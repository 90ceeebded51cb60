"""
Vector-Jacobian products of the normalisations.

Both are ``(h - mean(h) - r * mean(h * r)) / std`` for each row, with the standardised
rows ``r = c / std`` and the cotangent ``h`` of these. ``r`` itself is never made: what
it would be multiplied by is divided instead, which is a number for each row.
"""

from math import prod

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.norms import BatchNorm, LayerNorm, standardised


@vjp_rules.define(LayerNorm)
def _layer_norm(
    op: LayerNorm, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """As above with ``h = g * gamma``; ``sum(g * r)`` and ``sum(g)`` over the rows."""
    x, gamma, beta = xs
    if 0 in x.shape:
        return xp.zeros_like(x), xp.zeros_like(gamma), xp.zeros_like(beta)
    n = x.shape[-1]
    count = prod(x.shape) // n
    g = xp.reshape(g, (count, n))
    to_x = to_gamma = None
    if need[0] or need[1]:
        centred, deviation = standardised(xp, xp.reshape(x, (count, n)), op.epsilon)
        inverse = 1 / deviation
        by_centred = g * centred
        if need[0]:
            mean, slope = (
                xp.reshape(xp.matmul(z, gamma) / n, (count, 1)) for z in (g, by_centred)
            )
            slope = slope * inverse * inverse
            to_x = (g * gamma - mean - centred * slope) * inverse
            to_x = xp.reshape(to_x, x.shape)
        if need[1]:
            to_gamma = xp.matmul(xp.reshape(inverse, (count,)), by_centred)
    to_beta = xp.matmul(xp.ones_like(g[:, 0]), g) if need[2] else None
    return to_x, to_gamma, to_beta


@vjp_rules.define(BatchNorm)
def _batch_norm(
    op: BatchNorm, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """As above with ``h = g * gamma``; ``sum(g * r)`` and ``sum(g)`` by channel."""
    x, gamma, beta = xs
    if 0 in x.shape:
        return xp.zeros_like(x), xp.zeros_like(gamma), xp.zeros_like(beta)
    channels, n = x.shape[0], prod(x.shape[1:])
    g = xp.reshape(g, (channels, n))
    total: Array = xp.sum(g, axis=1, keepdims=True) if need[0] or need[2] else None
    to_x = to_gamma = None
    if need[0] or need[1]:
        centred, deviation = standardised(xp, xp.reshape(x, (channels, n)), op.epsilon)
        inverse = 1 / deviation
        by_r = xp.sum(g * centred, axis=1, keepdims=True) * inverse
        if need[0]:
            scale = xp.reshape(gamma, (channels, 1)) * inverse
            to_x = (g - total / n - centred * (by_r / n * inverse)) * scale
            to_x = xp.reshape(to_x, x.shape)
        if need[1]:
            to_gamma = xp.reshape(by_r, gamma.shape)
    return to_x, to_gamma, xp.reshape(total, gamma.shape) if need[2] else None
