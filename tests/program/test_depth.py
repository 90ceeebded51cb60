"""Depth and length: no recursion error anywhere, time and memory linear."""

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from returns.result import Failure, Success

from tapem_dsl import (
    EMPTY,
    Do,
    NodeId,
    TapeM,
    add,
    backward_scalar,
    do,
    fold_m,
    get_tape,
    leaf,
    mul,
    param,
    pure,
    throw,
)


def test_a_fold_runs_over_a_million_items() -> None:
    total = fold_m(lambda total, x: pure(total + x), 0, range(1_000_000))
    assert total.eval() == Success(sum(range(1_000_000)))


def test_200_000_binds_nested_to_the_left_run() -> None:
    program: TapeM[int] = pure(0)
    for _ in range(200_000):
        program = program.bind(lambda n: pure(n + 1))
    assert program.eval() == Success(200_000)


def test_200_000_binds_nested_to_the_right_run() -> None:
    def count(n: int) -> TapeM[int]:
        return pure(n) if n == 200_000 else pure(n + 1).bind(count)

    assert count(0).eval() == Success(200_000)


def test_200_000_maps_applies_and_handlers_run() -> None:
    mapped: TapeM[int] = pure(0)
    lashed: TapeM[int] = throw("no")
    for _ in range(200_000):
        mapped = mapped.map(lambda n: n + 1)
        lashed = lashed.lash(throw)
    applied: TapeM[int] = pure(0)
    for _ in range(200_000):
        applied = applied.apply(pure(lambda n: n + 1))
    assert mapped.eval() == applied.eval() == Success(200_000)
    assert str(lashed.run().failure()) == "no"


@do
def countdown(n: int) -> Do[int]:
    if n == 0:
        return (yield from pure(0))
    rest = yield from countdown(n - 1)
    return rest + 1


def test_a_do_function_recurses_100_000_deep() -> None:
    assert sys.getrecursionlimit() < 100_000
    assert countdown(100_000).eval() == Success(100_000)


@do
def failing(n: int) -> Do[None]:
    if n == 0:
        yield from throw("bottom")
    yield from failing(n - 1)


def test_a_failure_100_000_blocks_deep_closes_them_all() -> None:
    assert str(failing(100_000).run().failure()) == "bottom"


@do
def chain(n: int) -> Do[NodeId]:
    x = yield from param(0.5)
    a = yield from param(0.9999995)
    b = yield from param(0.0000001)
    for _ in range(n // 2):
        x = yield from mul(x, a)
        x = yield from add(x, b)
    return x


def test_a_sweep_visits_a_million_nodes() -> None:
    out, tape = chain(1_000_000).run().unwrap()
    assert len(tape) == 1_000_003
    grads = backward_scalar(tape, out, wrt=(NodeId(0),)).unwrap()
    assert float(grads[NodeId(0)]) == pytest.approx(0.9999995**500_000, rel=1e-9)
    assert len(backward_scalar(tape, out).unwrap()) == 1_000_003


# -- linear: twenty times the work in at most forty times the time ---------------------


def seconds(run: Callable[[], Any]) -> float:
    best = float("inf")
    gc.collect()
    gc.disable()  # its share depends on whatever else is alive
    try:
        for _ in range(5):
            start = time.process_time()  # whatever else runs
            run()
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


@do
def recovering(n: int) -> Do[None]:
    yield from leaf(1.0)
    for _ in range(n):
        yield from leaf(2.0).bind(lambda _: throw("no")).lash(lambda _: leaf(3.0))


def passed_on(n: int) -> TapeM[None]:
    program: TapeM[None] = throw("no")
    for _ in range(n):
        program = program.lash(throw)
    return program


@do
def reading(n: int) -> Do[None]:
    for _ in range(n):
        yield from get_tape()
        yield from leaf(1.0)


@pytest.mark.parametrize(
    "run",
    [
        lambda n: chain(n).run(),
        lambda n: countdown(n).run(),
        lambda n: recovering(n).run(),
        lambda n: passed_on(n).run(),
        lambda n: reading(n).run(),
        lambda n: chain(n).bind(backward_scalar).run(),
    ],
    ids=["chain", "recursion", "lash", "passed on", "get_tape", "backward"],
)
def test_time_is_linear(run: Callable[[int], Any]) -> None:
    small, large = 1_000, 20_000
    # n log n would be allowed, n times the root of n would take 90 times as long
    assert seconds(lambda: run(large)) < 40 * seconds(lambda: run(small))


def test_memory_is_linear() -> None:
    def bytes_of(n: int) -> int:
        tracemalloc.start()
        try:
            result = chain(n).run()
            size, _ = tracemalloc.get_traced_memory()
            assert isinstance(result, Success)
            return size
        finally:
            tracemalloc.stop()

    first, second = bytes_of(10_000), bytes_of(20_000)
    assert (second - first) / 10_000 < 400
    assert second < 2.5 * first


def test_a_failed_run_gives_only_its_error() -> None:
    assert isinstance(failing(10).run(EMPTY), Failure)
