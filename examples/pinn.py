"""Teach a network the physics of a heated rod: second derivatives in the loss."""

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
    """Arrays between programs, ids of nodes within one."""

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


INSIDE: Final = np.linspace(0, 1, 42)[1:-1, None]
ENDS: Final = np.array([[0.0], [1.0]])


# -- the network, and what the equation asks of it -------------------------------------


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
    """The second derivative by ``x``: a derivative of a derivative."""
    step = yield from const(np.ones_like(INSIDE))

    def slope(z: NodeId) -> TapeM[NodeId, Any]:
        return jvp_m(partial(temperature, net), z, step).map(lambda pair: pair[1])

    _, bend = yield from jvp_m(slope, x, step)
    return bend


@do
def loss_of(net: Network) -> Do[NodeId]:
    x = yield from const(INSIDE)
    bend = yield from curvature(net, x)
    wanted = yield from const(-heat(INSIDE))
    of_equation = yield from mse_loss(bend, wanted)
    ends = yield from const(ENDS).bind(partial(temperature, net))
    cold = yield from const(np.zeros_like(ENDS))
    of_ends = yield from mse_loss(ends, cold)
    weighed = yield from scale(of_ends, WEIGHT_OF_ENDS)
    return (yield from add(of_equation, weighed))


# -- training --------------------------------------------------------------------------


def drawn(rng: np.random.Generator) -> Network:
    def weights(n: int, m: int) -> Floats:
        return rng.normal(scale=n**-0.5, size=(n, m))

    bends = rng.uniform(-2, 2, size=(1, HIDDEN))  # spread along the rod
    return Network(
        2 * weights(1, HIDDEN),
        bends,
        weights(HIDDEN, HIDDEN),
        np.zeros((1, HIDDEN)),
        weights(HIDDEN, 1),
        np.zeros((1, 1)),
    )


def trained(net: Network, steps: int) -> Network:
    optimiser = adam(WarmupCosine(1e-2, steps // 20, steps))
    state = optimiser.init(net)
    loss_and_slopes = value_and_grad(loss_of)
    for step in range(steps):
        loss, slopes = loss_and_slopes(net).unwrap()
        if step % 250 == 0:
            print(f"step {step:5}: loss {loss:.2e}, error {error_of(net):.2%}")
        net, state = optimiser.move(slopes, state, net)
    return net


def predicted(net: Network, x: Floats) -> Floats:
    @do
    def program(ids: Network) -> Do[Floats]:
        points = yield from const(x)
        y = yield from temperature(ids, points)
        return (yield from value_of(y))

    return tree.const(net, Network).bind(program).eval().unwrap()


def error_of(net: Network) -> float:
    """The distance from the solution over the solution's size, on a fine grid."""
    x = np.linspace(0, 1, 501)[:, None]
    exact = solution(x)
    return float(np.linalg.norm(predicted(net, x) - exact) / np.linalg.norm(exact))


def draw(net: Network, out: Path) -> None:
    x = np.linspace(0, 1, 501)[:, None]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, solution(x), linewidth=5, alpha=0.3, label="solution")
    axes.plot(x, predicted(net, x), label="network")
    axes.plot(INSIDE, solution(INSIDE), ".", label="where the equation is asked for")
    axes.set(xlabel="place along the rod", ylabel="temperature")
    axes.legend()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500, help="1500 take 3 s")
    parser.add_argument("--out", type=Path, default=Path("build/pinn.png"))
    given = parser.parse_args()
    net = trained(drawn(np.random.default_rng(0)), given.steps)
    error = error_of(net)
    draw(net, given.out)
    print(f"{error:.4%} off the known solution; see {given.out}")
    if error > TOLERANCE:
        raise SystemExit("pinn: the network has not learnt the solution")


if __name__ == "__main__":
    main()
