"""Vector-Jacobian product of attention."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.jacobians import softmax_product
from tapem_dsl.interpreters.reverse.rules.linalg import transposed
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.attention import Attention, by_head, scored, shrinkage, together
from tapem_dsl.ops.shapes import exchanged


@vjp_rules.define(Attention)
def _attention(
    op: Attention, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Back through the last product, the mixture, the softmax and the first three."""
    wq, wk, wv, wo, x = xs
    inner = need[0] or need[1] or need[4]
    queries, keys, p = scored(op, xp, xs)
    values = to_wo = to_x = to_queries = to_keys = to_values = None
    if inner or need[3]:
        values = by_head(op, xp, xp.matmul(x, wv), x, wv)
    if need[3]:
        mixed = together(xp, xp.matmul(p, values), x, wv)
        to_wo = xp.matmul(transposed(xp, mixed), g)
    if inner or need[2]:
        g = by_head(op, xp, xp.matmul(g, transposed(xp, wo)), x, wv)
    if need[2] or need[4]:
        to_values = together(xp, xp.matmul(exchanged(xp, p, 1), g), x, wv)
    if inner:
        by_weight = xp.matmul(g, exchanged(xp, values, 1))
        by_score = softmax_product(xp, p, by_weight)
        if need[0] or need[4]:
            share = xp.matmul(by_score, keys) * xp.literal(x, shrinkage(op, wq))
            to_queries = together(xp, share, x, wq)
        if need[1] or need[4]:
            share = xp.matmul(exchanged(xp, by_score, 1), queries)
            to_keys = together(xp, share, x, wk)
    if need[4]:
        by_queries = xp.matmul(to_queries, transposed(xp, wq))
        by_keys = xp.matmul(to_keys, transposed(xp, wk))
        to_x = by_queries + by_keys + xp.matmul(to_values, transposed(xp, wv))
    tokens = transposed(xp, x)
    return (
        xp.matmul(tokens, to_queries) if need[0] else None,
        xp.matmul(tokens, to_keys) if need[1] else None,
        xp.matmul(tokens, to_values) if need[2] else None,
        to_wo,
        to_x,
    )
