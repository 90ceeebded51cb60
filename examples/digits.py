"""Learn to read handwritten digits: a 64-32-10 network on scikit-learn's images."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
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
    jit,
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
    """Weights: arrays outside a program, ids of nodes inside."""

    w1: T
    b1: T
    w2: T
    b2: T


class Run(NamedTuple):
    """The state of training between two steps."""

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


State = tuple[Network[Floats], optim.Stepped]


def update(
    optimiser: optim.Transform[optim.Stepped], state: State, batch: Sequence[Sample]
) -> Result[tuple[np.float64, State], TapeError]:
    """Return the loss of a batch, and the network and the optimiser after a step."""
    net, before = state
    return GRADIENT(net, batch).map(
        lambda found: (found[0], optimiser.move(found[1], before, net))
    )


Update = Callable[
    [State, Sequence[Sample]], Result[tuple[np.float64, State], TapeError]
]


def step(update: Update, run: Run) -> Result[tuple[Run, train.StepReport], TapeError]:
    return Result.do(
        (Run(*state, batches), train.StepReport(float(loss)))
        for batches, batch in run.batches.next("digits")
        for loss, state in update((run.net, run.optimiser), batch)
    )


@do
def predict(arrays: Network[Floats], image: Floats) -> Do[int]:
    net = yield from tree.const(arrays, Network[NodeId])
    logits = yield from logits_of(net, image)
    return int(np.argmax((yield from value_of(logits))))


def held_out_report(
    net: Network[Floats], sample: Sample
) -> Result[train.StepReport, TapeError]:
    """Report a loss of 1 for a wrong prediction, and 0 for a right one."""
    digit = predict(net, sample.image).eval()
    return digit.map(lambda digit: train.StepReport(float(digit != sample.digit)))


def load(seed: int) -> tuple[Dataset[Sample], Dataset[Sample]]:
    """Return the held-out fifth of the images, and the rest."""
    digits = load_digits()
    rows = zip(digits.data / 16, digits.target, strict=True)
    _, samples = Dataset.of_list(Sample(*row) for row in rows).shuffle(seed)
    return samples.split_at(samples.size() // 5)


def initial_network(seed: int) -> Network[Floats]:
    rng = np.random.default_rng(seed)
    w1 = rng.normal(0, np.sqrt(2 / 64), (32, 64))
    w2 = rng.normal(0, np.sqrt(2 / 32), (10, 32))
    return Network(w1, np.zeros(32), w2, np.zeros(10))


class Fitted(NamedTuple):
    net: Network[Floats]
    curves: Floats
    """The loss of training and the held-out accuracy, epoch by epoch."""

    seconds: float
    """How long the steps took."""


def fit(
    options: argparse.Namespace,
    console: Console,
    compiled: Callable[[Update], Update],
    checkpoint: Path | None = None,
) -> Fitted:
    """Train, and save each epoch if a checkpoint is given."""
    held_out, rest = load(options.seed)
    loader = train.DataLoader(rest, options.batch_size, shuffle=True, seed=options.seed)
    steps_per_epoch = -(-rest.size() // max(options.batch_size, 1))
    steps = steps_per_epoch * options.epochs
    optimiser = optim.adamw(optim.WarmupCosine(RATE, steps // 10, steps))
    net, position = initial_network(options.seed), train.Stream(loader).position
    state, curves = optimiser.init(net), np.full((options.epochs, 2), np.nan)
    if options.resume and checkpoint:
        start = (net, state, position, curves)
        saved = train.load_checkpoint("resume", checkpoint, start)
        net, state, position, curves = saved.unwrap()
    run = Run(net, state, train.Stream.at("resume", loader, position).unwrap())
    curves = curves.copy()
    one_step, seconds = compiled(partial(update, optimiser)), 0.0
    for epoch in track(range(position.epoch, options.stop_after), console=console):
        trainer = train.Trainer(run, partial(step, one_step))
        start_of_epoch = time.perf_counter()
        run, reports = trainer.run(steps_per_epoch).unwrap()
        seconds += time.perf_counter() - start_of_epoch
        held_out_loss = train.eval_dataset(
            "held out", held_out, partial(held_out_report, run.net)
        )
        loss = fmean(report.loss for report in reports)
        curves[epoch] = loss, 1 - held_out_loss.unwrap().loss
        state_to_save = (run.net, run.optimiser, run.batches.position, curves)
        if checkpoint:
            train.save_checkpoint(checkpoint, state_to_save)
        scores = f"loss {loss:.4f}  held-out accuracy {curves[epoch, 1]:.1%}"
        console.print(f"epoch {epoch + 1:2}  {scores}")
    return Fitted(run.net, curves[: options.stop_after], seconds)


def plot(net: Network[Floats], curves: Floats, seed: int) -> Figure:
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
    predictions = [
        (sample, predict(net, sample.image).eval().unwrap()) for sample in held_out
    ]
    predictions.sort(key=lambda pair: pair[0].digit == pair[1])
    for axes, (sample, digit) in zip(
        right.subplots(5, 8).flat, predictions, strict=False
    ):
        axes.imshow(sample.image.reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[], title=digit)
        if digit != sample.digit:
            axes.set_title(f"{digit}, not {sample.digit}", color="tab:red")
            axes.spines[:].set(color="tab:red", linewidth=2)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--stop-after", type=int, help="stop after this many epochs")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint"
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("build/digits.safetensors")
    )
    parser.add_argument("--out", type=Path, default=Path("build/digits.png"))
    parser.add_argument(
        "--compare", action="store_true", help="train once more, without jit"
    )
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    options.stop_after = min(options.stop_after or options.epochs, options.epochs)
    for path in (options.out, options.checkpoint):
        path.parent.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    try:
        fitted = fit(options, Console(), jit, options.checkpoint)
    except UnwrapFailedError as failed:
        sys.exit(str(failed.halted_container.failure()))
    plot(fitted.net, fitted.curves, options.seed).savefig(options.out, dpi=150)
    accuracy, seconds = fitted.curves[-1, 1], time.perf_counter() - start
    if options.compare:
        eager = fit(options, Console(quiet=True), lambda update: update)
        print(
            f"steps took {fitted.seconds:.2f} s under jit, {eager.seconds:.2f} s "
            f"without, {eager.seconds / fitted.seconds:.1f} times as long, "
            f"for {eager.curves[-1, 1]:.1%}"
        )
    print(f"{accuracy:.1%} read correctly after {seconds:.1f} s; see {options.out}")


if __name__ == "__main__":
    main()
