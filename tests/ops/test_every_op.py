"""What all ops have in common: flags, scalar types, refusals and labels."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike
from returns.result import Failure

from tapem_dsl import (
    DTypeMismatch,
    InvalidNodeId,
    NodeId,
    OutsideDomain,
    ShapeMismatch,
    apply_op,
    leaf,
    log,
    pure,
    rationals,
    relu,
)
from tests.oracles import (
    ALL,
    ELEMENTWISE,
    RATIONAL,
    SOFTMAX,
    Spec,
    assert_close,
    assert_fractions,
    brief,
    cases,
    jax_value,
    named,
    program,
    real_operands,
    recorded,
    result_shape,
    sample,
    thorough,
    usual,
    value,
)
from tests.toy_dual import jvp

each_op = pytest.mark.parametrize("spec", ALL, ids=str)
each_rational_op = pytest.mark.parametrize("spec", RATIONAL, ids=str)
each_operand = pytest.mark.parametrize(
    ("spec", "operand"), [(spec, i) for spec in ALL for i in range(spec.arity)]
)

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
def test_a_new_carrier_computes_the_same_value(spec: Spec, data: st.DataObject) -> None:
    xs, vs, _ = data.draw(cases(spec)).of(np.float64)
    y, _ = jvp(spec.apply, xs, vs)
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
        "sum",
        "mse_loss",
        "softmax",
        "log_softmax",
        "linear",
        "matmul",
    ],
)
def test_nodes_have_the_labels_of_torchlean(label: str) -> None:
    spec = named(label)
    out, tape = recorded(spec, sample(spec).of(np.float64)[0])
    assert tape[out].label == spec.op.name == label


@pytest.mark.parametrize(
    ("spec", "flags"),
    [(spec, flags) for spec in ALL for flags in np.ndindex((2,) * spec.arity)],
)
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
@pytest.mark.parametrize("which", [0, 1])
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
@pytest.mark.parametrize("which", [0, 1])
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


# -- refusals --------------------------------------------------------------------------


@each_operand
@pytest.mark.parametrize("bad", [-1, 9])
def test_an_unknown_operand_is_refused(spec: Spec, operand: int, bad: int) -> None:
    ids = [NodeId(0)] * spec.arity
    ids[operand] = NodeId(bad)
    outcome = leaf(1.0).bind(lambda _: spec.apply(*ids)).run()
    assert outcome == Failure(InvalidNodeId(spec.op.name, id=bad, size=1))


@each_op
def test_the_first_unknown_operand_is_named(spec: Spec) -> None:
    ids = [NodeId(5 + i) for i in range(spec.arity)]
    outcome = spec.apply(*ids).run()
    assert outcome == Failure(InvalidNodeId(spec.op.name, id=5, size=0))
    assert outcome.failure().message == "autograd: invalid node id"


@each_operand
def test_a_program_in_the_place_of_an_id_is_a_type_error(
    spec: Spec, operand: int
) -> None:
    ids: list[Any] = [NodeId(0)] * spec.arity  # Any: wrong on purpose
    ids[operand] = pure(NodeId(0))
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        spec.apply(*ids)


@each_op
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.bool_])
@pytest.mark.parametrize("which", [0, 1])
def test_integers_and_truth_values_are_refused(
    spec: Spec, dtype: type[np.generic], which: int
) -> None:
    xs = tuple(np.ones(shape, dtype)[()] for shape in spec.few[which])
    frozen = (False,) * spec.arity
    outcome = program(spec, xs, frozen).run()
    dtypes = (np.dtype(dtype).name,) * spec.arity
    wants = "floating-point or rational operands"
    ids = tuple(range(spec.arity))
    error = DTypeMismatch(spec.op.name, dtypes=dtypes, wants=wants, ids=ids)
    assert outcome == Failure(error)
    assert error.message == "autograd: dtype mismatch"


@pytest.mark.parametrize("spec", [s for s in ALL if s.arity > 1], ids=str)
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("first", "others"),
    [
        (np.float64, np.float32),
        (np.float32, np.float64),
        (np.float64, object),
        (object, np.float64),
        (np.float64, np.int64),
        (np.float64, np.bool_),
    ],
)
def test_scalar_types_are_never_mixed(
    spec: Spec, which: int, first: DTypeLike, others: DTypeLike
) -> None:
    case = sample(spec, which)
    one = case.of(first)[0][0]
    shapes = spec.few[which][1:]
    if others in (np.int64, np.bool_):
        rest: tuple[Any, ...] = tuple(np.ones(shape, others)[()] for shape in shapes)
    else:
        rest = case.of(others)[0][1:]
    names = tuple("wbx"[: spec.arity])
    flags = (True, *(False,) * len(rest))
    outcome = program(spec, (one, *rest), flags, names).run()
    dtypes = (str(np.dtype(first)), *(str(np.dtype(others)),) * len(rest))
    error = DTypeMismatch(
        spec.op.name,
        dtypes=dtypes,
        wants="operands of one scalar type",
        ids=tuple(range(spec.arity)),
        names=names,
    )
    assert outcome == Failure(error)
    assert program(spec, (one, *rest), flags, names).run() == outcome


EQUAL = "equal shapes"
LINEAR = "(out, in), (out,) and (in,)"
MATMUL = "(m, n) and (n, p)"


@pytest.mark.parametrize(
    ("name", "shapes", "wants"),
    [
        *[
            (name, shapes, EQUAL)
            for name in ["add", "sub", "mul", "div", "mse_loss"]
            for shapes in [
                ((), (1,)),
                ((1,), ()),
                ((2, 3), (3,)),
                ((2, 3), (1, 3)),
                ((0,), (1,)),
                ((0, 2), (2, 0)),
            ]
        ],
        ("linear", ((2, 3), (3,), (3,)), LINEAR),
        ("linear", ((2, 3), (2,), (2,)), LINEAR),
        ("linear", ((2, 3), (1,), (3,)), LINEAR),
        ("linear", ((2, 3), (), (3,)), LINEAR),
        ("linear", ((2, 3), (2,), (3, 1)), LINEAR),
        ("linear", ((2, 3), (2, 1), (3,)), LINEAR),
        ("linear", ((3,), (1,), (3,)), LINEAR),
        ("linear", ((5, 2, 3), (2,), (3,)), LINEAR),
        ("linear", ((), (), ()), LINEAR),
        ("matmul", ((2, 3), (2, 3)), MATMUL),
        ("matmul", ((2, 3), (3,)), MATMUL),
        ("matmul", ((3,), (3, 2)), MATMUL),
        ("matmul", ((3,), (3,)), MATMUL),
        ("matmul", ((5, 2, 3), (5, 3, 4)), MATMUL),
        ("matmul", ((2, 1), (3, 2)), MATMUL),
        ("matmul", ((), ()), MATMUL),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, object])
def test_shapes_that_do_not_fit_are_refused_and_never_broadcast(
    name: str, shapes: tuple[tuple[int, ...], ...], wants: str, dtype: DTypeLike
) -> None:
    spec = named(name)
    names = tuple("wbx"[: spec.arity])
    xs = tuple(np.ones(shape)[()] for shape in shapes)
    if dtype is object:
        xs = tuple(fractions(shape) for shape in shapes)
    outcome = program(spec, xs, None, names).run()
    ids = tuple(range(spec.arity))
    error = ShapeMismatch(name, shapes=shapes, wants=wants, ids=ids, names=names)
    assert outcome == Failure(error)
    assert error.message == "autograd: shape mismatch"


def fractions(shape: tuple[int, ...]) -> Any:  # Any: an exact array
    return rationals(np.ones(shape, int).astype(object))


SHAPED = (*ELEMENTWISE, *SOFTMAX)


@pytest.mark.parametrize("spec", SHAPED, ids=str)
@pytest.mark.parametrize("which", [0, 1])
def test_a_shape_that_is_asked_for_is_the_shape_of_the_result(
    spec: Spec, which: int
) -> None:
    xs, _, _ = sample(spec, which).of(np.float64)
    asking = replace(spec, apply=partial(spec.apply, shape=xs[0].shape))
    assert recorded(asking, xs) == recorded(spec, xs)


@pytest.mark.parametrize("spec", SHAPED, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (2, 3, 1)])
def test_another_shape_than_asked_for_is_refused(
    spec: Spec, shape: tuple[int, ...]
) -> None:
    xs, _, _ = sample(spec).of(np.float64)
    asking = replace(spec, apply=partial(spec.apply, shape=shape))
    error = program(asking, xs).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.message == "autograd: shape mismatch"
    assert (error.op, error.ids) == (spec.op.name, tuple(range(spec.arity)))
    assert set(error.shapes) == {(2, 3)}
    assert str(shape) in error.wants


def test_a_shape_that_is_asked_for_is_checked_before_values() -> None:
    asking = leaf(np.array([-1.0])).bind(lambda x: log(x, shape=(3,)))
    assert isinstance(asking.run().failure(), ShapeMismatch)


def test_another_shape_than_asked_for_is_refused_by_name() -> None:
    asking = leaf(1.0, name="w").bind(lambda x: relu(x, shape=(3,)))
    error = asking.run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.names == ("w",)


@pytest.mark.parametrize("shape", [[2, 3], 6, (2.0, 3)])
def test_a_shape_that_is_none_is_a_mistake_in_the_call(
    shape: Any,  # Any: wrong on purpose
) -> None:
    with pytest.raises((TypeError, ValueError), match="shape"):
        relu(NodeId(0), shape=shape)


def test_ids_are_checked_before_dtypes_and_dtypes_before_shapes() -> None:
    wrong = leaf(np.zeros(2)).bind(lambda _: leaf(np.zeros(3, np.float32)))
    apply = named("add").apply
    unknown = wrong.bind(lambda _: apply(NodeId(0), NodeId(7))).run()
    assert isinstance(unknown.failure(), InvalidNodeId)
    mixed = wrong.bind(lambda _: apply(NodeId(0), NodeId(1))).run()
    assert isinstance(mixed.failure(), DTypeMismatch)


@pytest.mark.parametrize("spec", [s for s in ALL if not s.rational], ids=str)
@pytest.mark.parametrize("shape", [(2, 3), (1,), (0, 2)])
def test_what_is_not_rational_is_refused_over_rationals(
    spec: Spec, shape: tuple[int, ...]
) -> None:
    outcome = program(spec, (fractions(shape),), None, ("x",)).run()
    reason = "not a rational function; run the program over float64 instead"
    error = OutsideDomain(spec.op.name, reason, ids=(0,), names=("x",))
    assert outcome == Failure(error)
    assert error.message == f"autograd: {spec.op.name}: {reason}"


@each_op
def test_a_refused_op_appends_nothing(spec: Spec) -> None:
    bad = spec.apply(*[NodeId(9)] * spec.arity)
    recovered = leaf(1.0).bind(lambda x: bad.lash(lambda _: pure(x)))
    assert len(recovered.exec().unwrap()) == 1
