"""The mean of the losses ``(w . x + b - y) ** 2`` of samples with ten features."""

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import (
    Engine,
    Loss,
    mean_over,
    of_autograd,
    of_jax,
    of_jit,
    of_tapem_dsl,
    of_torch,
)
from benchmarks.harness import (
    HAND_BATCHED,
    HAND_WRITTEN,
    JITTED,
    LISTED,
    OURS,
    XLA,
    Contender,
    Workload,
    sized,
)
from tapem_dsl import (
    Do,
    NodeId,
    add,
    const,
    do,
    dot,
    matmul,
    mean_scalar_over,
    mse_loss,
    mul,
    param,
    sub,
)

Floats = NDArray[np.float64]


class Data(NamedTuple):
    """Samples, their targets, and the weights at which to differentiate."""

    x: Floats
    y: Floats
    w: Floats
    b: Any  # Any: a float or, where all are arrays, a matrix of it


def data(samples: int) -> Data:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(samples, 10)), rng.normal(size=10)
    y = x @ w + 0.1 * rng.normal(size=samples)
    for array in (x, y, w):
        array.flags.writeable = False
    return Data(x, y, w + 0.1, 0.1)


# -- tapem_dsl -------------------------------------------------------------------------


class Sample(NamedTuple):
    x: Floats
    y: float


@do
def mean_loss(
    start: Data, samples: list[Sample]
) -> Do[tuple[NodeId, tuple[NodeId, NodeId]]]:
    w = yield from param(start.w)
    b = yield from param(start.b)

    @do
    def loss_of(sample: Sample) -> Do[NodeId]:
        x = yield from const(sample.x)
        y = yield from const(sample.y)
        product = yield from dot(w, x)
        prediction = yield from add(product, b)
        residual = yield from sub(prediction, y)
        return (yield from mul(residual, residual))

    loss = yield from mean_scalar_over("regression", samples, loss_of)
    return loss, (w, b)


def tapem_dsl(samples: int) -> Contender:
    start = data(samples)
    rows = [Sample(x, float(y)) for x, y in zip(start.x, start.y, strict=True)]
    return of_tapem_dsl(lambda: mean_loss(start, rows))


def tapem_dsl_jit(samples: int, engine: Engine = "numpy") -> Contender:
    def program(start: Data) -> Any:  # one array of rows in
        rows = zip(start.x, start.y, strict=True)
        return mean_loss(start, [Sample(x, y) for x, y in rows])

    return of_jit(program, data(samples), engine=engine)


def tapem_dsl_jit_of_list(samples: int) -> Contender:
    start = data(samples)
    rows = [Sample(x, float(y)) for x, y in zip(start.x, start.y, strict=True)]
    empty = start._replace(x=start.x[:0], y=start.y[:0])
    return of_jit(mean_loss, empty, rows)


@do
def batched_loss(start: Data) -> Do[tuple[NodeId, tuple[NodeId, NodeId]]]:
    w = yield from param(start.w[:, None])
    b = yield from param(start.b)
    x = yield from const(start.x)
    y = yield from const(start.y[:, None])
    ones = yield from const(np.ones((len(start.x), 1)))
    products = yield from matmul(x, w)
    offsets = yield from matmul(ones, b)
    predictions = yield from add(products, offsets)
    return (yield from mse_loss(predictions, y)), (w, b)


def as_matrices(samples: int) -> Data:
    start = data(samples)
    return start._replace(b=np.array([[start.b]]))


def tapem_dsl_batched(samples: int) -> Contender:
    start = as_matrices(samples)
    return of_tapem_dsl(lambda: batched_loss(start))


def tapem_dsl_jit_batched(samples: int, engine: Engine = "numpy") -> Contender:
    return of_jit(batched_loss, as_matrices(samples), engine=engine)


# -- hand-written ----------------------------------------------------------------------


