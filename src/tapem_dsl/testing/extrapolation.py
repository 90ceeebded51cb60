"""Derivatives by extrapolated central differences, with an estimate of their error."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl.errors import TapeError

Curve: TypeAlias = Callable[[float], Result[NDArray[np.float64], TapeError]]
"""From a step along a direction to the terms of a sum, the function's value there."""

STEPS: Final = tuple(5.0 ** (-k / 2) for k in range(3, 28))
"""
The steps of the differences, relative to the size of the point: 0.09 to 4e-10.

The smallest one loses 32 of 52 bits to cancellation. Extrapolation removes the error of
the larger ones. The ratio is irrational: if steps are multiples of each other, and one
is almost a period of a function, then so are the larger ones, and all slopes agree.
"""

RATIO: Final = 5.0
"""The square of the ratio of two steps."""

ENOUGH: Final = 10
"""How many steps are taken if the estimated error is small after them."""

SMALL: Final = 1e-9
"""An error with which smaller steps are not tried, relative to slope and value."""

CONVERGED: Final = 1e-6
"""How large the error of a slope may be, relative to the slope, to be believed."""

ROUNDING: Final = 64 * 2.0**-52
"""By how much the terms of a value may err relatively: rounding, times a margin."""


class Slope(NamedTuple):
    """
    A derivative along a direction.

    Args:
        value: the derivative.
        error: an estimate of its error.
        size: the sum of the absolute terms of the function's value.
        step: the smallest step that it was found with, relative to the point.
        kink: whether the slopes on both sides differ.
        converged: whether the differences tend to the slope, up to rounding.
    """

    value: float
    error: float
    size: float
    step: float
    kink: bool
    converged: bool


class _Entry(NamedTuple):
    """An entry of the table of extrapolation, and how far from the slope it may be."""

    value: float
    doubt: float
    rounding: float
    step: float
    place: int
    """How many steps there are up to this one."""

    @property
    def error(self) -> float:
        return self.doubt + self.rounding


def slope_at_zero(curve: Curve, reach: float = 1.0) -> Slope | None:
    """
    Return the derivative of a curve at 0, ``None`` if it fails too near to 0.

    Central differences are even in the step, and Richardson's extrapolation removes
    one even power a column. The doubt of an entry of the table is how far the entries
    beside it are; its error is the doubt and the rounding at its smallest step. The
    entry with the least error is taken: of larger steps where rounding hides the slope,
    of smaller ones where the curve bends within a step.

    Args:
        curve: the function of a step.
        reach: the size of the point, of which the steps are parts.

    Source:
        Ridders, Advances in Engineering Software 4(2), 1982.

    >>> from returns.result import Success
    >>> found = slope_at_zero(lambda h: Success(np.exp([2 * h])))
    >>> abs(found.value - 2) < 1e-11, found.error < 1e-9, found.kink
    (True, True, False)
    >>> slope_at_zero(lambda h: Success(abs(np.array([h])))).kink
    True
    """
    here = _finite(curve(0.0))
    if here is None:
        return None
    size = float(np.sum(np.abs(here)))
    row: list[float] = []
    jumps: list[float] = []
    best: _Entry | None = None
    for taken, step in enumerate(STEPS):
        ahead, behind = _finite(curve(step * reach)), _finite(curve(-step * reach))
        if ahead is None or behind is None:
            row, jumps, best = [], [], None
            continue
        slope = float(np.sum(ahead - behind)) / (2 * step) / reach
        jumps.append(float(np.sum((ahead - here) - (here - behind))) / step / reach)
        above, row = row, _extrapolated(row, slope)
        for entry, doubt in _doubts(above, row):
            rounding = ROUNDING * size / step / reach
            found = _Entry(entry, doubt, rounding, step, len(jumps))
            if best is None or found.error <= best.error:
                best = found
        small = best and best.error <= SMALL * max(abs(best.value), size / reach)
        if small and taken + 1 >= ENOUGH and len(jumps) >= _LEAST:
            break
    if best is None or len(jumps) < _LEAST:
        return None
    return Slope(
        best.value,
        best.error,
        size / reach,
        best.step,
        _is_kink(jumps[: best.place], abs(best.value) + best.error),
        best.doubt <= max(CONVERGED * abs(best.value), best.rounding),
    )


_LEAST: Final = 4


def _finite(
    terms: Result[NDArray[np.float64], TapeError],
) -> NDArray[np.float64] | None:
    found = terms.value_or(None)
    return found if found is not None and np.isfinite(found).all() else None


def _extrapolated(above: list[float], slope: float) -> list[float]:
    """Return the row of Ridders' table that begins with the slope of the next step."""
    row = [slope]
    for column, before in enumerate(above, 1):
        power = RATIO**column
        row.append((power * row[-1] - before) / (power - 1))
    return row


def _doubts(above: list[float], row: list[float]) -> list[tuple[float, float]]:
    """Return the entries of a row, each with how far its neighbours are."""
    return [
        (entry, max(abs(entry - left), abs(entry - before)))
        for entry, left, before in zip(row[1:], row, above, strict=False)
    ]


def _is_kink(jumps: list[float], scale: float) -> bool:
    """
    Return whether the slopes of both sides differ in the limit.

    Of a smooth curve the difference halves with the step; at a kink it stays.
    """
    last, before = abs(jumps[-1]), abs(jumps[-2])
    return last > _NO_JUMP * scale and last > _STAYS * before


_NO_JUMP: Final = 1e-6
_STAYS: Final = 0.75
