"""What is exported passes TorchLean's checks; what has no kind is refused by name."""

import json
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    Tape,
    TapeM,
    add,
    concat,
    const,
    conv,
    do,
    exp,
    gelu,
    layer_norm,
    leaf,
    linear,
    mse_loss,
    ops,
    rationals,
    reduce_mean,
    relu,
    scale,
    shift_by,
    softmax,
    to_torchlean,
)
from tapem_dsl.errors import InvalidNodeId, InvalidOutputId, NotExportable
from tapem_dsl.interpreters.torchlean.kinds import KINDS, LOWERINGS
from tests.interpreters.torchlean.reader import read
from tests.oracles import recorded, sample
from tests.specs.every import both_samples, each_op
from tests.specs.spec import Spec

# Any, throughout: JSON.

DATA_LAST = (ops.linalg.Linear, ops.convolution.Conv)
"""The ops whose first operands are parameters."""


def exported(tape: Tape[Any], out: NodeId, start: int = 0) -> dict[str, Any]:
    found = to_torchlean(tape, [out], input=NodeId(start)).unwrap()
    return read(json.dumps(found, allow_nan=False))


@each_op
@both_samples
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_op_is_exported_or_refused_by_name(
    spec: Spec, which: int, dtype: Any
) -> None:
    out, tape = recorded(spec, sample(spec, which).of(dtype)[0])
    kind = type(spec.op)
    start = spec.arity - 1 if kind in DATA_LAST else 0
    if kind in KINDS or kind in LOWERINGS:
        shapes = [node.value.shape for node in tape]
        if shapes == [()] * 2 and "softmax" in spec.op.name:
            return
        if kind is ops.slicing.Concat and spec.arity < 2:
            return
        nodes = exported(tape, out, start)["nodes"]
        assert nodes[-1]["shape"] == list(tape[out].value.shape)
        return
    error = to_torchlean(tape, [out], input=NodeId(start)).failure()
    assert isinstance(error, NotExportable)
    assert (error.id, error.kind) == (out, kind.__name__)
    what = f"torchlean.ir.v1 cannot hold node {out}, {kind.__name__}: "
    assert str(error).startswith(what)


def test_every_op_that_is_covered_is_of_the_vocabulary() -> None:
    assert not KINDS.keys() & LOWERINGS.keys()
    assert KINDS.keys() | LOWERINGS.keys() < set(ops.ALL)
    assert len(KINDS) + len(LOWERINGS) == 41


def test_negative_axes_are_counted_from_the_left() -> None:
    program = leaf(np.ones((2, 3))).bind(lambda x: reduce_mean(x, axis=-1))
    out, tape = program.bind(lambda x: softmax(x, axis=-1)).run().unwrap()
    _, mean, rows = exported(tape, out)["nodes"]
    assert (mean["axes"], rows["axis"]) == ([1], 0)


@do
def network() -> Do[NodeId, Any]:
    w = yield from leaf(np.arange(6.0).reshape(2, 3) / 8, "w")
    b = yield from leaf(np.array([0.5, -0.5]), "b")
    x = yield from leaf(np.array([1.0, 2.0, 3.0]), "x")
    yield from exp(x)  # the output does not depend on it
    hidden = yield from linear(w, b, x)
    active = yield from relu(hidden)
    target = yield from const(np.zeros(2))
    loss = yield from mse_loss(active, target)
    return (yield from scale(loss, 0.1))


def test_a_network_becomes_these_nodes() -> None:
    out, tape = network().run().unwrap()
    graph = exported(tape, out, 2)
    assert graph["input_id"] == 0
    assert graph["output_ids"] == [6]
    assert [(n["kind"], n["parents"], n["shape"]) for n in graph["nodes"]] == [
        ("input", [], [3]),
        ("linear", [0], [2]),
        ("relu", [1], [2]),
        ("const", [], [2]),
        ("mse_loss", [2, 3], []),
        ("const", [], []),
        ("mul_elem", [4, 5], []),
    ]
    assert graph["nodes"][1]["weight"] == [[0.0, 0.125, 0.25], [0.375, 0.5, 0.625]]
    assert graph["nodes"][5]["values"] == [0.1]