def hand_written(samples: int) -> Contender:
    """Compute sample by sample, without a tape."""
    x, y, w, b = data(samples)
    rows, targets = list(x), y.tolist()

    def run() -> Any:  # Any, throughout: see the harness
        total, gw, gb = 0.0, np.zeros_like(w), 0.0
        for row, target in zip(rows, targets, strict=True):
            residual = w.dot(row) + b - target
            total += residual * residual
            gw += residual * row
            gb += residual
        n = len(rows)
        return total / n, gw * (2 / n), gb * (2 / n)

    return Contender(run)


def hand_written_batched(samples: int) -> Contender:
    x, y, w, b = data(samples)

    def run() -> Any:
        residual = x @ w + b - y
        g = residual * (2 / len(y))
        return residual @ residual / len(y), g @ x, g.sum()

    return Contender(run)


# -- the peers -------------------------------------------------------------------------


def eager(dot: Callable[[Any, Any], Any], x: Any, y: Any) -> Loss:
    def loss(weights: Any, row: Any, target: Any) -> Any:
        w, b = weights
        residual = dot(w, row) + b - target
        return residual * residual

    return mean_over(loss, list(x), list(y))


def torch_loop(samples: int) -> Contender:
    import torch

    x, y, w, b = data(samples)
    loss = eager(torch.Tensor.dot, torch.tensor(x), torch.tensor(y))
    return of_torch(loss, (w, np.float64(b)))


def torch_batched(samples: int) -> Contender:
    import torch

    x, y, w, b = data(samples)
    rows, targets = torch.tensor(x), torch.tensor(y)

    def loss(weights: Any) -> Any:
        w, b = weights
        return ((rows @ w + b - targets) ** 2).mean()

    return of_torch(loss, (w, np.float64(b)))


def jax_vmap(samples: int) -> Contender:
    import jax

    x, y, *start = data(samples)

    def loss(weights: Any) -> Any:
        w, b = weights
        return jax.vmap(lambda row, target: (w @ row + b - target) ** 2)(x, y).mean()

    return of_jax(loss, start, jit=True)


def jax_loop(samples: int) -> Contender:
    import jax

    x, y, *start = data(samples)
    return of_jax(eager(jax.numpy.dot, x, y), start, jit=False)


def autograd_loop(samples: int) -> Contender:
    import autograd.numpy as anp

    x, y, *start = data(samples)
    return of_autograd(eager(anp.dot, x, y), start)


def micrograd_loop(samples: int) -> Contender:
    from micrograd.engine import Value

    x, y, w, b = data(samples)
    rows, targets = x.tolist(), y.tolist()

    def run() -> Any:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 9 * samples + 1000))
        weights, bias = [Value(z) for z in w.tolist()], Value(b)
        total = Value(0.0)
        for row, target in zip(rows, targets, strict=True):
            residual = bias - target
            for weight, entry in zip(weights, row, strict=True):
                residual = residual + weight * entry
            total = total + residual * residual
        mean = total * (1 / samples)
        mean.backward()
        return mean.data, [weight.grad for weight in weights], bias.grad

    return Contender(run, list)


LOOPS: Final = {
    HAND_WRITTEN: hand_written,
    HAND_BATCHED: hand_written_batched,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda samples: tapem_dsl_jit(samples, "xla"),
    LISTED: tapem_dsl_jit_of_list,
    "PyTorch": torch_loop,
    "PyTorch batched": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
    "JAX": jax_loop,
    "autograd": autograd_loop,
    "micrograd": micrograd_loop,
}
BATCHED: Final = {
    HAND_WRITTEN: hand_written_batched,
    OURS: tapem_dsl_batched,
    JITTED: tapem_dsl_jit_batched,
    XLA: lambda samples: tapem_dsl_jit_batched(samples, "xla"),
    "PyTorch": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
}


def workload(samples: int) -> Workload:
    title = f"{samples:,} samples of 10 features, in a loop over samples"
    return Workload(title, sized(LOOPS, samples))


def batched_workload(samples: int) -> Workload:
    title = f"the same {samples:,} samples, as arrays"
    return Workload(title, sized(BATCHED, samples), calibration="arrays")
