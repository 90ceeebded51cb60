"""W3: a 784-128-10 network, relu and cross-entropy, 128 samples, float32."""

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
    cross_entropy,
    do,
    linear,
    map_m,
    matmul,
    mean_scalar_over,
    param,
    relu,
)

Floats = NDArray[np.float32]
SAMPLES: Final = 128


class Sample(NamedTuple):
    image: Floats
    label: np.int64


class Data(NamedTuple):
    images: Floats
    labels: NDArray[np.int64]
    weights: tuple[Floats, Floats, Floats, Floats]


def data() -> Data:
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Floats:
        return rng.normal(size=shape).astype(np.float32)

    images, labels = normal(SAMPLES, 784), rng.integers(0, 10, SAMPLES)
    scale = np.float32(0.05)
    w1, b1, w2, b2 = normal(128, 784), normal(128), normal(10, 128), normal(10)
    weights = (w1 * scale, b1, w2 * scale, b2)
    for array in (images, labels, *weights):
        array.flags.writeable = False
    return Data(images, labels, weights)


# -- tapem_dsl -------------------------------------------------------------------------


@do
def mean_loss(
    weights: tuple[Floats, ...], samples: list[Sample]
) -> Do[tuple[NodeId, tuple[NodeId, ...]], np.float32]:
    w1, b1, w2, b2 = ids = yield from map_m(param, weights)

    @do
    def loss_of(sample: Sample) -> Do[NodeId, np.float32]:
        x = yield from const(sample.image)
        label = yield from const(sample.label)
        hidden = yield from linear(w1, b1, x)
        active = yield from relu(hidden)
        logits = yield from linear(w2, b2, active)
        return (yield from cross_entropy(logits, label))

    loss = yield from mean_scalar_over("w3", samples, loss_of)
    return loss, ids


def ours() -> Contender:
    images, labels, weights = data()
    samples = [Sample(x, label) for x, label in zip(images, labels, strict=True)]

    def run() -> Any:
        (loss, wanted), tape = mean_loss(weights, samples).run().unwrap()
        return tape[loss].value, backward_scalar(tape, loss, wrt=wanted).unwrap()

    return Contender(run, lambda result: [result[0], *result[1].values()])


@do
def batched_loss(start: Data) -> Do[tuple[NodeId, tuple[NodeId, ...]], np.float32]:
    w1, b1, w2, b2 = start.weights
    columns = (w1.T, b1[None], w2.T, b2[None])
    w1_, b1_, w2_, b2_ = ids = yield from map_m(param, columns)
    x = yield from const(start.images)
    labels = yield from const(start.labels)
    ones = yield from const(np.ones((SAMPLES, 1), np.float32))
    products = yield from matmul(x, w1_)
    offsets = yield from matmul(ones, b1_)
    hidden = yield from add(products, offsets)
    active = yield from relu(hidden)
    products = yield from matmul(active, w2_)
    offsets = yield from matmul(ones, b2_)
    logits = yield from add(products, offsets)
    return (yield from cross_entropy(logits, labels)), ids


def ours_batched() -> Contender:
    start = data()

    def run() -> Any:
        (loss, wanted), tape = batched_loss(start).run().unwrap()
        return tape[loss].value, backward_scalar(tape, loss, wrt=wanted).unwrap()

    def read(result: Any) -> list[Any]:
        loss, gradients = result
        return [loss, *(g.T for g in gradients.values())]

    return Contender(run, read)


# -- hand-written ----------------------------------------------------------------------


def limit() -> Contender:
    """Sample by sample, no tape, each weight's gradient added in place."""
    images, labels, (w1, b1, w2, b2) = data()

    def run() -> Any:
        total = np.float32(0)
        g1, h1, g2, h2 = (np.zeros_like(z) for z in (w1, b1, w2, b2))
        for x, label in zip(images, labels, strict=True):
            hidden = w1.dot(x) + b1
            active = np.maximum(hidden, 0)
            logits = w2.dot(active) + b2
            shifted = logits - logits.max()
            e = np.exp(shifted)
            total += np.log(e.sum()) - shifted[label]
            g = e / e.sum()
            g[label] -= 1
            h2 += g
            g2 += np.multiply.outer(g, active)
            back = np.where(hidden > 0, g.dot(w2), 0)
            h1 += back
            g1 += np.multiply.outer(back, x)
        return total / SAMPLES, *(z / SAMPLES for z in (g1, h1, g2, h2))

    return Contender(run, list)


