"""W4: time and peak memory from a hundred to a million ops."""

import ctypes
import gc
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks import w1_chain, w2_samples
from benchmarks.harness import LIMIT, US, Contender, once, present

STATUS: Final = Path("/proc/self/status")
CLEAR: Final = Path("/proc/self/clear_refs")


class Size(NamedTuple):
    """What a run of so many ops takes: seconds, and bytes at the peak."""

    ops: int
    seconds: float
    peak: float


def sizes_of(
    make: Callable[[int], Contender], most: int, rounds: int, patience: float
) -> list[Size]:
    """Measure powers of ten, until the next one would outlast our patience."""
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
    """Run once, and say by how much the process grew; NaN where that is not known."""
    gc.collect()
    if not CLEAR.exists():
        contender.run()
        return math.nan
    ctypes.CDLL(None).malloc_trim(0)  # give back what earlier runs have freed
    CLEAR.write_text("5")  # the peak so far is forgotten
    before = resident("VmRSS")
    result = contender.run()
    after = resident("VmHWM")
    del result
    return after - before


def resident(field: str) -> float:
    (line,) = [x for x in STATUS.read_text().splitlines() if x.startswith(field)]
    return float(line.split()[1]) * 1024


def exponent(sizes: Sequence[Size]) -> float:
    """Fit time ~ ops^k through all sizes; 1 is linear."""
    ops, seconds = np.array([(size.ops, size.seconds) for size in sizes]).T
    return float(np.polyfit(np.log(ops), np.log(seconds), 1)[0])


def bytes_an_op(sizes: Sequence[Size]) -> float:
    """Compare the two longest runs, so that what does not grow cancels out."""
    shorter, longer = sizes[-2:]
    return (longer.peak - shorter.peak) / (longer.ops - shorter.ops)


def measured(
    most: int, rounds: int, *, peers: bool, patience: float
) -> dict[str, dict[str, list[Size]]]:
    """Measure W1 and W2, ours to the end and the others as far as patience goes."""
    by_samples = {
        name: lambda ops, make=make: make(max(1, ops // 5))
        for name, make in w2_samples.LOOPS.items()
        if name in {LIMIT, US, "PyTorch", "autograd"}
    }
    chains: Mapping[str, Callable[[int], Contender]] = w1_chain.MAKERS
    grown: dict[str, dict[str, list[Size]]] = {}
    for key, makers in {"W1": chains, "W2": by_samples}.items():
        named = {name: lambda make=make: make(10) for name, make in makers.items()}
        here = present(named, peers)
        grown[key] = {
            name: sizes_of(
                makers[name], most, rounds, math.inf if name == US else patience
            )
            for name in here
        }
    return grown
