"""The tape: snapshots of shared buffers, exact equality, and threads."""

import copy
import gc
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl import (
    EMPTY,
    Node,
    NodeId,
    Tape,
    add,
    apply_op,
    const,
    do,
    leaf,
    mul,
    param,
    rationals,
)
from tapem_dsl.errors import InvalidNodeId, ShapeMismatch
from tapem_dsl.ops.arithmetic import Add, Scale
from tapem_dsl.program.do import Do
from tapem_dsl.tape.tape import snapshot
from tapem_dsl.testing.strategies import EVERY_DTYPE, SHAPES, tapes, tensors
from tests.oracles import brief


def scalar(x: float, name: str | None = None) -> Node:
    return Node(None, (), np.float64(x), True, name)  # type: ignore[arg-type] # a scalar is an array of shape ()


def filled(count: int, tape: Tape | None = None) -> Tape:
    tape = Tape() if tape is None else tape
    for x in range(count):
        tape, _ = tape.append(scalar(float(x)))
    return tape


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@brief
@given(data=st.data())
def test_append_gives_the_size_as_id_and_one_node_more(
    dtype: Any, data: st.DataObject
) -> None:
    tape = data.draw(st.integers(0, 5).map(filled) | tapes())
    before = tape.nodes()
    value = data.draw(tensors(data.draw(st.sampled_from(SHAPES)), dtype))
    node = Node(None, (), value, data.draw(st.booleans()), "x")
    longer, id = tape.append(node)
    assert id == len(tape) == len(before)
    assert len(longer) == len(tape) + 1
    assert longer.nodes() == [*before, node]
    assert tape.nodes() == before
    assert longer[id].value.dtype == value.dtype


def test_a_fork_leaves_the_original_and_its_other_branch_unchanged() -> None:
    base = filled(3)
    left, _ = base.append(scalar(10.0))
    right, _ = base.append(scalar(20.0))
    assert [len(base), len(left), len(right)] == [3, 4, 4]
    assert base == filled(3)
    assert left[NodeId(3)].value == 10.0
    assert right[NodeId(3)].value == 20.0
    assert left != right


def test_indexing_gives_nodes_and_refuses_what_is_no_id() -> None:
    tape = filled(2)
    assert tape[NodeId(1)].value == 1.0
    assert [node.value for node in tape] == [0.0, 1.0]
    for id in (-1, 2, 10**30):
        with pytest.raises(IndexError, match=f"no node {id} on a tape of 2"):
            tape[NodeId(id)]
        assert tape.get_node(NodeId(id)) is None
        assert tape.get_value(NodeId(id)) is None
    with pytest.raises(TypeError, match="a slice of a tape is not a tape"):
        tape[0:1]  # type: ignore[index] # the mistake
    for wrong in (True, 1.0, np.int64(1), "1", None):
        with pytest.raises(TypeError, match="a node id is the int"):
            tape[wrong]  # type: ignore[index] # the mistake
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        tape[leaf(1.0)]  # type: ignore[index] # the mistake


def test_require_value_gives_the_value_or_torchleans_errors() -> None:
    tape = filled(1)
    id = tape.ids()[0]
    assert tape.require_value(id) == Success(np.float64(0.0))
    assert tape.require_value(id, ()) == Success(np.float64(0.0))
    wrong = tape.require_value(id, (2,)).failure()
    assert isinstance(wrong, ShapeMismatch)
    assert wrong.message == "autograd: shape mismatch"
    missing = tape.require_value(NodeId(5)).failure()
    assert missing == InvalidNodeId("require_value", id=NodeId(5), size=1)
    assert missing.message == "autograd: invalid node id"


def test_a_tape_is_immutable() -> None:
    tape = filled(1)
    with pytest.raises(AttributeError, match="immutable"):
        tape._size = 0
    with pytest.raises(AttributeError, match="immutable"):
        del tape._buffer
    with pytest.raises(AttributeError):
        tape[tape.ids()[0]].value = np.zeros(3)  # type: ignore[misc] # the mistake


# -- equality, hash, repr --------------------------------------------------------------


