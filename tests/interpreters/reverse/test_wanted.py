"""``wrt``: sweeps that compute only what is wanted."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Do,
    NodeId,
    Tape,
    TapeM,
    apply_op,
    backward,
    backward_dense,
    backward_scalar,
    const,
    do,
    leaf,
    mul,
    param,
    scale,
    sum_,
)
from tapem_dsl.errors import RequirementNotMet
from tapem_dsl.tape.equality import same
from tapem_dsl.testing.strategies import ids_of, tapes, tensors
from tests.interpreters.reverse.probe import SEEN, Probe, ids, mixed, run
from tests.untyped import LOOSE


def test_wrt_keeps_and_computes_only_what_is_wanted() -> None:
    @do
    def program() -> Do[NodeId]:
        a = yield from param(2.0)  # 0
        b = yield from param(3.0)  # 1
        left = yield from apply_op(Probe("left"), a)  # 2
        right = yield from apply_op(Probe("right"), b)  # 3
        return (yield from mul(left, right))  # 4

    out, tape = run(program())
    assert backward_scalar(tape, out, wrt=ids(0)).unwrap() == {0: 3.0}
    assert [tag for tag, _ in SEEN] == ["left"]
    assert backward_scalar(tape, out, wrt=ids(3)).unwrap() == {3: 2.0}
    assert [tag for tag, _ in SEEN] == ["left"]
    assert backward_scalar(tape, out, wrt=ids(1, 0, 1)).unwrap() == {0: 3.0, 1: 2.0}
    assert backward_scalar(tape, out, wrt=()).unwrap() == {}
    assert backward_scalar(tape, out, wrt=(out,)).unwrap() == {out: 1.0}
    grads: Any = backward_dense(tape, out, 1.0, wrt=ids(0)).unwrap()
    assert grads == (3.0, None, None, None, None)
    assert tape == run(program())[1]


def test_wrt_of_a_frozen_node_and_of_no_node_fails() -> None:
    out, tape = run(mixed())
    frozen = backward_scalar(tape, out, wrt=ids(0, 3)).failure()
    assert isinstance(frozen, RequirementNotMet)
    assert frozen.ids == (NodeId(0),)
    assert backward_scalar(tape, out, wrt=ids(3)).unwrap() == {3: 24.0}
    for id in (-1, 6):
        error = backward_scalar(tape, out, wrt=ids(id)).failure()
        assert error.message == "autograd: invalid node id"
    inner = NodeId(4)
    assert backward_scalar(tape, inner, wrt=(out,)).unwrap() == {}


@pytest.mark.parametrize("wrt", [3, leaf(1.0), None.__class__, [1.0], [True]])
def test_wrt_that_is_no_collection_of_ids_is_refused(wrt: Any) -> None:
    out, tape = run(mixed())
    with pytest.raises(TypeError, match=r"wrt takes a collection|a node id is the int"):
        backward(tape, out, 1.0, wrt=wrt)


def test_a_sweep_with_wrt_holds_few_cotangents_at_a_time() -> None:
    @do
    def program(depth: int) -> Do[NodeId]:
        x = yield from param(np.ones(10_000))
        for _ in range(depth):
            x = yield from scale(x, 1.0)
        return (yield from sum_(x))

    out, tape = run(program(200))

    def peak(**options: Any) -> int:
        tracemalloc.start()
        try:
            backward_scalar(tape, out, **options).unwrap()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(wrt=ids(0)) < 10 * 80_000 < 200 * 80_000 < peak()


@given(tapes(), st.data())
def test_wrt_gives_the_entries_of_the_whole_sweep(
    tape: Tape[Any], data: st.DataObject
) -> None:
    out = data.draw(ids_of(tape))
    flagged = [id for id in tape.ids() if tape[id].requires_grad or id == out]
    wanted = data.draw(st.sets(st.sampled_from(flagged)))
    seed = data.draw(tensors(tape[out].value.shape))
    whole = backward(tape, out, seed).unwrap()
    some = backward(tape, out, seed, wrt=wanted).unwrap()
    assert same(dict(some), {id: g for id, g in whole.items() if id in wanted})


# -- frozen nodes among what is wanted -------------------------------------------------


def frozen_in_wrt(sweep: Any) -> TapeM[Any, Any]:
    @do
    def program() -> Do[Any]:
        x = yield from leaf(1.0)
        c = yield from const(2.0, name="c")
        y = yield from LOOSE.mul(x, c)
        return (yield from sweep(y, x, c))

    return program()


@pytest.mark.parametrize(
    "sweep",
    [
        lambda y, x, c: LOOSE.backward_scalar(y, wrt=[x, c]),
        lambda y, x, c: LOOSE.backward_scalar(y, wrt=[c]),
        lambda y, x, c: LOOSE.backward_m(y, wrt=[x, c]),
        lambda y, x, c: LOOSE.backward_m(x, wrt=[c]),
        lambda y, x, c: LOOSE.get_tape().bind_result(
            lambda tape: LOOSE.backward(tape, y, 1.0, wrt=[c])
        ),
        lambda y, x, c: LOOSE.get_tape().bind_result(
            lambda tape: LOOSE.backward_dense(tape, x, 1.0, wrt=[c])
        ),
    ],
)
def test_a_frozen_node_in_wrt_is_a_failure_that_says_so(sweep: Any) -> None:
    error = frozen_in_wrt(sweep).run().failure()
    assert isinstance(error, RequirementNotMet)
    assert "node 1 is frozen; record it with param" in error.message
    assert error.ids == (NodeId(1),)
    assert error.names == ("c",)


def test_a_frozen_output_in_wrt_receives_its_seed() -> None:
    tape = const(1.0).exec().unwrap()
    swept = LOOSE.backward(tape, NodeId(0), 5.0, wrt=[NodeId(0)])
    assert swept.unwrap() == {0: 5.0}


def test_labels_among_the_inputs_of_a_derivative_are_no_frozen_wrt() -> None:
    logits, labels = np.zeros((2, 3)), np.array([0, 2])
    pulled = LOOSE.vjp(LOOSE.cross_entropy, logits, labels, 1.0)
    assert pulled.unwrap()[1].tolist() == [0, 0]
