"""Learn to read handwritten digits: a 64-32-10 network on scikit-learn's images."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from returns.primitives.exceptions import UnwrapFailedError
from returns.result import Result
from rich.console import Console
from rich.progress import track
from sklearn.datasets import load_digits

from tapem_dsl import (
    Do,
    NodeId,
    TapeError,
    const,
    cross_entropy,
    do,
    linear,
    mean_scalar_over,
    optim,
    relu,
    train,
    tree,
    value_and_grad,
    value_of,
)
from tapem_dsl.train import Dataset

Floats = NDArray[np.float64]
T = TypeVar("T")

RATE: Final = 3e-3


class Sample(NamedTuple):
    image: Floats
    digit: np.int64


class Network(NamedTuple, Generic[T]):
    """Holds arrays between programs, and the ids of their nodes within one."""

    w1: T
    b1: T
    w2: T
    b2: T


class Run(NamedTuple):
    """All that training is between two steps."""

    net: Network[Floats]
    optimiser: optim.Stepped
    batches: train.Stream[list[Sample]]


@do
def logits_of(net: Network[NodeId], image: Floats) -> Do[NodeId]:
    x = yield from const(image)
    hidden = yield from linear(net.w1, net.b1, x)
    active = yield from relu(hidden)
    return (yield from linear(net.w2, net.b2, active))


@do
def loss_of(net: Network[NodeId], batch: Sequence[Sample]) -> Do[NodeId]:
    @do
    def loss_of_one(sample: Sample) -> Do[NodeId]:
        logits = yield from logits_of(net, sample.image)
        label = yield from const(sample.digit)
        return (yield from cross_entropy(logits, label))

    return (yield from mean_scalar_over("digits", batch, loss_of_one))


GRADIENT: Final = value_and_grad(loss_of)


def step(
    optimiser: optim.Transform[optim.Stepped], run: Run
) -> Result[tuple[Run, train.StepReport], TapeError]:
    return Result.do(
        (
            Run(*optimiser.move(slopes, run.optimiser, run.net), batches),
            train.StepReport(float(loss)),
        )
        for batches, batch in run.batches.next("digits")
        for loss, slopes in GRADIENT(run.net, batch)
    )


@do
def read(arrays: Network[Floats], image: Floats) -> Do[int]:
    net = yield from tree.const(arrays, Network[NodeId])
    logits = yield from logits_of(net, image)
    return int(np.argmax((yield from value_of(logits))))


def held_out_report(
    net: Network[Floats], sample: Sample
) -> Result[train.StepReport, TapeError]:
    """Count an image that is read wrongly as a loss of 1."""
    digit = read(net, sample.image).eval()
    return digit.map(lambda digit: train.StepReport(float(digit != sample.digit)))


def load(seed: int) -> tuple[Dataset[Sample], Dataset[Sample]]:
    """Give a fifth of the images to hold out, and the rest."""
    digits = load_digits()
    rows = zip(digits.data / 16, digits.target, strict=True)
    _, samples = Dataset.of_list(Sample(*row) for row in rows).shuffle(seed)
    return samples.split_at(samples.size() // 5)


def initial_network(seed: int) -> Network[Floats]:
    rng = np.random.default_rng(seed)
    w1 = rng.normal(0, np.sqrt(2 / 64), (32, 64))
    w2 = rng.normal(0, np.sqrt(2 / 32), (10, 32))
    return Network(w1, np.zeros(32), w2, np.zeros(10))


def training(given: argparse.Namespace, console: Console) -> tuple[Run, Floats]:
    """Train, saving after each epoch; give the end, and loss and accuracy by epoch."""
    held_out, rest = load(given.seed)
    loader = train.DataLoader(rest, given.batch_size, shuffle=True, seed=given.seed)
    an_epoch = -(-rest.size() // max(given.batch_size, 1))
    steps = an_epoch * given.epochs
    optimiser = optim.adamw(optim.WarmupCosine(RATE, steps // 10, steps))
    net, place = initial_network(given.seed), train.Stream(loader).position
    state, curves = optimiser.init(net), np.full((given.epochs, 2), np.nan)
    if given.resume:
        first = (net, state, place, curves)
        saved = train.load_checkpoint("resume", given.checkpoint, first)
        net, state, place, curves = saved.unwrap()
    run = Run(net, state, train.Stream.at("resume", loader, place).unwrap())
    curves = curves.copy()
    for epoch in track(range(place.epoch, given.stop_after), console=console):
        trainer = train.Trainer(run, partial(step, optimiser))
        run, reports = trainer.run(an_epoch).unwrap()
        held = train.eval_dataset(
            "held out", held_out, partial(held_out_report, run.net)
        )
        loss = fmean(report.loss for report in reports)
        curves[epoch] = loss, 1 - held.unwrap().loss
        now = (run.net, run.optimiser, run.batches.position, curves)
        train.save_checkpoint(given.checkpoint, now)
        scores = f"loss {loss:.4f}  held-out accuracy {curves[epoch, 1]:.1%}"
        console.print(f"epoch {epoch + 1:2}  {scores}")
    return run, curves[: given.stop_after]


def picture(net: Network[Floats], curves: Floats, seed: int) -> Figure:
    figure = Figure(figsize=(13, 6), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(2, 3))[0]
    names = ("training loss", "held-out accuracy")
    for axes, name, curve in zip(left.subplots(2), names, curves.T, strict=True):
        axes.plot(range(1, len(curve) + 1), curve, marker=".")
        axes.set(title=f"{name}: {curve[-1]:.3f} at the end", xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    right.suptitle("what the network reads in held-out images, errors first")
    held_out, _ = load(seed)
    seen = [(one, read(net, one.image).eval().unwrap()) for one in held_out]
    seen.sort(key=lambda pair: pair[0].digit == pair[1])
    for axes, (sample, digit) in zip(right.subplots(5, 8).flat, seen, strict=False):
        axes.imshow(sample.image.reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[], title=digit)
        if digit != sample.digit:
            axes.set_title(f"{digit}, not {sample.digit}", color="tab:red")
            axes.spines[:].set(color="tab:red", linewidth=2)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--stop-after", type=int, help="so many epochs; else all")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint"
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("build/digits.safetensors")
    )
    parser.add_argument("--out", type=Path, default=Path("build/digits.png"))
    given = parser.parse_args()
    if given.epochs < 1:
        parser.error("--epochs must be at least 1")
    given.stop_after = min(given.stop_after or given.epochs, given.epochs)
    for path in (given.out, given.checkpoint):
        path.parent.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    try:
        run, curves = training(given, Console())
    except UnwrapFailedError as failed:
        sys.exit(str(failed.halted_container.failure()))
    picture(run.net, curves, given.seed).savefig(given.out, dpi=150)
    accuracy, seconds = curves[-1, 1], time.perf_counter() - start
    print(f"{accuracy:.1%} read correctly after {seconds:.1f} s; see {given.out}")


if __name__ == "__main__":
    main()
