"""A recurrent network read step by step: 16 sequences of 50 steps in float64."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import (
    Engine,
    of_jax_vmap,
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
    add,
    const,
    do,
    dot,
    linear,
    map_m,
    mean_scalar_over,
    mse_loss,
    param,
    tanh,
)

Floats = NDArray[np.float64]
SAMPLES: Final = 16
STEPS: Final = 50
INPUTS: Final = 8
HIDDEN: Final = 32


# Any, throughout: see the harness.
class Sample(NamedTuple):
    x: Floats
    y: np.float64


class Data(NamedTuple):
    """Sequences, their targets, and the weights at which to differentiate."""

    x: Floats
    y: Floats
    weights: tuple[Floats, Floats, Floats, Floats]


def data() -> Data:
    rng = np.random.default_rng(0)
    wx = rng.normal(size=(HIDDEN, INPUTS)) / INPUTS**0.5
    wh = rng.normal(size=(HIDDEN, HIDDEN)) / HIDDEN**0.5
    b, o = 0.1 * rng.normal(size=HIDDEN), rng.normal(size=HIDDEN) / HIDDEN**0.5
    x, y = rng.normal(size=(SAMPLES, STEPS, INPUTS)), rng.normal(size=SAMPLES)
    for array in (x, y, wx, b, wh, o):
        array.flags.writeable = False
    return Data(x, y, (wx, b, wh, o))


# -- tapem_dsl -------------------------------------------------------------------------


@do
def mean_loss(
    weights: tuple[Floats, ...], samples: list[Sample]
) -> Do[tuple[NodeId, tuple[NodeId, ...]]]:
    wx, b, wh, o = ids = yield from map_m(param, weights)
    zero = yield from const(np.zeros(HIDDEN))

    @do
    def loss_of(sample: Sample) -> Do[NodeId]:
        h = zero
        for row in sample.x:
            x = yield from const(row)
            given = yield from linear(wx, b, x)
            kept = yield from linear(wh, zero, h)
            total = yield from add(given, kept)
            h = yield from tanh(total)
        prediction = yield from dot(o, h)
        y = yield from const(sample.y)
        return (yield from mse_loss(prediction, y))

    loss = yield from mean_scalar_over("rnn", samples, loss_of)
    return loss, ids


def program(start: Data) -> TapeM[tuple[NodeId, tuple[NodeId, ...]], Any]:
    """Take one array of sequences, and one of targets."""
    rows = zip(start.x, start.y, strict=True)
    return mean_loss(start.weights, [Sample(x, y) for x, y in rows])


def tapem_dsl() -> Contender:
    start = data()
    return of_tapem_dsl(lambda: program(start))


def tapem_dsl_jit(engine: Engine = "numpy") -> Contender:
    return of_jit(program, data(), engine=engine)


# -- hand-written ----------------------------------------------------------------------


def hand_written() -> Contender:
    """
    Compute all samples at once, step by step.

    What does not depend on the step before, and the gradient of each weight, is one
    matrix product over all samples and steps.
    """
    xs, y, (wx, b, wh, o) = data()
    x = xs.transpose(1, 0, 2).reshape(-1, INPUTS)

    def run() -> Any:
        given = (x @ wx.T + b).reshape(STEPS, SAMPLES, HIDDEN)
        h = np.zeros((STEPS + 1, SAMPLES, HIDDEN))
        for t in range(STEPS):
            np.tanh(given[t] + h[t] @ wh.T, out=h[t + 1])
        residual = h[-1] @ o - y
        g = residual * (2 / SAMPLES)
        slope = 1 - h[1:] * h[1:]
        back = np.empty_like(given)
        gh = np.multiply.outer(g, o)
        for t in reversed(range(STEPS)):
            np.multiply(gh, slope[t], out=back[t])
            gh = back[t] @ wh
        rows, before = back.reshape(-1, HIDDEN), h[:-1].reshape(-1, HIDDEN)
        loss = residual @ residual / SAMPLES
        return loss, rows.T @ x, rows.sum(axis=0), rows.T @ before, g @ h[-1]

    return Contender(run)


# -- the peers -------------------------------------------------------------------------


def torch_loss(weights: Any, x: Any, y: Any) -> Any:
    """Take one sequence, or all of them."""
    import torch
    from torch.nn import functional

    wx, b, wh, o = weights
    h = torch.zeros(*x.shape[:-2], HIDDEN, dtype=x.dtype)
    for given in functional.linear(x, wx, b).unbind(-2):
        h = torch.tanh(given + functional.linear(h, wh))
    return functional.mse_loss(h @ o, y)


def jax_loss(weights: Any, x: Any, y: Any) -> Any:
    import jax
    from jax import numpy as jnp

    wx, b, wh, o = weights

    def step(h: Any, row: Any) -> tuple[Any, None]:
        return jnp.tanh(wx @ row + b + wh @ h), None

    h, _ = jax.lax.scan(step, jnp.zeros(HIDDEN), x)
    return (o @ h - y) ** 2


MAKERS: Final = {
    HAND_WRITTEN: hand_written,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda: tapem_dsl_jit("xla"),
    "PyTorch": lambda: of_torch_by_sample(torch_loss, *data()),
    "PyTorch batched": lambda: of_torch_batched(torch_loss, *data()),
    "JAX (jit, vmap, scan)": lambda: of_jax_vmap(jax_loss, *data()),
}
WORKLOAD: Final = Workload(
    f"a tanh network of {INPUTS} inputs and {HIDDEN} hidden, {SAMPLES} samples of "
    f"{STEPS} steps; hand-written for all samples at once",
    MAKERS,
)
