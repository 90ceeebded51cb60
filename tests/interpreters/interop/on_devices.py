"""
What a test runs in processes of its own: a mean over rows on many devices.

``python -m`` this module with a count of devices, of processes, the number of this one,
and a port: it prints what is wrong.
"""

import os
import sys
from typing import Any

given = sys.argv[1:4] if __name__ == "__main__" else (1, 1, 0)  # collected by pytest
devices, processes, number = map(int, given)
flag = f"--xla_force_host_platform_device_count={devices // processes}"
os.environ |= {"XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"}

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

from tapem_dsl import (  # noqa: E402
    Do,
    NodeId,
    const,
    cross_entropy,
    do,
    jit,
    linear,
    mean_scalar_over,
    relu,
    replicate,
    reshape,
    shard_rows,
    value_and_grad,
)

# Any, throughout: arrays of NumPy and JAX.


@do
def loss(p: Any, xs: Any, labels: Any) -> Do[NodeId, Any]:
    @do
    def of_one(sample: Any) -> Do[NodeId, Any]:
        x = yield from const(sample[0])
        label = yield from const(sample[1])
        hidden = yield from relu((yield from linear(p["w1"], p["b1"], x)))
        logits = yield from linear(p["w2"], p["b2"], hidden)
        return (yield from cross_entropy((yield from reshape(logits, (1, 4))), label))

    samples = list(zip(xs, labels, strict=True))
    return (yield from mean_scalar_over("mean", samples, of_one))


def main() -> None:
    if processes > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")  # type: ignore[no-untyped-call] # of JAX
        jax.distributed.initialize(f"127.0.0.1:{sys.argv[4]}", processes, number)
    auto = jax.sharding.AxisType.Auto
    mesh = jax.make_mesh((devices,), ("data",), axis_types=(auto,))
    rng = np.random.default_rng(0)
    shapes = {"w1": (6, 5), "b1": (6,), "w2": (4, 6), "b2": (4,)}
    p: Any = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x: Any = rng.normal(size=(64, 5))
    labels: Any = rng.integers(0, 4, (64, 1))
    bad = labels.copy()
    bad[37] = 9
    each = 64 // processes
    mine = slice(each * number, each * (number + 1))
    step = jit(value_and_grad(loss), engine="xla")
    eager: Any = value_and_grad(loss)

    everywhere = replicate(p, mesh)
    rows, targets = shard_rows((x[mine], labels[mine]), mesh)
    assert len(rows.sharding.device_set) == devices
    for _ in range(2):
        value, gradients = step(everywhere, rows, targets).unwrap()
        expected, others = eager(p, x, labels).unwrap()
        assert abs(float(np.asarray(value)) - expected) < 1e-12
        for name in shapes:
            found = np.asarray(gradients[name])
            assert np.abs(found - others[name]).max() < 1e-12, name
    assert "1 plan, 1 run" in step.report(), step.report()
    assert "instead of" in step.report(), step.report()

    failure = step(everywhere, rows, shard_rows(bad[mine], mesh))
    assert failure == eager(p, x, bad), failure

    if processes == 1:
        check_mistakes(step, p, x, labels)
    print("all as it should be")


def check_mistakes(step: Any, p: Any, x: Any, labels: Any) -> None:
    auto = jax.sharding.AxisType.Auto
    mesh = jax.make_mesh((devices,), ("data",), axis_types=(auto,))
    explicit = jax.make_mesh((devices,), ("data",))
    lies = jax.sharding.NamedSharding(explicit, jax.sharding.PartitionSpec("data"))  # type: ignore[no-untyped-call] # of JAX
    with jax.enable_x64(True):
        there = jax.device_put(x, lies)
    mistakes: dict[str, Any] = {
        "60 rows do not divide": lambda: shard_rows(x[:60], mesh),
        "leave 4 out, or add 4": lambda: shard_rows(x[:60], mesh),
        "has the axes data": lambda: shard_rows(x, mesh, "rows"),
        "a number has no rows": lambda: shard_rows(np.float64(1), mesh),
        "explicit axes": lambda: replicate(p, explicit),
        "with explicit axes": lambda: step(p, there, labels),
    }
    for what, call in mistakes.items():
        with pytest.raises((TypeError, ValueError), match=what):
            call()
    # parameters that are sharded, too
    rows = shard_rows(x, mesh)
    wide = {"w": np.ones((5, 2 * devices))}
    spec = jax.sharding.PartitionSpec(None, "data")  # type: ignore[no-untyped-call] # of JAX
    with jax.enable_x64(True):
        where = jax.sharding.NamedSharding(mesh, spec)
        parts = jax.device_put(wide["w"], where)
    product = jit(lambda w, x: x[0] * w[:, 0], engine="xla")
    assert np.asarray(product(parts, rows)).tolist() == x[0].tolist()


if __name__ == "__main__":
    main()
