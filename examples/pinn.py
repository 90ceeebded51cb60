"""Solve the heat equation of a rod by a network: second derivatives in the loss."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapem_dsl import (
    Do,
    NodeId,
    TapeM,
    add,
    broadcast_to,
    const,
    do,
    jvp_m,
    matmul,
    mse_loss,
    scale,
    tanh,
    tree,
    value_and_grad,
    value_of,
)
from tapem_dsl.optim import WarmupCosine, adam

Floats = NDArray[np.float64]
HIDDEN: Final = 24
WEIGHT_OF_ENDS: Final = 100
TOLERANCE: Final = 0.01


class Network(NamedTuple):
    """Weights: arrays outside a program, ids of nodes inside."""

    w1: Any  # Any: an array or an id
    b1: Any
    w2: Any
    b2: Any
    w3: Any
    b3: Any


# -- the problem: -u'' = heat on (0, 1), and u is 0 at both ends -----------------------


def solution(x: Floats) -> Floats:
    height: Floats = np.sin(np.pi * x) + np.sin(3 * np.pi * x) / 3
    return height


def heat(x: Floats) -> Floats:
    source: Floats = np.pi**2 * (np.sin(np.pi * x) + 3 * np.sin(3 * np.pi * x))
    return source


INTERIOR: Final = np.linspace(0, 1, 42)[1:-1, None]
ENDS: Final = np.array([[0.0], [1.0]])


# -- the network, and the residual of the equation -------------------------------------


@do
def layer(w: NodeId, b: NodeId, x: NodeId) -> Do[NodeId]:
    product = yield from matmul(x, w)
    shape = (yield from value_of(product)).shape
    offset = yield from broadcast_to(b, shape)
    return (yield from add(product, offset))


@do
def temperature(net: Network, x: NodeId) -> Do[NodeId]:
    first = yield from layer(net.w1, net.b1, x).bind(tanh)
    second = yield from layer(net.w2, net.b2, first).bind(tanh)
    return (yield from layer(net.w3, net.b3, second))


@do
def curvature(net: Network, x: NodeId) -> Do[NodeId]:
    """Differentiate twice with respect to ``x``."""
    step = yield from const(np.ones_like(INTERIOR))

    def slope(z: NodeId) -> TapeM[NodeId, Any]:
        return jvp_m(partial(temperature, net), z, step).map(lambda pair: pair[1])

    _, second = yield from jvp_m(slope, x, step)
    return second


@do
def loss_of(net: Network) -> Do[NodeId]:
    x = yield from const(INTERIOR)
    second = yield from curvature(net, x)
    wanted = yield from const(-heat(INTERIOR))
    of_equation = yield from mse_loss(second, wanted)
    ends = yield from const(ENDS).bind(partial(temperature, net))
    zero = yield from const(np.zeros_like(ENDS))
    of_ends = yield from mse_loss(ends, zero)
    weighted = yield from scale(of_ends, WEIGHT_OF_ENDS)
    return (yield from add(of_equation, weighted))


# -- training --------------------------------------------------------------------------


def initial_network(rng: np.random.Generator) -> Network:
    def weights(n: int, m: int) -> Floats:
        return rng.normal(scale=n**-0.5, size=(n, m))

    biases = rng.uniform(-2, 2, size=(1, HIDDEN))  # spread along the rod
    return Network(
        2 * weights(1, HIDDEN),
        biases,
        weights(HIDDEN, HIDDEN),
        np.zeros((1, HIDDEN)),
        weights(HIDDEN, 1),
        np.zeros((1, 1)),
    )


def train(net: Network, steps: int) -> Network:
    optimiser = adam(WarmupCosine(1e-2, steps // 20, steps))
    state = optimiser.init(net)
    loss_and_slopes = value_and_grad(loss_of)
    for step in range(steps):
        loss, slopes = loss_and_slopes(net).unwrap()
        if step % 250 == 0:
            print(f"step {step:5}: loss {loss:.2e}, error {error_of(net):.2%}")
        net, state = optimiser.move(slopes, state, net)
    return net


def predict(net: Network, x: Floats) -> Floats:
    @do
    def program(ids: Network) -> Do[Floats]:
        points = yield from const(x)
        y = yield from temperature(ids, points)
        return (yield from value_of(y))

    return tree.const(net, Network).bind(program).eval().unwrap()


def error_of(net: Network) -> float:
    """Return the relative error on a fine grid."""
    x = np.linspace(0, 1, 501)[:, None]
    exact = solution(x)
    return float(np.linalg.norm(predict(net, x) - exact) / np.linalg.norm(exact))


def plot(net: Network, out: Path) -> None:
    x = np.linspace(0, 1, 501)[:, None]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, solution(x), linewidth=5, alpha=0.3, label="solution")
    axes.plot(x, predict(net, x), label="network")
    axes.plot(INTERIOR, solution(INTERIOR), ".", label="points of the loss")
    axes.set(xlabel="place along the rod", ylabel="temperature")
    axes.legend()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500, help="1500 take 3 s")
    parser.add_argument("--out", type=Path, default=Path("build/pinn.png"))
    options = parser.parse_args()
    net = train(initial_network(np.random.default_rng(0)), options.steps)
    error = error_of(net)
    plot(net, options.out)
    print(f"{error:.4%} off the known solution; see {options.out}")
    if error > TOLERANCE:
        raise SystemExit("pinn: the network has not learnt the solution")


if __name__ == "__main__":
    main()
