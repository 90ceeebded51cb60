"""Contenders of a workload: how they are checked and timed side by side."""

import gc
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

OURS: Final = "tapem_dsl"
JITTED: Final = "tapem_dsl (jit)"
LISTED: Final = f"{JITTED}, list in"
XLA: Final = "tapem_dsl (XLA)"
HAND_WRITTEN: Final = "hand-written"
HAND_BATCHED: Final = f"{HAND_WRITTEN} batched"


# Any, throughout: each contender has its own kind of array, tape and result.
def flat(result: Any) -> list[Any]:
    """Return the arrays within nested tuples, lists and mappings, in order."""
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [array for part in result for array in flat(part)]
    return [result.detach() if hasattr(result, "detach") else result]


class FirstCall(NamedTuple):
    """What jit does at the first call, to be timed apart from what it does later."""

    run: Callable[[], Any]
    """Compiles anew, and runs once."""

    noted: int
    """The calls of the plan; 0 for another library's compiler."""


class Contender(NamedTuple):
    """One way to compute a value and its gradients."""

    run: Callable[[], Any]
    """What is timed."""

    read: Callable[[Any], list[Any]] = flat
    """Turns the result of ``run`` into arrays, in the order of the hand-written one."""

    first_call: FirstCall | None = None
    """Given by a contender under jit."""


Contenders: TypeAlias = Mapping[str, Callable[[], Contender]]
"""Makers by name. A maker raises ``ModuleNotFoundError`` if its package is missing."""


class Workload(NamedTuple):
    """What is computed, by which contenders, and how closely they must agree."""

    title: str
    contenders: Contenders
    tolerance: float = 1e-9
    calibration: str = "loop"


def sized(
    makers: Mapping[str, Callable[[int], Contender]], size: int
) -> dict[str, Callable[[], Contender]]:
    """Fix the size for which contenders are made."""
    return {name: partial(maker, size) for name, maker in makers.items()}


class Timing(NamedTuple):
    """Seconds of one run: the median and the minimum over all rounds."""

    median: float
    least: float
    rounds: int


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: float
    """A contender that has used this much time stops after three rounds."""


def present(contenders: Contenders, peers: bool) -> dict[str, Contender]:
    """Make the contenders whose packages are installed."""
    made = {}
    for name, make in contenders.items():
        is_ours = name.startswith((OURS, HAND_WRITTEN)) and name != XLA  # JAX runs it
        if not (peers or is_ours):
            continue
        try:
            made[name] = make()
        except ModuleNotFoundError as missing:
            print(f"  without {name}: {missing.name} is not installed", flush=True)
    return made


def check(contenders: Mapping[str, Contender], tolerance: float) -> None:
    """Compare every result with the hand-written one before anything is timed."""
    expected = arrays(contenders[HAND_WRITTEN])
    for name, contender in contenders.items():
        for found, wanted in zip(arrays(contender), expected, strict=True):
            scale = max(float(np.max(np.abs(wanted), initial=0)), 1e-300)
            error = float(np.max(np.abs(found - wanted), initial=0)) / scale
            if not error <= tolerance:
                raise AssertionError(f"{name} is off by {error:.0e} of the largest")


def arrays(contender: Contender) -> list[NDArray[np.float64]]:
    read = contender.read(contender.run())
    return [np.asarray(x, dtype=np.float64).reshape(-1) for x in read]


def timed(
    contenders: Mapping[str, Contender], effort: Effort, calibration: Callable[[], Any]
) -> dict[str, Timing]:
    """
    Time all contenders in turn, round after round, so that a busy moment hits them all.

    Each has run once before. Short runs are repeated until they last two milliseconds.
    """
    runs = {"calibration": calibration}
    runs |= {name: contender.run for name, contender in contenders.items()}
    repeats = {name: repeats_of(run) for name, run in runs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(effort.rounds):
        for name, run in runs.items():
            spent = sum(seconds[name]) * repeats[name]
            if len(seconds[name]) < 3 or spent < effort.seconds:
                seconds[name].append(once(run, repeats[name]))
    return {
        name: Timing(float(np.median(times)), min(times), len(times))
        for name, times in seconds.items()
    }


def repeats_of(run: Callable[[], Any]) -> int:
    """Return how many runs last two milliseconds; the first one, cold, does not say."""
    count = 1
    for _ in range(2):
        count = max(count, round(2e-3 / max(once(run, count), 1e-7)))
    return count


def first_calls(contenders: Mapping[str, Contender]) -> dict[str, tuple[int, float]]:
    """Return the calls of each plan, and the median seconds of three first calls."""
    return {
        name: (first.noted, float(np.median([once(first.run, 1) for _ in range(3)])))
        for name, contender in contenders.items()
        if (first := contender.first_call)
    }


def once(
    run: Callable[[], Any], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """
    Time one run. Garbage of earlier runs is collected before, its own after.

    What is repeated has run once before, because the others have emptied the caches.
    """
    gc.collect()
    result = run() if repeats > 1 else None
    start = clock()
    for _ in range(repeats):
        result = run()
    end = clock()
    del result
    return (end - start) / repeats


def loop() -> int:
    """Calibrate work in the interpreter."""
    total = 0
    for i in range(50_000):
        total += i * i & 7
    return total


def passes() -> Any:
    """Calibrate work on arrays: a matrix product, and passes over memory."""
    return _SQUARE @ _SQUARE, np.exp(_LONG) * _LONG


_SQUARE: Final = np.linspace(0, 1, 256 * 256).reshape(256, 256)
_LONG: Final = np.linspace(0, 1, 250_000)
CALIBRATIONS: Final = {"loop": loop, "arrays": passes}
