"""What checkers must infer of programs; each function is one promise, and runs."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl import (
    EMPTY,
    Do,
    NodeId,
    Tape,
    TapeError,
    TapeM,
    add,
    do,
    fold_m,
    for_m,
    get_tape,
    leaf,
    linear,
    map_m,
    mean_scalar_over,
    mul,
    param,
    pure,
    relu,
    scale,
    sum_,
    throw,
    value_of,
    when_m,
)

C = TypeVar("C")
F = TypeVar("F", bound=np.generic)
ROW = np.ones(2)
ROW32 = np.ones(2, np.float32)
SQUARE32 = np.ones((2, 2), np.float32)

# -- blocks ----------------------------------------------------------------------------


def a_block_keeps_its_parameters() -> None:
    assert_type(leaf_of_number(1.0), TapeM[NodeId])
    assert_type(leaf_of_number(x=1.0), TapeM[NodeId])


def a_block_may_take_defaults_and_keywords() -> None:
    @do
    def scaled(x: float, *more: float, by: float = 2.0) -> Do[NodeId]:
        total = yield from leaf(x + sum(more))
        return (yield from scale(total, by))

    assert_type(scaled(1.0), TapeM[NodeId])
    assert_type(scaled(1.0, 2.0, by=3.0), TapeM[NodeId])


def a_block_gives_what_it_returns() -> None:
    @do
    def pair() -> Do[tuple[NodeId, str]]:
        x = yield from leaf(1.0)
        return x, "one"

    assert_type(pair(), TapeM[tuple[NodeId, str]])
    assert_type(pair().eval().unwrap(), tuple[NodeId, str])


@do
def a_block_may_fail_in_a_branch() -> Do[None]:
    @do
    def checked(x: float | None) -> Do[NodeId]:
        if x is None:
            return (yield from throw("no number"))
        return (yield from leaf(x))

    x = yield from checked(1.0)
    assert_type(x, NodeId)


@do
def a_block_joins_programs_of_every_scalar() -> Do[None, np.float32]:
    one = yield from pure(1)
    assert_type(one, int)
    tape = yield from get_tape()
    assert_type(tape, Tape[Any])
    x = yield from leaf(ROW32)
    value = yield from value_of(x)
    assert_type(value, NDArray[Any])


@do
def float32_blocks_use_every_combinator() -> Do[None, np.float32]:
    w = yield from param(SQUARE32)
    b, x = yield from map_m(leaf, [ROW32, ROW32])
    assert_type(b, NodeId)
    y = yield from linear(w, b, x)
    doubled = yield from add(y, y)
    folded = yield from fold_m(add, doubled, [y, y])
    assert_type(folded, NodeId)
    yield from for_m([ROW32, ROW32], leaf)
    yield from when_m(True, leaf(ROW32))
    loss = yield from mean_scalar_over("mean", [ROW32], total_of)
    assert_type(loss, NodeId)


@do
def exact_blocks_infer_alike() -> Do[None, np.object_]:
    third = yield from param(Fraction(1, 3))
    assert_type(third, NodeId)
    total = yield from fold_m(add, third, [third])
    assert_type(total, NodeId)


def combinators_keep_the_scalar() -> None:
    assert_type(map_m(leaf, [ROW32]), TapeM[tuple[NodeId, ...], np.float32])
    assert_type(for_m([ROW32], leaf), TapeM[None, np.float32])
    assert_type(when_m(True, leaf(ROW32)), TapeM[None, np.float32])
    assert_type(mean_scalar_over("mean", [ROW32], total_of), TapeM[NodeId, np.float32])


def a_fold_keeps_its_accumulator_and_scalar() -> None:
    @do
    def step(ids: tuple[NodeId, ...], x: float) -> Do[tuple[NodeId, ...]]:
        return (*ids, (yield from leaf(x)))

    start: tuple[NodeId, ...] = ()
    assert_type(fold_m(step, start, [1.0, 2.0]), TapeM[tuple[NodeId, ...]])


def a_program_may_stand_for_one_of_a_wider_value() -> None:
    def takes(program: TapeM[object]) -> None:
        assert_type(program.eval(), Result[object, TapeError])

    takes(leaf(1.0))


# -- generic programs ------------------------------------------------------------------


@do
def squared_sum(x: NDArray[F]) -> Do[NodeId, F]:
    node = yield from leaf(x)
    square = yield from mul(node, node)
    return (yield from sum_(square))


@do
def twice(program: TapeM[C, F]) -> Do[tuple[C, C], F]:
    first = yield from program
    assert_type(first, C)
    second = yield from program
    return first, second


def a_generic_block_infers_its_scalar() -> None:
    assert_type(squared_sum(ROW), TapeM[NodeId, np.float64])
    assert_type(squared_sum(ROW32), TapeM[NodeId, np.float32])
    assert_type(twice(leaf(ROW32)), TapeM[tuple[NodeId, NodeId], np.float32])


def a_generic_program_goes_on_as_itself() -> None:
    def doubled(program: TapeM[NodeId, F]) -> TapeM[NodeId, F]:
        assert_type(program.exec(), Result[Tape[F], TapeError])
        return program.bind(lambda x: add(x, x))

    assert_type(doubled(leaf(ROW32)), TapeM[NodeId, np.float32])


def a_generic_loss_infers_its_scalar() -> None:
    def trained(rows: Sequence[NDArray[F]]) -> TapeM[NodeId, F]:
        return mean_scalar_over("mean", rows, squared_sum)

    assert_type(trained([ROW]), TapeM[NodeId, np.float64])
    assert_type(trained([ROW32]), TapeM[NodeId, np.float32])


def a_loss_may_be_a_partial_application() -> None:
    def scaled(by: float, row: NDArray[np.float32]) -> TapeM[NodeId, np.float32]:
        return squared_sum(row).bind(lambda x: scale(x, by))

    mean = mean_scalar_over("mean", [ROW32], partial(scaled, 2.0))
    assert_type(mean, TapeM[NodeId, np.float32])


# -- running ---------------------------------------------------------------------------


def running_gives_the_value_and_the_tape() -> None:
    program = leaf(ROW32)
    assert_type(program.run(), Result[tuple[NodeId, Tape[np.float32]], TapeError])
    assert_type(program(), Result[tuple[NodeId, Tape[np.float32]], TapeError])
    assert_type(program.eval(), Result[NodeId, TapeError])
    assert_type(program.exec(), Result[Tape[np.float32], TapeError])
    x, tape = program.run().unwrap()
    assert_type(x, NodeId)
    assert_type(tape, Tape[np.float32])


def running_goes_on_from_a_tape_of_the_same_scalar() -> None:
    tape = leaf(ROW32).exec().unwrap()
    assert_type(leaf(ROW32).exec(tape), Result[Tape[np.float32], TapeError])


def running_starts_from_the_empty_tape_of_every_scalar() -> None:
    assert_type(leaf(ROW32).exec(EMPTY), Result[Tape[np.float32], TapeError])
    assert_type(leaf(1.0).exec(EMPTY), Result[Tape[np.float64], TapeError])


def a_program_of_every_scalar_runs_on_every_tape() -> None:
    tape = leaf(ROW32).exec().unwrap()
    assert_type(pure(1).eval(tape), Result[int, TapeError])
    assert_type(TapeM.from_value(1).eval(tape), Result[int, TapeError])


# -- joining ---------------------------------------------------------------------------


def map_infers_from_a_named_function() -> None:
    assert_type(leaf(ROW32).map(shown), TapeM[str, np.float32])
    assert_type(leaf(ROW32).map(str), TapeM[str, np.float32])


def map_infers_from_a_lambda() -> None:
    assert_type(leaf(ROW32).map(lambda x: f"{x}"), TapeM[str, np.float32])


def bind_infers_from_a_named_function() -> None:
    assert_type(leaf(1.0).bind(leaf_after), TapeM[str, np.float64])
    assert_type(leaf(ROW32).bind(relu), TapeM[NodeId, np.float32])
    assert_type(leaf(ROW32).bind(value_of), TapeM[NDArray[Any], np.float32])


def bind_infers_from_a_lambda() -> None:
    assert_type(leaf(ROW32).bind(lambda x: mul(x, x)), TapeM[NodeId, np.float32])
    two = leaf(1.0).bind(lambda x: leaf(2.0).map(lambda y: (x, y)))
    assert_type(two, TapeM[tuple[NodeId, NodeId], np.float64])


def apply_infers_from_a_program_of_a_function() -> None:
    assert_type(leaf(ROW32).apply(pure(shown)), TapeM[str, np.float32])
    function: TapeM[Callable[[NodeId], str], np.float32] = pure(shown)
    assert_type(leaf(ROW32).apply(function), TapeM[str, np.float32])


def lash_gives_either_value() -> None:
    assert_type(leaf(1.0).lash(text_of), TapeM[NodeId | str, np.float64])
    assert_type(leaf(1.0).lash(lambda _: pure("none")), TapeM[NodeId | str, np.float64])


def lash_with_the_same_value_keeps_its_type() -> None:
    assert_type(leaf(ROW32).lash(lambda _: leaf(ROW32)), TapeM[NodeId, np.float32])


# -- what the promises above share -----------------------------------------------------


@do
def leaf_of_number(x: float) -> Do[NodeId]:
    return (yield from leaf(x))


def total_of(row: NDArray[np.float32]) -> TapeM[NodeId, np.float32]:
    return leaf(row).bind(sum_)


def leaf_after(x: NodeId) -> TapeM[str]:
    return leaf(2.0).map(lambda y: f"{x}, {y}")


def shown(x: NodeId) -> str:
    return str(x)


def text_of(error: TapeError) -> TapeM[str, Any]:
    return pure(error.message)
