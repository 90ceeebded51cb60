"""W6: ``sum(tanh(exp(-x ** 2)) * sin(x))`` over a million entries."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.harness import LIMIT, US, Contender, Workload, finished
from tapem_dsl import (
    Do,
    NodeId,
    backward_scalar,
    do,
    exp,
    mul,
    param,
    scale,
    sin,
    sum_,
    tanh,
)


def data(entries: int) -> Any:
    x = np.linspace(-2, 3, entries)
    x.flags.writeable = False
    return x


@do
def wide(x0: Any) -> Do[tuple[NodeId, NodeId]]:
    x = yield from param(x0)
    square = yield from mul(x, x)
    negative = yield from scale(square, -1)
    bell = yield from exp(negative)
    bounded = yield from tanh(bell)
    wave = yield from sin(x)
    product = yield from mul(bounded, wave)
    return (yield from sum_(product)), x


def ours(entries: int) -> Contender:
    x0 = data(entries)

    def run() -> Any:
        (out, x), tape = wide(x0).run().unwrap()
        return tape[out].value, backward_scalar(tape, out, wrt=(x,)).unwrap()[x]

    return Contender(run, list)


def limit(entries: int) -> Contender:
    x = data(entries)

    def run() -> Any:
        bell = np.exp(-(x * x))
        bounded, wave = np.tanh(bell), np.sin(x)
        inner = wave * (1 - bounded * bounded) * bell
        return (bounded * wave).sum(), bounded * np.cos(x) - 2 * x * inner

    return Contender(run, list)


def torch_eager(entries: int) -> Contender:
    import torch

    x = torch.tensor(data(entries)).requires_grad_(True)

    def run() -> Any:
        value = (torch.tanh(torch.exp(-x * x)) * torch.sin(x)).sum()
        return value, *torch.autograd.grad(value, [x])

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def jax_jit(entries: int, *, jit: bool = True) -> Contender:
    import jax
    from jax import numpy as jnp

    x = jnp.asarray(data(entries))

    def value(x: Any) -> Any:
        return (jnp.tanh(jnp.exp(-x * x)) * jnp.sin(x)).sum()

    gradient = jax.value_and_grad(value)
    function = jax.jit(gradient) if jit else gradient
    return Contender(lambda: finished(function(x)), list)


def autograd_eager(entries: int) -> Contender:
    import autograd
    import autograd.numpy as anp

    x = data(entries)

    def value(x: Any) -> Any:
        return anp.sum(anp.tanh(anp.exp(-x * x)) * anp.sin(x))

    gradient = autograd.value_and_grad(value)
    return Contender(lambda: gradient(x), list)


MAKERS: Final[dict[str, Callable[[int], Contender]]] = {
    LIMIT: limit,
    US: ours,
    "PyTorch": torch_eager,
    "JAX (jit)": jax_jit,
    "JAX": partial(jax_jit, jit=False),
    "autograd": autograd_eager,
}


def workload(entries: int) -> Workload:
    makers = {name: partial(maker, entries) for name, maker in MAKERS.items()}
    title = f"sum of tanh(exp(-x²)) sin(x) over {entries:,} entries"
    return Workload(title, makers, tolerance=1e-9, calibration="arrays")
