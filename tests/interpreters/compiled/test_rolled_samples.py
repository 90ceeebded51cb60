"""Loops over samples of whatever structure; checks, handlers and branches in them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    const,
    cross_entropy,
    do,
    dot,
    jit,
    log,
    matmul,
    mean_scalar_over,
    mean_scalar_over_array,
    mse_loss,
    mul,
    reshape,
    shift_by,
    sum_,
    tanh,
    value_and_grad,
)
from tapem_dsl.interpreters.compiled import jitted
from tapem_dsl.tape.equality import same
from tests.interpreters.compiled.rolled import assert_close, assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, samples of any structure.


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any


class Row(NamedTuple):
    x: Any
    y: Any


@do
def error_at(w: NodeId, x: Any, y: Any) -> Do[NodeId, Any]:
    xs, ys = (yield from const(x)), (yield from const(y))
    return (yield from mse_loss((yield from dot(w, xs).bind(tanh)), ys))


def of_pairs(w: NodeId, pairs: Any) -> Any:
    return mean_scalar_over("t", list(pairs), lambda p: error_at(w, *p))


def of_points(w: NodeId, points: Any) -> Any:
    return mean_scalar_over("t", points, lambda p: error_at(w, p.x, p.y))


def of_dicts(w: NodeId, found: Any) -> Any:
    return of_pairs(w, zip(found["x"], found["y"], strict=True))


def of_joined(w: NodeId, rows: Any) -> Any:
    return mean_scalar_over_array("t", rows, lambda r: error_at(w, r[:-1], r[-1]))


FORMS: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "one array": (of_joined, lambda x, y: np.column_stack([x, y])),
    "a list of rows": (of_joined, lambda x, y: list(np.column_stack([x, y]))),
    "tuples": (of_pairs, lambda x, y: list(zip(x, y, strict=True))),
    "a tuple of lists": (of_pairs, lambda x, y: [[*p] for p in zip(x, y, strict=True)]),
    "records": (of_points, lambda x, y: [*map(Point, x, y)]),
    "named tuples": (of_points, lambda x, y: [*map(Row, x, y)]),
    "a dict of lists": (of_dicts, lambda x, y: {"x": list(x), "y": list(y)}),
    "a dict of arrays": (of_dicts, lambda x, y: {"x": x, "y": y}),
    "numbers of Python": (of_dicts, lambda x, y: {"x": x, "y": y.tolist()}),
    "some of Python": (
        of_dicts,
        lambda x, y: {"x": x, "y": [v if i % 3 else float(v) for i, v in enumerate(y)]},
    ),
}


def drawn(seed: int, count: int = 9) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=3), rng.normal(size=(count, 3)), rng.normal(size=count)


@pytest.mark.parametrize("form", FORMS)
def test_samples_of_any_form(form: str) -> None:
    program, made = FORMS[form]
    calls = [(w, made(x, y)) for w, x, y in map(drawn, range(3))]
    report = assert_rolled(value_and_grad(program), *calls)
    assert is_rolled(report) or form == "some of Python"


@do
def uneven(w: NodeId, sample: Any) -> Do[NodeId, Any]:
    """A loss whose calls depend on the shape and the structure of the sample."""
    parts = sample if isinstance(sample, tuple) else (sample,)
    total = yield from sum_(w)
    for part in parts:
        x = yield from const(part)
        if part.shape:
            x = yield from sum_((yield from mul(x, x)))
        total = yield from mul(total, (yield from tanh(x)))
    return total


@pytest.mark.parametrize("seed", range(30))
def test_samples_of_mixed_shapes_and_structures(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(4, size=24) * (rng.random(24) < rng.random())

    def some() -> list[Any]:
        x = [[float(v), rng.normal(size=2)] for v in rng.normal(size=24)]
        forms = (
            lambda a, b: b,
            lambda a, b: np.float64(a),
            lambda a, b: (b, b[:1] * a),
            lambda a, b: np.outer(b, b),
        )
        return [forms[kind](*pair) for kind, pair in zip(kinds, x, strict=True)]

    def program(w: NodeId, samples: Any) -> Any:
        return mean_scalar_over("t", samples, partial(uneven, w))

    calls = [(rng.normal(size=3), some()) for _ in range(3)]
    assert_rolled(value_and_grad(program), *calls)


@do
def uneven_logarithms(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    """Samples of one entry and of two, in turns, beside a constant array."""

    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        x = yield from const(sample)
        y = yield from mul(x, (yield from const(np.arange(1.0, 1 + len(sample)))))
        if len(sample) > 1:
            y = yield from mul(y, w)
        return (yield from sum_((yield from log(y))))

    return (yield from mean_scalar_over("t", samples, loss_of))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_a_logarithm_fails_in_one_of_mixed_samples(value: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    good = [1 + rng.random(size=n) for n in rng.integers(1, 3, size=20)]
    good[3] = 1 + rng.random(size=2)
    at = rng.integers(20)
    bad = [x * 0 + value if k == at else x for k, x in enumerate(good)]
    compare(uneven_logarithms, 2 + rng.random(size=2), good, bad)


@do
def entropies(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        x = yield from const(sample[0])
        label = yield from const(sample[1])
        return (yield from cross_entropy((yield from matmul(x, w)), label))

    return (yield from mean_scalar_over("t", samples, loss_of))


@pytest.mark.parametrize("at", [0, 1, 5, 8])
@pytest.mark.parametrize("label", [-1, 4, 10**6])
def test_a_label_out_of_range_is_the_eager_failure(at: int, label: int) -> None:
    rng = np.random.default_rng(at)
    rows = [rng.normal(size=(1, 3)) for _ in range(9)]
    good = [(row, np.array([rng.integers(4)])) for row in rows]
    bad = [(x, np.array([label]) if k == at else y) for k, (x, y) in enumerate(good)]
    compare(entropies, rng.normal(size=(3, 4)), good, bad)


@do
def logarithms(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        x = yield from const(sample)
        return (yield from sum_((yield from log((yield from mul(x, w))))))

    return (yield from mean_scalar_over("t", samples, loss_of))


@do
def handled(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        x = yield from mul(w, (yield from const(sample)))
        found = log(x).bind(sum_).lash(lambda error: mul(w, w).bind(sum_))
        return (yield from found.bind(lambda y: shift_by(y, 0.5)))

    return (yield from mean_scalar_over("t", samples, loss_of))


@do
def carried_logarithms(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    h = w
    for sample in samples:
        x = yield from const(sample)
        h = yield from log((yield from mul(h, x)))
    return (yield from sum_(h))


@pytest.mark.parametrize("program", [logarithms, handled, carried_logarithms])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("at", [0, 1, 5, 8])
def test_a_logarithm_fails_as_it_does_eagerly(
    program: Any, value: float, at: int
) -> None:
    rng = np.random.default_rng(at)
    good = [3 + rng.random(size=2) for _ in range(9)]
    bad = [np.array([1.0, value]) if k == at else x for k, x in enumerate(good)]
    compare(program, 2 + rng.random(size=2), good, bad)


def compare(program: Any, w: Any, good: Any, bad: Any) -> None:
    """Assert that what is bad runs as it is, and what is good does not."""
    eager: Any = value_and_grad(program)
    step = jit(eager, roll=True)
    for samples in (good, bad, good, bad):
        assert_close(step(w, samples), eager(w, samples))
    report = step.report()
    assert is_rolled(report)
    assert "1 plan, 1 run of a plan" in report
    assert "as it is, 2 times" in report


@do
def branching(w: NodeId, samples: Any) -> Do[NodeId, Any]:
    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        x = yield from mul(w, (yield from const(sample)))
        if sample[0] > 0:
            x = yield from tanh(x)
        row = yield from reshape(x, (1, 2))
        return (yield from sum_(row))

    return (yield from mean_scalar_over("t", samples, loss_of))


def test_guards_of_each_sample() -> None:
    rng = np.random.default_rng(4)
    eager = value_and_grad(branching)
    step = jit(eager, roll=True, guards=True)
    rows = [rng.normal(size=2) for _ in range(12)]
    signs = [[1] * 12, [1, -1] * 6, [1] * 11 + [-1], [-1] + [1] * 11]
    for _ in range(3):
        for sign in signs:
            samples = [abs(row) * s for row, s in zip(rows, sign, strict=True)]
            w = rng.normal(size=2)
            assert_close(step(w, samples), eager(w, samples))
    report = step.report()
    assert "4 plans, 8 runs of a plan" in report
    assert is_rolled(report)
    assert "as it is" not in report


def test_without_roll_every_bit_is_the_eager_one() -> None:
    for program, made in FORMS.values():
        eager: Any = value_and_grad(program)
        step = jit(eager, roll=False)
        for w, x, y in map(drawn, range(3)):
            given = w, made(x, y)
            assert same(step(*given), eager(*given))
        assert not is_rolled(step.report())


def test_a_fault_in_rolling_up_leaves_the_plan_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise IndexError("a fault")

    monkeypatch.setattr(jitted, "rolled", fail)
    step = jit(lambda xs: [x * 2.0 for x in xs], roll=True)
    xs = [np.float64(i) for i in range(5)]
    assert same(step(xs), [x * 2 for x in xs])
    assert same(step(xs), [x * 2 for x in xs])
    assert "not rolled up: IndexError: a fault" in step.report()


def test_first_and_later_calls_give_the_same_bits() -> None:
    step = jit(lambda xs: sum(xs[1:], xs[0]), roll=True)
    xs = [np.float64(x) for x in np.random.default_rng(0).normal(size=99)]
    assert same(step(xs), step(xs))
    assert "1 summed" in step.report()
