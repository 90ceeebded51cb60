"""Measure in a process whose number of threads is fixed from the start."""

import gc
import json
import sys
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    convolutional,
    do_notation,
    elementwise,
    graph_growth,
    hessian,
    layers,
    mlp,
    per_sample_regression,
    recurrent,
    scalar_chain,
    second_derivatives,
    transformer,
)
from benchmarks.harness import (
    CALIBRATIONS,
    Effort,
    Workload,
    check,
    first_calls,
    present,
    timed,
)

PACKAGES: Final = ("numpy", "torch", "jax", "autograd", "micrograd")


def workloads(*, quick: bool) -> dict[str, Workload]:
    chain = 1_000 if quick else 10_000
    samples = 100 if quick else 1_000
    batched = per_sample_regression.batched_workload
    long = {
        "large batched regression": batched(100_000),
        "transformer": transformer.workload(2),
        "deep transformer": transformer.workload(12),
    }
    return {
        "scalar chain": scalar_chain.workload(chain),
        "per-sample regression": per_sample_regression.workload(samples),
        "batched regression": batched(samples),
        "per-sample MLP": mlp.WORKLOAD,
        "batched MLP": mlp.BATCHED_WORKLOAD,
        "per-sample RNN": recurrent.WORKLOAD,
        "per-sample conv net": convolutional.WORKLOAD,
        "Hessian-vector product, regression": hessian.REGRESSION_WORKLOAD,
        "Hessian-vector product, network": hessian.NETWORK_WORKLOAD,
        "elementwise": elementwise.workload(100_000 if quick else 1_000_000),
        **layers.WORKLOADS,
        **({} if quick else long),
    }


def set_up(threads: int) -> None:
    """Set what environment variables do not: float64 for JAX, threads for PyTorch."""
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


def measured(
    threads: int, effort: Effort, *, quick: bool, peers: bool, only: Collection[str]
) -> Any:
    """Measure the workloads; all of them, and on one thread the rest, without only."""
    if peers:
        set_up(threads)
    results: dict[str, Any] = {"versions": versions(), "workloads": {}}
    for key, workload in workloads(quick=quick).items():
        if not only or key in only:
            print(f"{key}: {workload.title}", flush=True)
            results["workloads"][key] = side_by_side(workload, effort, peers=peers)
    if threads == 1 and not only:
        results |= rest(effort, quick=quick, peers=peers)
    return results


def side_by_side(workload: Workload, effort: Effort, *, peers: bool) -> dict[str, Any]:
    """Check and time the contenders; then time the first calls of those under jit."""
    contenders = present(workload.contenders, peers)
    check(contenders, workload.tolerance)
    gc.collect()
    gc.freeze()  # collections do not walk the modules of the peers
    return {
        "title": workload.title,
        "timings": timed(contenders, effort, CALIBRATIONS[workload.calibration]),
        "first_calls": first_calls(contenders),
    }


def rest(effort: Effort, *, quick: bool, peers: bool) -> dict[str, Any]:
    """Measure growth, do-notation and second derivatives."""
    print("growth", flush=True)
    most, rounds, patience = (10_000, 3, 2.0) if quick else (1_000_000, 7, 20.0)
    grown = graph_growth.measured(most, rounds, peers=peers, patience=patience)
    print("do-notation", flush=True)
    forms_and_parts = do_notation.measured(effort)
    print("second derivatives", flush=True)
    return {
        "growth": grown,
        "do_notation": forms_and_parts,
        "second_derivatives": second_derivatives.measured(effort),
    }


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    threads, rounds, seconds, quick, peers, only, out = json.loads(sys.argv[1])
    effort = Effort(rounds, seconds)
    results = measured(threads, effort, quick=quick, peers=peers, only=only)
    Path(out).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
