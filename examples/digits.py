"""Learn to read handwritten digits: a 64-32-10 network on scikit-learn's images."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from returns.primitives.exceptions import UnwrapFailedError
from rich.console import Console
from rich.progress import track
from sklearn.datasets import load_digits

from tapem_dsl import (
    Dataset,
    Do,
    NodeId,
    backward_scalar,
    const,
    do,
    linear,
    log_softmax_last,
    map_m,
    mean_scalar_over,
    mul,
    param,
    relu,
    scale,
    sgd_update_tensor,
    sum_,
    value_of,
)

Floats: TypeAlias = NDArray[np.float64]
T = TypeVar("T")

ONE_HOT: Final = np.eye(10)


class Sample(NamedTuple):
    image: Floats
    digit: int


class Network(NamedTuple, Generic[T]):
    """Holds arrays between programs, and the ids of their nodes within one."""

    w1: T
    b1: T
    w2: T
    b2: T


class Epoch(NamedTuple):
    loss: float
    held_out: list[tuple[Sample, int]]  # with the digit that the network reads

    @property
    def accuracy(self) -> float:
        return fmean(sample.digit == digit for sample, digit in self.held_out)


@do
def logits_of(net: Network[NodeId], image: Floats) -> Do[NodeId]:
    x = yield from const(image)
    hidden = yield from linear(net.w1, net.b1, x)
    active = yield from relu(hidden)
    return (yield from linear(net.w2, net.b2, active))


@do
def training_step(
    arrays: Network[Floats], batch: Sequence[Sample], rate: float
) -> Do[tuple[Network[Floats], float]]:
    net = Network(*(yield from map_m(param, arrays)))

    @do
    def loss_of(sample: Sample) -> Do[NodeId]:
        logits = yield from logits_of(net, sample.image)
        log_p = yield from log_softmax_last(logits)
        target = yield from const(ONE_HOT[sample.digit])
        chosen = yield from mul(target, log_p)
        log_likelihood = yield from sum_(chosen)
        return (yield from scale(log_likelihood, -1))

    loss = yield from mean_scalar_over("digits", batch, loss_of)
    gradients = yield from backward_scalar(loss, wrt=net)
    pairs = zip(arrays, net, strict=True)
    stepped = Network(*(sgd_update_tensor(w, gradients[id], rate) for w, id in pairs))
    return stepped, float((yield from value_of(loss)))


@do
def read(arrays: Network[Floats], image: Floats) -> Do[int]:
    net = Network(*(yield from map_m(const, arrays)))
    logits = yield from logits_of(net, image)
    return int(np.argmax((yield from value_of(logits))))


def load() -> Dataset[Sample]:
    digits = load_digits()
    rows = zip(digits.data / 16, digits.target.tolist(), strict=True)
    return Dataset.of_list(Sample(image, digit) for image, digit in rows)


def initial_network(seed: int) -> Network[Floats]:
    rng = np.random.default_rng(seed)
    w1 = rng.normal(0, np.sqrt(2 / 64), (32, 64))
    w2 = rng.normal(0, np.sqrt(2 / 32), (10, 32))
    return Network(w1, np.zeros(32), w2, np.zeros(10))


def training(seed: int, batch_size: int, rate: float) -> Iterator[Epoch]:
    """Train on four fifths of the images, for ever; a failure ends it by raising."""
    net = initial_network(seed)
    seed, samples = load().shuffle(seed)
    held_out, rest = samples.split_at(samples.size() // 5)
    while True:
        seed, rest = rest.shuffle(seed)
        losses = []
        for batch in rest.batches("digits", batch_size).unwrap():
            net, loss = training_step(net, batch, rate).eval().unwrap()
            losses.append(loss)
        digits = [read(net, sample.image).eval().unwrap() for sample in held_out]
        yield Epoch(fmean(losses), list(zip(held_out, digits, strict=True)))


def picture(epochs: Sequence[Epoch]) -> Figure:
    figure = Figure(figsize=(13, 6), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(2, 3))[0]
    curves = {
        "training loss": [epoch.loss for epoch in epochs],
        "held-out accuracy": [epoch.accuracy for epoch in epochs],
    }
    for axes, (name, curve) in zip(left.subplots(2), curves.items(), strict=True):
        axes.plot(range(1, len(curve) + 1), curve, marker=".")
        axes.set(title=f"{name}: {curve[-1]:.3f} at the end", xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    right.suptitle("what the network reads in held-out images, errors first")
    seen = epochs[-1].held_out
    errors_first = sorted(seen, key=lambda pair: pair[0].digit == pair[1])
    grid = right.subplots(5, 8).flat
    for axes, (sample, digit) in zip(grid, errors_first, strict=False):
        axes.imshow(sample.image.reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[], title=digit)
        if digit != sample.digit:
            axes.set_title(f"{digit}, not {sample.digit}", color="tab:red")
            axes.spines[:].set(color="tab:red", linewidth=2)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/digits.png"))
    given = parser.parse_args()
    if given.epochs < 1:
        parser.error("--epochs must be at least 1")
    given.out.parent.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    console = Console()
    endless = training(given.seed, given.batch_size, given.learning_rate)
    epochs: list[Epoch] = []
    try:
        for number in track(range(1, given.epochs + 1), "training", console=console):
            epoch = next(endless)
            epochs.append(epoch)
            scores = f"loss {epoch.loss:.4f}  held-out accuracy {epoch.accuracy:.1%}"
            console.print(f"epoch {number:2}  {scores}")
    except UnwrapFailedError as failed:
        sys.exit(str(failed.halted_container.failure()))
    picture(epochs).savefig(given.out, dpi=150)
    accuracy, seconds = epochs[-1].accuracy, time.perf_counter() - start
    print(f"{accuracy:.1%} read correctly after {seconds:.1f} s; see {given.out}")


if __name__ == "__main__":
    main()
