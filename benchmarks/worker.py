"""Measure in a process of its own, whose number of threads is fixed from the start."""

import gc
import json
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    forms,
    growth,
    orders,
    w1_chain,
    w2_samples,
    w3_network,
    w6_wide,
    w7_layers,
)
from benchmarks import w5_hessian as w5
from benchmarks.harness import CALIBRATIONS, Effort, Workload, check, present, timed

PACKAGES: Final = ("numpy", "torch", "jax", "autograd", "micrograd")


def workloads(*, quick: bool) -> dict[str, Workload]:
    chain = 1_000 if quick else 10_000
    samples = 100 if quick else 1_000
    return {
        "W1": w1_chain.workload(chain),
        "W2 loop": w2_samples.workload(samples),
        "W2 batched": w2_samples.workload_batched(samples),
        "W3 loop": w3_network.WORKLOAD,
        "W3 batched": w3_network.WORKLOAD_BATCHED,
        "W5 regression": w5.WORKLOAD_REGRESSION,
        "W5 network": w5.WORKLOAD_NETWORK,
        "W6": w6_wide.workload(100_000 if quick else 1_000_000),
        **w7_layers.WORKLOADS,
    }


def set_up(threads: int) -> None:
    """Tell the peers what the environment does not: precision, and torch's threads."""
    try:
        import torch

        torch.set_num_threads(threads)
    except ModuleNotFoundError:
        pass
    try:
        import jax

        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # of jax
    except ModuleNotFoundError:
        pass


def measured(threads: int, effort: Effort, *, quick: bool, peers: bool) -> Any:
    """Measure all; the growth and the forms on one thread only."""
    if peers:
        set_up(threads)
    results: dict[str, Any] = {"versions": versions(), "workloads": {}}
    for key, workload in workloads(quick=quick).items():
        print(f"{key}: {workload.title}", flush=True)
        contenders = present(workload.contenders, peers)
        check(contenders, workload.tolerance)
        gc.collect()
        gc.freeze()  # nobody pays for the walk through the others' modules
        timings = timed(contenders, effort, CALIBRATIONS[workload.calibration])
        results["workloads"][key] = {"title": workload.title, "timings": timings}
    if threads == 1:
        print("W4: growth", flush=True)
        grow = partial(growth.measured, peers=peers)
        most, rounds, patience = (10_000, 3, 2.0) if quick else (1_000_000, 7, 20.0)
        results["growth"] = grow(most, rounds, patience=patience)
        print("forms of one program", flush=True)
        results["forms"] = forms.measured(effort)
        print("orders of derivatives", flush=True)
        results["orders"] = orders.measured(effort)
    return results


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    threads, rounds, seconds, quick, peers, out = json.loads(sys.argv[1])
    results = measured(threads, Effort(rounds, seconds), quick=quick, peers=peers)
    Path(out).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
