"""
Random programs with loops; ``python -m`` this module with a count tries that many.

A first seed and an engine may follow: ``1000 0 xla``.

A loop has 4 to 17 steps of a random body, which reads parameters, a sample and carries.
"""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tapem_dsl import (
    Do,
    NodeId,
    abs_,
    add,
    broadcast_to,
    concat,
    const,
    cross_entropy,
    div,
    do,
    dot,
    exp,
    hvp_params,
    linear,
    map_m,
    matmul,
    max_,
    min_,
    mul,
    outer,
    pure,
    reduce_mean,
    relu,
    reshape,
    scale,
    select,
    shift_by,
    sigmoid,
    slice_,
    softmax_last,
    softplus,
    sub,
    sum_,
    tanh,
    transpose,
    value_and_grad,
)
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, and records of their nodes.

WIDTH: Final = 4
TIMES: Final = (4, 5, 9, 17)


def wide(x: Any) -> Any:
    return x.bind(lambda y: broadcast_to(y, (WIDTH,)))


def tame(x: Any) -> Any:
    return x.bind(tanh)


# What a step may do: of vectors a and b of the step, the shared parameters p, the
# sample s, and the number k of the step.
Act = Callable[[NodeId, NodeId, Any, Any, int], Any]
ACTS: Final[tuple[Act, ...]] = (
    lambda a, b, p, s, k: tanh(a),
    lambda a, b, p, s, k: sigmoid(a),
    lambda a, b, p, s, k: relu(a),
    lambda a, b, p, s, k: softplus(a),
    lambda a, b, p, s, k: abs_(a),
    lambda a, b, p, s, k: softmax_last(a),
    lambda a, b, p, s, k: tame(scale(a, 3.0)).bind(exp),
    lambda a, b, p, s, k: scale(a, 1 / (k + 1)),
    lambda a, b, p, s, k: scale(a, -0.5),
    lambda a, b, p, s, k: shift_by(a, k),
    lambda a, b, p, s, k: shift_by(a, 0.25 * (k % 3)),
    lambda a, b, p, s, k: add(a, b),
    lambda a, b, p, s, k: sub(a, b),
    lambda a, b, p, s, k: tame(mul(a, b)),
    lambda a, b, p, s, k: max_(a, b),
    lambda a, b, p, s, k: min_(a, b),
    lambda a, b, p, s, k: softplus(b).bind(_above_1).bind(lambda d: div(a, d)),
    lambda a, b, p, s, k: tame(wide(dot(a, b))),
    lambda a, b, p, s, k: tame(outer(a, b).bind(lambda m: reduce_mean(m, axis=0))),
    lambda a, b, p, s, k: tame(_product(p["m"], a)),
    lambda a, b, p, s, k: tame(_row_product(a, p["m"])),
    lambda a, b, p, s, k: tame(transpose(p["m"]).bind(lambda m: _product(m, a))),
    lambda a, b, p, s, k: tame(linear(p["m"], b, a)),
    lambda a, b, p, s, k: tame(linear(s["m"], b, a)),
    lambda a, b, p, s, k: linear(s["m"], b, a).bind(
        lambda y: tame(linear(s["m"], y, b))
    ),
    lambda a, b, p, s, k: linear(p["m"], b, a).bind(
        lambda y: tame(linear(p["m"], y, b))
    ),
    lambda a, b, p, s, k: tame(_product(s["m"], a)),
    lambda a, b, p, s, k: tame(_row_product(a, s["m"])),
    lambda a, b, p, s, k: tame(matmul(s["m"], p["m"]).bind(lambda m: _product(m, a))),
    lambda a, b, p, s, k: tame(matmul(p["m"], s["m"]).bind(lambda m: _product(m, a))),
    lambda a, b, p, s, k: select(p["rows"], k),
    lambda a, b, p, s, k: select(p["rows"], -1 - k),
    lambda a, b, p, s, k: select(p["columns"], k, axis=1),
    lambda a, b, p, s, k: slice_(p["line"], k, WIDTH),
    lambda a, b, p, s, k: slice_(p["line"], 2 * k, WIDTH),
    lambda a, b, p, s, k: concat(a, b).bind(lambda y: slice_(y, 2, WIDTH)),
    lambda a, b, p, s, k: wide(_entropy(a, s["label"])),
    lambda a, b, p, s, k: wide(sum_(a)).bind(lambda y: scale(y, 0.25)),
)


