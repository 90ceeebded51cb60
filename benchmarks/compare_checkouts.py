"""
Compare the CPU time of two checkouts of tapem_dsl, a base and a change to it.

Each checkout runs in a worker process. The workers take turns, one run each, and which
of them is first alternates. The workloads are those of this checkout: they use public
names that the other one must have too.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

import tapem_dsl
from benchmarks import mlp, per_sample_regression, scalar_chain
from benchmarks.harness import once

ROOT: Final = Path(__file__).parents[1]
# Any: see the harness
RUNS: Final[dict[str, Callable[[], Any]]] = {
    "scalar chain": scalar_chain.tapem_dsl(10_000).run,
    "per-sample regression": per_sample_regression.tapem_dsl(1_000).run,
    "per-sample MLP": mlp.tapem_dsl().run,
}


def serve() -> None:
    """Print where the library was found; then time each workload that is asked for."""
    print(tapem_dsl.__file__, flush=True)
    for line in sys.stdin:
        print(once(RUNS[line.strip()], 1, time.process_time), flush=True)


def start(checkout: Path) -> "subprocess.Popen[str]":
    source = str(checkout.resolve() / "src")
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    worker = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.compare_checkouts", "--worker"],
        cwd=ROOT,
        env=os.environ | one_thread | {"PYTHONPATH": source},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = pipe(worker.stdout).readline().strip()
    if not found.startswith(source):
        sys.exit(f"{checkout} has no library to import: found {found or 'none'}")
    return worker


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def timed(worker: "subprocess.Popen[str]", name: str) -> float:
    print(name, file=pipe(worker.stdin), flush=True)
    return float(pipe(worker.stdout).readline())


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.compare_checkouts", description=__doc__
    )
    parser.add_argument("base", type=Path, help="a checkout, as a folder")
    parser.add_argument("change", type=Path, help="another one")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    workers = [start(options.base), start(options.change)]
    print("CPU milliseconds  base: median, min  change: median, min  change / base")
    for name in RUNS:
        times: list[list[float]] = [[], []]
        for round in range(-1, options.rounds):  # the first warms up
            for which in (0, 1) if round % 2 else (1, 0):
                seconds = timed(workers[which], name)
                if round >= 0:
                    times[which].append(seconds)
        rows = [(float(np.median(each)), min(each)) for each in times]
        (base, least), (changed, least_changed) = rows
        print(
            f"{name:<22}{base * 1e3:9.2f} {least * 1e3:6.2f}"
            f"{changed * 1e3:15.2f} {least_changed * 1e3:6.2f}"
            f"{changed / base:12.3f} {least_changed / least:6.3f}"
        )
    for worker in workers:
        worker.communicate()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["--worker"] else main()
