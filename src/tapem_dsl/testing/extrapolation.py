"""Derivatives by extrapolated central differences, with an estimate of their error."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl.errors import TapeError

Curve: TypeAlias = Callable[[float], Result[NDArray[np.float64], TapeError]]
"""From a step along a direction to the terms of a sum, the function's value there."""

STEPS: Final = tuple(2.0**-k for k in range(4, 15))
"""
The steps of the differences, relative to the size of the point.

The smallest one loses 14 of 52 bits to cancellation. Extrapolation removes the error of
the larger ones.
"""

ROUNDING: Final = 64 * 2.0**-52
"""By how much the terms of a value may err relatively: rounding, times a margin."""


class Slope(NamedTuple):
    """
    A derivative along a direction.

    Args:
        value: the derivative.
        error: an estimate of its error.
        size: the sum of the absolute terms of the function's value.
        kink: whether the slopes on both sides differ.
    """

    value: float
    error: float
    size: float
    kink: bool


def slope_at_zero(curve: Curve) -> Slope | None:
    """
    Return the derivative of a curve at 0, ``None`` if it fails too near to 0.

    Central differences are even in the step, and Richardson's extrapolation removes
    one even power a column. The entry of the table is taken that differs least from
    the entries beside it.

    Source:
        Ridders, Advances in Engineering Software 4(2), 1982.

    >>> found = slope_at_zero(lambda h: Success(np.exp([2 * h])))
    >>> abs(found.value - 2) < 1e-11, found.error < 1e-9, found.kink
    (True, True, False)
    >>> slope_at_zero(lambda h: Success(abs(np.array([h])))).kink
    True
    """
    here = curve(0.0)
    if not isinstance(here, Success):
        return None
    middle = here.unwrap()
    steps: list[float] = []
    slopes: list[float] = []
    jumps: list[float] = []
    for step in STEPS:
        ahead, behind = curve(step), curve(-step)
        if not (isinstance(ahead, Success) and isinstance(behind, Success)):
            steps, slopes, jumps = [], [], []
            continue
        right, left = ahead.unwrap(), behind.unwrap()
        steps.append(step)
        slopes.append(float(np.sum(right - left)) / (2 * step))
        jumps.append(float(np.sum((right - middle) - (middle - left))) / step)
    if len(steps) < _LEAST:
        return None
    value, error = _extrapolated(slopes)
    size = float(np.sum(np.abs(middle)))
    error += ROUNDING * size / steps[-1]
    return Slope(value, error, size, _is_kink(jumps, abs(value) + error))


_LEAST: Final = 4


def _extrapolated(slopes: list[float]) -> tuple[float, float]:
    """Return the best entry of Ridders' table, and how far its neighbours are."""
    best, error = slopes[-1], abs(slopes[-1] - slopes[-2])
    above = slopes[:1]
    for slope in slopes[1:]:
        row = [slope]
        for column, before in enumerate(above, 1):
            power = 4.0**column
            entry = (power * row[-1] - before) / (power - 1)
            doubt = max(abs(entry - row[-1]), abs(entry - before))
            if doubt <= error:
                best, error = entry, doubt
            row.append(entry)
        above = row
    return best, error


def _is_kink(jumps: list[float], scale: float) -> bool:
    """
    Return whether the slopes of both sides differ in the limit.

    Of a smooth curve the difference halves with the step; at a kink it stays.
    """
    last, before = abs(jumps[-1]), abs(jumps[-2])
    return last > _NO_JUMP * scale and last > _STAYS * before


_NO_JUMP: Final = 1e-6
_STAYS: Final = 0.75
