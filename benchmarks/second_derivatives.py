"""What second derivatives and recorded sweeps cost, in gradients of the program."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.harness import Contender, Effort, loop, timed
from benchmarks.hessian import NETWORK, loss_of
from tapem_dsl import (
    Do,
    NodeId,
    TapeM,
    add,
    backward,
    backward_m,
    const,
    do,
    leaf,
    mul,
    sum_,
    tanh,
)
from tapem_dsl.interpreters.forward import Dual, fresh_level

LENGTH: Final = 1_000
"""Ops of the chain."""

# Any, throughout: arrays and duals.
Loss: TypeAlias = Callable[[list[Any]], TapeM[tuple[NodeId, Sequence[NodeId]], Any]]
Case: TypeAlias = tuple[Loss, list[Any], list[Any]]


@do
def chain(weights: list[Any]) -> Do[tuple[NodeId, Sequence[NodeId]], Any]:
    """Multiply by the vector and apply tanh, in turn."""
    x = yield from leaf(weights[0])
    y = x
    for _ in range(LENGTH // 2):
        y = yield from mul(y, x)
        y = yield from tanh(y)
    return (yield from sum_(y)), (x,)


def cases() -> dict[str, Case]:
    """Return each program, where to differentiate it, and in which direction."""
    x, y, weights, directions = NETWORK
    vector = np.linspace(0.5, 1.5, 10)
    return {
        "tanh network": (partial(loss_of, x, y), weights, directions),
        "chain of 10-vectors": (chain, [vector], [vector[::-1].copy()]),
        "chain of scalars": (chain, [np.float64(0.9)], [np.float64(1)]),
    }


def gradient(loss: Loss, weights: list[Any]) -> list[Any]:
    (out, wanted), tape = loss(weights).run().unwrap()
    return list(backward(tape, out, 1, wrt=wanted).unwrap().values())


def product_by_duals(loss: Loss, weights: list[Any], along: list[Any]) -> list[Any]:
    level = fresh_level()
    duals = [Dual(w, v, level) for w, v in zip(weights, along, strict=True)]
    return [slot.tangent for slot in gradient(loss, duals)]


@do
def slope(loss: Loss, weights: list[Any], along: list[Any]) -> Do[Any, Any]:
    """Record the gradient times the direction."""
    out, wanted = yield from loss(weights)
    found = yield from backward_m(out, wrt=wanted)
    total = yield from const(0.0)
    for id, v in zip(wanted, along, strict=True):
        direction = yield from const(v)
        products = yield from mul(found[id], direction)
        part = yield from sum_(products)
        total = yield from add(total, part)
    return total, wanted


def product_by_recording(loss: Loss, weights: list[Any], along: list[Any]) -> list[Any]:
    (out, wanted), tape = slope(loss, weights, along).run().unwrap()
    return list(backward(tape, out, 1, wrt=wanted).unwrap().values())


def contenders(case: Case) -> dict[str, Contender]:
    loss, weights, along = case
    (out, wanted), tape = loss(weights).run().unwrap()

    def recorded() -> Any:
        ids, longer = backward_m(out, wrt=wanted).run(tape).unwrap()
        return [longer[id].value for id in ids.values()]

    runs: dict[str, Callable[[], Any]] = {
        "gradient": lambda: gradient(loss, weights),
        "Hessian-vector product by duals": lambda: product_by_duals(
            loss, weights, along
        ),
        "Hessian-vector product by a recorded sweep": lambda: product_by_recording(
            *case
        ),
        "numeric sweep": lambda: backward(tape, out, 1, wrt=wanted).unwrap().values(),
        "recorded sweep": recorded,
    }
    return {name: Contender(run) for name, run in runs.items()}


def assert_close(first: Contender, second: Contender) -> None:
    for a, b in zip(first.run(), second.run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def measured(effort: Effort) -> dict[str, dict[str, float]]:
    """Return microseconds of each, by program."""
    results = {}
    for title, case in cases().items():
        ours = contenders(case)
        assert_close(ours["gradient"], ours["recorded sweep"])
        assert_close(ours["gradient"], ours["numeric sweep"])
        assert_close(
            ours["Hessian-vector product by duals"],
            ours["Hessian-vector product by a recorded sweep"],
        )
        timings = timed(ours, effort, loop)
        results[title] = {name: timings[name].median * 1e6 for name in ours}
    return results