def _product(m: NodeId, a: NodeId) -> Any:
    column = reshape(a, (WIDTH, 1))
    return column.bind(lambda x: matmul(m, x)).bind(_flat)


def _row_product(a: NodeId, m: NodeId) -> Any:
    return reshape(a, (1, WIDTH)).bind(lambda x: matmul(x, m)).bind(_flat)


def _flat(y: NodeId) -> Any:
    return reshape(y, (WIDTH,))


def _above_1(x: NodeId) -> Any:
    return shift_by(x, 1.0)


def _entropy(a: NodeId, label: NodeId) -> Any:
    return reshape(a, (1, WIDTH)).bind(lambda row: cross_entropy(row, label))


def _scaled(c: NodeId, y: NodeId) -> Any:
    return sigmoid(y).bind(lambda z: shift_by(z, 0.5)).bind(lambda z: mul(c, z))


def _kept(c: NodeId, y: NodeId) -> Any:
    return scale(c, 0.5).bind(lambda z: add(z, y))


# What becomes of a carry c, beside a value y of the step.
CARRY: Final[tuple[Callable[[NodeId, NodeId], Any], ...]] = (
    lambda c, y: tanh(y),
    add,
    lambda c, y: add(y, c),
    _scaled,
    _kept,
    max_,
    lambda c, y: scale(y, 1.0),
    lambda c, y: pure(y),
)


