"""What a sweep refuses before it begins: tapes, outputs and seeds."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    NodeId,
    Shape,
    backward,
    backward_dense,
    backward_dense_all,
    backward_scalar,
    mul,
    param,
    rationals,
)
from tapem_dsl.tape.equality import same
from tests.interpreters.reverse.probe import mixed, run


def test_an_output_that_is_no_node_is_refused_first() -> None:
    _, tape = run(mixed())
    for id in (-1, 6, 2**70):
        error = backward_dense(tape, NodeId(id), np.zeros(9)).failure()
        assert error.message == "autograd: invalid output id"
        assert error.facts() == {"id": id, "size": 6}


@pytest.mark.parametrize("seed", [np.zeros(1), np.zeros((1, 1)), np.zeros(3)])
def test_a_seed_of_another_shape_is_refused(seed: Any) -> None:
    out, tape = run(mixed())
    for sweep in (backward_dense, backward_dense_all, backward):
        error = sweep(tape, out, seed).failure()
        assert error.message == "autograd: seed gradient shape mismatch for output"
        assert error.facts() == {
            "id": 5,
            "expected": (),
            "found": seed.shape,
            "fix": "",
        }


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2), (0,)])
def test_backward_scalar_wants_a_scalar(shape: Shape) -> None:
    out, tape = run(param(np.ones(shape)))
    error = backward_scalar(tape, out).failure()
    assert error.message == "autograd: seed gradient shape mismatch for output"


@pytest.mark.parametrize("seed", [np.float32(1), np.int64(1), np.bool_(True)])
def test_a_seed_of_another_scalar_type_is_refused(seed: Any) -> None:
    out, tape = run(mixed())
    error = backward(tape, out, seed).failure()
    assert error.message == "autograd: seed dtype mismatch"


def test_a_python_number_as_seed_takes_the_tapes_scalar_type() -> None:
    out, tape = run(param(np.float32(2)).bind(lambda x: mul(x, x)))
    assert same(backward(tape, out, 0.5).unwrap()[NodeId(0)], np.float32(2))
    out, tape = run(param(rationals(2)).bind(lambda x: mul(x, x)))
    exact = backward(tape, out, 0.5).unwrap()[NodeId(0)]
    assert same(exact, rationals(2))


def test_what_is_no_tape_no_id_and_no_seed_is_refused() -> None:
    out, tape = run(mixed())
    wrong: Any = param(1.0)
    with pytest.raises(TypeError, match=r"sweeps a Tape, not a TapeM.*run the program"):
        backward(wrong, out, 1.0)
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        backward(tape, wrong, 1.0)
    with pytest.raises(TypeError, match="a str cannot be a value"):
        backward(tape, out, "1")  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="needs the id of the output"):
        backward_scalar(tape)  # type: ignore[call-overload] # the mistake
    with pytest.raises(TypeError, match="sweeps a Tape, not 3"):
        backward_scalar(3, out)  # type: ignore[call-overload] # the mistake
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        backward_scalar(wrong)
