"""W1: a chain of scalar ops, ``x = x * a`` and ``x = x + b`` in turn."""

import sys
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.harness import LIMIT, US, Contender, Workload, finished
from tapem_dsl import Do, NodeId, add, backward_scalar, do, mul, param

START: Final = (0.5, 0.9995, 0.0003)  # x0, a, b; the leaves 0, 1, 2 of each tape

# -- tapem_dsl -------------------------------------------------------------------------


@do
def chain(ops: int) -> Do[tuple[NodeId, tuple[NodeId, ...]]]:
    x = x0 = yield from param(START[0])
    a = yield from param(START[1])
    b = yield from param(START[2])
    for _ in range(ops // 2):
        x = yield from mul(x, a)
        x = yield from add(x, b)
    return x, (x0, a, b)


def ours(ops: int) -> Contender:
    def run() -> Any:  # Any: as everywhere here, see the harness
        (out, wanted), tape = chain(ops).run().unwrap()
        gradients = backward_scalar(tape, out).unwrap()
        return tape[out].value, *(gradients[id] for id in wanted)

    return Contender(run, list)


# -- hand-written ----------------------------------------------------------------------


def limit(ops: int) -> Contender:
    """Floats, and the values that reverse mode needs; no tape."""

    def run() -> Any:
        x, a, b = START
        before = []
        for _ in range(ops // 2):
            before.append(x)
            x = x * a + b
        g, ga, gb = 1.0, 0.0, 0.0
        for x_ in reversed(before):
            gb += g
            ga += g * x_
            g = g * a
        return x, g, ga, gb

    return Contender(run, list)


Entry: TypeAlias = tuple[str, int, int, np.float64]


def minimal_tape(ops: int) -> Contender:
    """A list of tuples, and a function for each op: the least that records anything."""

    def record_mul(tape: list[Entry], i: int, j: int) -> int:
        tape.append(("mul", i, j, tape[i][3] * tape[j][3]))
        return len(tape) - 1

    def record_add(tape: list[Entry], i: int, j: int) -> int:
        tape.append(("add", i, j, tape[i][3] + tape[j][3]))
        return len(tape) - 1

    def run() -> Any:
        tape: list[Entry] = [("leaf", -1, -1, np.float64(x)) for x in START]
        x = 0
        for _ in range(ops // 2):
            x = record_mul(tape, x, 1)
            x = record_add(tape, x, 2)
        gradients = [np.float64(0)] * len(tape)
        gradients[-1] = np.float64(1)
        for id in range(len(tape) - 1, -1, -1):
            op, i, j, _ = tape[id]
            g = gradients[id]
            if op == "mul":
                gradients[i] += g * tape[j][3]
                gradients[j] += g * tape[i][3]
            elif op == "add":
                gradients[i] += g
                gradients[j] += g
        return tape[-1][3], *gradients[:3]

    return Contender(run, list)


# -- the peers -------------------------------------------------------------------------


def torch_eager(ops: int) -> Contender:
    import torch

    leaves = [torch.tensor(x, dtype=torch.float64).requires_grad_(True) for x in START]

    def run() -> Any:
        x, a, b = leaves
        for _ in range(ops // 2):
            x = x * a
            x = x + b
        return x, *torch.autograd.grad(x, leaves)

    return Contender(run, lambda result: [t.detach().numpy() for t in result])


def jax_scan(ops: int) -> Contender:
    import jax

    def loss(x: Any, a: Any, b: Any) -> Any:
        def step(x: Any, _: Any) -> tuple[Any, None]:
            return x * a + b, None

        return jax.lax.scan(step, x, None, length=ops // 2)[0]

    compiled = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))
    return Contender(
        lambda: finished(compiled(*START)),
        lambda result: [result[0], *result[1]],
    )


def jax_eager(ops: int) -> Contender:
    import jax

    def loss(x: Any, a: Any, b: Any) -> Any:
        for _ in range(ops // 2):
            x = x * a
            x = x + b
        return x

    gradient = jax.value_and_grad(loss, (0, 1, 2))
    return Contender(
        lambda: finished(gradient(*START)),
        lambda result: [result[0], *result[1]],
    )


def autograd_eager(ops: int) -> Contender:
    import autograd

    def loss(leaves: Any) -> Any:
        x, a, b = leaves
        for _ in range(ops // 2):
            x = x * a
            x = x + b
        return x

    gradient = autograd.value_and_grad(loss)
    return Contender(lambda: gradient(START), lambda result: [result[0], *result[1]])


def micrograd_eager(ops: int) -> Contender:
    from micrograd.engine import Value

    def run() -> Any:
        # its sweep recurses once an op
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 2 * ops + 1000))
        x = x0 = Value(START[0])
        a, b = Value(START[1]), Value(START[2])
        for _ in range(ops // 2):
            x = x * a
            x = x + b
        x.backward()
        return x.data, x0.grad, a.grad, b.grad

    return Contender(run, list)


MAKERS: Final = {
    LIMIT: limit,
    "limit with a minimal tape": minimal_tape,
    US: ours,
    "PyTorch": torch_eager,
    "JAX (jit, scan)": jax_scan,
    "JAX": jax_eager,
    "autograd": autograd_eager,
    "micrograd": micrograd_eager,
}


def workload(ops: int) -> Workload:
    makers = {name: partial(maker, ops) for name, maker in MAKERS.items()}
    return Workload(f"scalar chain of {ops:,} ops", makers, tolerance=1e-9)
