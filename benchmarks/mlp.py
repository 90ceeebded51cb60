"""A 784-128-10 network with relu and cross-entropy: 128 samples in float32."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import (
    Engine,
    mean_over,
    of_autograd,
    of_jax,
    of_jax_vmap,
    of_jit,
    of_tapem_dsl,
    of_torch_batched,
    of_torch_by_sample,
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
    flat,
)
from tapem_dsl import (
    Do,
    NodeId,
    add,
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


# Any, throughout: see the harness.
class Sample(NamedTuple):
    image: Floats
    label: np.int64


class Data(NamedTuple):
    """Samples, their labels, and the weights at which to differentiate."""

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

    loss = yield from mean_scalar_over("mlp", samples, loss_of)
    return loss, ids


def samples_of(start: Data) -> list[Sample]:
    rows = zip(start.images, start.labels, strict=True)
    return [Sample(image, label) for image, label in rows]


def tapem_dsl() -> Contender:
    start = data()
    samples = samples_of(start)
    return of_tapem_dsl(lambda: mean_loss(start.weights, samples))


def tapem_dsl_jit(engine: Engine = "numpy") -> Contender:
    def program(start: Data) -> Any:  # one array of images in, and one of labels
        return mean_loss(start.weights, samples_of(start))

    return of_jit(program, data(), engine=engine)


def tapem_dsl_jit_of_list() -> Contender:
    start = data()
    return of_jit(mean_loss, start.weights, samples_of(start))


def as_matrices() -> Data:
    """Return the weights as they multiply rows from the right."""
    start = data()
    w1, b1, w2, b2 = start.weights
    columns = (w1.T.copy(), b1[None], w2.T.copy(), b2[None])
    return start._replace(weights=columns)


@do
def batched_loss(start: Data) -> Do[tuple[NodeId, tuple[NodeId, ...]], np.float32]:
    w1_, b1_, w2_, b2_ = ids = yield from map_m(param, start.weights)
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


def tapem_dsl_batched() -> Contender:
    start = as_matrices()
    return of_tapem_dsl(
        lambda: batched_loss(start), lambda result: [x.T for x in flat(result)]
    )


def tapem_dsl_jit_batched() -> Contender:
    return of_jit(
        batched_loss, as_matrices(), read=lambda result: [x.T for x in flat(result)]
    )


# -- hand-written ----------------------------------------------------------------------


def hand_written() -> Contender:
    """Compute sample by sample without a tape, adding to each gradient in place."""
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

    return Contender(run)


def hand_written_batched() -> Contender:
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

    return Contender(run)


# -- the peers -------------------------------------------------------------------------


def torch_loss(weights: Any, x: Any, label: Any) -> Any:
    import torch
    from torch.nn import functional

    w1, b1, w2, b2 = weights
    active = torch.relu(functional.linear(x, w1, b1))
    return functional.cross_entropy(functional.linear(active, w2, b2), label)


def jax_loss(weights: Any, x: Any, label: Any) -> Any:
    import jax

    w1, b1, w2, b2 = weights
    logits = w2 @ jax.nn.relu(w1 @ x + b1) + b2
    return -jax.nn.log_softmax(logits)[label]


def jax_loop() -> Contender:
    images, labels, weights = data()
    loss = mean_over(jax_loss, list(images), labels.tolist())
    return of_jax(loss, weights, jit=False)


def autograd_loop() -> Contender:
    import autograd.numpy as anp

    images, labels, weights = data()

    def loss(weights: Any, x: Any, label: Any) -> Any:
        w1, b1, w2, b2 = weights
        active = anp.maximum(anp.dot(w1, x) + b1, 0)
        logits = anp.dot(w2, active) + b2
        shifted = logits - anp.max(logits)
        return anp.log(anp.sum(anp.exp(shifted))) - shifted[label]

    return of_autograd(mean_over(loss, list(images), labels.tolist()), weights)


def torch_by_sample() -> Contender:
    return of_torch_by_sample(torch_loss, *data())


def torch_batched() -> Contender:
    return of_torch_batched(torch_loss, *data())


def jax_vmap() -> Contender:
    return of_jax_vmap(jax_loss, *data())


LOOPS: Final = {
    HAND_WRITTEN: hand_written,
    HAND_BATCHED: hand_written_batched,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda: tapem_dsl_jit("xla"),
    LISTED: tapem_dsl_jit_of_list,
    "PyTorch": torch_by_sample,
    "PyTorch batched": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
    "JAX": jax_loop,
    "autograd": autograd_loop,
}
BATCHED: Final = {
    HAND_WRITTEN: hand_written_batched,
    OURS: tapem_dsl_batched,
    JITTED: tapem_dsl_jit_batched,
    "PyTorch": torch_batched,
    "JAX (jit, vmap)": jax_vmap,
}
WORKLOAD: Final = Workload(
    "a 784-128-10 network, 128 samples, float32, in a loop over samples", LOOPS, 1e-4
)
BATCHED_WORKLOAD: Final = Workload(
    "the same network and samples, as arrays", BATCHED, 1e-4, "arrays"
)
