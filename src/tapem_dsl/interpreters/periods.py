"""Where a sequence of numbers repeats itself."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.intp]

LEAST: Final = 4
"""How often a part repeats at least to be taken as a repetition."""

_PERIODS: Final = 256
_REACH: Final = 8


class Run(NamedTuple):
    """
    A part of a sequence in which each entry is that one period later.

    The best run is the least one: it has the most matches, then the shortest period.
    """

    unmatched: int
    """Minus the number of entries that are followed by their like."""

    period: int
    start: int
    length: int

    @property
    def stop(self) -> int:
        """The place behind its last entry."""
        return self.start + self.length

    def part(self, start: int, stop: int) -> "Run":
        """Return the part of the run between two places."""
        return run_of(start, stop - start, self.period)

    def is_long(self) -> bool:
        """Return whether it repeats often enough for a loop."""
        return self.length >= LEAST * self.period


def run_of(start: int, length: int, period: int) -> Run:
    """
    Return a run by its start, length and period.

    >>> run_of(3, 10, 2).stop
    13
    """
    return Run(period - length, period, start, length)


def runs_in(numbers: Numbers) -> list[Run]:
    """
    List the runs of a sequence, the best one first; they may overlap.

    Cost:
        Linear in the length: a few passes for each of at most 256 periods.

    >>> [run[1:] for run in runs_in(np.array([9, 1, 2, 1, 2, 1, 2, 1, 2, 8]))]
    [(2, 1, 8)]
    """
    found = []
    for period in _periods(numbers):
        matches = numbers[:-period] == numbers[period:]
        edges = np.flatnonzero(np.diff(matches, prepend=False, append=False))
        starts, stops = edges[::2], edges[1::2]
        enough = stops - starts >= (LEAST - 1) * period
        for start, stop in zip(starts[enough], stops[enough], strict=True):
            found.append(run_of(int(start), int(stop - start) + period, period))
    return sorted(found)


def _periods(numbers: Numbers) -> list[int]:
    """List the distances at which most entries come again."""
    n = len(numbers)
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    weights = np.zeros(n + 1)
    for reach in range(1, _REACH + 1):
        if reach >= n:
            break
        again = ordered[reach:] == ordered[:-reach]
        gaps = (order[reach:] - order[:-reach])[again]
        weights += np.bincount(gaps, minlength=n + 1)
    periods = np.flatnonzero(weights >= LEAST - 1)
    periods = periods[periods * LEAST <= n]
    weight = weights[periods] * periods
    best = periods[np.argsort(-weight, kind="stable")[:_PERIODS]]
    return [int(period) for period in best]
