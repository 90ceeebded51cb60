"""
Learning-rate schedules: TorchLean's schedulers.

A schedule is immutable data that is called with the number of a step, counted from 0,
and returns the rate. The caller counts the steps.

Every rate is at least 0, at every step and for every length, 0 included. A rate that
grows without bound ends at infinity, which an optimiser refuses. Fields are checked
when a schedule is made: a ``TypeError`` for what is not a number, a ``ValueError`` for
a number outside of its range.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import cos, inf, log2, pi
from numbers import Real
from typing import Annotated, Any, Final, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arguments import check_argument, check_fields, describe
from tapem_dsl.interpreters.compiled.noting import Noted, host
from tapem_dsl.messages import is_program

Schedule: TypeAlias = Callable[[int], float]
"""From the number of a step, counted from 0, to its learning rate."""

Count: TypeAlias = Annotated[int, "count"]
Rate: TypeAlias = Annotated[float, "[0, inf)"]
Factor: TypeAlias = Annotated[float, "[0, inf)"]

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
        what = (
            f"{owner} takes a number or a schedule for rate, not {describe(rate)}{fix}"
        )
        raise TypeError(what)
    if not schedule:
        check_argument(owner, "rate", rate, "[0, inf)")


# Any: a number of any type, and a count, which jit may note.
def rate_at(rate: Any, step: Any) -> Any:
    """
    Return the rate of a step: a schedule's, or the number itself.

    Raises:
        TypeError: a schedule returns something other than a number.
        ValueError: a schedule returns a negative or infinite rate, or NaN.

    >>> rate_at(0.5, 3), rate_at(Exponential(1.0, 0.5), 3)
    (0.5, 0.125)
    """
    if not callable(rate):
        return rate
    if isinstance(step, Noted):
        return host(partial(rate_at, rate), step)
    now = rate(step)
    owner = f"an optimiser, at step {step} of its schedule,"
    check_argument(owner, "rate", now, "[0, inf)")
    return now


def ratio(a: float, b: float) -> float:
    """
    Return ``a / b``, and 0 where ``b`` is 0.

    Lean: ``ratioNat``.
    """
    return a / b if b else 0.0


def between(start: float, end: float, share: float) -> float:
    """Return ``start + share * (end - start)``: linear interpolation."""
    return start + share * (end - start)


def cosine(share: float) -> float:
    """Return ``cos(pi * share)``."""
    return cos(pi * share)


def power(base: float, exponent: float) -> float:
    """
    Return ``base**exponent`` of a base from 0; infinity beyond float64.

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
    Return ``rate * factor**steps``; infinity beyond float64.

    >>> grown(1.0, 1.1, 10_000), grown(0.0, 1.1, 10_000), grown(2.0**-999, 2.0, 1999)
    (inf, 0.0, 1.0715086071862673e+301)
    """
    growth = power(factor, steps)
    if not rate or not factor or _NORMAL <= growth < inf:
        return rate * growth if rate else 0.0
    return power(2.0, log2(rate) + steps * log2(factor))


class Scheduler(ABC):
    """
    The base of all schedules: checks the fields, and the number of a step.

    >>> Constant(0.1)("3")
    Traceback (most recent call last):
    ...
    TypeError: Constant takes a count (0, 1, 2, ...) for step, not '3' (str)
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, step: int, /) -> float:
        """Return the rate of a step, counted from 0."""
        check_argument(type(self).__name__, "step", step, "count")
        return self._rate(step)

    @abstractmethod
    def _rate(self, step: int) -> float:
        """Return the rate of a step that is known to be a count."""


@final
@dataclass(frozen=True, slots=True)
class Constant(Scheduler):
    """
    The same rate for ever.

    Lean: ``Scheduler.constant``. PyTorch: no scheduler.

    >>> Constant(0.1)(1000)
    0.1
    """

    rate: Rate

    @override
    def _rate(self, step: int) -> float:
        return self.rate


@final
@dataclass(frozen=True, slots=True)
class Exponential(Scheduler):
    """
    ``initial * decay**step``; it grows to infinity if ``decay`` is greater than 1.

    Lean: ``Scheduler.exponential``. PyTorch: ``lr_scheduler.ExponentialLR``.

    >>> Exponential(1.0, 0.5)(3)
    0.125
    """

    initial: Rate
    decay: Factor

    @override
    def _rate(self, step: int) -> float:
        return grown(self.initial, self.decay, step)


