"""Time and peak memory by number of ops, from a hundred to a million."""

import ctypes
import gc
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks import per_sample_regression, scalar_chain
from benchmarks.harness import HAND_WRITTEN, OURS, Contender, once, present, sized

STATUS: Final = Path("/proc/self/status")
CLEAR: Final = Path("/proc/self/clear_refs")


class Size(NamedTuple):
    """Seconds of a run of this many ops, and bytes by which the process grew."""

    ops: int
    seconds: float
    peak: float


def sizes_of(
    make: Callable[[int], Contender], most: int, rounds: int, patience: float
) -> list[Size]:
    """Measure powers of ten, until the next would take longer than ``patience``."""
    found: list[Size] = []
    for exponent in range(2, round(math.log10(most)) + 1):
        ops = 10**exponent
        if found and found[-1].seconds * 10 > patience:
            break
        try:
            contender = make(ops)
            peak = peak_of(contender)  # the first run, which also warms up
        except RecursionError:
            break
        few = max(3, rounds if ops < 100_000 else 3)
        repeats = max(1, 2_000 // ops)
        times = [once(contender.run, repeats) for _ in range(few)]
        found.append(Size(ops, float(np.median(times)), peak))
    return found


def peak_of(contender: Contender) -> float:
    """Run once; return the bytes by which the process grew, or NaN if unknown."""
    gc.collect()
    if not CLEAR.exists():
        contender.run()
        return math.nan
    ctypes.CDLL(None).malloc_trim(0)  # return to the system what earlier runs freed
    CLEAR.write_text("5")  # reset the peak
    before = resident("VmRSS")
    result = contender.run()
    after = resident("VmHWM")
    del result
    return after - before


def resident(field: str) -> float:
    (line,) = [x for x in STATUS.read_text().splitlines() if x.startswith(field)]
    return float(line.split()[1]) * 1024


def exponent(sizes: Sequence[Size]) -> float:
    """Return k of a fit of time ~ ops^k through all sizes; 1 is linear."""
    ops, seconds = np.array([(size.ops, size.seconds) for size in sizes]).T
    return float(np.polyfit(np.log(ops), np.log(seconds), 1)[0])


def bytes_per_op(sizes: Sequence[Size]) -> float:
    """Compare the two longest runs, in which constant costs cancel."""
    shorter, longer = sizes[-2:]
    return (longer.peak - shorter.peak) / (longer.ops - shorter.ops)


def measured(
    most: int, rounds: int, *, peers: bool, patience: float
) -> dict[str, dict[str, list[Size]]]:
    """Measure two workloads: tapem_dsl at every size, the others up to ``patience``."""
    by_samples = {
        name: lambda ops, make=make: make(max(1, ops // 5))
        for name, make in per_sample_regression.LOOPS.items()
        if name in {HAND_WRITTEN, OURS, "PyTorch", "autograd"}
    }
    grown: dict[str, dict[str, list[Size]]] = {}
    workloads: Mapping[str, Mapping[str, Callable[[int], Contender]]] = {
        "scalar chain": scalar_chain.MAKERS,
        "per-sample regression": by_samples,
    }
    for key, makers in workloads.items():
        here = present(sized(makers, 10), peers)
        grown[key] = {
            name: sizes_of(
                makers[name], most, rounds, math.inf if name == OURS else patience
            )
            for name in here
        }
    return grown
