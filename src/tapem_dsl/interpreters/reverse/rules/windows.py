"""Vector-Jacobian products of windows and their sum, which are each other's."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.windows import Fold, Windows


def _windows(op: Windows, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """Windows of ``g`` added up."""
    spatial = x.shape[x.ndim - len(op.kernel) :]
    return xp.fold(g, spatial, *op.per_axis(x.shape))


def _fold(op: Fold, xp: Namespace, g: Array, x: Array, y: Array) -> Array:
    """Windows of ``g``."""
    rank = len(op.spatial)
    kernel = x.shape[x.ndim - 2 * rank : x.ndim - rank]
    return xp.windows(g, kernel, *op.per_axis(x.shape))


vjp_rules.each(Windows, _windows)
vjp_rules.each(Fold, _fold)
