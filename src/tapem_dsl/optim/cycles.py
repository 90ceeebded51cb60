"""Learning rates that go up and down again, once or for ever."""

from dataclasses import dataclass
from typing import Literal, final

from tapem_dsl.arguments import check_fields, check_number
from tapem_dsl.optim.schedules import Scheduler, between, cosine, grown, ratio


@final
@dataclass(frozen=True, slots=True)
class Cyclic(Scheduler):
    """
    Straight lines up and down between two rates, ``size`` steps each.

    The top may fall from cycle to cycle: by halves (``"triangular2"``) or by ``decay``
    a step (``"exp_range"``). With a size of 0 it is the base rate.

    Lean: ``Scheduler.cyclic``, and ``TriangularCycle``. PyTorch:
    ``lr_scheduler.CyclicLR``.

    >>> [Cyclic(0.0, 1.0, 2)(k) for k in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    base: float
    maximum: float
    size: int
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    decay: float = 1.0

    def __post_init__(self) -> None:
        """Check the fields, and that the maximum is not below the base."""
        check_fields(
            self,
            base="[0, inf)",
            maximum="[0, inf)",
            size=None,
            mode=("triangular", "triangular2", "exp_range"),
            decay="[0, inf)",
        )
        if self.maximum < self.base:
            raise ValueError(
                f"Cyclic takes a maximum from its base {self.base!r} on, "
                f"not {self.maximum!r}"
            )

    def _rate(self, step: int) -> float:
        """As above."""
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
    A cosine between ``base`` and ``minimum`` of half-period ``steps``, for ever.

    With 0 steps it is the base rate.

    Lean: ``CosineAnnealingLR``. PyTorch: ``lr_scheduler.CosineAnnealingLR``.

    >>> [round(CosineAnnealingLR(1.0, 2)(k), 3) for k in range(5)]
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """

    base: float
    steps: int
    minimum: float = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, base="[0, inf)", steps=None, minimum="[0, inf)")

    def _rate(self, step: int) -> float:
        """As above."""
        if not self.steps:
            return self.base
        height = (1 + cosine(step % (2 * self.steps) / self.steps)) / 2
        return between(self.minimum, self.base, height)


@final
@dataclass(frozen=True, slots=True)
class OneCycle(Scheduler):
    """
    Straight lines from ``maximum / divisor`` up to ``maximum``, and far down.

    The end, from ``total`` on, is ``maximum / divisor / final_divisor``. With a total
    of 0 it is the first rate.

    Lean: ``Scheduler.oneCycle``, of the newest generation; the first one's ends at
    ``maximum / final_divisor``. PyTorch: :class:`OneCycleLR` is the likeness.

    >>> [round(OneCycle(1.0, 10)(k), 6) for k in (0, 3, 10)]
    [0.04, 1.0, 4e-06]
    """

    maximum: float
    total: int
    divisor: float = 25.0
    rise: float = 0.3
    final_divisor: float = 1e4

    def __post_init__(self) -> None:
        """Check the fields."""
        _check_one_cycle(self)

    def _rate(self, step: int) -> float:
        """As above."""
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
    Up to ``maximum``, down, and far down; by cosines or straight lines.

    The rates of the phases' ends are ``maximum / divisor``, ``maximum`` and ``maximum /
    divisor / final_divisor``; with ``three_phase`` the way down stops at the first.
    After the last step, ``total - 1``, the rate stays. With a total of 0 it is the
    first rate.

    Lean: ``OneCycleLR``, which goes on falling after the last step, below 0. PyTorch:
    ``lr_scheduler.OneCycleLR``, which raises there, and for a total of 0.

    >>> [round(OneCycleLR(1.0, 11)(k), 6) for k in (0, 5, 10, 11)]
    [0.04, 0.726087, 4e-06, 4e-06]
    """

    maximum: float
    total: int
    rise: float = 0.3
    divisor: float = 25.0
    final_divisor: float = 1e4
    anneal: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    def __post_init__(self) -> None:
        """Check the fields."""
        _check_one_cycle(self)
        check_fields(self, anneal=("cos", "linear"), three_phase=(False, True))

    def _rate(self, step: int) -> float:
        """As above."""
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
    """Give the first rate and the last."""
    initial = cycle.maximum / cycle.divisor
    return initial, initial / cycle.final_divisor


def _check_one_cycle(cycle: OneCycle | OneCycleLR) -> None:
    check_fields(
        cycle,
        maximum="[0, inf)",
        total=None,
        rise="[0, 1]",
        divisor="(0, inf)",
        final_divisor="(0, inf)",
    )
    initial, final = _ends(cycle)
    owner = type(cycle).__name__
    check_number(owner, "maximum / divisor", initial, "[0, inf)")
    check_number(owner, "maximum / divisor / final_divisor", final, "[0, inf)")
