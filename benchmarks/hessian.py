"""
Hessian-vector products of a linear regression and of a tanh network.

tapem_dsl sweeps a tape of dual numbers.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import Engine, compiled, finished
from benchmarks.harness import (
    HAND_WRITTEN,
    JITTED,
    OURS,
    XLA,
    Contender,
    Contenders,
    Workload,
)
from tapem_dsl import (
    NodeId,
    TapeM,
    add,
    backward,
    const,
    do,
    map_m,
    matmul,
    mse_loss,
    param,
    tanh,
)
from tapem_dsl.interpreters.forward import Dual, fresh_level

Floats = NDArray[np.float64]
Case = tuple[Floats, Floats, list[Floats], list[Floats]]


def case(samples: int, layers: list[int]) -> Case:
    """Return inputs, targets, alternating weights and biases, and their directions."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(samples, layers[0])), rng.normal(size=(samples, 1))
    weights = []
    for n, m in pairwise(layers):
        weights += [rng.normal(size=(n, m)) / n**0.5, rng.normal(size=(1, m))]
    return x, y, weights, [rng.normal(size=w.shape) for w in weights]


REGRESSION: Final = case(1000, [10, 1])
NETWORK: Final = case(64, [50, 50, 1])

# -- tapem_dsl -------------------------------------------------------------------------


@do
def loss_of(x: Floats, y: Floats, weights: list[Any]) -> Any:  # Any: duals or arrays
    ids = yield from map_m(param, weights)
    layer = yield from const(x)
    target = yield from const(y)
    ones = yield from const(np.ones((len(x), 1)))
    for index, (w, b) in enumerate(zip(ids[::2], ids[1::2], strict=True)):
        if index:
            layer = yield from tanh(layer)
        product = yield from matmul(layer, w)
        offset = yield from matmul(ones, b)
        layer = yield from add(product, offset)
    return (yield from mse_loss(layer, target)), ids


def tapem_dsl(problem: Case) -> Contender:
    x, y, weights, directions = problem

    def run() -> Any:
        level = fresh_level()
        duals = [Dual(w, v, level) for w, v in zip(weights, directions, strict=True)]
        program: TapeM[tuple[NodeId, tuple[NodeId, ...]], Any] = loss_of(x, y, duals)
        (loss, wanted), tape = program.run().unwrap()
        return backward(tape, loss, 1, wrt=wanted).unwrap()

    return Contender(run, lambda slots: [g.tangent for g in slots.values()])


def tapem_dsl_jit(problem: Case, engine: Engine = "numpy") -> Contender:
    def product(x: Any, y: Any, weights: Any, directions: Any) -> Any:
        level = fresh_level()
        duals = [Dual(w, v, level) for w, v in zip(weights, directions, strict=True)]
        (loss, wanted), tape = loss_of(x, y, duals).run().unwrap()
        slots: Any = backward(tape, loss, 1, wrt=wanted).unwrap()
        return [g.tangent for g in slots.values()]

    return compiled(product, *problem, read=list, engine=engine)


# -- hand-written ----------------------------------------------------------------------


def hand_written_regression() -> Contender:
    x, y, _, (v, c) = REGRESSION

    def run() -> Any:
        along = (x @ v + c) * (2 / len(y))
        return x.T @ along, along.sum(axis=0)

    return Contender(run)


def hand_written_network() -> Contender:
    x, y, (w1, b1, w2, b2), (v1, c1, v2, c2) = NETWORK

    def run() -> Any:
        h = np.tanh(x @ w1 + b1)
        slope = 1 - h * h
        g = (h @ w2 + b2 - y) * (2 / len(y))
        dh = g @ w2.T
        # the derivative of each line above along (v1, c1, v2, c2)
        along_h = slope * (x @ v1 + c1)
        along_g = (along_h @ w2 + h @ v2 + c2) * (2 / len(y))
        along_dh = along_g @ w2.T + g @ v2.T
        along_a = along_dh * slope - 2 * dh * h * along_h
        return (
            x.T @ along_a,
            along_a.sum(axis=0),
            along_h.T @ g + h.T @ along_g,
            along_g.sum(axis=0),
        )

    return Contender(run)


# -- the peers -------------------------------------------------------------------------


def loss_with(tanh: Callable[[Any], Any], weights: Any, x: Any, y: Any) -> Any:
    layer = x
    for w, b in zip(weights[::2], weights[1::2], strict=True):
        layer = (tanh(layer) if layer is not x else layer) @ w + b
    return ((layer - y) ** 2).mean()


def torch(problem: Case) -> Contender:
    """Differentiate the gradient by a second backward pass."""
    import torch

    x, y, weights, directions = problem
    inputs, targets = torch.tensor(x), torch.tensor(y)
    leaves = [torch.tensor(w).requires_grad_(True) for w in weights]
    along = [torch.tensor(v) for v in directions]

    def run() -> Any:
        loss = loss_with(torch.tanh, leaves, inputs, targets)
        gradients = torch.autograd.grad(loss, leaves, create_graph=True)
        return torch.autograd.grad(gradients, leaves, along)

    return Contender(run)


def jax(problem: Case) -> Contender:
    """Differentiate the gradient by forward mode."""
    import jax

    x, y, weights, directions = problem

    def gradient(weights: Any) -> Any:
        return jax.grad(lambda z: loss_with(jax.numpy.tanh, z, x, y))(weights)

    compiled = jax.jit(lambda w, v: jax.jvp(gradient, (w,), (v,))[1])
    return Contender(lambda: finished(compiled(weights, directions)))


def autograd(problem: Case) -> Contender:
    """Differentiate the gradient times the direction."""
    import autograd
    import autograd.numpy as anp

    x, y, weights, directions = problem

    def loss(weights: Any) -> Any:
        return loss_with(anp.tanh, weights, x, y)

    def along(weights: Any) -> Any:
        pairs = zip(autograd.grad(loss)(weights), directions, strict=True)
        return sum(anp.sum(g * v) for g, v in pairs)

    product = autograd.grad(along)
    return Contender(lambda: product(weights))


def workload(
    title: str, problem: Case, hand_written: Callable[[], Contender]
) -> Workload:
    makers: Contenders = {
        HAND_WRITTEN: hand_written,
        OURS: partial(tapem_dsl, problem),
        JITTED: partial(tapem_dsl_jit, problem),
        XLA: partial(tapem_dsl_jit, problem, "xla"),
        "PyTorch": partial(torch, problem),
        "JAX (jit)": partial(jax, problem),
        "autograd": partial(autograd, problem),
    }
    return Workload(title, makers, calibration="arrays")


REGRESSION_WORKLOAD: Final = workload(
    "a linear regression, 1,000 samples",
    REGRESSION,
    hand_written_regression,
)
NETWORK_WORKLOAD: Final = workload(
    "a 50-50-1 tanh network, 64 samples",
    NETWORK,
    hand_written_network,
)
