"""
Learning rates over time: TorchLean's schedulers.

A schedule is data and a pure function of the step, counted from 0: calling it gives the
rate. Whoever runs the steps counts them; nothing in a schedule changes.

Every rate is a number from 0, at every step and for every length, 0 included. What
grows without bound ends at infinity, which an optimiser refuses. Fields are checked
when a schedule is made: ``TypeError`` for what is no number, ``ValueError`` for one
that is outside of its range.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, log2, pi
from numbers import Real
from typing import Any, Final, TypeAlias, final

from tapem_dsl.arguments import check_count, check_fields, check_number, said
from tapem_dsl.messages import is_program

Schedule: TypeAlias = Callable[[int], float]
"""From the number of a step, counted from 0, to its learning rate."""

_NORMAL: Final = sys.float_info.min
"""The least positive double of full precision."""


def check_rate(owner: str, rate: object) -> None:
    """
    Check that a rate is a number or a schedule.

    Raises:
        TypeError: neither.
        ValueError: a number that is negative, infinite or NaN.

    >>> check_rate("adam", Exponential)
    Traceback (most recent call last):
    ...
    TypeError: adam takes a number or a schedule for rate, not the class Exponential; \
make one: Exponential(...)
    """
    fix = f"; make one: {rate.__name__}(...)" if isinstance(rate, type) else ""
    schedule = callable(rate) and not is_program(rate)
    if fix or not (schedule or isinstance(rate, Real)):
        what = f"{owner} takes a number or a schedule for rate, not {said(rate)}{fix}"
        raise TypeError(what)
    if not schedule:
        check_number(owner, "rate", rate, "[0, inf)")


# Any: a number of whatever type.
def rate_at(rate: Any, step: int) -> Any:
    """
    Give the rate of a step: what a schedule says, or the number itself.

    Raises:
        TypeError: a schedule gives no number.
        ValueError: a schedule gives a negative or infinite rate, or NaN.

    >>> rate_at(0.5, 3), rate_at(Exponential(1.0, 0.5), 3)
    (0.5, 0.125)
    """
    if not callable(rate):
        return rate
    now = rate(step)
    check_number(
        f"an optimiser, at step {step} of its schedule,", "rate", now, "[0, inf)"
    )
    return now


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


def cosine(share: float) -> float:
    """
    Give the cosine of a share of half a turn.

    >>> cosine(0), cosine(1)
    (1.0, -1.0)
    """
    return cos(pi * share)


def power(base: float, exponent: float) -> float:
    """
    Give ``base**exponent`` of a base from 0; infinity where no double can say it.

    >>> power(1.1, 10_000), power(0.0, -1.0)
    (inf, inf)
    """
    try:
        result: float = base**exponent
    except (OverflowError, ZeroDivisionError):
        return inf
    return result


def grown(rate: float, factor: float, steps: float) -> float:
    """
    Give ``rate * factor**steps``; infinity where that is beyond double precision.

    >>> grown(1.0, 1.1, 10_000), grown(0.0, 1.1, 10_000), grown(2.0**-999, 2.0, 1999)
    (inf, 0.0, 1.0715086071862673e+301)
    """
    growth = power(factor, steps)
    if not rate or not factor or _NORMAL <= growth < inf:
        return rate * growth if rate else 0.0
    return power(2.0, log2(rate) + steps * log2(factor))


class Scheduler(ABC):
    """
    What the schedules share: a call with the number of a step, which is checked.

    >>> Constant(0.1)("3")
    Traceback (most recent call last):
    ...
    TypeError: Constant takes a count (0, 1, 2, ...) for step, not '3' (str)
    """

    __slots__ = ()

    def __call__(self, step: int, /) -> float:
        """Give the rate of a step."""
        check_count(type(self).__name__, "step", step)
        return self._rate(step)

    @abstractmethod
    def _rate(self, step: int) -> float:
        """Give the rate of a step that is counted from 0."""


@final
@dataclass(frozen=True, slots=True)
class Constant(Scheduler):
    """
    The same rate for ever.

    Lean: ``Scheduler.constant``. PyTorch: no scheduler.

    >>> Constant(0.1)(1000)
    0.1
    """

    rate: float

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, rate="[0, inf)")

    def _rate(self, step: int) -> float:
        """As above."""
        return self.rate


@final
@dataclass(frozen=True, slots=True)
class Exponential(Scheduler):
    """
    ``initial * decay**step``: infinite at last if ``decay`` is greater than 1.

    Lean: ``Scheduler.exponential``. PyTorch: ``lr_scheduler.ExponentialLR``.

    >>> Exponential(1.0, 0.5)(3)
    0.125
    """

    initial: float
    decay: float

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", decay="[0, inf)")

    def _rate(self, step: int) -> float:
        """As above."""
        return grown(self.initial, self.decay, step)


@final
@dataclass(frozen=True, slots=True)
class StepDecay(Scheduler):
    """
    ``initial * factor**(step // size)``; the initial rate if ``size`` is 0.

    Lean: ``Scheduler.stepDecay`` and ``StepLR``. PyTorch: ``lr_scheduler.StepLR``.

    >>> [StepDecay(1.0, 0.5, 2)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    initial: float
    factor: float
    size: int

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", factor="[0, inf)", size=None)

    def _rate(self, step: int) -> float:
        """As above."""
        drops = step // self.size if self.size else 0
        return grown(self.initial, self.factor, drops)


@final
@dataclass(frozen=True, slots=True)
class CosineAnnealing(Scheduler):
    """
    Half a cosine from ``initial`` to ``minimum`` in ``steps`` steps, and then level.

    With 0 steps it is the initial rate.

    Lean: ``Scheduler.cosineAnnealing``. PyTorch: ``lr_scheduler.CosineAnnealingLR`` up
    to the end, after which that one rises again.

    >>> [round(CosineAnnealing(1.0, 2)(k), 3) for k in range(4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    initial: float
    steps: int
    minimum: float = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", steps=None, minimum="[0, inf)")

    def _rate(self, step: int) -> float:
        """As above."""
        if not self.steps:
            return self.initial
        share = (1 - cosine(ratio(min(step, self.steps), self.steps))) / 2
        return between(self.initial, self.minimum, share)


@final
@dataclass(frozen=True, slots=True)
class LinearWarmup(Scheduler):
    """
    A straight line from ``start`` to ``initial`` in ``warmup`` steps, and then level.

    Lean: ``Scheduler.linearWarmup``. PyTorch: ``lr_scheduler.LinearLR``.

    >>> [LinearWarmup(1.0, 2)(k) for k in range(4)]
    [0.0, 0.5, 1.0, 1.0]
    """

    initial: float
    warmup: int
    start: float = 0.0

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", warmup=None, start="[0, inf)")

    def _rate(self, step: int) -> float:
        """As above."""
        if step >= self.warmup:
            return self.initial
        return between(self.start, self.initial, step / self.warmup)


@final
@dataclass(frozen=True, slots=True)
class WarmupCosine(Scheduler):
    """
    A straight line up to ``initial``, then half a cosine to 0 at ``total``.

    From ``total`` on it is 0, also in the middle of a longer warm-up; with a total of 0
    it is the initial rate.

    Lean: ``Scheduler.warmupCosine``, of the newest generation; the first one's rises
    again after ``total``. PyTorch: ``SequentialLR`` of two.

    >>> [round(WarmupCosine(1.0, 2, 10)(k), 3) for k in (0, 1, 2, 6, 10, 20)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    initial: float
    warmup: int
    total: int

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", warmup=None, total=None)

    def _rate(self, step: int) -> float:
        """As above."""
        if not self.total:
            return self.initial
        if step >= self.total:
            return 0.0
        if step < self.warmup:
            return self.initial * (step / self.warmup)
        share = (step - self.warmup) / (self.total - self.warmup)
        return self.initial * ((1 + cosine(share)) / 2)


@final
@dataclass(frozen=True, slots=True)
class WarmupCosineLR(Scheduler):
    """
    A straight line up to ``peak``, then half a cosine down to ``minimum`` at ``total``.

    The first step has the rate ``peak / warmup`` already and the last of the warm-up
    ``peak``. A warm-up longer than ``total`` is cut to it. From ``total`` on the rate
    is ``minimum``.

    Lean: ``Trainer.Scheduler.warmupCosine``, of the newest generation. PyTorch: none.

    >>> schedule = WarmupCosineLR(1.0, 0.1, 2, 6)
    >>> [round(schedule(k), 3) for k in range(7)]
    [0.5, 1.0, 1.0, 0.868, 0.55, 0.232, 0.1]
    """

    peak: float
    minimum: float
    warmup: int
    total: int

    def __post_init__(self) -> None:
        """Check the fields, and that the minimum is not above the peak."""
        check_fields(self, peak="[0, inf)", minimum="[0, inf)", warmup=None, total=None)
        if self.minimum > self.peak:
            raise ValueError(
                f"WarmupCosineLR takes a minimum up to its peak {self.peak!r}, "
                f"not {self.minimum!r}"
            )

    def _rate(self, step: int) -> float:
        """As above."""
        if step >= self.total:
            return self.minimum
        warmup = min(self.warmup, self.total)
        if step < warmup:
            return self.peak * ((step + 1) / warmup)
        share = (step - warmup) / (self.total - warmup)
        return between(self.minimum, self.peak, (1 + cosine(share)) / 2)


@final
@dataclass(frozen=True, slots=True)
class LRFinder(Scheduler):
    """
    ``initial * (final / initial)**(step / steps)``: a sweep to find a rate by.

    It goes on after ``steps``, to infinity if it grows. With 0 steps it is the initial
    rate. From an initial rate of 0 it is 0, at ``steps`` the final rate, and infinite
    after that: the limit of ever smaller initial rates.

    Lean: ``Scheduler.lrFinder``; later ``Scheduler.RangeTest``. PyTorch: none.

    >>> [round(LRFinder(1e-3, 1.0, 3)(k), 6) for k in range(4)]
    [0.001, 0.01, 0.1, 1.0]
    """

    initial: float
    final: float
    steps: int

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self, initial="[0, inf)", final="[0, inf)", steps=None)

    def _rate(self, step: int) -> float:
        """As above."""
        if not self.steps:
            return self.initial
        share = step / self.steps
        if share <= 1:  # by powers of each: the quotient may be no double
            return power(self.initial, 1 - share) * power(self.final, share)
        if not self.initial or not self.final:
            return inf if self.final else 0.0
        return power(2.0, between(log2(self.initial), log2(self.final), share))