def limit_batched() -> Contender:
    images, labels, (w1, b1, w2, b2) = data()
    rows = np.arange(SAMPLES)

    def run() -> Any:
        hidden = images @ w1.T + b1
        active = np.maximum(hidden, 0)
        logits = active @ w2.T + b2
        shifted = logits - logits.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        sums = e.sum(axis=1, keepdims=True)
        loss = (np.log(sums[:, 0]) - shifted[rows, labels]).mean()
        g = e / sums
        g[rows, labels] -= 1
        g /= SAMPLES
        back = np.where(hidden > 0, g @ w2, 0)
        return loss, back.T @ images, back.sum(axis=0), g.T @ active, g.sum(axis=0)

    return Contender(run, list)


# -- the peers -------------------------------------------------------------------------


def torch_leaves(weights: tuple[Floats, ...]) -> list[Any]:
    import torch

    return [torch.tensor(z).requires_grad_(True) for z in weights]


def torch_loop() -> Contender:
    import torch
    from torch.nn import functional

    images, labels, weights = data()
    leaves = torch_leaves(weights)
    rows, targets = list(torch.tensor(images)), list(torch.tensor(labels))

    def run() -> Any:
        w1, b1, w2, b2 = leaves
        total = None
        for x, label in zip(rows, targets, strict=True):
            active = torch.relu(functional.linear(x, w1, b1))
            loss = functional.cross_entropy(functional.linear(active, w2, b2), label)
            total = loss if total is None else total + loss
        assert total is not None
        mean = total * (1 / SAMPLES)
        return mean, *torch.autograd.grad(mean, leaves)

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def torch_batched() -> Contender:
    import torch
    from torch.nn import functional

    images, labels, weights = data()
    leaves = torch_leaves(weights)
    rows, targets = torch.tensor(images), torch.tensor(labels)

    def run() -> Any:
        w1, b1, w2, b2 = leaves
        active = torch.relu(functional.linear(rows, w1, b1))
        mean = functional.cross_entropy(functional.linear(active, w2, b2), targets)
        return mean, *torch.autograd.grad(mean, leaves)

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def jax_loss(weights: Any, x: Any, label: Any) -> Any:
    import jax

    w1, b1, w2, b2 = weights
    logits = w2 @ jax.nn.relu(w1 @ x + b1) + b2
    return -jax.nn.log_softmax(logits)[label]


def jax_vmap() -> Contender:
    import jax

    images, labels, weights = data()

    def mean(weights: Any) -> Any:
        return jax.vmap(lambda x, label: jax_loss(weights, x, label))(
            images, labels
        ).mean()

    compiled = jax.jit(jax.value_and_grad(mean))
    return Contender(
        lambda: finished(compiled(weights)),
        lambda result: [result[0], *result[1]],
    )


def jax_loop() -> Contender:
    import jax

    images, labels, weights = data()
    rows, targets = list(images), labels.tolist()

    def mean(weights: Any) -> Any:
        total = jax_loss(weights, rows[0], targets[0])
        for x, label in zip(rows[1:], targets[1:], strict=True):
            total = total + jax_loss(weights, x, label)
        return total * (1 / SAMPLES)

    gradient = jax.value_and_grad(mean)
    return Contender(
        lambda: finished(gradient(weights)),
        lambda result: [result[0], *result[1]],
    )


def autograd_loop() -> Contender:
    import autograd
    import autograd.numpy as anp

    images, labels, weights = data()
    rows, targets = list(images), labels.tolist()

    def mean(weights: Any) -> Any:
        w1, b1, w2, b2 = weights
        total = np.float32(0)
        for x, label in zip(rows, targets, strict=True):
            active = anp.maximum(anp.dot(w1, x) + b1, 0)
            logits = anp.dot(w2, active) + b2
            shifted = logits - anp.max(logits)
            total = total + anp.log(anp.sum(anp.exp(shifted))) - shifted[label]
        return total * (1 / SAMPLES)

    gradient = autograd.value_and_grad(mean)
    return Contender(lambda: gradient(weights), lambda result: [result[0], *result[1]])


LOOPS: Final = {
    LIMIT: limit,
    US: ours,
    "PyTorch": torch_loop,
    "JAX (jit, vmap)": jax_vmap,
    "JAX": jax_loop,
    "autograd": autograd_loop,
}
BATCHED: Final = {
    LIMIT: limit_batched,
    US: ours_batched,
    "PyTorch": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
}
WORKLOAD: Final = Workload(
    "784-128-10 network, 128 samples, float32, a loop over samples", LOOPS, 1e-4
)
WORKLOAD_BATCHED: Final = Workload(
    "the same network and samples, written over arrays", BATCHED, 1e-4, "arrays"
)
