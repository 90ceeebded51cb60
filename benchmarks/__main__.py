"""
Compare tapem_dsl with its peers and with hand-written NumPy.

Every result is checked against the hand-written one before it is timed. All contenders
of a workload take turns within one run, on one thread and on two. With --only, the
workloads that it names run on one thread, and each time is compared with each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.worker import workloads

ROOT = Path(__file__).parents[1]


def in_a_worker(threads: int, options: argparse.Namespace) -> Any:
    """Measure in a process that may use ``threads`` cores."""
    count = str(threads)
    environment = os.environ | {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
    }
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def pinned() -> None:
        if cores:
            os.sched_setaffinity(0, cores[-threads:])

    rounds, seconds = (5, 1.0) if options.quick else (options.rounds, 15.0)
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "results.json")
        what = [options.quick, not options.no_peers, options.only]
        work = json.dumps([threads, rounds, seconds, *what, out])
        command = [sys.executable, "-m", "benchmarks.worker", work]
        subprocess.run(
            command, check=True, env=environment, cwd=ROOT, preexec_fn=pinned
        )
        return json.loads(Path(out).read_text())


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    parser.add_argument(
        "--no-peers", action="store_true", help="only tapem_dsl and NumPy"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and its plots"
    )
    parser.add_argument("--rounds", type=int, default=21, help="without --quick")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(workloads(quick=False)),
        metavar="WORKLOAD",
        help="measure this one; may be given several times",
    )
    options = parser.parse_args()
    if options.only:
        if options.write:
            parser.error("--write takes all workloads, and --only some")
        if unknown := set(options.only) - set(workloads(quick=options.quick)):
            parser.error(f"--quick leaves {', '.join(unknown)} out")
        print(report.of_some(in_a_worker(1, options)))
        return
    results = {threads: in_a_worker(threads, options) for threads in (1, 2)}
    text = report.text(results, quick=options.quick)
    print(text)
    if options.write:
        report.write(text, results, ROOT / "docs")


if __name__ == "__main__":
    main()
