"""W2: the mean of per-sample losses ``(w . x + b - y) ** 2``, ten features a sample."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import LIMIT, US, Contender, Workload, finished
from tapem_dsl import (
    Do,
    NodeId,
    add,
    backward_scalar,
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
    x: Floats
    y: Floats
    w: Floats
    b: float


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

    loss = yield from mean_scalar_over("w2", samples, loss_of)
    return loss, (w, b)


def ours(samples: int) -> Contender:
    start = data(samples)
    rows = [Sample(x, float(y)) for x, y in zip(start.x, start.y, strict=True)]

    def run() -> Any:
        (loss, wanted), tape = mean_loss(start, rows).run().unwrap()
        return tape[loss].value, backward_scalar(tape, loss, wrt=wanted).unwrap()

    return Contender(run, lambda result: [result[0], *result[1].values()])


@do
def batched_loss(start: Data) -> Do[tuple[NodeId, tuple[NodeId, NodeId]]]:
    w = yield from param(start.w[:, None])
    b = yield from param(np.array([[start.b]]))
    x = yield from const(start.x)
    y = yield from const(start.y[:, None])
    ones = yield from const(np.ones((len(start.x), 1)))
    products = yield from matmul(x, w)
    offsets = yield from matmul(ones, b)
    predictions = yield from add(products, offsets)
    return (yield from mse_loss(predictions, y)), (w, b)


def ours_batched(samples: int) -> Contender:
    start = data(samples)

    def run() -> Any:
        (loss, wanted), tape = batched_loss(start).run().unwrap()
        return tape[loss].value, backward_scalar(tape, loss, wrt=wanted).unwrap()

    return Contender(run, lambda result: [result[0], *result[1].values()])


# -- hand-written ----------------------------------------------------------------------


def limit(samples: int) -> Contender:
    """Sample by sample, no tape."""
    x, y, w, b = data(samples)
    rows, targets = list(x), y.tolist()

    def run() -> Any:
        total, gw, gb = 0.0, np.zeros_like(w), 0.0
        for row, target in zip(rows, targets, strict=True):
            residual = w.dot(row) + b - target
            total += residual * residual
            gw += residual * row
            gb += residual
        n = len(rows)
        return total / n, gw * (2 / n), gb * (2 / n)

    return Contender(run, list)


def limit_batched(samples: int) -> Contender:
    x, y, w, b = data(samples)

    def run() -> Any:
        residual = x @ w + b - y
        g = residual * (2 / len(y))
        return residual @ residual / len(y), g @ x, g.sum()

    return Contender(run, list)


# -- the peers -------------------------------------------------------------------------


def torch_loop(samples: int) -> Contender:
    import torch

    x, y, w, b = data(samples)
    rows, targets = list(torch.tensor(x)), list(torch.tensor(y))
    leaves = [torch.tensor(z).requires_grad_(True) for z in (w, np.float64(b))]

    def run() -> Any:
        weight, bias = leaves
        total = None
        for row, target in zip(rows, targets, strict=True):
            residual = weight.dot(row) + bias - target
            loss = residual * residual
            total = loss if total is None else total + loss
        assert total is not None
        mean = total * (1 / len(rows))
        return mean, *torch.autograd.grad(mean, leaves)

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def torch_batched(samples: int) -> Contender:
    import torch

    x, y, w, b = data(samples)
    rows, targets = torch.tensor(x), torch.tensor(y)
    leaves = [torch.tensor(z).requires_grad_(True) for z in (w, np.float64(b))]

    def run() -> Any:
        weight, bias = leaves
        mean = ((rows @ weight + bias - targets) ** 2).mean()
        return mean, *torch.autograd.grad(mean, leaves)

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def summed(loss: Callable[..., Any], x: Any, y: Any) -> Callable[..., Any]:
    def mean(leaves: Any) -> Any:
        w, b = leaves
        total = loss(w, b, x[0], y[0])
        for row, target in zip(x[1:], y[1:], strict=True):
            total = total + loss(w, b, row, target)
        return total * (1 / len(y))

    return mean


def jax_vmap(samples: int) -> Contender:
    import jax

    x, y, w, b = data(samples)

    def mean(leaves: Any) -> Any:
        w, b = leaves
        return jax.vmap(lambda row, target: (w @ row + b - target) ** 2)(x, y).mean()

    compiled = jax.jit(jax.value_and_grad(mean))
    return Contender(
        lambda: finished(compiled((w, b))),
        lambda result: [result[0], *result[1]],
    )


def jax_loop(samples: int) -> Contender:
    import jax

    x, y, w, b = data(samples)

    def loss(w: Any, b: Any, row: Any, target: Any) -> Any:
        residual = jax.numpy.dot(w, row) + b - target
        return residual * residual

    gradient = jax.value_and_grad(summed(loss, list(x), list(y)))
    return Contender(
        lambda: finished(gradient((w, b))),
        lambda result: [result[0], *result[1]],
    )


def autograd_loop(samples: int) -> Contender:
    import autograd
    import autograd.numpy as anp

    x, y, w, b = data(samples)

    def loss(w: Any, b: Any, row: Any, target: Any) -> Any:
        residual = anp.dot(w, row) + b - target
        return residual * residual

    gradient = autograd.value_and_grad(summed(loss, list(x), list(y)))
    return Contender(lambda: gradient((w, b)), lambda result: [result[0], *result[1]])


def micrograd_loop(samples: int) -> Contender:
    import sys

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
    LIMIT: limit,
    US: ours,
    "PyTorch": torch_loop,
    "JAX (jit, vmap)": jax_vmap,
    "JAX": jax_loop,
    "autograd": autograd_loop,
    "micrograd": micrograd_loop,
}
BATCHED: Final = {
    LIMIT: limit_batched,
    US: ours_batched,
    "PyTorch": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
}


def workload(samples: int) -> Workload:
    makers = {name: partial(maker, samples) for name, maker in LOOPS.items()}
    title = f"mean of {samples:,} per-sample losses, a loop over samples"
    return Workload(title, makers, tolerance=1e-9)


def workload_batched(samples: int) -> Workload:
    makers = {name: partial(maker, samples) for name, maker in BATCHED.items()}
    title = f"the same {samples:,} losses, written over arrays"
    return Workload(title, makers, tolerance=1e-9, calibration="arrays")
