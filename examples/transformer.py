"""Learn to write as the pages in docs/: a transformer over single characters."""

import argparse
import time
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tapem_dsl import (
    Do,
    NodeId,
    add,
    attention,
    const,
    cross_entropy,
    do,
    gather,
    gelu,
    jit,
    layer_norm,
    matmul,
    mean_scalar_over,
    value_and_grad,
)
from tapem_dsl.optim import adam, apply_updates

DOCS: Final = Path(__file__).parents[1] / "docs"
WIDTH, HEADS, CONTEXT, BATCH = 32, 4, 32, 16
CAUSAL: Final = np.tril(np.ones((CONTEXT, CONTEXT), bool))
Network = dict[str, Any]  # Any: arrays, or ids of their nodes


def read() -> tuple[str, NDArray[np.int64]]:
    """Return the alphabet of the pages, and their characters as numbers."""
    text = "".join(page.read_text() for page in sorted((DOCS / "adr").glob("*.md")))
    letters = "".join(sorted(set(text)))
    return letters, np.array([letters.index(letter) for letter in text])


def network(rng: np.random.Generator, letters: int, layers: int) -> Network:
    """Draw the weights."""

    def drawn(*shape: int) -> NDArray[np.float64]:
        weights: NDArray[np.float64] = rng.normal(size=shape) / np.sqrt(shape[0])
        return weights

    ones, zeros = np.ones(WIDTH), np.zeros(WIDTH)
    layer = {"g1": ones, "b1": zeros, "g2": ones, "b2": zeros}
    wide = {"up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH)}
    square = dict.fromkeys(["q", "k", "v", "o"], (WIDTH, WIDTH))
    return {
        "letters": drawn(letters, WIDTH),
        "places": drawn(CONTEXT, WIDTH),
        "layers": [
            layer | {name: drawn(*shape) for name, shape in (square | wide).items()}
            for _ in range(layers)
        ],
        "head": drawn(WIDTH, letters),
    }


@do
def logits_of(p: Network, window: NodeId) -> Do[NodeId, Any]:
    """Predict the next character at each place of one window each."""
    x = yield from add((yield from gather(p["letters"], window)), p["places"])
    for layer in p["layers"]:
        normal = yield from layer_norm(x, layer["g1"], layer["b1"])
        q, k, v, o = (layer[name] for name in "qkvo")
        seen = yield from attention(q, k, v, o, normal, heads=HEADS, mask=CAUSAL)
        x = yield from add(x, seen)
        normal = yield from layer_norm(x, layer["g2"], layer["b2"])
        hidden = yield from gelu((yield from matmul(normal, layer["up"])))
        x = yield from add(x, (yield from matmul(hidden, layer["down"])))
    return (yield from matmul(x, p["head"]))


@do
def loss_of(p: Network, window: NDArray[np.int64]) -> Do[NodeId, Any]:
    before = yield from const(window[:-1])
    after = yield from const(window[1:])
    return (yield from cross_entropy((yield from logits_of(p, before)), after))


@do
def mean_loss(p: Network, windows: NDArray[np.int64]) -> Do[NodeId, Any]:
    return (yield from mean_scalar_over("text", list(windows), lambda w: loss_of(p, w)))


def train(
    engine: Literal["numpy", "xla"], steps: int, layers: int
) -> tuple[list[float], float]:
    """Return the loss of each step, and the seconds of the steps after the first."""
    rng = np.random.default_rng(0)
    letters, text = read()
    rule = adam(3e-3)

    def step(p: Network, state: Any, windows: NDArray[np.int64]) -> Any:
        loss, gradients = value_and_grad(mean_loss)(p, windows).unwrap()
        changes, state = rule.update(gradients, state, p)
        return loss, apply_updates(p, changes), state

    compiled = jit(step, engine=engine)
    p = network(rng, len(letters), layers)
    state, losses, began = rule.init(p), [], 0.0
    for i in range(steps):
        starts = rng.integers(0, len(text) - CONTEXT, BATCH)
        windows = text[starts[:, None] + np.arange(CONTEXT + 1)]
        loss, p, state = compiled(p, state, windows)
        losses.append(float(loss))
        began = began or time.perf_counter()  # the first step compiles
        if i % 20 == 0 or i == steps - 1:
            print(f"{engine:>5}  step {i:4}  loss {loss:.6f}")
    return losses, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["numpy", "xla", "both"], default="both")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--layers", type=int, default=2)
    options = parser.parse_args()
    if options.engine != "both":
        train(options.engine, options.steps, options.layers)
        return
    ours, slow = train("numpy", options.steps, options.layers)
    theirs, fast = train("xla", options.steps, options.layers)
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    print(f"losses differ by {apart:.1e}; XLA is {slow / fast:.2f} times as fast")


if __name__ == "__main__":
    main()
