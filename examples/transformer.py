"""Learn to write as the pages in docs/: a transformer over single characters."""

import argparse
import time
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

import tapem_dsl as td
from tapem_dsl import Do, NodeId, do, optim, train

PAGES: Final = sorted((Path(__file__).parents[1] / "docs" / "adr").glob("0*.md"))
WIDTH, HEADS, CONTEXT, BATCH = 32, 4, 32, 16
CAUSAL: Final = np.tril(np.ones((CONTEXT, CONTEXT), bool))
Network = dict[str, Any]  # Any: arrays, or ids of their nodes
Engine = Literal["numpy", "xla"]


def network(rng: np.random.Generator, letters: int, layers: int) -> Network:
    def drawn(*shape: int) -> Any:
        return rng.normal(size=shape) / np.sqrt(shape[0])

    ones, zeros = np.ones(WIDTH), np.zeros(WIDTH)
    norms = {"g1": ones, "b1": zeros, "g2": ones, "b2": zeros}
    shapes = dict.fromkeys("qkvo", (WIDTH, WIDTH))
    shapes |= {"up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH)}
    p: Network = {"letters": drawn(letters, WIDTH), "places": drawn(CONTEXT, WIDTH)}
    p["layers"] = [
        norms | {name: drawn(*shape) for name, shape in shapes.items()}
        for _ in range(layers)
    ]
    return p | {"head": drawn(WIDTH, letters)}


@do
def logits_of(p: Network, window: NodeId) -> Do[NodeId]:
    """Predict the next character at each place of a window."""
    x = yield from td.add((yield from td.gather(p["letters"], window)), p["places"])
    for layer in p["layers"]:
        normal = yield from td.layer_norm(x, layer["g1"], layer["b1"])
        q, k, v, o = (layer[name] for name in "qkvo")
        seen = yield from td.attention(q, k, v, o, normal, heads=HEADS, mask=CAUSAL)
        x = yield from td.add(x, seen)
        normal = yield from td.layer_norm(x, layer["g2"], layer["b2"])
        hidden = yield from td.gelu((yield from td.matmul(normal, layer["up"])))
        x = yield from td.add(x, (yield from td.matmul(hidden, layer["down"])))
    return (yield from td.matmul(x, p["head"]))


@do
def loss_of(p: Network, window: NDArray[np.int64]) -> Do[NodeId]:
    logits = yield from td.const(window[:-1]).bind(lambda before: logits_of(p, before))
    return (yield from td.cross_entropy(logits, (yield from td.const(window[1:]))))


def learn(engine: Engine, steps: int, layers: int) -> tuple[list[float], float]:
    """Return the loss of each step, and the seconds of the steps after the first."""
    text = "".join(page.read_text() for page in PAGES)
    letters, numbers = np.unique(list(text), return_inverse=True)
    rng, optimiser = np.random.default_rng(0), optim.adam(3e-3)
    step = td.jit(train.step_of(loss_of, optimiser), engine=engine)
    p = network(rng, len(letters), layers)
    state, losses, began = optimiser.init(p), [], 0.0
    for i in range(steps):
        starts = rng.integers(0, len(numbers) - CONTEXT, BATCH)
        windows = numbers[starts[:, None] + np.arange(CONTEXT + 1)]
        loss, p, state = step(p, state, windows).unwrap()
        losses.append(float(loss))
        began = began or time.perf_counter()  # the first step compiles
        if i % 20 == 0 or i == steps - 1:
            print(f"{engine:>5}  step {i:4}  loss {loss:.6f}")
    return losses, time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["numpy", "xla", "both"], default="both")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--layers", type=int, default=2)
    given = parser.parse_args()
    both = given.engine == "both"
    engines: list[Engine] = ["numpy", "xla"] if both else [given.engine]
    runs = [learn(engine, given.steps, given.layers) for engine in engines]
    if both:
        (ours, slow), (theirs, fast) = runs
        apart = np.abs(np.subtract(ours, theirs)).max()
        print(f"losses differ by {apart:.1e}; XLA is {slow / fast:.2f} times as fast")
