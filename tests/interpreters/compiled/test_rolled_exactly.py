"""Loops over small integers, held in floats: rolled up they are the same."""

from typing import Any, Final

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    broadcast_to,
    clamp,
    const,
    do,
    dot,
    jit,
    linear,
    map_m,
    matmul,
    max_,
    min_,
    mul,
    outer,
    reduce_sum,
    relu,
    reshape,
    scale,
    select,
    shift_by,
    slice_,
    sub,
    sum_,
    transpose,
    tree,
    value_and_grad,
)

# Any, throughout: arrays of any scalar type, and records of their nodes.

WIDTH: Final = 3
TIMES: Final = (4, 5, 6, 9)
EXACT: Final = 2.0**45
"""What no result may reach: sums of some hundred terms are exact below."""


def _product(m: NodeId, a: NodeId) -> Any:
    column = reshape(a, (WIDTH, 1))
    return column.bind(lambda x: matmul(m, x)).bind(_flat)


def _flat(y: NodeId) -> Any:
    return reshape(y, (WIDTH,))


@do
def _plus_dot(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
    y: NodeId = yield from dot(a, b)
    y = yield from broadcast_to((yield from clamp(y, -2, 2)), (WIDTH,))
    return (yield from add(a, y))


# Of vectors a and b of a step, the parameters p, the sample s, and the step's number k.
ACTS: Final[tuple[Any, ...]] = (
    lambda a, b, p, s, k: add(a, b),
    lambda a, b, p, s, k: sub(a, b),
    lambda a, b, p, s, k: mul(a, b),
    lambda a, b, p, s, k: max_(a, b),
    lambda a, b, p, s, k: min_(a, b),
    lambda a, b, p, s, k: relu(a),
    lambda a, b, p, s, k: scale(a, k % 3 - 1),
    lambda a, b, p, s, k: scale(a, -2),
    lambda a, b, p, s, k: shift_by(a, k - 2),
    lambda a, b, p, s, k: _plus_dot(a, b),
    lambda a, b, p, s, k: outer(a, b).bind(lambda m: reduce_sum(m, axis=0)),
    lambda a, b, p, s, k: outer(a, b).bind(lambda m: reduce_sum(m, axis=1)),
    lambda a, b, p, s, k: linear(p["m"], b, a),
    lambda a, b, p, s, k: linear(p["m"], p["v"], a),
    lambda a, b, p, s, k: linear(s["m"], b, a),
    lambda a, b, p, s, k: _product(p["m"], a),
    lambda a, b, p, s, k: _product(s["m"], a),
    lambda a, b, p, s, k: transpose(p["m"]).bind(lambda m: _product(m, a)),
    lambda a, b, p, s, k: matmul(s["m"], p["m"]).bind(lambda m: _product(m, a)),
    lambda a, b, p, s, k: matmul(p["m"], s["m"]).bind(lambda m: _product(m, a)),
    lambda a, b, p, s, k: select(p["rows"], k),
    lambda a, b, p, s, k: slice_(p["line"], k, WIDTH),
)


@do
def looped(seed: int, p: Any, given: Any) -> Do[NodeId, Any]:
    """A sum over steps, each of which clamps what it carries to be small."""
    rng = np.random.default_rng(seed)
    times, carried = int(rng.choice(TIMES)), int(rng.integers(0, 3))
    acts = rng.integers((len(ACTS), 40, 40), size=(int(rng.integers(1, 6)), 3))
    kept, partial = rng.integers(40, size=carried), rng.random() < 0.3
    carries, sums = [p["v"], p["w"]][:carried], []
    total: NodeId = p["one"]
    for k in range(times):
        ids = yield from map_m(const, [part[k] for part in given])
        s = dict(zip(("x", "m"), ids, strict=True))
        known = [*carries, s["x"], p["v"], p["w"]]
        for which, i, j in acts:
            a, b = known[-1 - i % len(known)], known[-1 - j % len(known)]
            known.append((yield from ACTS[which](a, b, p, s, k)))
        for at, i in enumerate(kept):
            carries[at] = yield from clamp(known[-1 - i % len(known)], -2, 2)
        total = yield from add(total, (yield from sum_(known[-1])))
        sums.append(total)
    for c in [*carries, p["v"]]:
        total = yield from add(total, (yield from sum_(c)))
    for k, some in enumerate(sums if partial else []):
        total = yield from add(total, (yield from scale(some, k - 1)))
    return total


def arguments(seed: int, dtype: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    most = max(TIMES)

    def some(*shape: int) -> Any:
        return rng.integers(-2, 3, shape).astype(dtype)

    p = {
        "v": some(WIDTH),
        "w": some(WIDTH),
        "m": np.sign(some(WIDTH, WIDTH)),
        "rows": some(most, WIDTH),
        "line": some(most + WIDTH),
        "one": dtype(1),
    }
    return p, (list(some(most, WIDTH)), list(np.sign(some(most, WIDTH, WIDTH))))


@pytest.mark.parametrize("seed", range(150))
def test_integers_are_exact(seed: int) -> None:
    check(seed)


def check(seed: int) -> str:
    function = value_and_grad(lambda p, given: looped(seed, p, given))
    step = jit(function, roll=True)
    for again in range(3):
        given = arguments(3 * seed + again, np.float64)
        expected = tree.leaves(function(*given).unwrap())
        found = tree.leaves(step(*given).unwrap())
        assert max(np.max(np.abs(x)) for x in expected) < EXACT
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
    report = step.report()
    assert "as it is" not in report, report
    return report
