"""``backward_m``: what it records, and what it leaves alone."""

import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

import tapem_dsl
from tapem_dsl import (
    Do,
    Node,
    NodeId,
    TapeM,
    add,
    apply_op,
    backward,
    backward_m,
    clamp,
    const,
    do,
    dot,
    fold_m,
    huber_loss,
    leaf,
    linear,
    mul,
    pure,
    relu,
    safe_log,
    scale,
    sum_,
    tanh,
    throw,
)
from tapem_dsl.interpreters.recorded.ops import DetachedMax, OneHot
from tapem_dsl.interpreters.recorded.recorder import Recorder
from tests.oracles import recorded_gradient, sample
from tests.specs.every import ALL

LOGITS = np.array([[0.5, -1.0, 2.0], [0.0, 1.5, -0.5]])
LABELS = np.array([2, 0])

X: Final = NodeId(0)


def test_only_what_leads_to_the_wanted_nodes_is_recorded() -> None:
    @do
    def program() -> Do[Any]:
        w, x = (yield from leaf(np.ones((3, 3)))), (yield from leaf(np.ones(3)))
        b = yield from const(np.zeros(3))
        y = yield from linear(w, b, x)
        z = yield from tanh(x)
        total = yield from dot(y, z)
        return w, x, total

    (w, _, total), tape = program().run().unwrap()
    everything, long = backward_m(total).run(tape).unwrap()
    some, short = backward_m(total, wrt=[w]).run(tape).unwrap()
    assert set(everything) == set(backward(tape, total, 1).unwrap())
    assert list(some) == [w]
    assert len(short) < len(long) - 5
    assert not any(
        node.op is not None and node.op.name == "tanh" for node in short.nodes()[6:]
    )
    reached = {parent for node in short.nodes()[len(tape) :] for parent in node.parents}
    assert NodeId(4) in reached  # what the weight is multiplied with: tanh's result
    assert list(backward_m(total, wrt=[]).eval(tape).unwrap()) == []


def test_a_frozen_output_has_its_seed_and_nothing_else() -> None:
    out, tape = const(3.0).bind(lambda x: mul(x, x)).run().unwrap()
    ids, longer = backward_m(out).run(tape).unwrap()
    assert list(ids) == [out]
    assert longer[ids[out]].value == 1


def test_a_run_is_pure() -> None:
    program = leaf(3.0).bind(lambda x: mul(x, x)).bind(backward_m)
    (first, tape), (again, same) = program.run().unwrap(), program.run().unwrap()
    assert (first, tape) == (again, same)
    entry = leaf(3.0).exec().unwrap()
    before = entry.nodes()
    backward_m(X).run(entry).unwrap()
    assert entry.nodes() == before
    rolled_back = program.bind(lambda _: throw("no")).lash(lambda _: pure(None))
    assert len(rolled_back.exec(entry).unwrap()) == 1
    snapshots = leaf(3.0).bind(
        lambda x: tapem_dsl.get_tape().bind(
            lambda early: backward_m(x).bind(lambda _: pure(early))
        )
    )
    assert len(snapshots.eval().unwrap()) == 1


def test_backward_m_programs_are_values() -> None:
    one = backward_m(X, wrt=[X])
    assert one == backward_m(X, wrt=(X,))
    assert one != backward_m(X)
    assert one != backward_m(X, seed=X, wrt=[X])
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "<TapeM: backward_m(0, wrt=(0,))>"


def test_tapes_with_sweeps_pickle_and_are_equal_to_their_copies() -> None:
    spec = next(spec for spec in ALL if str(spec) == "softmax")
    xs, _, g = sample(spec).of(np.float64)
    _, tape = recorded_gradient(spec, xs, g)
    assert pickle.loads(pickle.dumps(tape)) == tape


def test_a_long_chain_needs_no_stack() -> None:
    size = 20_000
    program = leaf(1.0).bind(
        lambda x: fold_m(lambda y, _: scale(y, 1), x, range(size)).bind(
            lambda y: mul(y, y).bind(lambda z: backward_m(z, wrt=[x]))
        )
    )
    assert size > sys.getrecursionlimit()
    found, tape = program.run().unwrap()
    assert tape[found[X]].value == 2


