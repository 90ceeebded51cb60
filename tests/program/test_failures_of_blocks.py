"""Failures and exceptions in blocks: how blocks are closed and programs recover."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from returns.result import Success

from tapem_dsl import (
    Do,
    NodeId,
    Tape,
    TapeM,
    do,
    exp,
    fold_m,
    get_tape,
    leaf,
    mul,
    pure,
    throw,
    value_of,
)

# -- failures and exceptions -----------------------------------------------------------


def tracing(log: list[str]) -> Callable[[str], Any]:
    @contextmanager
    def entered(name: str) -> Iterator[None]:
        log.append(f"+{name}")
        try:
            yield
        finally:
            log.append(f"-{name}")

    return entered


def test_a_failure_closes_the_blocks_innermost_first() -> None:
    log: list[str] = []
    entered = tracing(log)

    @do
    def inner() -> Do[None]:
        with entered("inner"):
            yield from throw("no")

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            try:
                yield from inner()
            except Exception:  # noqa: BLE001 - a failure is no exception
                log.append("caught")

    assert str(outer().run().failure()) == "no"
    assert log == ["+outer", "+inner", "-inner", "-outer"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StopIteration])
def test_an_exception_passes_through_and_closes_the_blocks(
    error: type[BaseException],
) -> None:
    log: list[str] = []
    entered = tracing(log)

    def fail(_: object) -> Any:
        raise error

    @do
    def inner() -> Do[None]:
        with entered("inner"):
            yield from leaf(1.0).map(fail)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from inner()

    with pytest.raises(error):
        outer().run()
    assert log == ["+outer", "+inner", "-inner", "-outer"]


def test_an_exception_of_an_inner_block_is_not_seen_by_the_outer_one() -> None:
    log = []

    @do
    def inner() -> Do[float]:
        yield from leaf(1.0)
        return 1 / 0

    @do
    def outer() -> Do[float]:
        try:
            return (yield from inner())
        except ZeroDivisionError:
            log.append("seen")
            raise

    with pytest.raises(ZeroDivisionError):
        outer().run()
    assert log == []


def test_all_blocks_are_closed_even_if_one_refuses_to() -> None:
    log: list[str] = []
    entered = tracing(log)

    @do
    def stubborn() -> Do[None]:
        try:
            yield from throw("no")
        finally:
            yield from leaf(1.0)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from stubborn()

    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        outer().run()
    assert log == ["+outer", "-outer"]


def test_all_blocks_are_closed_when_an_exception_meets_a_stubborn_one() -> None:
    log: list[str] = []
    entered = tracing(log)

    def fail(_: object) -> Any:
        raise KeyboardInterrupt

    @do
    def stubborn() -> Do[None]:
        try:
            yield from leaf(1.0).map(fail)
        finally:
            yield from leaf(1.0)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from stubborn()

    with pytest.raises(RuntimeError, match="ignored GeneratorExit") as caught:
        outer().run()
    assert isinstance(caught.value.__context__, KeyboardInterrupt)
    assert log == ["+outer", "-outer"]


@pytest.mark.parametrize("place", ["map", "bind", "fold", "lash", "apply"])
def test_stop_iteration_of_a_function_is_no_return(place: str) -> None:
    def stop(*_: object) -> Any:
        raise StopIteration("not a value")

    programs: dict[str, TapeM[Any]] = {
        "map": leaf(1.0).map(stop),
        "bind": leaf(1.0).bind(stop),
        "fold": fold_m(stop, 0, [1]),
        "lash": throw("no").lash(stop),
        "apply": leaf(1.0).apply(pure(stop)),
    }
    with pytest.raises(StopIteration, match="not a value"):
        programs[place].run()


def test_lash_recovers_around_a_block_and_drops_what_it_recorded() -> None:
    @do
    def failing() -> Do[NodeId]:
        yield from leaf(1.0)
        yield from leaf(2.0)
        return (yield from throw("no"))

    @do
    def program() -> Do[tuple[NodeId, NodeId]]:
        x = yield from leaf(0.0)
        y = yield from failing().lash(lambda error: leaf(float(len(error.message))))
        return x, y

    value, tape = program().run().unwrap()
    assert value == tuple(tape.ids())
    assert [node.value for node in tape] == [0.0, 2.0]


def test_lash_after_a_snapshot_leaves_the_snapshot_alone() -> None:
    seen: list[Tape[Any]] = []

    @do
    def failing() -> Do[NodeId]:
        yield from leaf(1.0)
        tape = yield from get_tape()
        seen.append(tape)
        return (yield from throw("no"))

    tape = failing().lash(lambda _: leaf(2.0)).exec().unwrap()
    assert [node.value for node in tape] == [2.0]
    assert [node.value for node in seen[0]] == [1.0]


def test_a_handler_that_fails_is_handled_by_the_next_one() -> None:
    program = throw("first").lash(lambda _: throw("second")).lash(pure)
    assert str(program.eval().unwrap()) == "second"
    assert str(throw("first").lash(lambda _: throw("second")).run().failure()) == (
        "second"
    )


# -- NumPy's error state ---------------------------------------------------------------


def test_no_numpy_error_state_escapes_a_run() -> None:
    overflow = leaf(1e6).bind(exp).bind(value_of)
    assert overflow.eval() == Success(np.float64("inf"))
    with np.errstate(all="raise"):
        assert overflow.eval() == Success(np.float64("inf"))
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.float64(0)


@pytest.mark.parametrize("state", ["raise", "warn"])
def test_an_error_state_around_a_yield_does_not_reach_ops(state: Any) -> None:
    @do
    def program() -> Do[Any]:
        x = yield from leaf(1e6)
        with np.errstate(all=state):
            y = yield from exp(x)
            z = yield from mul(y, y)
        return (yield from value_of(z))

    assert program().eval() == Success(np.float64("inf"))


def test_an_exception_restores_the_error_state_of_the_caller() -> None:
    @do
    def inner() -> Do[None]:
        yield from pure(1)
        raise ValueError("mine")

    @do
    def outer() -> Do[None]:
        with np.errstate(all="raise"):
            yield from inner()

    before = np.geterr()
    with pytest.raises(ValueError, match="mine"):
        outer().run()
    assert np.geterr() == before
