"""Transforms that keep gradients small, to be chained before an optimiser."""

from math import hypot, isfinite
from typing import Any

import numpy as np

from tapem_dsl.core.namespace import Array, namespace_of
from tapem_dsl.core.pack import flatten
from tapem_dsl.train.optim.rules import Nothing, Real, computing, settled
from tapem_dsl.train.optim.transforms import Transform


def l2_norm(gradients: object) -> float:
    """
    Give the root of the sum of all squares of a pack, in double precision.

    Lean: ``GradientUtils.l2Norm``, of one tensor. PyTorch:
    ``torch.nn.utils.get_total_norm``.

    >>> l2_norm([np.array([3.0]), np.array([4.0]), None])
    5.0
    """
    return hypot(*[_length(g) for g in flatten(gradients)[0]])


def _length(g: Array) -> float:
    """Divide by the largest first, whose square may overflow."""
    x = np.asarray(g, np.float64).reshape(-1)
    largest = float(np.max(np.abs(x), initial=0))
    if largest == 0 or not isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(x / largest))


def clip_by_norm(most: Real) -> Transform[Nothing]:
    """
    Scale the whole pack down to a norm where it is longer.

    Args:
        most: the norm that remains: a real number greater than 0.

    Lean: ``GradientUtils.clipByNorm``, of one tensor. PyTorch:
    ``torch.nn.utils.clip_grad_norm_``, which divides by the norm plus 1e-6.

    >>> clip = clip_by_norm(1.0)
    >>> clip.update([np.array([3.0, 4.0])], clip.init(None), None)[0]
    [array([0.6, 0.8])]
    """
    if not most > 0:
        raise ValueError(f"clip_by_norm takes a number greater than 0, not {most!r}")

    def clipped(gradients: object) -> Any:
        norm = l2_norm(gradients)
        if not norm > most:
            return gradients
        leaves, structure = flatten(gradients)
        return structure.rebuild([_scaled(g, float(most) / norm) for g in leaves])

    return _without_state(clipped)


def clip_by_value(most: Real) -> Transform[Nothing]:
    """
    Keep each entry between ``-most`` and ``most``; NaN stays.

    Args:
        most: a real number, not negative.

    Lean: ``GradientUtils.clipByValue``. PyTorch:
    ``torch.nn.utils.clip_grad_value_``.

    >>> clip = clip_by_value(1)
    >>> clip.update([np.array([3.0, -0.5])], clip.init(None), None)[0]
    [array([ 1. , -0.5])]
    """
    if not most >= 0:
        raise ValueError(f"clip_by_value takes a number from 0, not {most!r}")

    def clipped(gradients: object) -> Any:
        leaves, structure = flatten(gradients)
        return structure.rebuild([_bounded(g, most) for g in leaves])

    return _without_state(clipped)


def clip_by_percentile(percent: float) -> Transform[Nothing]:
    """
    Keep the entries of each leaf within a percentile of its absolute values.

    The percentile is a double, also over rationals.

    Args:
        percent: from 0 to 100.

    Lean: ``GradientUtils.clipByPercentile``. PyTorch: none.

    >>> clip = clip_by_percentile(50)
    >>> clip.update([np.array([1.0, 2.0, -9.0])], clip.init(None), None)[0]
    [array([ 1.,  2., -2.])]
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {percent!r}")

    def clipped(gradients: object) -> Any:
        leaves, structure = flatten(gradients)
        return structure.rebuild([_within(g, percent) for g in leaves])

    return _without_state(clipped)


def _within(g: Array, percent: float) -> Array:
    if not g.size:
        return g
    with computing():
        bound = float(np.percentile(np.abs(g.astype(np.float64)), percent))
    return _bounded(g, bound)


# Any: a function of packs of arrays.
def _without_state(clipped: Any) -> Transform[Nothing]:
    def update(gradients: object, state: Nothing, parameters: object) -> Any:
        return clipped(gradients), state

    return Transform(lambda parameters: Nothing(), update)


def _scaled(g: Array, factor: float) -> Array:
    xp = namespace_of(g)
    with computing():
        return settled(xp, g * xp.lit(g, factor))


def _bounded(g: Array, most: Real) -> Array:
    xp = namespace_of(g)
    with computing():
        bound = xp.lit(g, most)
        return settled(xp, xp.minimum(xp.maximum(g, -bound), bound))