def only(value: Any, **rest: Any) -> Tape[Any]:
    return leaf(value, **rest).exec().unwrap()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (only(0.0), only(-0.0)),
        (only(1.0), only(np.float32(1))),
        (only(1.0), only(np.array([1.0]))),
        (only(np.zeros((2, 1))), only(np.zeros((1, 2)))),
        (only(1.0), only(1.0, name="x")),
        (only(1.0), only(1.0, requires_grad=False)),
        (only(1.0), only(Fraction(1))),
        (only(rationals([1, 2])), only(rationals([1, 3]))),
        (only(1.0), EMPTY),
    ],
)
def test_tapes_that_differ_in_one_respect_are_different(
    first: Tape[Any], second: Tape[Any]
) -> None:
    assert first != second


def test_equality_is_exact_and_all_nans_are_one() -> None:
    quiet = np.float64("nan")
    other = np.copysign(quiet, -1.0)
    assert quiet.tobytes() != other.tobytes()
    assert only(quiet) == only(other)
    assert only(np.array([1.0, quiet])) == only(np.array([1.0, other]))
    assert only(rationals([1, "1/3"])) == only(rationals([1, "1/3"]))
    assert hash(only(1.0)) == hash(only(1.0))
    assert only(1.0) != "a tape"


def test_equality_sees_ops_parents_and_their_parameters() -> None:
    def scaled(factor: Any) -> Tape[Any]:
        return leaf(1.0).bind(lambda x: apply_op(Scale(factor), x)).exec().unwrap()

    assert scaled(0.0) == scaled(0.0)
    for factor in (-0.0, 0, False, Fraction(0), np.float64(0)):
        assert scaled(0.0) != scaled(factor)
    two = filled(2)
    sums = [add(NodeId(i), NodeId(j)).exec(two).unwrap() for i, j in ((0, 1), (1, 0))]
    assert sums[0] != sums[1]
    assert sums[0] != mul(NodeId(0), NodeId(1)).exec(two).unwrap()


def test_nodes_compare_strictly_by_type() -> None:
    one: Any = np.float64(1)
    parents: Any = (False, 1.0)
    assert Node(Add(), (NodeId(0), NodeId(1)), one) != Node(Add(), parents, one)


def test_a_node_equals_only_nodes() -> None:
    node = scalar(1.0)
    assert node == scalar(1.0)
    assert hash(node) == hash(scalar(1.0))
    assert node != "a node"


def test_repr_is_compact_whatever_the_length() -> None:
    assert repr(EMPTY) == "<Tape: empty>"
    assert repr(only(np.zeros(3), name="w")) == "<Tape: leaf 'w'>"
    long = repr(filled(100_000))
    assert long == "<Tape: leaf, leaf, leaf, leaf, ... 99995 more ..., leaf>"
    assert repr(only(np.zeros((2, 3)))[NodeId(0)]) == (
        "Node(leaf, value=float64[2, 3], requires_grad=True)"
    )


def test_labels_are_torchleans_names() -> None:
    tape = leaf(1.0, name="x").bind(lambda x: add(x, x)).exec().unwrap()
    assert [node.label for node in tape] == ["x", "add"]


# -- values ----------------------------------------------------------------------------


def test_what_happens_to_an_array_after_it_became_a_leaf_changes_nothing() -> None:
    array = np.array([1.0, 2.0])
    program = leaf(array)
    array[0] = 99.0
    tape = program.exec().unwrap()
    array[1] = 99.0
    value = tape[NodeId(0)].value
    assert value.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 3.0


def test_a_readonly_view_of_a_writeable_array_is_copied() -> None:
    base = np.zeros(4)
    view = base[:2]
    view.setflags(write=False)
    spread = np.broadcast_to(base[:1], (3,))
    foreign = np.frombuffer(bytearray(16))
    foreign.setflags(write=False)
    programs = [leaf(view), leaf(spread), leaf(foreign)]
    base[:] = 7.0
    for program in programs:
        assert not program.exec().unwrap()[NodeId(0)].value.any()


def test_a_readonly_array_is_stored_as_it_is() -> None:
    array = np.zeros(4)
    array.setflags(write=False)
    view = array[1:]
    assert only(array)[NodeId(0)].value is array
    assert only(view)[NodeId(0)].value is view


def test_results_of_ops_are_readonly_and_scalars_are_numpy_scalars() -> None:
    vectors = leaf(np.ones(2)).bind(lambda x: add(x, x)).exec().unwrap()
    assert not vectors[NodeId(1)].value.flags.writeable
    scalars = leaf(1.0).bind(lambda x: add(x, x)).exec().unwrap()
    kind: type = type(scalars[NodeId(1)].value)
    assert kind is np.float64


