"""What all ops have in common: meaning, label, flags and scalar types."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    apply_op,
    backward_m,
    const,
    do,
    hvp_inputs,
    jvp,
    leaf,
    map_m,
    mul,
    ops,
    sum_,
    value_of,
    vjp,
    where,
)
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.op import ANY_SCALAR
from tests.oracles import (
    assert_close,
    assert_fractions,
    brief,
    cases,
    jax_value,
    real_operands,
    recorded,
    result_shape,
    sample,
    thorough,
    usual,
    value,
)
from tests.specs.every import (
    ALL,
    both_samples,
    each_flagging,
    each_op,
    each_rational_op,
    named,
)
from tests.specs.spec import Spec

# -- meaning ---------------------------------------------------------------------------


@each_op
@thorough
@given(data=st.data())
def test_values_are_those_of_jax(spec: Spec, data: st.DataObject) -> None:
    xs = data.draw(real_operands(spec, 20))
    assert_close(value(spec, *xs), jax_value(spec)(*xs))


@each_op
@brief
@given(data=st.data())
def test_duals_leave_the_value_as_it_is(spec: Spec, data: st.DataObject) -> None:
    xs, vs, _ = data.draw(cases(spec)).of(np.float64)
    y, _ = jvp(lambda ids, _: spec.apply(*ids), xs, None, vs).unwrap()
    np.testing.assert_array_equal(y, value(spec, *xs), strict=True)


@each_rational_op
@usual
@given(data=st.data())
def test_over_rationals_values_are_fractions_that_round_to_the_floats(
    spec: Spec, data: st.DataObject
) -> None:
    case = data.draw(cases(spec))
    exact = value(spec, *case.of(object)[0])
    assert_fractions(exact)
    rounded = value(spec, *case.of(np.float64)[0])
    np.testing.assert_allclose(exact.astype(np.float64), rounded, rtol=1e-14, atol=0)


# -- the node --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [
        "add",
        "sub",
        "mul",
        "div",
        "scale",
        "relu",
        "tanh",
        "sigmoid",
        "exp",
        "log",
        "sin",
        "cos",
        "abs",
        "sqrt",
        "inv",
        "clamp",
        "max",
        "min",
        "softplus",
        "safe_log",
        "gelu",
        "sum",
        "mse_loss",
        "softmax",
        "log_softmax",
        "linear",
        "matmul",
        "reshape",
        "flatten",
        "swapAdjacentAtDepth",
        "broadcastTo",
        "slice",
        "conv",
        "conv_transpose",
        "max_pool",
        "avg_pool",
        "smooth_max_pool",
        "layer_norm",
        "batch_norm",
    ],
)
def test_nodes_have_the_labels_of_torchlean(label: str) -> None:
    spec = named(label)
    out, tape = recorded(spec, sample(spec).of(np.float64)[0])
    assert tape[out].label == spec.op.name == label


@each_flagging
def test_one_node_is_appended_with_the_or_of_the_flags(
    spec: Spec, flags: tuple[int, ...]
) -> None:
    xs, _, _ = sample(spec).of(np.float64)
    out, tape = recorded(spec, xs, tuple(map(bool, flags)))
    assert len(tape) == spec.arity + 1
    assert out == spec.arity
    assert tape[out].requires_grad is any(flags)
    assert tape[out].parents == tuple(range(spec.arity))
    assert tape[out].op == spec.op
    assert tape[out].name is None


@each_op
def test_the_function_is_apply_op_of_the_op(spec: Spec) -> None:
    ids = tuple(map(NodeId, range(spec.arity)))
    assert spec.apply(*ids) == apply_op(spec.op, *ids)


@each_op
@both_samples
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_values_keep_the_scalar_type(
    spec: Spec, which: int, dtype: type[np.generic]
) -> None:
    xs, _, _ = sample(spec, which).of(dtype)
    y = value(spec, *xs)
    shape = result_shape(spec, spec.few[which])
    assert y.dtype == dtype
    assert y.shape == shape
    assert type(y) is (np.ndarray if shape else dtype)
    assert not y.flags.writeable


@each_rational_op
@both_samples
def test_exact_values_are_read_only_arrays(spec: Spec, which: int) -> None:
    y = value(spec, *sample(spec, which).of(object)[0])
    assert_fractions(y)
    assert not y.flags.writeable


@each_op
def test_operands_stay_as_they_are(spec: Spec) -> None:
    xs, _, _ = sample(spec).of(np.float64)
    _, tape = recorded(spec, xs)
    for id, x in enumerate(xs):
        np.testing.assert_array_equal(tape[NodeId(id)].value, x, strict=True)


# -- ops that only move entries --------------------------------------------------------

MOVING = [spec for spec in ALL if spec.op.scalar_kinds == ANY_SCALAR]
each_moving_op = pytest.mark.parametrize("spec", MOVING, ids=str)


def test_the_ops_that_move_any_scalar_are_these() -> None:
    names = {kind.name for kind in ops.ALL if kind.scalar_kinds == ANY_SCALAR}
    assert names == {
        *("reshape", "flatten", "permute", "transpose", "swapAdjacentAtDepth"),
        *("broadcastTo", "concat_leading_axis", "slice", "embed", "select"),
        *("index_select", "windows", "detach"),
    }
    assert {spec.op.name for spec in MOVING} == names - {"detach"}  # of its own tests


@each_moving_op
@both_samples
@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint16, np.int64])
def test_what_only_moves_entries_moves_conditions_and_labels(
    spec: Spec, which: int, dtype: type[np.generic]
) -> None:
    floats = tuple(x % 2 for x in sample(spec, which).xs)
    frozen = (False,) * spec.arity
    out, tape = recorded(spec, tuple(x.astype(dtype)[()] for x in floats), frozen)
    expected = value(spec, *[x.astype(np.float64)[()] for x in floats])
    np.testing.assert_array_equal(
        tape[out].value, expected.astype(dtype)[()], strict=True
    )
    assert type(tape[out].value) is (np.ndarray if expected.shape else dtype)
    assert not tape[out].requires_grad
    assert not tape[out].value.flags.writeable


def chosen_by(
    spec: Spec, conditions: tuple[Array, ...], *, on_tape: bool
) -> Callable[[object, tuple[NodeId, ...]], TapeM[NodeId, Any]]:
    """Choose what the op makes of numbers by what it makes of conditions."""

    @do
    def loss(_: object, xs: tuple[NodeId, ...]) -> Do[NodeId, Any]:
        y = yield from spec.apply(*xs)
        ids = yield from map_m(const, conditions)
        moved = yield from spec.apply(*ids)
        if not on_tape:
            known = yield from value_of(moved)
            moved = yield from const(known)
        square = yield from mul(y, y)
        chosen = yield from where(moved, square, y)
        return (yield from sum_(chosen))

    return loss


@each_moving_op
def test_a_moved_condition_chooses_alike_in_every_derivative(spec: Spec) -> None:
    case = sample(spec)
    xs, vs, _ = case.of(np.float64)
    conditions = tuple((x % 2 > 0)[()] for x in case.xs)
    moved, known = (chosen_by(spec, conditions, on_tape=way) for way in (True, False))
    ours, theirs = (vjp(loss, None, xs, 1.0).unwrap() for loss in (moved, known))
    assert same(ours, theirs)
    ours, theirs = (jvp(loss, None, xs, None, vs).unwrap() for loss in (moved, known))
    assert same(ours, theirs)
    ours, theirs = (hvp_inputs(loss, None, xs, vs).unwrap() for loss in (moved, known))
    assert same(ours, theirs)

    @do
    def run_sweep(loss: Any) -> Do[list[Array]]:
        ids = yield from map_m(leaf, xs)
        out = yield from loss(None, ids)
        recorded_ = yield from backward_m(out, wrt=ids)
        gradients = yield from map_m(value_of, [recorded_[id] for id in ids])
        return list(gradients)

    assert same(run_sweep(moved).eval().unwrap(), run_sweep(known).eval().unwrap())
