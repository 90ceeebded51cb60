"""What checkers must infer of ids and scalars; each function is a promise, and runs."""

from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from typing import Any, Generic, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    TapeError,
    TapeM,
    add,
    const,
    cross_entropy,
    do,
    leaf,
    mean_scalar_over,
    mean_scalar_over_array,
    mean_scalar_over_dataset,
    mul,
    param,
    scale,
    sum_,
    value_and_grad,
)
from tapem_dsl.train import Dataset

C = TypeVar("C")
ROW = np.ones(2)
ROW32 = np.ones(2, np.float32)


@dataclass(frozen=True)
class Pair(Generic[C]):
    first: C
    second: C


# -- ids and scalars -------------------------------------------------------------------


@do
def a_leaf_gives_an_id() -> Do[None]:
    x = yield from leaf(1.0)
    assert_type(x, NodeId)


@do
def an_op_gives_an_id() -> Do[None]:
    x = yield from leaf(1.0)
    y = yield from add(x, x)
    assert_type(y, NodeId)


@do
def a_mean_loss_gives_an_id() -> Do[None]:
    listed = yield from mean_scalar_over("mean", [1.0, 2.0], const)
    assert_type(listed, NodeId)
    rows = yield from mean_scalar_over_array("mean", ROW, leaf_of_number)
    assert_type(rows, NodeId)
    samples = Dataset.of_list([1.0, 2.0])
    sampled = yield from mean_scalar_over_dataset("mean", samples, leaf_of_number)
    assert_type(sampled, NodeId)


def a_program_is_float64_by_default() -> None:
    def takes(program: TapeM[NodeId]) -> None:
        assert_type(program, TapeM[NodeId, np.float64])

    takes(leaf(1.0))


def a_tape_and_a_node_are_float64_by_default() -> None:
    def takes(tape: Tape, node: Node) -> None:
        assert_type(tape, Tape[np.float64])
        assert_type(node, Node[np.float64])

    tape = leaf(1.0).exec().unwrap()
    takes(tape, tape[tape.ids()[0]])


def a_block_is_float64_by_default() -> None:
    def block() -> Do[NodeId]:
        return (yield from leaf(1.0))

    assert_type(block(), Do[NodeId, np.float64])
    assert_type(block(), Generator[TapeM[Any, np.float64], object, NodeId])
    assert_type(do(block)(), TapeM[NodeId, np.float64])


def a_number_makes_a_float64_leaf() -> None:
    assert_type(leaf(1.0), TapeM[NodeId, np.float64])
    assert_type(leaf(1), TapeM[NodeId, np.float64])
    assert_type(leaf(np.float64(1)), TapeM[NodeId, np.float64])
    assert_type(param(1.0), TapeM[NodeId, np.float64])
    assert_type(const(1.0), TapeM[NodeId, np.float64])


def a_rational_makes_an_exact_leaf() -> None:
    assert_type(leaf(Fraction(1, 3)), TapeM[NodeId, np.object_])
    assert_type(param(Fraction(1, 3)), TapeM[NodeId, np.object_])
    assert_type(const(Fraction(1, 3)), TapeM[NodeId, np.object_])


def an_array_makes_a_leaf_of_its_scalar() -> None:
    assert_type(leaf(ROW), TapeM[NodeId, np.float64])
    assert_type(leaf(ROW32), TapeM[NodeId, np.float32])
    assert_type(param(ROW32), TapeM[NodeId, np.float32])
    assert_type(const(ROW32), TapeM[NodeId, np.float32])


def a_numpy_scalar_makes_a_leaf_of_its_type() -> None:
    assert_type(leaf(np.float32(1)), TapeM[NodeId, np.float32])
    assert_type(param(np.float32(1)), TapeM[NodeId, np.float32])


def an_array_made_in_place_makes_a_leaf_of_its_scalar() -> None:
    assert_type(leaf(np.zeros(2, np.float32)), TapeM[NodeId, np.float32])
    assert_type(const(np.full(2, 0.1, np.float32)), TapeM[NodeId, np.float32])
    assert_type(const(np.ones(2)), TapeM[NodeId, np.float64])
    assert_type(const(np.zeros(2, np.int64)), TapeM[NodeId, Any])


def gradients_have_the_type_of_the_parameters() -> None:
    def of_id(x: NodeId) -> TapeM[NodeId, np.float32]:
        return sum_(x)

    def of_dict(p: dict[str, NodeId], by: float) -> TapeM[NodeId]:
        return scale(p["x"], by)

    def of_tuple(p: tuple[NodeId, NodeId]) -> TapeM[NodeId]:
        return mul(*p)

    def of_record(p: Pair[NodeId]) -> TapeM[NodeId]:
        return mul(p.first, p.second)

    id, record = value_and_grad(of_id), value_and_grad(of_record)
    single = id(np.float32(1))
    assert_type(single, Result[tuple[np.float32, np.float32], TapeError])
    one = np.float64(1)
    dicts = value_and_grad(of_dict)({"x": one}, by=2.0)
    assert_type(dicts, Result[tuple[np.float64, dict[str, np.float64]], TapeError])
    pairs = value_and_grad(of_tuple)((one, 2.0))
    assert_type(pairs.unwrap()[1], tuple[np.float64, float])
    assert_type(record(Pair(one, one)).unwrap()[1], Pair[np.float64])


def an_id_is_a_key_and_an_index() -> None:
    id = NodeId(0)
    assert_type({id: 1.0}[id], float)
    assert_type(["a"][id], str)
    assert_type(sorted([id, id]), list[NodeId])
    assert_type(index(id), int)
    assert id == 0


def a_name_may_stand_second_as_in_lean() -> None:
    assert_type(leaf(ROW, "x"), TapeM[NodeId, np.float64])
    assert_type(param(ROW32, "w"), TapeM[NodeId, np.float32])
    assert_type(const(1.0, "t"), TapeM[NodeId, np.float64])
    assert_type(const(Fraction(1, 3), "third"), TapeM[NodeId, np.object_])
    assert_type(const(np.int64(3), "label"), TapeM[NodeId, Any])


def labels_and_conditions_go_with_every_tape() -> None:
    @do
    def loss(x: NDArray[np.float32], label: np.int64) -> Do[NodeId, np.float32]:
        logits = yield from const(x)
        wanted = yield from const(label)
        yield from leaf(np.array([True]), requires_grad=False)
        return (yield from cross_entropy(logits, wanted))

    assert_type(loss(ROW32, np.int64(1)), TapeM[NodeId, np.float32])
    assert_type(const(np.arange(2, dtype=np.int64)), TapeM[NodeId, Any])


def an_array_of_unknown_scalar_goes_with_every_tape() -> None:
    @do
    def pair(x: NDArray[np.float32], unknown: NDArray[Any]) -> Do[NodeId, np.float32]:
        known = yield from leaf(x)
        return (yield from add(known, (yield from leaf(unknown))))

    assert_type(pair(ROW32, ROW32).eval().unwrap(), NodeId)


# -- what the promises above share -----------------------------------------------------


@do
def leaf_of_number(x: float) -> Do[NodeId]:
    return (yield from leaf(x))