def picked(known: list[NodeId], i: int) -> NodeId:
    """Return one of the last three or, as often, any."""
    return known[-1 - (i // 2) % (3 if i % 2 else len(known))]


@dataclass
class Body:
    """What a step does: acts and their operands, by number, as all choices."""

    acts: list[tuple[int, int, int]]
    carries: list[tuple[int, int]]
    """For each carry what it becomes, and of which value."""

    rotate: bool
    """Whether carries change places after each step."""

    inner: "Body | None" = None
    odd: tuple[int, list[tuple[int, int, int]]] = (-1, [])


@dataclass
class Loop:
    """A loop, and what is done with the values that it collects."""

    body: Body
    times: int
    collect: int
    """Which value of each step is collected, from its end."""

    partial: bool
    is_reversed: bool
    again: bool


def _acts(rng: Any, most: int) -> list[tuple[int, int, int]]:
    count = int(rng.integers(1, most + 1))
    return [
        (int(rng.integers(len(ACTS))), int(rng.integers(120)), int(rng.integers(120)))
        for _ in range(count)
    ]


def random_body(rng: Any, times: int, *, inner: bool = False) -> Body:
    carries = [
        (int(rng.integers(len(CARRY))), int(rng.integers(120)))
        for _ in range(int(rng.integers(0, 4)))
    ]
    body = Body(_acts(rng, 6), carries, bool(rng.random() < 0.3))
    if inner:
        body.inner = random_body(rng, 5)
        body.inner.acts = body.inner.acts[:3]
    if rng.random() < 0.2:
        body.odd = int(rng.integers(times)), _acts(rng, 3)
    return body


def random_loop(rng: Any) -> Loop:
    times = int(rng.choice(TIMES))
    body = random_body(rng, times, inner=bool(rng.random() < 0.2 and times < 10))
    kinds = [bool(rng.random() < chance) for chance in (0.3, 0.4, 0.3)]
    return Loop(body, times, int(rng.integers(120)), *kinds)


@do
def one_step(
    body: Body, p: Any, s: Any, k: int, carries: list[NodeId]
) -> Do[tuple[list[NodeId], list[NodeId]], Any]:
    """Return the next carries, and all values of the step."""
    known = [*carries, s["x"], *p["vectors"]]
    acts = [*body.acts, *(body.odd[1] if k == body.odd[0] else [])]
    for which, i, j in acts:
        a, b = picked(known, i), picked(known, j)
        known.append((yield from ACTS[which](a, b, p, s, k)))
    if body.inner is not None:
        inner = [known[-1]] * max(1, len(body.inner.carries))
        for at in range(5):
            inner, values = yield from one_step(body.inner, p, s, at, inner)
            known.append(values[-1])
        known.append((yield from add(known[-1], inner[-1] if inner else known[0])))
    moved = []
    for c, (which, i) in zip(carries, body.carries, strict=False):
        moved.append((yield from CARRY[which](c, picked(known, i))))
    if body.rotate:
        moved = [*moved[1:], *moved[:1]]
    return moved, known


@do
def one_loop(loop: Loop, p: Any, samples: Any) -> Do[NodeId, Any]:
    """Return a number."""
    carries = [p["vectors"][i % 2] for i in range(len(loop.body.carries))]
    collected, sums, total = [], [], None
    for k in range(loop.times):
        s = samples[k % len(samples)]
        carries, values = yield from one_step(loop.body, p, s, k, carries)
        collected.append(picked(values, loop.collect))
        term = yield from sum_(values[-1])
        total = term if total is None else (yield from add(total, term))
        sums.append(total)
    assert total is not None
    total = yield from scale(total, 1 / loop.times)
    if loop.partial:
        for k, some in enumerate(sums):
            total = yield from add(total, (yield from scale(some, 1 / (2 + k))))
    if loop.is_reversed:
        h = p["vectors"][0]
        for y in reversed(collected):
            h = yield from tanh((yield from add(h, y)))
        total = yield from add(total, (yield from sum_(h)))
    for c in carries:
        total = yield from add(total, (yield from sum_(c)))
    return total


@do
def looped(loops: list[Loop], p: Any, given: Any) -> Do[NodeId, Any]:
    """The sum of what some loops return, one behind the other, some of them twice."""
    samples: list[dict[str, NodeId]] = []
    for x, m, label in zip(*given, strict=True):
        ids = yield from map_m(const, (x, m, label))
        if "xs" in p:
            ids = (p["xs"][len(samples)], p["ms"][len(samples)], ids[2])
        samples.append(dict(zip(("x", "m", "label"), ids, strict=True)))
    total = yield from sum_(p["vectors"][0])
    for loop in loops:
        for _ in range(1 + loop.again):
            found = yield from one_loop(loop, p, samples)
            total = yield from add(total, found)
    return total


def random_loops(seed: int) -> list[Loop]:
    rng = np.random.default_rng(seed)
    return [random_loop(rng) for _ in range(1 + (rng.random() < 0.2))]


def arguments(seed: int, again: int) -> tuple[Any, Any]:
    """Return parameters and samples, for each seed in one structure and dtype."""
    rng = np.random.default_rng(seed)
    dtype = np.float32 if rng.random() < 0.2 else np.float64
    is_own, is_array = rng.random() < 0.3, rng.random() < 0.3
    rng = np.random.default_rng((seed, again))
    most = max(TIMES)

    def some(*shape: int) -> Any:
        return (rng.normal(size=shape) / 2).astype(dtype)

    p = {
        "vectors": [some(WIDTH), some(WIDTH)],
        "m": some(WIDTH, WIDTH),
        "rows": some(most, WIDTH),
        "columns": some(WIDTH, most),
        "line": some(2 * most + WIDTH),
    }
    if is_own:
        p["xs"] = list(some(most, WIDTH))
        p["ms"] = list(some(most, WIDTH, WIDTH))
    given = (
        some(most, WIDTH),
        some(most, WIDTH, WIDTH),
        rng.integers(0, WIDTH, (most, 1)),
    )
    return p, given if is_array else tuple(map(list, given))


def check(seed: int, engine: str = "numpy") -> str:
    """Compare a random program with and without ``roll``; return the report."""
    loops = random_loops(seed)

    loss = value_and_grad(lambda p, given: looped(loops, p, given))

    def second(p: Any, given: Any, along: Any) -> Any:
        """Return also the gradient, which has entries where all of these cancel."""
        found = hvp_params(lambda q, _: looped(loops, q, given), p, None, along)
        return loss(p, given).bind(lambda first: found.map(lambda h: (first, h)))

    calls = [arguments(seed, again) for again in range(2)]
    if seed % 8:
        return assert_rolled(loss, *calls, engine=engine)
    doubled = [(*call, call[0]) for call in calls]
    return assert_rolled(second, *doubled, engine=engine)


def main(count: int, first: int = 0, engine: str = "numpy") -> None:
    bad = rolls = 0
    for seed in range(first, first + count):
        try:
            rolls += is_rolled(check(seed, engine))
        except Exception:  # noqa: BLE001 - all of them are listed
            bad += 1
            lines = [line for line in traceback.format_exc().splitlines() if line]
            told = [line for line in lines if "Error" in line or "Mism" in line]
            print(f"seed {seed}:", *told[-4:], flush=True)
        if seed % 100 == 99:
            print(f"{seed + 1 - first} seeds", flush=True)
    print(f"{bad} of {count} failed; {rolls} were rolled up")


if __name__ == "__main__":
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    main(int(sys.argv[1]), first, *sys.argv[3:])
