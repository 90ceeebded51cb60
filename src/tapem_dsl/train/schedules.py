"""
Learning rates over time: TorchLean's schedulers.

A schedule is data and a pure function of the step, counted from 0: calling it gives the
rate. Whoever runs the steps counts them; nothing in a schedule changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import Literal, TypeAlias, final

Schedule: TypeAlias = Callable[[int], float]
"""From the number of a step, counted from 0, to its learning rate."""


def ratio(a: float, b: float) -> float:
    """
    Divide, where a part of nothing is 0.

    Lean: ``ratioNat``.

    >>> ratio(1, 4), ratio(1, 0)
    (0.25, 0.0)
    """
    return a / b if b else 0.0


def between(start: float, end: float, share: float) -> float:
    """
    Go a share of the way, in a straight line.

    >>> between(0, 10, 0.25)
    2.5
    """
    return start + share * (end - start)


@final
@dataclass(frozen=True, slots=True)
class Constant:
    """
    The same rate for ever.

    Lean: ``Scheduler.constant``. PyTorch: no scheduler.

    >>> Constant(0.1)(1000)
    0.1
    """

    rate: float

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        return self.rate


@final
@dataclass(frozen=True, slots=True)
class Exponential:
    """
    ``initial * decay**step``.

    Lean: ``Scheduler.exponential``. PyTorch: ``lr_scheduler.ExponentialLR``.

    >>> Exponential(1.0, 0.5)(3)
    0.125
    """

    initial: float
    decay: float

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        return self.initial * self.decay**step


@final
@dataclass(frozen=True, slots=True)
class StepDecay:
    """
    ``initial * factor**(step // size)``; the initial rate if ``size`` is 0.

    Lean: ``Scheduler.stepDecay`` and ``StepLR``. PyTorch: ``lr_scheduler.StepLR``.

    >>> [StepDecay(1.0, 0.5, 2)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    initial: float
    factor: float
    size: int

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        drops = step // self.size if self.size else 0
        return self.initial * self.factor**drops


@final
@dataclass(frozen=True, slots=True)
class CosineAnnealing:
    """
    Half a cosine from ``initial`` to ``minimum`` in ``steps`` steps, and then level.

    Lean: ``Scheduler.cosineAnnealing``. PyTorch: ``lr_scheduler.CosineAnnealingLR`` up
    to the end, after which that one rises again.

    >>> [round(CosineAnnealing(1.0, 2)(k), 3) for k in range(4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    initial: float
    steps: int
    minimum: float = 0.0

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if not self.steps:
            return self.initial
        share = (1 - cosine(ratio(min(step, self.steps), self.steps))) / 2
        return between(self.initial, self.minimum, share)


def cosine(share: float) -> float:
    """
    Give the cosine of a share of half a turn.

    >>> cosine(0), cosine(1)
    (1.0, -1.0)
    """
    return cos(pi * share)


@final
@dataclass(frozen=True, slots=True)
class LinearWarmup:
    """
    A straight line from ``start`` to ``initial`` in ``warmup`` steps, and then level.

    Lean: ``Scheduler.linearWarmup``. PyTorch: ``lr_scheduler.LinearLR``.

    >>> [LinearWarmup(1.0, 2)(k) for k in range(4)]
    [0.0, 0.5, 1.0, 1.0]
    """

    initial: float
    warmup: int
    start: float = 0.0

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if step >= self.warmup:
            return self.initial
        return between(self.start, self.initial, step / self.warmup)


@final
@dataclass(frozen=True, slots=True)
class WarmupCosine:
    """
    A straight line up to ``initial``, then half a cosine to 0 at ``total``.

    Lean: ``Scheduler.warmupCosine``, of the later generations; the first one's rises
    again after ``total``. PyTorch: ``SequentialLR`` of two.

    >>> [round(WarmupCosine(1.0, 2, 10)(k), 3) for k in (0, 1, 2, 6, 10, 20)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    initial: float
    warmup: int
    total: int

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if not self.total:
            return self.initial
        if step < self.warmup:
            return self.initial * step / self.warmup
        left = max(0, self.total - self.warmup)
        if not left:
            return self.initial
        if step >= self.total:
            return 0.0
        return self.initial * (1 + cosine((step - self.warmup) / left)) / 2


@final
@dataclass(frozen=True, slots=True)
class Cyclic:
    """
    Straight lines up and down between two rates, ``size`` steps each.

    The top may fall from cycle to cycle: by halves (``"triangular2"``) or by ``decay``
    a step (``"exp_range"``).

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

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if not self.size:
            return self.base
        cycle, within = divmod(step, 2 * self.size)
        x = within / self.size
        top = self.maximum
        if self.mode == "triangular2":
            top -= (self.maximum - self.base) * (1 - 1 / 2**cycle)
        if self.mode == "exp_range":
            top = self.base + (self.maximum - self.base) * self.decay**step
        if x < 1:
            return between(self.base, top, x)
        return between(top, self.base, x - 1)


@final
@dataclass(frozen=True, slots=True)
class OneCycle:
    """
    Straight lines up to ``maximum`` and down to ``maximum / final_divisor``.

    Lean: ``Scheduler.oneCycle``. PyTorch: :class:`OneCycleLR` is the likeness.

    >>> [round(OneCycle(1.0, 10)(k), 3) for k in (0, 3, 10)]
    [0.04, 1.0, 0.0]
    """

    maximum: float
    total: int
    divisor: float = 25.0
    rise: float = 0.3
    final_divisor: float = 1e4

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        initial = self.maximum / self.divisor
        final = self.maximum / self.final_divisor
        if not self.total:
            return initial
        if step >= self.total:
            return final
        share = step / self.total
        if share < self.rise:
            return between(initial, self.maximum, share / self.rise)
        falling = ratio(share - self.rise, 1 - self.rise)
        return between(self.maximum, final, min(max(falling, 0.0), 1.0))


@final
@dataclass(frozen=True, slots=True)
class LRFinder:
    """
    ``initial * (final / initial)**(step / steps)``: a sweep to find a rate by.

    Lean: ``Scheduler.lrFinder``. PyTorch: none.

    >>> [round(LRFinder(1e-3, 1.0, 3)(k), 6) for k in range(4)]
    [0.001, 0.01, 0.1, 1.0]
    """

    initial: float
    final: float
    steps: int

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if not self.steps:
            return self.initial
        growth: float = (self.final / self.initial) ** (step / self.steps)
        return self.initial * growth


# -- as PyTorch has them ---------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class CosineAnnealingLR:
    """
    A cosine between ``base`` and ``minimum`` of half-period ``steps``, for ever.

    Lean: ``CosineAnnealingLR``. PyTorch: ``lr_scheduler.CosineAnnealingLR``.

    >>> [round(CosineAnnealingLR(1.0, 2)(k), 3) for k in range(5)]
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """

    base: float
    steps: int
    minimum: float = 0.0

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        if not self.steps:
            return self.base
        height = (1 + cosine(step / self.steps)) / 2
        return self.minimum + (self.base - self.minimum) * height


@final
@dataclass(frozen=True, slots=True)
class OneCycleLR:
    """
    Up to ``maximum``, down, and far down; by cosines or straight lines.

    The rates of the phases' ends are ``maximum / divisor``, ``maximum`` and ``maximum /
    divisor / final_divisor``; with ``three_phase`` the way down stops at the first.

    Lean: ``OneCycleLR``. PyTorch: ``lr_scheduler.OneCycleLR``.

    >>> [round(OneCycleLR(1.0, 11)(k), 6) for k in (0, 5, 10)]
    [0.04, 0.726087, 4e-06]
    """

    maximum: float
    total: int
    rise: float = 0.3
    divisor: float = 25.0
    final_divisor: float = 1e4
    anneal: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        initial = self.maximum / self.divisor
        least = initial / self.final_divisor
        step, last = min(step, self.total), float(self.total - 1)
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
