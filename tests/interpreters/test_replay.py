"""A replay is the tape that the program records on the new values, or is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure

from tapem_dsl import (
    EMPTY,
    Do,
    Node,
    NodeId,
    Tape,
    TapeM,
    add,
    backward_m,
    backward_scalar,
    const,
    do,
    exp,
    fold_m,
    get_tape,
    leaf,
    log,
    mean_scalar_over,
    mul,
    pure,
    rationals,
    replay,
    scale,
    throw,
    value_of,
)
from tapem_dsl.errors import (
    DTypeMismatch,
    InvalidNodeId,
    OutsideDomain,
    ShapeMismatch,
    ValuesWereRead,
)
from tapem_dsl.testing.strategies import DTYPES, tapes, tensors
from tests.mixed_tapes import mixed_tape
from tests.oracles import brief, program, sample
from tests.specs.every import ALL, each_op
from tests.specs.spec import Spec

# Any, throughout: tapes of any scalar type.


@each_op
def test_a_replay_is_what_the_program_records(spec: Spec) -> None:
    for dtype in (np.float64, np.float32):
        xs, _, _ = sample(spec).of(dtype)
        tape = program(spec, tuple(x + 1 for x in xs)).exec().unwrap()
        values = {NodeId(i): x for i, x in enumerate(xs)}
        assert replay(tape, values).unwrap() == program(spec, xs).exec().unwrap()


@pytest.mark.parametrize("dtype", DTYPES)
@brief
@given(data=st.data())
def test_the_same_values_give_the_same_tape(dtype: Any, data: st.DataObject) -> None:
    tape = data.draw(tapes(dtype))
    leaves = {id: tape[id].value for id in tape.ids() if tape[id].op is None}
    assert replay(tape, leaves).unwrap() == replay(tape, {}).unwrap() == tape
    id = data.draw(st.sampled_from(sorted(leaves)))
    value = data.draw(tensors(tape[id].value.shape, dtype))
    there = replay(tape, {id: value}).unwrap()
    assert there[id].value.tolist() == value.tolist()
    assert replay(there, {id: tape[id].value}).unwrap() == tape


def test_tapes_of_every_op_and_dtype_replay() -> None:
    for seed in range(100):
        tape = mixed_tape(seed)
        leaves = {id: tape[id].value for id in tape.ids() if tape[id].op is None}
        assert replay(tape, leaves).unwrap() == tape
    assert len(ALL) > 50


def square(x: Any, name: str | None = "x") -> TapeM[NodeId, Any]:
    return leaf(x, name).bind(lambda a: mul(a, a)).bind(lambda a: scale(a, 2))


@pytest.mark.parametrize(
    "x",
    [np.ones((2, 3)), np.float32(3), np.float16(3), rationals("1/3"), 7, np.ones(0)],
)
def test_shapes_and_dtypes_may_be_others(x: Any) -> None:
    tape = square(2.0).exec().unwrap()
    there = replay(tape, {"x": x}).unwrap()
    assert there == square(x).exec().unwrap()
    assert not there.values_read


def test_nodes_that_do_not_depend_on_new_values_are_kept() -> None:
    @do
    def two() -> Do[NodeId, Any]:
        a = yield from square(2.0, "a")
        b = yield from square(3.0, "b")
        return (yield from add(a, b))

    tape = two().exec().unwrap()
    there = replay(tape, {"b": 5.0}).unwrap()
    assert [a is b for a, b in zip(tape, there, strict=True)] == [True] * 3 + [
        False
    ] * 4
    assert there[NodeId(6)].value == 58


def test_what_the_ops_refuse_is_a_failure() -> None:
    tape = leaf(2.0, "x").bind(log).exec().unwrap()
    assert isinstance(replay(tape, {"x": -1.0}).failure(), OutsideDomain)
    assert isinstance(replay(tape, {"x": 10**400}).failure(), OutsideDomain)
    labels = replay(tape, {"x": np.array([1, 2])}).failure()
    assert isinstance(labels, DTypeMismatch)
    assert labels.names == ("x",)
    both = leaf(2.0, "x").bind(lambda a: const(1.0, "y").bind(lambda b: add(a, b)))
    error = replay(both.exec().unwrap(), {"x": np.ones(2)}).failure()
    assert isinstance(error, ShapeMismatch)
    assert error.names == ("x", "y")


READERS: dict[str, TapeM[Any, Any]] = {
    "value_of": leaf(2.0).bind(value_of),
    "get_tape": leaf(2.0).bind(lambda x: get_tape()).bind(lambda tape: pure(1)),
    "backward_m": leaf(2.0).bind(exp).bind(backward_m),
    "lash": leaf(2.0).bind(lambda x: throw("no").lash(lambda error: exp(x))),
    "swap": leaf(2.0).bind(lambda x: throw("no").swap()),
    "in a fold": fold_m(lambda _, x: leaf(x).bind(value_of), 0, [1.0, 2.0]),
    "then more": leaf(2.0).bind(
        lambda x: value_of(x).bind(lambda v: scale(x, float(v)))
    ),
    "inside lash": leaf(2.0).bind(value_of).lash(lambda error: pure(0.0)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_program_that_reads_values_says_so(name: str) -> None:
    tape = READERS[name].exec().unwrap()
    assert tape.values_read
    assert replay(tape, {}) == Failure(ValuesWereRead())
    longer = leaf(1.0).exec(tape).unwrap()
    assert longer.values_read
    one: Any = np.float64(1)
    appended, _ = tape.append(Node(None, (), one))
    assert appended.values_read
    assert tape == Tape(tape.nodes())  # == does not compare it


@pytest.mark.parametrize(
    "quiet",
    [
        pure(1),
        leaf(2.0).bind(exp).lash(lambda error: pure(NodeId(0))),
        mean_scalar_over("t", [1.0, 2.0], square),
        mean_scalar_over("t", [np.float16(1), np.float16(2)], square),
    ],
)
def test_a_program_that_reads_none_says_so(quiet: TapeM[Any, Any]) -> None:
    tape = quiet.exec().unwrap()
    assert not tape.values_read
    assert replay(tape, {}).unwrap() == tape
    assert not EMPTY.values_read


def test_the_tape_that_a_program_gets_is_as_it_was_then() -> None:
    @do
    def early_and_late() -> Do[tuple[Tape[Any], Tape[Any]], Any]:
        x = yield from leaf(2.0)
        early = yield from get_tape()
        yield from exp(x)
        late = yield from get_tape()
        return early, late

    (early, late), tape = early_and_late().run().unwrap()
    assert (early.values_read, late.values_read, tape.values_read) == (
        False,
        True,
        True,
    )


def test_a_gradient_outside_of_the_run_reads_nothing() -> None:
    out, tape = square(2.0).run().unwrap()
    backward_scalar(tape, out).unwrap()
    assert not tape.values_read


@pytest.mark.parametrize(
    ("leaves", "error", "message"),
    [
        ({1: 1.0}, ValueError, "takes values of leaves, and node 1 is mul"),
        ({"y": 1.0}, ValueError, r"no leaf has the name 'y'; there are \['x'\]"),
        ({"x": 1.0, 0: 1.0}, ValueError, "two values for the leaf 0"),
        ({"x": [1.0]}, TypeError, "a list cannot be a value of a tape"),
        ({1.0: 1.0}, TypeError, "replay, leaves: a node id is the int"),
        ([1.0], TypeError, "replay takes a"),
    ],
)
def test_wrong_leaves_are_mistakes(leaves: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        replay(square(2.0).exec().unwrap(), leaves)


def test_names_that_are_not_of_one_leaf_and_ids_of_none() -> None:
    tape = leaf(1.0, "x").bind(lambda _: leaf(2.0, "x")).exec().unwrap()
    with pytest.raises(
        ValueError, match=r"leaves \[0, 1\] have the name 'x'; replay by"
    ):
        replay(tape, {"x": 1.0})
    error = replay(tape, {NodeId(9): 1.0}).failure()
    assert error == InvalidNodeId("replay", id=NodeId(9), size=2)