def test_a_hand_made_node_is_frozen_and_what_is_no_node_refused() -> None:
    array = np.zeros(2)
    for tape in (
        Tape([Node(None, (), array)]),
        Tape().append(Node(None, (), array))[0],
    ):
        value = tape[NodeId(0)].value
        array[:] = 7.0
        assert not value.any()
        assert not value.flags.writeable
        array[:] = 0.0
    for wrong in (3, np.zeros(2), leaf(1.0)):
        with pytest.raises(TypeError, match="a tape holds nodes"):
            Tape().append(wrong)  # type: ignore[arg-type] # the mistake
        with pytest.raises(TypeError, match="a tape holds nodes"):
            Tape([wrong])  # type: ignore[list-item] # the mistake


# -- copies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [lambda t: pickle.loads(pickle.dumps(t)), copy.deepcopy, copy.copy]
)
def test_copies_are_equal_frozen_and_carry_their_own_prefix(copied: Any) -> None:
    base = only(np.arange(3.0), name="x")
    longer, _ = base.append(scalar(1.0, "foreign to base"))
    again = copied(base)
    assert again == base
    assert len(again._buffer) == 1
    assert not again[NodeId(0)].value.flags.writeable
    assert b"foreign to base" not in pickle.dumps(base)
    assert copied(longer) == longer


def test_a_node_unpickles_frozen() -> None:
    node = only(np.arange(3.0))[NodeId(0)]
    again = pickle.loads(pickle.dumps(node))
    assert again == node
    assert not again.value.flags.writeable


# -- sharing ---------------------------------------------------------------------------


def test_eight_threads_extend_one_tape_and_all_get_their_own() -> None:
    base = filled(5)

    def extend(worker: int) -> Tape:
        tape = base
        for step in range(10_000):
            tape, id = tape.append(scalar(worker * 1e6 + step))
            assert id == 5 + step
        return tape

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # many more races than in an ordinary run
    try:
        with ThreadPoolExecutor(8) as pool:
            tapes = list(pool.map(extend, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert base == filled(5)
    for worker, tape in enumerate(tapes):
        assert [node.value for node in tape][5:] == [
            worker * 1e6 + step for step in range(10_000)
        ]


class Contended(list[Any]):
    """A buffer in which someone else is always faster by one node."""

    def append(self, node: Any) -> None:
        super().append(scalar(-1.0))
        super().append(node)


def test_a_lost_race_for_the_slot_copies() -> None:
    tape = snapshot(Contended([scalar(0.0)]), 1)
    longer, id = tape.append(scalar(1.0))
    assert [node.value for node in longer] == [0.0, 1.0]
    assert id == 1
    assert [node.value for node in tape] == [0.0]


def test_many_threads_race_for_one_slot() -> None:
    for _ in range(300):
        base = filled(2)
        with ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(base.append, map(scalar, range(10, 14))))
        assert [tape[id].value for tape, id in ends] == [10, 11, 12, 13]


@do
def doubled(count: int) -> Do[None]:
    x = yield from param(1.0)
    for _ in range(count):
        x = yield from add(x, x)


def test_no_run_makes_a_longer_lived_tape_grow() -> None:
    base = filled(1)
    for _ in range(3):
        assert len(doubled(100).exec(base).unwrap()) == 102
        assert len(doubled(100).exec().unwrap()) == 101
    assert len(base._buffer) == 1
    EMPTY.append(scalar(1.0))
    assert len(EMPTY._buffer) == 0


def test_the_same_program_runs_in_two_threads() -> None:
    program = doubled(2_000)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: program.exec().unwrap(), range(2))
    assert first == second == program.exec().unwrap()


def test_failures_leave_nothing_to_the_cyclic_collector() -> None:
    failing = leaf(1.0).bind(lambda x: apply_op(Add(), x, NodeId(99)))
    recovered = failing.lash(lambda _: const(2.0))
    for program in (failing, recovered):
        program.run()
    gc.collect()
    gc.disable()
    try:
        for program in (failing, recovered):
            for _ in range(100):
                program.run()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_failed_require_is_a_failure_value() -> None:
    assert isinstance(EMPTY.require_value(NodeId(0)), Failure)
