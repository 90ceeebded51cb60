"""Vector-Jacobian product of attention."""

from tapem_dsl.core.namespace import Array, Namespace
from tapem_dsl.interpreters.reverse.linalg import transposed
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp
from tapem_dsl.ops.attention import Attention, attended, by_head, shrinkage, together
from tapem_dsl.ops.shapes import exchanged


@vjp.define(Attention)
def _attention(
    op: Attention, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Back through the last product, the mixture, the softmax and the first three."""
    wq, wk, wv, wo, x = xs
    tokens, columns, width = x.shape[0], wq.shape[1], wq.shape[1] // op.heads
    queries, keys, values, p, merged = attended(op, xp, xs)
    to_wo = xp.matmul(transposed(xp, merged), g) if need[3] else None
    if not (need[0] or need[1] or need[2] or need[4]):
        return None, None, None, to_wo, None
    g = xp.matmul(g, transposed(xp, wo))
    g = by_head(xp, g, tokens, op.heads, width)
    to_queries = to_keys = to_values = None
    if need[2] or need[4]:
        to_values = together(xp, xp.matmul(exchanged(xp, p, 1), g), tokens, columns)
    if need[0] or need[1] or need[4]:
        by_weight = xp.matmul(g, exchanged(xp, values, 1))
        by_score = p * (by_weight - xp.sum(p * by_weight, axis=-1, keepdims=True))
        if need[0] or need[4]:
            share = xp.matmul(by_score, keys) * xp.lit(x, shrinkage(width))
            to_queries = together(xp, share, tokens, columns)
        if need[1] or need[4]:
            share = xp.matmul(exchanged(xp, by_score, 1), queries)
            to_keys = together(xp, share, tokens, columns)
    to_x = None
    if need[4]:
        by_queries = xp.matmul(to_queries, transposed(xp, wq))
        by_keys = xp.matmul(to_keys, transposed(xp, wk))
        to_x = by_queries + by_keys + xp.matmul(to_values, transposed(xp, wv))
    columns_of_x = transposed(xp, x)
    return (
        xp.matmul(columns_of_x, to_queries) if need[0] else None,
        xp.matmul(columns_of_x, to_keys) if need[1] else None,
        xp.matmul(columns_of_x, to_values) if need[2] else None,
        to_wo,
        to_x,
    )
