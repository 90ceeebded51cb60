"""Ten thousand ill-formed programs give a Failure or a TypeError."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from returns.result import Failure, Success

from tapem_dsl import (
    EMPTY,
    TapeError,
    add,
    backward,
    backward_dense_from,
    backward_m,
    backward_scalar,
    const,
    div,
    do,
    exp,
    fold_m,
    gather,
    hessian_input,
    jvp,
    jvp_m,
    leaf,
    linear,
    log,
    log1p,
    log_softmax_last,
    make_dual,
    map_m,
    matmul,
    mean_scalar_over,
    mean_scalar_over_array,
    mse_loss,
    mul,
    primal,
    rationals,
    relu,
    scale,
    sigmoid,
    softmax_last,
    sub,
    sum_,
    tangent,
    tanh,
    value_of,
    vjp,
)
from tapem_dsl.train import require_grad_tensor, require_value_tensor

# Any, throughout: what types would refuse is what is tried here.


class Chance(random.Random):
    def pick(self, *options: Any) -> Any:
        return self.choice(options)


UNARY: list[Callable[..., Any]] = [
    relu, tanh, sigmoid, exp, log, log1p, sum_, softmax_last, log_softmax_last,
    value_of, backward_scalar, backward_m,
]  # fmt: skip
BINARY: list[Callable[..., Any]] = [
    add, sub, mul, div, matmul, mse_loss, gather, make_dual, primal, tangent,
    lambda x, v: jvp_m(tanh, x, v), lambda x, g: backward_m(x, seed=g, wrt=[x]),
]  # fmt: skip
VALUES: list[Any] = [
    10**400, 0.0, -1.0, float("nan"),
    float("inf"), 1e308, 3, Fraction(1, 3), Fraction(0),
    np.float32(2), np.float16(2), np.longdouble(2), np.int64(2), np.bool_(True),
    np.zeros(2), np.ones((2, 2)), np.zeros((0, 2)), np.zeros(0), np.ones((1, 1, 1)),
    np.zeros(2, np.float32), np.zeros(2, ">f8"), np.zeros(2, np.int8),
    np.full(2, np.nan), np.broadcast_to(np.zeros(1), (2,)), np.zeros(4)[::2],
    rationals([1, 0]), rationals([[1, 2], [3, 4]]), rationals([]),
    True, None, "1", 1j, [1.0], (), {}, object(), np.array(["a"]), np.array([1j]),
    np.array([0.5], dtype=object), np.ma.masked_array([1.0], [True]), leaf(1.0),
]  # fmt: skip
IDS: list[Any] = [
    0, 1, 2, 3, 4, 5, -1, 99, 2**70, True, 1.0, np.int64(0), None, "0", leaf(1.0), [0],
]  # fmt: skip
FACTORS: list[Any] = [2, 0.5, Fraction(1, 3), float("nan"), float("inf"), 10**400, "2"]
SEEDS: list[Any] = [*VALUES, 1, 1.0]


@do
def ill_formed(rng: Chance) -> Any:
    """A few good or bad leaves, then a few good or bad steps."""
    ids: list[Any] = []
    for _ in range(rng.randint(0, 4)):
        values = rng.pick(VALUES[:21], VALUES)
        ids.append((yield from rng.pick(leaf, const)(rng.choice(values))))
    for _ in range(rng.randint(0, 5)):
        pool = IDS if rng.random() < 0.2 or not ids else ids
        a, b, c = rng.choices(pool, k=3)
        step = rng.pick(*UNARY, *BINARY, *BINARY, scale, linear, "mean", "fold", "map")
        if step in UNARY:
            ids.append((yield from step(a)))
        elif step in BINARY:
            ids.append((yield from step(a, b)))
        elif step is scale:
            ids.append((yield from scale(a, rng.choice(FACTORS))))
        elif step is linear:
            ids.append((yield from linear(a, b, c)))
        elif step == "mean":
            samples = rng.pick([], [1.0], [1.0, a], (), np.zeros(2), "ab", leaf(1.0))
            loss_of = rng.pick(const, leaf, lambda _, b=b: b, relu, 3)
            mean = rng.pick(mean_scalar_over, mean_scalar_over_array)
            ids.append((yield from mean("t", samples, loss_of)))
        elif step == "fold":
            items = rng.pick([], [1.0, 2.0], leaf(1.0), IDS, 3)
            function = rng.pick(add, lambda total, _: total, lambda _, x: leaf(x))
            ids.append((yield from fold_m(function, a, items)))
        else:
            function = rng.pick(leaf, relu, a)
            ids.append((yield from map_m(function, rng.pick([], VALUES, [1.0], 3))))
    return ids[-1] if ids else None


def refused(error: TypeError) -> str:
    """A programming error of a program says at least what is wrong."""
    assert len(str(error)) > 10
    return "TypeError"


def outcomes(rng: Chance) -> Iterator[str]:
    """Run a program, sweep whatever came out, and look things up: name what came."""
    tape: Any = EMPTY
    try:
        run: Any = ill_formed(rng).run()
        yield name_of(run)
        tape = run.map(lambda pair: pair[1]).value_or(EMPTY)
    except TypeError as error:
        yield refused(error)
    id, seed = rng.choice(IDS), rng.choice(SEEDS)
    wrt = rng.pick(None, IDS[:2], IDS, 3, ())
    slots = rng.choices(SEEDS, k=rng.randint(0, 3))
    shape: Any = rng.pick((), (2,), None)
    function = rng.pick(tanh, sum_, relu, leaf, lambda x: mul(x, x).bind(sum_), 3)
    for look in (
        lambda: hessian_input(function, seed),
        lambda: jvp(rng.pick(add, gather, mul), seed, rng.choice(SEEDS), seed),
        lambda: vjp(mul, seed, rng.choice(SEEDS), rng.choice(SEEDS)),
        lambda: backward(tape, id, seed, wrt=wrt),
        lambda: backward_dense_from(tape, slots),
        lambda: require_value_tensor("t", tape, id, shape),
        lambda: require_grad_tensor("t", {}, id, shape),
    ):
        try:
            yield name_of(look())
        except TypeError as error:
            yield refused(error)


def name_of(outcome: Any) -> str:
    match outcome:
        case Failure(TapeError() as error):
            assert error.message
            return type(error).__name__
        case Success():
            return "Success"
    raise AssertionError(outcome)


def test_ten_thousand_ill_formed_programs_fail_as_documented() -> None:
    seen = Counter(
        outcome for number in range(10_000) for outcome in outcomes(Chance(number))
    )
    assert set(seen) >= {
        "TypeError", "Success", "InvalidNodeId", "ShapeMismatch", "DTypeMismatch",
        "OutsideDomain", "EmptyDataset", "InvalidOutputId", "SeedShapeMismatch",
        "GradientDTypeMismatch", "GradientArrayLengthMismatch", "MissingValue",
        "MissingGradient", "ValueShapeMismatch",
    }  # fmt: skip