def test_threads_record_side_by_side() -> None:
    entry = leaf(3.0).bind(lambda x: mul(x, x)).exec().unwrap()
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        for _ in range(50):
            found[i] = backward_m(NodeId(1), wrt=[X]).run(entry).unwrap()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ids, tape in found:
        assert tape[ids[X]].value == 6
        assert tape == found[0][1]


def test_flags_say_what_a_gradient_depends_on() -> None:
    """The slope of ``c * x`` is a constant; that of ``x * x`` is not."""

    @do
    def program(constant: bool) -> Do[Any]:
        x = yield from leaf(3.0)
        other = (yield from const(2.0)) if constant else x
        y = yield from mul(x, other)
        return (yield from backward_m(y, wrt=[x]))[x]

    for constant in (True, False):
        slope, tape = program(constant).run().unwrap()
        assert tape[slope].requires_grad is not constant


def test_conditions_are_recorded_not_fixed() -> None:
    """The condition of a choice is a node, which depends on the leaves."""
    out, tape = leaf(np.array([-1.0, 2.0])).bind(relu).bind(sum_).run().unwrap()
    _, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
    names = {node.op.name for node in longer if node.op is not None}
    assert {"greater", "where"} <= names
    boolean = [node for node in longer if node.value.dtype == np.bool_]
    assert boolean
    assert not any(node.requires_grad for node in boolean)


def test_constants_of_the_data_pass_nothing_on() -> None:
    x, labels = leaf(LOGITS), const(LABELS)
    shift = x.bind(lambda i: apply_op(DetachedMax(), i))
    hot = x.bind(lambda i: labels.bind(lambda j: apply_op(OneHot(), i, j)))
    for program in (shift, hot):
        out, tape = program.run().unwrap()
        assert not tape[out].requires_grad
        assert backward(tape, out, tape[out].value).unwrap().keys() == {out}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(
    "number", [np.float64(0.5), np.float32(0.5), np.float16(0.5), np.int64(2)]
)
def test_parameters_of_ops_may_be_numbers_of_numpy(dtype: Any, number: Any) -> None:
    x = np.array([0.25, 1.0, 4.0], dtype)
    layers: list[Callable[[NodeId], TapeM[NodeId, Any]]] = [
        lambda i: scale(i, number),
        lambda i: clamp(i, -number, number),
        lambda i: safe_log(i, epsilon=number),
        lambda i: mul(i, i).bind(lambda j: huber_loss(i, j, delta=number)),
    ]
    for layer in layers:
        out, tape = leaf(x).bind(layer).bind(sum_).run().unwrap()
        ids, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
        numeric = backward(tape, out, 1, wrt=[X]).unwrap()[X]
        np.testing.assert_array_equal(longer[ids[X]].value, numeric, strict=True)
        computed_with = np.float32 if dtype is np.float16 else dtype
        assert {node.value.dtype for node in longer} <= {
            np.dtype(dtype),
            np.dtype(computed_with),
            np.dtype(bool),
        }


@pytest.mark.parametrize("x", [np.nan, -np.inf, np.inf, -1e300])
def test_what_a_sweep_computes_is_recorded_whatever_it_is(x: float) -> None:
    out, tape = leaf(x).bind(safe_log).run().unwrap()
    ids, longer = backward_m(out, wrt=[X]).run(tape).unwrap()
    numeric = backward(tape, out, 1, wrt=[X]).unwrap()[X]
    np.testing.assert_array_equal(longer[ids[X]].value, numeric)


def test_a_short_sweep_on_a_long_tape_looks_at_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sweep looks at no node that the output does not depend on."""
    entry: Any = leaf(1.0).bind(lambda x: fold_m(add, x, [x] * 10)).exec().unwrap()
    out, tape = leaf(3.0).bind(lambda x: mul(x, x)).run(entry).unwrap()
    met: list[NodeId] = []
    node = Recorder.node

    def noted(self: Recorder, id: NodeId) -> Node[Any]:
        met.append(id)
        return node(self, id)

    monkeypatch.setattr(Recorder, "node", noted)
    ids, longer = backward_m(out).run(tape).unwrap()
    assert met == [NodeId(11), out]
    assert set(ids) == {NodeId(11), out}
    assert len(longer) - len(tape) == 4  # the seed, two products and their sum
