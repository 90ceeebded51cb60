"""What a check of gradients found, leaf by leaf."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.messages import cell_width, padded, printable
from tapem_dsl.testing.extrapolation import ROUNDING, Slope

Verdict: TypeAlias = Literal["right", "undecided", "wrong"]

MODES: Final = 1e-8
"""How far both modes may differ, relative to the largest sum of absolute terms."""

DIFFERENCES: Final = 1e-7
"""How far a mode may differ from the differences, relative to its own terms."""

DECIDED: Final = 1e-4
"""How large the error of a slope may be, relative to the terms, to compare it."""

SMALLEST: Final = 64 * 2.0**-1074
"""How far both modes may differ where numbers underflow."""


@final
@dataclass(frozen=True, slots=True)
class LeafCheck:
    """
    The derivatives of one leaf, each along the same directions.

    Args:
        path: where the leaf is in the pytree of parameters.
        order: 1 for gradients, 2 for products with the Hessian.
        forward: the derivative by duals.
        reverse: the derivative by a sweep; of the second order, the product transposed.
        difference: the slope by differences, ``nan`` if there is none.
        tolerance: how far the slope may be from the others.
        verdict: ``"right"``, ``"wrong"`` or ``"undecided"``.
        reason: why a leaf is wrong or undecided.

    >>> LeafCheck("w", 1, 1.0, 1.0, 1.0, 1e-7, "right", "").severity
    0
    """

    path: str
    order: int
    forward: float
    reverse: float
    difference: float
    tolerance: float
    verdict: Verdict
    reason: str

    @property
    def severity(self) -> int:
        """0, 1 or 2, from right to wrong."""
        return ("right", "undecided", "wrong").index(self.verdict)


@final
@dataclass(frozen=True, slots=True)
class GradientReport:
    """
    The rows of a check; ``str()`` is a table.

    >>> row = LeafCheck("w", 1, 1.0, 1.5, 1.0, 1e-7, "wrong", "reverse mode is wrong")
    >>> print(GradientReport((row,)))
    leaf  order  forward  reverse  differences  tolerance  verdict
    w     1st    1.0      1.5      1.0          1e-07      wrong: reverse mode is wrong
    """

    leaves: tuple[LeafCheck, ...]

    @property
    def wrong(self) -> tuple[LeafCheck, ...]:
        """The rows of wrong derivatives."""
        return tuple(row for row in self.leaves if row.verdict == "wrong")

    def __str__(self) -> str:
        head = ("leaf", "order", "forward", "reverse", "differences", "tolerance")
        table = [(*head, "verdict"), *map(_cells, self.leaves)]
        widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(
                padded(cell, width) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in table
        )


def _cells(row: LeafCheck) -> tuple[str, ...]:
    numbers = (row.forward, row.reverse, row.difference)
    return (
        printable(row.path) or ".",
        "1st" if row.order == 1 else "2nd",
        *map(repr, numbers),
        f"{row.tolerance:.0e}",
        f"{row.verdict}: {row.reason}" if row.reason else row.verdict,
    )


class Numbers(NamedTuple):
    """
    What is compared: three derivatives along the same directions.

    Args:
        forward: the terms of the inner product by duals.
        reverse: the terms of the inner product by a sweep.
        slope: the derivative by differences.
        largest: what the rounding of both modes is proportional to.
        underflows: whether a number of the run is too small to be kept.
    """

    forward: NDArray[np.float64]
    reverse: NDArray[np.float64]
    slope: Slope | None
    largest: float
    underflows: bool


def judged(path: str, order: int, numbers: Numbers) -> LeafCheck:
    """
    Compare three derivatives.

    >>> terms = np.array([1.0, 2.0])
    >>> slope = Slope(3.0, 1e-12, 1.0, 1e-3, kink=False, converged=True)
    >>> judged("w", 1, Numbers(terms, 1.001 * terms, slope, 0.0, False)).reason
    'reverse mode differs from the others by 0.001'
    """
    forward, reverse, slope, largest, underflows = numbers
    a, b = float(np.sum(forward)), float(np.sum(reverse))
    size = max(float(np.sum(np.abs(x))) for x in (forward, reverse))
    modes = MODES * max(size, largest)
    value = float("nan") if slope is None else slope.value
    tolerance = max(DIFFERENCES * size, modes)
    if slope is not None:
        moved = ROUNDING * size / slope.step  # of the points at the ends of the step
        tolerance = max(tolerance, 10 * slope.error, moved)
        size = max(size, 0.0 if slope.kink else abs(value))
    verdict, reason = _verdict(a, b, slope, size, (modes, tolerance), underflows)
    return LeafCheck(path, order, a, b, value, tolerance, verdict, reason)


def _verdict(
    forward: float,
    reverse: float,
    slope: Slope | None,
    size: float,
    tolerances: tuple[float, float],
    underflows: bool,  # noqa: FBT001 - as in Numbers
) -> tuple[Verdict, str]:
    between_modes, tolerance = tolerances
    if not (np.isfinite(forward) and np.isfinite(reverse)):
        return "wrong", "the derivative is not finite"
    agree = abs(forward - reverse) <= between_modes + SMALLEST
    decided = tolerance <= DECIDED * size
    decided = decided and slope is not None and slope.converged and not slope.kink
    if slope is not None and decided:
        modes = {"forward": forward, "reverse": reverse}
        off = {
            mode: abs(number - slope.value) / size
            for mode, number in modes.items()
            if abs(number - slope.value) > tolerance
        }
        if len(off) == 1 and not agree:
            ((mode, by),) = off.items()
            return "wrong", f"{mode} mode differs from the others by {by:.2g}"
        if off and agree and underflows:
            return "undecided", "a number underflows, and the differences miss it"
        if off:
            by = max(off.values())
            return "wrong", f"both modes differ from the differences by {by:.2g}"
    if not agree:
        by = abs(forward - reverse) / size
        return "wrong", f"the modes differ from each other by {by:.2g}"
    if slope is None:
        return "undecided", "the program fails near the point"
    if decided or size <= tolerance <= DECIDED * slope.size:
        return "right", ""
    if slope.kink:
        return "undecided", "the value has a kink here"
    return "undecided", "the differences do not converge near the point"
