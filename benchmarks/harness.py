"""Contenders, and how they are checked and timed side by side."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

US: Final = "tapem_dsl"
LIMIT: Final = "limit"


# Any, throughout: each contender has arrays, tapes and results of its own.
class Contender(NamedTuple):
    """One way to compute a value and its gradients."""

    run: Callable[[], Any]
    """What is timed."""

    read: Callable[[Any], Sequence[Any]]
    """Give what ``run`` gave as arrays, in the order of the limit's."""


Contenders: TypeAlias = Mapping[str, Callable[[], Contender]]
"""By name; each is made when it is needed, and fails if its package is not there."""


class Workload(NamedTuple):
    """What is computed, by whom, and how alike the results must be."""

    title: str
    contenders: Contenders
    tolerance: float
    calibration: str = "loop"


class Timing(NamedTuple):
    """Seconds a run: the median, and the least, of so many rounds."""

    median: float
    least: float
    rounds: int


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: float
    """After so many of one contender, three of its rounds are enough."""


def present(contenders: Contenders, peers: bool) -> dict[str, Contender]:
    """Make the contenders whose packages are installed."""
    made = {}
    for name, make in contenders.items():
        if not (peers or name == US or name.startswith(LIMIT)):
            continue
        try:
            made[name] = make()
        except ModuleNotFoundError as missing:
            print(f"  without {name}: {missing.name} is not installed", flush=True)
    return made


def check(contenders: Mapping[str, Contender], tolerance: float) -> None:
    """Compare every result with the limit's before anything is timed."""
    expected = arrays(contenders[LIMIT])
    for name, contender in contenders.items():
        found = arrays(contender)
        for ours, theirs in zip(found, expected, strict=True):
            scale = max(float(np.max(np.abs(theirs), initial=0)), 1e-300)
            error = float(np.max(np.abs(ours - theirs), initial=0)) / scale
            if not error <= tolerance:
                raise AssertionError(f"{name} is off by {error:.0e} of the largest")


def arrays(contender: Contender) -> list[NDArray[np.float64]]:
    read = contender.read(contender.run())
    return [np.asarray(x, dtype=np.float64).reshape(-1) for x in read]


def timed(
    contenders: Mapping[str, Contender], effort: Effort, calibration: Callable[[], Any]
) -> dict[str, Timing]:
    """
    Time all in turn, round after round, so that a busy moment hits them all.

    Each has run once before. Short runs are repeated until they last two milliseconds.
    """
    runs = {"calibration": calibration}
    runs |= {name: contender.run for name, contender in contenders.items()}
    repeats = {}
    for name, run in runs.items():
        repeats[name] = max(1, round(2e-3 / max(once(run, 1), 1e-7)))
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


def once(run: Callable[[], Any], repeats: int) -> float:
    """Time one run; the garbage of the others is gone before, its own goes after."""
    gc.collect()
    result = None
    start = time.perf_counter()
    for _ in range(repeats):
        result = run()
    end = time.perf_counter()
    del result
    return (end - start) / repeats


def finished(result: Any) -> Any:
    """Wait for what JAX computes behind our back."""
    import jax

    return jax.block_until_ready(result)  # type: ignore[no-untyped-call] # of jax


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
