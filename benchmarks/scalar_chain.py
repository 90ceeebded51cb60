"""A chain of scalar ops: ``x = x * a`` and ``x = x + b`` in turn."""

import sys
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.contenders import Engine, Loss, of_autograd, of_jax, of_jit, of_torch
from benchmarks.harness import (
    HAND_WRITTEN,
    JITTED,
    OURS,
    XLA,
    Contender,
    Workload,
    sized,
)
from tapem_dsl import Do, NodeId, add, backward_scalar, do, mul, param

START: Final = (0.5, 0.9995, 0.0003)  # x, a and b: nodes 0, 1 and 2 of each tape

# -- tapem_dsl -------------------------------------------------------------------------


@do
def chain(
    ops: int, start: tuple[float, ...] = START
) -> Do[tuple[NodeId, tuple[NodeId, ...]]]:
    x = x0 = yield from param(start[0])
    a = yield from param(start[1])
    b = yield from param(start[2])
    for _ in range(ops // 2):
        x = yield from mul(x, a)
        x = yield from add(x, b)
    return x, (x0, a, b)


def tapem_dsl(ops: int) -> Contender:
    def run() -> Any:  # Any, throughout: see the harness
        (out, wanted), tape = chain(ops).run().unwrap()
        gradients = backward_scalar(tape, out).unwrap()
        return tape[out].value, *(gradients[id] for id in wanted)

    return Contender(run)


def tapem_dsl_jit(ops: int, engine: Engine = "numpy") -> Contender:
    return of_jit(lambda *start: chain(ops, start), *START, engine=engine)


# -- hand-written ----------------------------------------------------------------------


def hand_written(ops: int) -> Contender:
    """Compute with floats, keep the values that reverse mode needs, and no tape."""

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

    return Contender(run)


Entry: TypeAlias = tuple[str, int, int, np.float64]


def hand_written_tape(ops: int) -> Contender:
    """Record tuples in a list, by one function for each op."""

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

    return Contender(run)


# -- the peers -------------------------------------------------------------------------


def eager(ops: int) -> Loss:
    def loss(start: Any) -> Any:
        x, a, b = start
        for _ in range(ops // 2):
            x = x * a
            x = x + b
        return x

    return loss


def jax_scan(ops: int) -> Contender:
    import jax

    def loss(start: Any) -> Any:
        x, a, b = start

        def step(x: Any, _: Any) -> tuple[Any, None]:
            return x * a + b, None

        return jax.lax.scan(step, x, None, length=ops // 2)[0]

    return of_jax(loss, START, jit=True)


def micrograd(ops: int) -> Contender:
    from micrograd.engine import Value

    def run() -> Any:
        # the sweep of micrograd recurses once an op
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 2 * ops + 1000))
        leaves = x0, a, b = [Value(x) for x in START]
        x = eager(ops)(leaves)
        x.backward()
        return x.data, x0.grad, a.grad, b.grad

    return Contender(run)


MAKERS: Final = {
    HAND_WRITTEN: hand_written,
    f"{HAND_WRITTEN} tape": hand_written_tape,
    OURS: tapem_dsl,
    JITTED: tapem_dsl_jit,
    XLA: lambda ops: tapem_dsl_jit(ops, "xla"),
    "PyTorch": lambda ops: of_torch(eager(ops), [np.float64(x) for x in START]),
    "JAX (jit, scan)": jax_scan,
    "JAX": lambda ops: of_jax(eager(ops), START, jit=False),
    "autograd": lambda ops: of_autograd(eager(ops), START),
    "micrograd": micrograd,
}


def workload(ops: int) -> Workload:
    return Workload(f"{ops:,} ops, `x * a` and `x + b` in turn", sized(MAKERS, ops))
