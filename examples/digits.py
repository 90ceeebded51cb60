"""Learn to read handwritten digits: a 64-32-10 network on scikit-learn's images."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from returns.result import Failure, Result
from rich.progress import track
from sklearn.datasets import load_digits

import tapem_dsl as td
from tapem_dsl import Do, NodeId, TapeError, do, optim, train, tree

Network = dict[str, NDArray[np.float64]]
Sample = tuple[NDArray[np.float64], np.int64]
Fitted = train.Fitted[Network, optim.Stepped]


@do
def logits_of(net: dict[str, NodeId], pixels: NDArray[np.float64]) -> Do[NodeId]:
    image = yield from td.const(pixels)
    hidden = yield from td.relu((yield from td.linear(net["w1"], net["b1"], image)))
    return (yield from td.linear(net["w2"], net["b2"], hidden))


@do
def loss_of(net: dict[str, NodeId], sample: Sample) -> Do[NodeId]:
    logits = yield from logits_of(net, sample[0])
    return (yield from td.cross_entropy(logits, (yield from td.const(sample[1]))))


@do
def report(arrays: Network, sample: Sample) -> Do[train.StepReport]:
    net = yield from tree.const(arrays, dict[str, NodeId])
    logits = yield from logits_of(net, sample[0])
    label = yield from td.const(sample[1])
    loss = yield from td.value_of((yield from td.cross_entropy(logits, label)))
    right = np.argmax((yield from td.value_of(logits))) == sample[1]
    return train.StepReport(float(loss), (train.Metric("accuracy", float(right)),))


def report_of(net: Network, sample: Sample) -> Result[train.StepReport, TapeError]:
    return report(net, sample).eval()


def load(seed: int) -> tuple[train.Dataset[Sample], train.Dataset[Sample]]:
    """Return the held-out fifth of the images, and the rest."""
    digits = load_digits()
    rows = zip(digits.data / 16, digits.target, strict=True)
    _, samples = train.Dataset.of_list(rows).shuffle(seed)
    return samples.split_at(samples.size() // 5)


def initial_network(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    w1, w2 = (rng.normal(0, (2 / n) ** 0.5, (m, n)) for m, n in ((32, 64), (10, 32)))
    return {"w1": w1, "b1": np.zeros(32), "w2": w2, "b2": np.zeros(10)}


def accuracy_of(fitted: Fitted) -> float:
    held_out = fitted.history[-1].held_out
    return float(held_out.metrics[0].value) if held_out else np.nan


def show(fitted: Fitted) -> None:
    epoch, loss = len(fitted.history), fitted.history[-1].loss
    accuracy = f"held-out accuracy {accuracy_of(fitted):.1%}"
    print(f"epoch {epoch:2}  loss {loss:.4f}  {accuracy}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"epochs": 25, "batch-size": 32, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--stop-after", type=int, help="stop after this many epochs")
    parser.add_argument("--resume", action="store_true", help="from the checkpoint")
    parser.add_argument("--compare", action="store_true", help="also without jit")
    for name, file in {"checkpoint": "digits.safetensors", "out": "digits.png"}.items():
        parser.add_argument(f"--{name}", type=Path, default=Path("build", file))
    given = parser.parse_args()
    if given.epochs < 1:
        parser.error("--epochs must be at least 1")
    for path in (given.out, given.checkpoint):
        path.parent.mkdir(parents=True, exist_ok=True)

    held_out, rest = load(given.seed)
    loader = train.DataLoader(rest, given.batch_size, shuffle=True, seed=given.seed)
    steps = -(-rest.size() // max(given.batch_size, 1)) * given.epochs
    adamw = optim.adamw(optim.WarmupCosine(3e-3, steps // 10, steps))
    what = loss_of, initial_network(given.seed), loader, adamw
    epochs = min(given.stop_after or given.epochs, given.epochs)
    start = time.perf_counter()
    options: Any = {"held_out": held_out, "report_of": report_of, "tag": "digits"}
    options |= {"checkpoint": given.checkpoint, "resume": given.resume, "track": track}
    result = train.fit(*what, epochs=epochs, callbacks=[show], **options)
    if isinstance(result, Failure):
        sys.exit(str(result.failure()))
    fitted, seconds = result.unwrap(), time.perf_counter() - start
    train.plot_history(fitted.history).savefig(given.out, dpi=150)
    for engine in ("numpy", None) if given.compare else ():
        start = time.perf_counter()
        train.fit(*what, epochs=epochs, engine=engine).unwrap()
        print(f"engine {engine}: steps took {time.perf_counter() - start:.2f} s")
    read = f"{accuracy_of(fitted):.1%} read correctly after {seconds:.1f} s"
    print(f"{read}; see {given.out}")


if __name__ == "__main__":
    main()
