"""What ops refuse, and what their refusals say."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike
from returns.result import Failure, Success

from tapem_dsl import (
    Array,
    Namespace,
    NodeId,
    Op,
    Shape,
    apply_op,
    leaf,
    log,
    pure,
    rationals,
    relu,
)
from tapem_dsl.errors import (
    DTypeMismatch,
    InvalidNodeId,
    OutsideDomain,
    Refused,
    ShapeMismatch,
)
from tapem_dsl.tape.op import ANY_SCALAR
from tests.oracles import program, recorded, sample
from tests.specs.elementwise import ELEMENTWISE
from tests.specs.every import ALL, both_samples, each_op, each_operand, named
from tests.specs.softmax import SOFTMAX
from tests.specs.spec import Spec

# Any, throughout: what is wrong on purpose.

FLOATS = "floating-point or rational operands"
OF_NUMBERS = [spec for spec in ALL if spec.op.scalar_kinds != ANY_SCALAR]


def ones(shape: Shape, dtype: DTypeLike) -> Array:
    if dtype is object:
        return rationals(np.ones(shape, int).astype(object))
    return np.ones(shape, dtype)[()]


@each_operand
@pytest.mark.parametrize("bad", [-1, 9])
def test_an_unknown_operand_is_refused(spec: Spec, operand: int, bad: int) -> None:
    ids = [NodeId(0)] * spec.arity
    ids[operand] = NodeId(bad)
    outcome = leaf(1.0).bind(lambda _: spec.apply(*ids)).run()
    assert outcome == Failure(InvalidNodeId(spec.op.name, id=NodeId(bad), size=1))


@each_op
def test_the_first_unknown_operand_is_named(spec: Spec) -> None:
    ids = [NodeId(5 + i) for i in range(spec.arity)]
    outcome = spec.apply(*ids).run()
    assert outcome == Failure(InvalidNodeId(spec.op.name, id=NodeId(5), size=0))
    assert outcome.failure().message == "autograd: invalid node id"


@each_operand
def test_a_program_in_the_place_of_an_id_is_a_type_error(
    spec: Spec, operand: int
) -> None:
    ids: list[Any] = [NodeId(0)] * spec.arity
    ids[operand] = pure(NodeId(0))
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        spec.apply(*ids)


@pytest.mark.parametrize("spec", OF_NUMBERS, ids=str)
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.bool_])
@both_samples
def test_integers_and_truth_values_are_refused(
    spec: Spec, dtype: type[np.generic], which: int
) -> None:
    xs = tuple(ones(shape, dtype) for shape in spec.few[which])
    frozen = (False,) * spec.arity
    outcome = program(spec, xs, frozen).run()
    dtypes = (np.dtype(dtype).name,) * spec.arity
    ids = tuple(map(NodeId, range(spec.arity)))
    wants = f"{FLOATS}: record x.astype(np.float64)"
    error = DTypeMismatch(spec.op.name, dtypes=dtypes, wants=wants, ids=ids)
    assert outcome == Failure(error)
    assert error.message == "autograd: dtype mismatch"


@pytest.mark.parametrize(
    ("spec", "operand"),
    [(spec, i) for spec in ALL if spec.arity > 1 for i in range(spec.arity)],
)
@both_samples
@pytest.mark.parametrize(
    ("odd", "others"),
    [
        (np.float32, np.float64),
        (np.float64, np.float32),
        (object, np.float64),
        (np.float64, object),
        (np.int64, np.float64),
        (np.bool_, np.float32),
    ],
)
def test_scalar_types_are_never_mixed(
    spec: Spec, operand: int, which: int, odd: DTypeLike, others: DTypeLike
) -> None:
    xs = tuple(
        ones(shape, odd if i == operand else others)
        for i, shape in enumerate(spec.few[which])
    )
    names = tuple("vwxyz"[: spec.arity])
    wrong = program(spec, xs, (False,) * spec.arity, names)
    real = next((x.dtype for x in xs if x.dtype.kind in "fO"), np.dtype(np.float64))
    fix = "rationals(x)" if real.hasobject else f"x.astype(np.{real})"
    wants = FLOATS
    if xs[0].dtype.kind in spec.op.scalar_kinds:
        wants = "operands of one scalar type"
    error = DTypeMismatch(
        spec.op.name,
        dtypes=tuple(str(x.dtype) for x in xs),
        wants=f"{wants}: record {fix}",
        ids=tuple(map(NodeId, range(spec.arity))),
        names=names,
    )
    assert wrong.run() == Failure(error)
    assert wrong.run() == Failure(error)


@dataclass(frozen=True)
class Picky(Op):
    """Takes two operands, or refuses them, as its parameter says."""

    name = "picky"

    takes: bool

    def shape(self, *inputs: Shape) -> Shape:
        if not self.takes:
            raise Refused(ShapeMismatch(self.name, shapes=inputs, wants="nothing"))
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


def test_what_was_taken_once_is_not_taken_with_other_parameters() -> None:
    zero = NodeId(0)
    for takes in (True, False, True):
        tape = leaf(1.0).exec().unwrap()
        outcome = apply_op(Picky(takes), zero, zero).run(tape)
        assert isinstance(outcome, Success) is takes


REPEAT = "equal shapes: broadcast_to(x, {}) repeats entries"
KEEP = "equal shapes: reshape(x, {}) keeps all entries"
LINEAR = "(out, in), (out,) and (in,)"
MATMUL = "(..., m, n) and (..., n, p), whose left axes broadcast"
BMM = "(k, m, n) and (k, n, p)"
OUTER = "(m,) and (n,)"
DOT = "(n,) and (n,)"


@pytest.mark.parametrize(
    ("name", "shapes", "wants"),
    [
        *[
            (name, shapes, wants)
            for name in [
                *("add", "sub", "mul", "div", "max", "min"),
                *("mse_loss", "l1_loss", "huber_loss", "bce_with_logits"),
            ]
            for shapes, wants in [
                (((), (1,)), KEEP.format("()")),
                (((1,), ()), KEEP.format("(1,)")),
                (((2, 3), (3,)), REPEAT.format("(2, 3)")),
                (((2, 3), (1, 3)), REPEAT.format("(2, 3)")),
                (((2, 1), (2,)), KEEP.format("(2, 1)")),
                (((0,), (1,)), REPEAT.format("(0,)")),
                (((0, 2), (2, 0)), KEEP.format("(0, 2)")),
                (((2,), (3,)), "equal shapes"),
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
        ("matmul", ((5, 2, 3), (4, 3, 4)), MATMUL),
        ("matmul", ((0, 2, 3), (5, 3, 4)), MATMUL),
        ("matmul", ((5, 2, 3), (5, 2, 3)), MATMUL),
        ("matmul", ((5, 2, 3), (3,)), MATMUL),
        ("matmul", ((2, 1), (3, 2)), MATMUL),
        ("matmul", ((), ()), MATMUL),
        ("bmm", ((2, 3), (3, 2)), BMM),
        ("bmm", ((1, 2, 3), (5, 3, 4)), BMM),
        ("bmm", ((5, 2, 3), (5, 2, 4)), BMM),
        ("outer", ((2, 1), (3,)), OUTER),
        ("outer", ((), (3,)), OUTER),
        ("dot", ((2,), (3,)), DOT),
        ("dot", ((2, 1), (1, 2)), DOT),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, object])
def test_shapes_that_do_not_fit_are_refused_and_never_broadcast(
    name: str, shapes: tuple[tuple[int, ...], ...], wants: str, dtype: DTypeLike
) -> None:
    spec = named(name)
    names = tuple("vwxyz"[: spec.arity])
    xs = tuple(ones(shape, dtype) for shape in shapes)
    outcome = program(spec, xs, None, names).run()
    ids = tuple(map(NodeId, range(spec.arity)))
    error = ShapeMismatch(name, shapes=shapes, wants=wants, ids=ids, names=names)
    assert outcome == Failure(error)
    assert error.message == "autograd: shape mismatch"


SHAPED = (*ELEMENTWISE, *SOFTMAX)


@pytest.mark.parametrize("spec", SHAPED, ids=str)
@both_samples
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
    assert error.op == spec.op.name
    assert error.ids == tuple(map(NodeId, range(spec.arity)))
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
def test_a_shape_that_is_none_is_a_mistake_in_the_call(shape: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="shape"):
        relu(NodeId(0), shape=shape)


def test_ids_are_checked_before_dtypes_and_dtypes_before_shapes() -> None:
    wrong = leaf(np.zeros(2)).bind(lambda _: leaf(np.zeros(3, np.float32)))
    apply = named("add").apply
    unknown = wrong.bind(lambda _: apply(NodeId(0), NodeId(7))).run()
    assert isinstance(unknown.failure(), InvalidNodeId)
    mixed = wrong.bind(lambda _: apply(NodeId(0), NodeId(1))).run()
    assert isinstance(mixed.failure(), DTypeMismatch)


@pytest.mark.parametrize("spec", [s for s in SHAPED if not s.rational], ids=str)
@pytest.mark.parametrize("shape", [(2, 3), (1,), (0, 2)])
def test_what_is_not_rational_is_refused_over_rationals(
    spec: Spec, shape: tuple[int, ...]
) -> None:
    outcome = program(spec, (ones(shape, object),), None, ("x",)).run()
    reason = "not a rational function; run the program over float64 instead"
    error = OutsideDomain(spec.op.name, reason, ids=(NodeId(0),), names=("x",))
    assert outcome == Failure(error)
    assert error.message == f"autograd: {spec.op.name}: {reason}"


@each_op
def test_a_refused_op_appends_nothing(spec: Spec) -> None:
    bad = spec.apply(*[NodeId(9)] * spec.arity)
    recovered = leaf(1.0).bind(lambda x: bad.lash(lambda _: pure(x)))
    assert len(recovered.exec().unwrap()) == 1
