"""Schedules of learning rates that rise and fall, once or periodically."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arguments import check_argument, check_fields
from tapem_dsl.optim.schedules import (
    Count,
    Factor,
    Rate,
    Scheduler,
    between,
    cosine,
    grown,
    ratio,
)

Divisor: TypeAlias = Annotated[float, "(0, inf)"]
Share: TypeAlias = Annotated[float, "[0, 1]"]


@final
@dataclass(frozen=True, slots=True)
class Cyclic(Scheduler):
    """
    Straight lines up and down between two rates, ``size`` steps each.

    The amplitude is constant (``"triangular"``), halves after each cycle
    (``"triangular2"``), or is multiplied by ``decay`` at each step (``"exp_range"``).
    With a size of 0 the rate is ``base``.

    Lean: ``Scheduler.cyclic``, and ``TriangularCycle``. PyTorch:
    ``lr_scheduler.CyclicLR``.

    >>> [Cyclic(0.0, 1.0, 2)(k) for k in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    base: Rate
    maximum: Rate
    size: Count
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    decay: Factor = 1.0

    @override
    def __post_init__(self) -> None:
        check_fields(self)
        if self.maximum < self.base:
            raise ValueError(
                f"Cyclic takes a maximum of at least its base {self.base!r}, "
                f"not {self.maximum!r}"
            )

    @override
    def _rate(self, step: int) -> float:
        if not self.size:
            return self.base
        cycle, within = divmod(step, 2 * self.size)
        height = 1 - abs(within / self.size - 1)
        top = (self.maximum - self.base) * height
        if self.mode == "triangular2":
            top = grown(top, 0.5, cycle)
        if self.mode == "exp_range":
            top = grown(top, self.decay, step)
        return self.base + top


@final
@dataclass(frozen=True, slots=True)
class CosineAnnealingLR(Scheduler):
    """
    A cosine between ``base`` and ``minimum`` with the half-period ``steps``.

    With 0 steps the rate is ``base``.

    Lean: ``CosineAnnealingLR``. PyTorch: ``lr_scheduler.CosineAnnealingLR``.

    >>> [round(CosineAnnealingLR(1.0, 2)(k), 3) for k in range(5)]
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """

    base: Rate
    steps: Count
    minimum: Rate = 0.0

    @override
    def _rate(self, step: int) -> float:
        if not self.steps:
            return self.base
        height = (1 + cosine(step % (2 * self.steps) / self.steps)) / 2
        return between(self.minimum, self.base, height)


@final
@dataclass(frozen=True, slots=True)
class OneCycle(Scheduler):
    """
    Straight lines from ``maximum / divisor`` up to ``maximum``, then down.

    From ``total`` on the rate is ``maximum / divisor / final_divisor``. With a total of
    0 it is ``maximum / divisor``.

    Lean: ``Scheduler.oneCycle`` of the newest generation; the first generation's ends
    at ``maximum / final_divisor``. PyTorch: see :class:`OneCycleLR`.

    >>> [round(OneCycle(1.0, 10)(k), 6) for k in (0, 3, 10)]
    [0.04, 1.0, 4e-06]
    """

    maximum: Rate
    total: Count
    divisor: Divisor = 25.0
    rise: Share = 0.3
    final_divisor: Divisor = 1e4

    @override
    def __post_init__(self) -> None:
        _check_one_cycle(self)

    @override
    def _rate(self, step: int) -> float:
        initial, final = _ends(self)
        if not self.total:
            return initial
        if step >= self.total:
            return final
        share = step / self.total
        if share < self.rise:
            return between(initial, self.maximum, share / self.rise)
        falling = ratio(share - self.rise, 1 - self.rise)
        return between(self.maximum, final, falling)


@final
@dataclass(frozen=True, slots=True)
class OneCycleLR(Scheduler):
    """
    PyTorch's one-cycle policy: up to ``maximum``, then down; by cosines or lines.

    The phases end at ``maximum / divisor``, ``maximum`` and ``maximum / divisor /
    final_divisor``. With ``three_phase`` the rate first falls back to ``maximum /
    divisor``. After the last step, ``total - 1``, the rate is constant. With a total of
    0 it is ``maximum / divisor``.

    Lean: ``OneCycleLR``, which falls below 0 after the last step. PyTorch:
    ``lr_scheduler.OneCycleLR``, which raises after the last step and for a total of 0.

    >>> [round(OneCycleLR(1.0, 11)(k), 6) for k in (0, 5, 10, 11)]
    [0.04, 0.726087, 4e-06, 4e-06]
    """

    maximum: Rate
    total: Count
    rise: Share = 0.3
    divisor: Divisor = 25.0
    final_divisor: Divisor = 1e4
    anneal: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    @override
    def __post_init__(self) -> None:
        _check_one_cycle(self)

    @override
    def _rate(self, step: int) -> float:
        initial, least = _ends(self)
        if not self.total:
            return initial
        last = self.total - 1
        step = min(step, last)
        start, first = 0.0, self.rise * self.total - 1
        phases = [(first, initial, self.maximum), (last, self.maximum, least)]
        if self.three_phase:
            second = 2 * self.rise * self.total - 2
            phases[1:] = [(second, self.maximum, initial), (last, initial, least)]
        for end, before, after in phases[:-1]:
            if step <= end:
                return self._between(before, after, ratio(step - start, end - start))
            start = end
        end, before, after = phases[-1]
        return self._between(before, after, ratio(step - start, end - start))

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal == "linear":
            return between(start, end, share)
        return end + (start - end) / 2 * (1 + cosine(share))


def _ends(cycle: OneCycle | OneCycleLR) -> tuple[float, float]:
    """Return the first rate and the last."""
    initial = cycle.maximum / cycle.divisor
    return initial, initial / cycle.final_divisor


def _check_one_cycle(cycle: OneCycle | OneCycleLR) -> None:
    check_fields(cycle)
    initial, final = _ends(cycle)
    owner = type(cycle).__name__
    check_argument(owner, "maximum / divisor", initial, "[0, inf)")
    check_argument(owner, "maximum / divisor / final_divisor", final, "[0, inf)")
