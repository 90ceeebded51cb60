"""A small convolutional network: 64 images of 1x16x16 in float32."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.contenders import (
    Engine,
    of_jit,
    of_tapem_dsl,
    of_torch_batched,
    of_torch_by_sample,
)
from benchmarks.harness import HAND_WRITTEN, JITTED, OURS, XLA, Contender, Workload
from tapem_dsl import (
    Do,
    NodeId,
    TapeM,
    const,
    conv,
    cross_entropy,
    do,
    flatten,
    linear,
    map_m,
    max_pool,
    mean_scalar_over,
    param,
    relu,
)

Floats = NDArray[np.float32]
SAMPLES: Final = 64
SIDE: Final = 16
CHANNELS: Final = 8
POOLED: Final = (SIDE - 2) // 2
"""Extent of each axis after a kernel of 3 and a pool of 2."""


# Any, throughout: see the harness.
class Sample(NamedTuple):
    image: Floats
    label: np.int64


class Data(NamedTuple):
    """Images, their labels, and the weights at which to differentiate."""

    images: Floats
    labels: NDArray[np.int64]
    weights: tuple[Floats, Floats, Floats, Floats]


def data() -> Data:
    rng = np.random.default_rng(0)

    def normal(*shape: int, scale: float = 1) -> Floats:
        return np.float32(scale) * rng.standard_normal(shape, dtype=np.float32)

    images, labels = normal(SAMPLES, 1, SIDE, SIDE), rng.integers(0, 10, SAMPLES)
    kernel, offset = normal(CHANNELS, 1, 3, 3, scale=1 / 3), normal(CHANNELS, scale=0.1)
    w, b = normal(10, CHANNELS * POOLED * POOLED, scale=0.05), normal(10)
    weights = (kernel, offset, w, b)
    for array in (images, labels, *weights):
        array.flags.writeable = False
    return Data(images, labels, weights)


# -- tapem_dsl -------------------------------------------------------------------------


@do
def mean_loss(
    weights: tuple[Floats, ...], samples: list[Sample]
) -> Do[tuple[NodeId, tuple[NodeId, ...]], np.float32]:
    kernel, offset, w, b = ids = yield from map_m(param, weights)

    @do
    def loss_of(sample: Sample) -> Do[NodeId, np.float32]:
        image = yield from const(sample.image)
        label = yield from const(sample.label)
        features = yield from conv(kernel, offset, image)
        active = yield from relu(features)
        pooled = yield from max_pool(active, 2)
        row = yield from flatten(pooled)
        logits = yield from linear(w, b, row)
        return (yield from cross_entropy(logits, label))

    loss = yield from mean_scalar_over("conv net", samples, loss_of)
    return loss, ids


def program(start: Data) -> TapeM[tuple[NodeId, tuple[NodeId, ...]], Any]:
    """Take one array of images, and one of labels."""
    rows = zip(start.images, start.labels, strict=True)
    return mean_loss(start.weights, [Sample(x, label) for x, label in rows])


def tapem_dsl() -> Contender:
    start = data()
    return of_tapem_dsl(lambda: program(start))


def tapem_dsl_jit(engine: Engine = "numpy") -> Contender:
    return of_jit(program, data(), engine=engine)


# -- hand-written ----------------------------------------------------------------------


def hand_written() -> Contender:
    """Compute all samples at once, with the channels last."""
    images, labels, (kernel, offset, w, b) = data()
    k, rows = kernel.reshape(CHANNELS, 9), np.arange(SAMPLES)

    def run() -> Any:
        slid = sliding_window_view(images, (3, 3), axis=(2, 3))
        windows = slid.reshape(-1, 9)
        active = np.maximum(windows @ k.T + offset, 0)
        cells = active.reshape(SAMPLES, POOLED, 2, POOLED, 2, CHANNELS)
        largest = cells.max(axis=(2, 4), keepdims=True)
        pooled = largest.reshape(SAMPLES, POOLED * POOLED, CHANNELS)
        features = pooled.transpose(0, 2, 1).reshape(SAMPLES, -1)
        logits = features @ w.T + b
        shifted = logits - logits.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        sums = e.sum(axis=1, keepdims=True)
        loss = (np.log(sums[:, 0]) - shifted[rows, labels]).mean()
        g = e / sums
        g[rows, labels] -= 1
        g /= SAMPLES
        back = (g @ w).reshape(SAMPLES, CHANNELS, -1).transpose(0, 2, 1)
        # no two positive entries of a window are equal
        chosen = (cells == largest) & (cells > 0)
        spread = np.where(chosen, back.reshape(largest.shape), 0).reshape(-1, CHANNELS)
        dk = (spread.T @ windows).reshape(kernel.shape)
        return loss, dk, spread.sum(axis=0), g.T @ features, g.sum(axis=0)

    return Contender(run)


# -- PyTorch ---------------------------------------------------------------------------


def torch_loss(weights: Any, x: Any, label: Any) -> Any:
    """Take one image, or all of them."""
    import torch
    from torch.nn import functional

    kernel, offset, w, b = weights
    active = torch.relu(functional.conv2d(x, kernel, offset))
    pooled = functional.max_pool2d(active, 2)
    logits = functional.linear(pooled.flatten(-3), w, b)
    return functional.cross_entropy(logits, label)


MAKERS: Final = {
    HAND_WRITTEN: hand_written,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda: tapem_dsl_jit("xla"),
    "PyTorch": lambda: of_torch_by_sample(torch_loss, *data()),
    "PyTorch batched": lambda: of_torch_batched(torch_loss, *data()),
}
WORKLOAD: Final = Workload(
    f"a 3x3 convolution to {CHANNELS} channels, relu, a 2x2 max pool, a linear layer: "
    f"{SAMPLES} images of 1x{SIDE}x{SIDE}, float32; hand-written for all at once",
    MAKERS,
    1e-4,
)