@final
@dataclass(frozen=True, slots=True)
class StepDecay(Scheduler):
    """
    ``initial * factor**(step // size)``; ``initial`` if ``size`` is 0.

    Lean: ``Scheduler.stepDecay`` and ``StepLR``. PyTorch: ``lr_scheduler.StepLR``.

    >>> [StepDecay(1.0, 0.5, 2)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    initial: Rate
    factor: Factor
    size: Count

    @override
    def _rate(self, step: int) -> float:
        drops = step // self.size if self.size else 0
        return grown(self.initial, self.factor, drops)


@final
@dataclass(frozen=True, slots=True)
class CosineAnnealing(Scheduler):
    """
    Half a cosine from ``initial`` to ``minimum`` in ``steps`` steps, then constant.

    With 0 steps the rate is ``initial``.

    Lean: ``Scheduler.cosineAnnealing``. PyTorch: ``lr_scheduler.CosineAnnealingLR``,
    which rises again after the end.

    >>> [round(CosineAnnealing(1.0, 2)(k), 3) for k in range(4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    initial: Rate
    steps: Count
    minimum: Rate = 0.0

    @override
    def _rate(self, step: int) -> float:
        if not self.steps:
            return self.initial
        share = (1 - cosine(ratio(min(step, self.steps), self.steps))) / 2
        return between(self.initial, self.minimum, share)


@final
@dataclass(frozen=True, slots=True)
class LinearWarmup(Scheduler):
    """
    A straight line from ``start`` to ``initial`` in ``warmup`` steps, then constant.

    Lean: ``Scheduler.linearWarmup``. PyTorch: ``lr_scheduler.LinearLR``.

    >>> [LinearWarmup(1.0, 2)(k) for k in range(4)]
    [0.0, 0.5, 1.0, 1.0]
    """

    initial: Rate
    warmup: Count
    start: Rate = 0.0

    @override
    def _rate(self, step: int) -> float:
        if step >= self.warmup:
            return self.initial
        return between(self.start, self.initial, step / self.warmup)


@final
@dataclass(frozen=True, slots=True)
class WarmupCosine(Scheduler):
    """
    A straight line up to ``initial``, then half a cosine to 0 at ``total``.

    From ``total`` on the rate is 0, even if the warm-up is longer. With a total of 0
    the rate is ``initial``.

    Lean: ``Scheduler.warmupCosine`` of the newest generation; the first generation's
    rises again after ``total``. PyTorch: a ``SequentialLR`` of two.

    >>> [round(WarmupCosine(1.0, 2, 10)(k), 3) for k in (0, 1, 2, 6, 10, 20)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    initial: Rate
    warmup: Count
    total: Count

    @override
    def _rate(self, step: int) -> float:
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

    The first step has the rate ``peak / warmup``, and the last warm-up step ``peak``. A
    warm-up longer than ``total`` is shortened to ``total``. From ``total`` on the rate
    is ``minimum``.

    Lean: ``Trainer.Scheduler.warmupCosine`` of the newest generation. PyTorch: none.

    >>> schedule = WarmupCosineLR(1.0, 0.1, 2, 6)
    >>> [round(schedule(k), 3) for k in range(7)]
    [0.5, 1.0, 1.0, 0.868, 0.55, 0.232, 0.1]
    """

    peak: Rate
    minimum: Rate
    warmup: Count
    total: Count

    @override
    def __post_init__(self) -> None:
        check_fields(self)
        if self.minimum > self.peak:
            raise ValueError(
                f"WarmupCosineLR takes a minimum up to its peak {self.peak!r}, "
                f"not {self.minimum!r}"
            )

    @override
    def _rate(self, step: int) -> float:
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
    ``initial * (final / initial)**(step / steps)``: a learning-rate range test.

    The rate goes on changing after ``steps``. With 0 steps it is ``initial``. If
    ``initial`` is 0, the rate is the limit of ever smaller initial rates: 0 before
    ``steps``, ``final`` at ``steps`` and infinity after it.

    Lean: ``Scheduler.lrFinder``; later ``Scheduler.RangeTest``. PyTorch: none.

    >>> [round(LRFinder(1e-3, 1.0, 3)(k), 6) for k in range(4)]
    [0.001, 0.01, 0.1, 1.0]
    """

    initial: Rate
    final: Rate
    steps: Count

    @override
    def _rate(self, step: int) -> float:
        if not self.steps:
            return self.initial
        share = step / self.steps
        if share <= 1:  # the quotient of the rates may overflow
            return power(self.initial, 1 - share) * power(self.final, share)
        if not self.initial or not self.final:
            return inf if self.final else 0.0
        return power(2.0, between(log2(self.initial), log2(self.final), share))