def test_parameters_that_are_no_constants_are_lowered_or_refused() -> None:
    out, tape = network().run().unwrap()
    kinds = [node["kind"] for node in exported(tape, out, 0)["nodes"]]
    assert kinds[:4] == ["input", "const", "matmul", "const"]
    x = np.ones((2, 3))
    row = leaf(np.ones(3)).bind(lambda g: leaf(x).bind(lambda a: layer_norm(a, g, g)))
    out, tape = row.run().unwrap()
    assert exported(tape, out, 1)["nodes"][-1]["axis"] == 1
    error = to_torchlean(tape, [out], input=NodeId(0)).failure()
    assert "gamma and beta are not constants" in str(error)
    window = leaf(np.ones((1, 1, 2))).bind(
        lambda k: leaf(np.ones(1)).bind(
            lambda b: leaf(np.ones((1, 5))).bind(lambda a: conv(k, b, a, padding=1))
        )
    )
    out, tape = window.run().unwrap()
    assert exported(tape, out, 2)["nodes"][-1]["shape"] == [1, 6]
    error = to_torchlean(tape, [out], input=NodeId(0)).failure()
    assert "kernel and bias are not constants" in str(error)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_of_scale_and_shift_by_are_those_that_are_computed_with(
    dtype: Any,
) -> None:
    x = np.array([1.0, 3.0], dtype)
    program = leaf(x).bind(lambda a: scale(a, 0.1)).bind(lambda a: shift_by(a, 0.7))
    out, tape = program.run().unwrap()
    _, factor, scaled, offset, _ = exported(tape, out)["nodes"]
    assert scaled["kind"] == "mul_elem"
    widened = np.float32 if dtype is np.float16 else dtype
    assert factor["values"] == [float(widened(0.1))] * 2
    product = (x.astype(widened) * np.array(factor["values"], widened)).astype(dtype)
    total = product.astype(widened) + np.array(offset["values"], widened)
    assert total.astype(dtype).tolist() == tape[out].value.tolist()


def test_several_outputs_keep_their_order() -> None:
    out, tape = leaf(np.ones(2)).bind(exp).bind(relu).run().unwrap()
    found = to_torchlean(tape, [out, NodeId(0), out], input=NodeId(0)).unwrap()
    assert read(json.dumps(found))["output_ids"] == [2, 0, 2]


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (np.inf, "no number for an infinity"),
        (np.nan, "no number for an infinity"),
        (np.longdouble(1), "is no type of Lean's Float"),
        (rationals(1), "object is no type of Lean's Float"),
    ],
)
def test_constants_that_are_no_numbers_of_json_are_refused(
    number: Any, why: str
) -> None:
    kind = getattr(number, "dtype", np.dtype(float)).type
    one = rationals(1) if kind is np.object_ else kind(1)
    both = leaf(one).bind(lambda x: const(number).bind(lambda c: add(x, c)))
    out, tape = both.run().unwrap()
    error = to_torchlean(tape, [out], input=NodeId(0)).failure()
    assert isinstance(error, NotExportable)
    assert (error.id in (0, 1), error.kind) == (True, "leaf")
    assert why in error.why


def test_an_op_of_a_gap_and_odd_axes_are_refused_by_name() -> None:
    def refused(program: TapeM[NodeId, Any]) -> str:
        out, tape = program.run().unwrap()
        return str(to_torchlean(tape, [out], input=NodeId(0)).failure())

    assert "node 1, Gelu: there is no kind" in refused(leaf(1.0).bind(gelu))
    alone = leaf(np.ones(2)).bind(concat)
    assert "node 1, Concat: concat has two parents" in refused(alone)


def test_wrong_inputs_and_outputs() -> None:
    out, tape = network().run().unwrap()
    last = len(tape)
    with pytest.raises(ValueError, match="at least one output"):
        to_torchlean(tape, [], input=NodeId(2))
    with pytest.raises(ValueError, match="depend on, and node 4 is linear"):
        to_torchlean(tape, [out], input=NodeId(4))
    with pytest.raises(ValueError, match="node 2 is one that they do not depend on"):
        to_torchlean(tape, [NodeId(0)], input=NodeId(2))
    error = to_torchlean(tape, [out], input=NodeId(99)).failure()
    assert error == InvalidNodeId("to_torchlean", id=NodeId(99), size=last)
    error = to_torchlean(tape, [NodeId(99)], input=NodeId(2)).failure()
    assert error == InvalidOutputId(id=NodeId(99), size=last)
    wrong: Any = [1]
    with pytest.raises(TypeError, match="to_torchlean takes a Tape for tape"):
        to_torchlean(wrong, [out], input=NodeId(0))
