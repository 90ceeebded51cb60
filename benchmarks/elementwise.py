"""The sum of ``tanh(exp(-x ** 2)) * sin(x)`` over a million entries."""

from typing import Any, Final

import numpy as np

from benchmarks.contenders import (
    Engine,
    Loss,
    of_autograd,
    of_jax,
    of_jit,
    of_tapem_dsl,
    of_torch,
)
from benchmarks.harness import (
    HAND_WRITTEN,
    JITTED,
    OURS,
    XLA,
    Contender,
    Workload,
    sized,
)
from tapem_dsl import Do, NodeId, do, exp, mul, param, scale, sin, sum_, tanh


# Any, throughout: see the harness.
def data(entries: int) -> Any:
    x = np.linspace(-2, 3, entries)
    x.flags.writeable = False
    return x


@do
def program(x0: Any) -> Do[tuple[NodeId, tuple[NodeId]]]:
    x = yield from param(x0)
    square = yield from mul(x, x)
    negative = yield from scale(square, -1)
    bell = yield from exp(negative)
    bounded = yield from tanh(bell)
    wave = yield from sin(x)
    product = yield from mul(bounded, wave)
    return (yield from sum_(product)), (x,)


def tapem_dsl(entries: int) -> Contender:
    x = data(entries)
    return of_tapem_dsl(lambda: program(x))


def tapem_dsl_jit(entries: int, engine: Engine = "numpy") -> Contender:
    return of_jit(program, data(entries), engine=engine)


def hand_written(entries: int) -> Contender:
    x = data(entries)

    def run() -> Any:
        bell = np.exp(-(x * x))
        bounded, wave = np.tanh(bell), np.sin(x)
        inner = wave * (1 - bounded * bounded) * bell
        return (bounded * wave).sum(), bounded * np.cos(x) - 2 * x * inner

    return Contender(run)


def eager(xp: Any) -> Loss:
    def loss(weights: Any) -> Any:
        (x,) = weights
        return xp.sum(xp.tanh(xp.exp(-x * x)) * xp.sin(x))

    return loss


def torch(entries: int) -> Contender:
    import torch

    return of_torch(eager(torch), [data(entries)])


def jax(entries: int, *, jit: bool) -> Contender:
    from jax import numpy as jnp

    return of_jax(eager(jnp), [jnp.asarray(data(entries))], jit=jit)


def autograd(entries: int) -> Contender:
    import autograd.numpy as anp

    return of_autograd(eager(anp), [data(entries)])


MAKERS: Final = {
    HAND_WRITTEN: hand_written,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda entries: tapem_dsl_jit(entries, "xla"),
    "PyTorch": torch,
    "JAX (jit)": lambda entries: jax(entries, jit=True),
    "JAX": lambda entries: jax(entries, jit=False),
    "autograd": autograd,
}


def workload(entries: int) -> Workload:
    title = f"the sum of tanh(exp(-x²)) sin(x) over {entries:,} entries"
    return Workload(title, sized(MAKERS, entries), calibration="arrays")
