"""The mean over shards is the mean: on eight devices, and in two processes."""

import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

from tapem_dsl import replicate, shard_rows

ROOT = Path(__file__).parents[3]
MODULE = "tests.interpreters.interop.on_devices"


def started(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", MODULE, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def assert_well(process: "subprocess.Popen[str]") -> None:
    out, errors = process.communicate(timeout=120)
    assert "all as it should be" in out, errors[-3000:]


def test_eight_devices() -> None:
    assert_well(started(8, 1, 0))


def test_two_processes() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [started(4, 2, number, port) for number in range(2)]
    for process in both:
        assert_well(process)


def test_what_is_placed_is_a_copy() -> None:
    """JAX takes memory of NumPy that is aligned as it is, on a CPU."""
    auto = jax.sharding.AxisType.Auto
    mesh = jax.make_mesh((1,), ("data",), axis_types=(auto,))
    x = np.zeros(1_008)
    parts = [x[i : i + 1_000] for i in range(8)]  # of which one is aligned
    placed: list[jax.Array] = [
        *jax.tree.leaves(replicate(parts, mesh)),
        *jax.tree.leaves(shard_rows(parts, mesh)),
    ]
    x += 1
    assert not any(y.any() for y in placed)
