"""The strategies: well-formed programs succeed, ill-formed ones fail as planted."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    Tape,
    TapeM,
    apply_op,
    const,
    do,
    leaf,
    ops,
)
from tapem_dsl.errors import DTypeMismatch, InvalidNodeId, ShapeMismatch
from tapem_dsl.testing import strategies
from tapem_dsl.testing.sample_ops import SAMPLE_OPS
from tapem_dsl.testing.strategies import (
    EVERY_DTYPE,
    operands_of,
    programs,
    shapes,
    tapes,
    tensors,
)

# Any, throughout: programs of any scalar type.

patient = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(data=st.data(), shape=shapes(), dtype=st.sampled_from(EVERY_DTYPE))
def test_tensors_have_their_shape_and_dtype(
    data: st.DataObject, shape: Shape, dtype: Any
) -> None:
    x = data.draw(tensors(shape, dtype))
    assert (x.shape, x.dtype) == (shape, np.dtype(dtype))


@patient
@given(program=programs(), tape=tapes(np.float64))
def test_well_formed_programs_succeed_from_every_tape(
    program: TapeM[Any, Any], tape: Tape[Any]
) -> None:
    for start in (Tape[Any](), tape):
        out, longer = program.run(start).unwrap()
        assert out == len(longer) - 1


@patient
@given(program=programs(dtype=object))
def test_programs_over_rationals_stay_rational(program: TapeM[Any, Any]) -> None:
    for node in program.exec().unwrap():
        assert node.value.dtype.kind in "Oib"


@patient
@given(program=programs(ill_formed=True))
def test_ill_formed_programs_fail_with_what_was_planted(
    program: TapeM[Any, Any],
) -> None:
    error = program.run().failure()
    assert isinstance(error, InvalidNodeId | ShapeMismatch | DTypeMismatch)


@pytest.mark.parametrize("kind", [InvalidNodeId, ShapeMismatch, DTypeMismatch])
def test_every_fault_is_planted(kind: type) -> None:
    find(
        programs(ill_formed=True),
        lambda program: isinstance(program.run().failure(), kind),
        settings=patient,
    )


def test_there_is_an_op_of_each_class() -> None:
    assert [type(op) for op in SAMPLE_OPS] == list(ops.ALL)


@patient
@given(program=programs(), data=st.data())
def test_only_operands_that_an_op_takes_are_found(
    program: TapeM[Any, Any], data: st.DataObject
) -> None:
    tape = program.exec().unwrap()
    op = data.draw(st.sampled_from(SAMPLE_OPS))
    for operands in operands_of(op, tape):
        nodes = [tape[NodeId(id)] for id in operands]
        op.shape(*(node.value.shape for node in nodes))
        op.check_dtypes(*(node.value.dtype for node in nodes))


@do
def rich() -> Do[None, Any]:
    """Values that some op takes, and all ops take some."""
    for shape in ((), (2,), (3,), (2, 2), (2, 3), (2, 2, 3), (2, 2, 2)):
        yield from leaf(np.ones(shape)[()])
    yield from const(np.array([1, 0]))
    yield from const(np.array([True, False]))


@pytest.mark.parametrize("op", SAMPLE_OPS, ids=lambda op: op.name)
def test_operands_are_found_for_every_op(op: Op) -> None:
    tape = rich().exec().unwrap()
    operands = operands_of(op, tape)
    assert operands
    longer = apply_op(op, *map(NodeId, operands[-1])).exec(tape)
    assert len(longer.unwrap()) == len(tape) + 1


@dataclass(frozen=True, slots=True)
class Hypot(Op):
    """An op of a user's own, of two operands."""

    name = "hypot"

    def shape(self, *inputs: Shape) -> Shape:
        a, _ = inputs
        return a

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        a, b = inputs
        return xp.sqrt(a * a + b * b)


def test_an_op_of_a_users_own_is_drawn() -> None:
    find(
        programs([Hypot()]).map(lambda program: program.run().unwrap()[1]),
        lambda tape: any(node.op == Hypot() for node in tape),
        settings=patient,
    )


def test_the_room_is_imported_without_hypothesis() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import tapem_dsl.testing as t; t.assert_equivalent\n"
        "try:\n import tapem_dsl.testing.strategies\n"
        "except ImportError as error:\n print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert 'pip install "tapem_dsl[testing]"' in ran.stdout
    assert strategies.__doc__
