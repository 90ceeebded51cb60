"""What type checkers must accept and infer; each function is one promise, and runs."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from operator import index
from typing import Any, Generic, NamedTuple, Never, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray
from returns.iterables import Fold
from returns.methods import cond
from returns.result import Result, Success

from tapem_dsl import (
    EMPTY,
    Array,
    Do,
    Gradients,
    Namespace,
    Node,
    NodeId,
    Op,
    Shape,
    Tape,
    TapeError,
    TapeM,
    add,
    apply_op,
    backward,
    backward_dense,
    backward_dense_all,
    backward_m,
    backward_scalar,
    const,
    cross_entropy,
    do,
    fold_m,
    for_m,
    get_tape,
    hvp_inputs,
    hvp_params,
    jacrev_params,
    jvp,
    jvp_m,
    leaf,
    linear,
    make_dual,
    map_m,
    mean_scalar_over,
    mean_scalar_over_array,
    mean_scalar_over_dataset,
    mse_loss,
    mul,
    param,
    primal,
    pure,
    relu,
    scale,
    sum_,
    tangent,
    throw,
    value_and_grad,
    value_of,
    vjp,
    vjp_rules,
    when_m,
)
from tapem_dsl.errors import Thrown
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands
from tapem_dsl.train import (
    Dataset,
    require_grad_tensor,
    require_scalar_value,
    require_value_tensor,
    sgd_update_tensor,
)

C = TypeVar("C")
F = TypeVar("F", bound=np.generic)

ROW = np.ones(2)
ROW32 = np.ones(2, np.float32)
SQUARE32 = np.ones((2, 2), np.float32)


@dataclass(frozen=True)
class Pair(Generic[C]):
    first: C
    second: C


# -- ids and scalars -------------------------------------------------------------------


@do
def a_leaf_gives_an_id() -> Do[None]:
    x = yield from leaf(1.0)
    assert_type(x, NodeId)


@do
def an_op_gives_an_id() -> Do[None]:
    x = yield from leaf(1.0)
    y = yield from add(x, x)
    assert_type(y, NodeId)


@do
def a_mean_loss_gives_an_id() -> Do[None]:
    listed = yield from mean_scalar_over("mean", [1.0, 2.0], const)
    assert_type(listed, NodeId)
    rows = yield from mean_scalar_over_array("mean", ROW, leaf_of_number)
    assert_type(rows, NodeId)
    samples = Dataset.of_list([1.0, 2.0])
    sampled = yield from mean_scalar_over_dataset("mean", samples, leaf_of_number)
    assert_type(sampled, NodeId)


def a_program_is_float64_by_default() -> None:
    def takes(program: TapeM[NodeId]) -> None:
        assert_type(program, TapeM[NodeId, np.float64])

    takes(leaf(1.0))


def a_tape_and_a_node_are_float64_by_default() -> None:
    def takes(tape: Tape, node: Node) -> None:
        assert_type(tape, Tape[np.float64])
        assert_type(node, Node[np.float64])

    tape = leaf(1.0).exec().unwrap()
    takes(tape, tape[tape.ids()[0]])


def a_block_is_float64_by_default() -> None:
    def block() -> Do[NodeId]:
        return (yield from leaf(1.0))

    assert_type(block(), Do[NodeId, np.float64])
    assert_type(block(), Generator[TapeM[Any, np.float64], object, NodeId])
    assert_type(do(block)(), TapeM[NodeId, np.float64])


def a_number_makes_a_float64_leaf() -> None:
    assert_type(leaf(1.0), TapeM[NodeId, np.float64])
    assert_type(leaf(1), TapeM[NodeId, np.float64])
    assert_type(leaf(np.float64(1)), TapeM[NodeId, np.float64])
    assert_type(param(1.0), TapeM[NodeId, np.float64])
    assert_type(const(1.0), TapeM[NodeId, np.float64])


def a_rational_makes_an_exact_leaf() -> None:
    assert_type(leaf(Fraction(1, 3)), TapeM[NodeId, np.object_])
    assert_type(param(Fraction(1, 3)), TapeM[NodeId, np.object_])
    assert_type(const(Fraction(1, 3)), TapeM[NodeId, np.object_])


def an_array_makes_a_leaf_of_its_scalar() -> None:
    assert_type(leaf(ROW), TapeM[NodeId, np.float64])
    assert_type(leaf(ROW32), TapeM[NodeId, np.float32])
    assert_type(param(ROW32), TapeM[NodeId, np.float32])
    assert_type(const(ROW32), TapeM[NodeId, np.float32])


def a_numpy_scalar_makes_a_leaf_of_its_type() -> None:
    assert_type(leaf(np.float32(1)), TapeM[NodeId, np.float32])
    assert_type(param(np.float32(1)), TapeM[NodeId, np.float32])


def an_array_made_in_place_makes_a_leaf_of_its_scalar() -> None:
    assert_type(leaf(np.zeros(2, np.float32)), TapeM[NodeId, np.float32])
    assert_type(const(np.full(2, 0.1, np.float32)), TapeM[NodeId, np.float32])
    assert_type(const(np.ones(2)), TapeM[NodeId, np.float64])
    assert_type(const(np.zeros(2, np.int64)), TapeM[NodeId, Any])


def gradients_have_the_type_of_the_parameters() -> None:
    def of_id(x: NodeId) -> TapeM[NodeId, np.float32]:
        return sum_(x)

    def of_dict(p: dict[str, NodeId], by: float) -> TapeM[NodeId]:
        return scale(p["x"], by)

    def of_tuple(p: tuple[NodeId, NodeId]) -> TapeM[NodeId]:
        return mul(*p)

    def of_record(p: Pair[NodeId]) -> TapeM[NodeId]:
        return mul(p.first, p.second)

    id, record = value_and_grad(of_id), value_and_grad(of_record)
    single = id(np.float32(1))
    assert_type(single, Result[tuple[np.float32, np.float32], TapeError])
    one = np.float64(1)
    dicts = value_and_grad(of_dict)({"x": one}, by=2.0)
    assert_type(dicts, Result[tuple[np.float64, dict[str, np.float64]], TapeError])
    pairs = value_and_grad(of_tuple)((one, 2.0))
    assert_type(pairs.unwrap()[1], tuple[np.float64, float])
    assert_type(record(Pair(one, one)).unwrap()[1], Pair[np.float64])


def an_id_is_a_key_and_an_index() -> None:
    id = NodeId(0)
    assert_type({id: 1.0}[id], float)
    assert_type(["a"][id], str)
    assert_type(sorted([id, id]), list[NodeId])
    assert_type(index(id), int)
    assert id == 0


def a_name_may_stand_second_as_in_lean() -> None:
    assert_type(leaf(ROW, "x"), TapeM[NodeId, np.float64])
    assert_type(param(ROW32, "w"), TapeM[NodeId, np.float32])
    assert_type(const(1.0, "t"), TapeM[NodeId, np.float64])
    assert_type(const(Fraction(1, 3), "third"), TapeM[NodeId, np.object_])
    assert_type(const(np.int64(3), "label"), TapeM[NodeId, Any])


def labels_and_conditions_go_with_every_tape() -> None:
    @do
    def loss(x: NDArray[np.float32], label: np.int64) -> Do[NodeId, np.float32]:
        logits = yield from const(x)
        wanted = yield from const(label)
        yield from leaf(np.array([True]), requires_grad=False)
        return (yield from cross_entropy(logits, wanted))

    assert_type(loss(ROW32, np.int64(1)), TapeM[NodeId, np.float32])
    assert_type(const(np.arange(2, dtype=np.int64)), TapeM[NodeId, Any])


def an_array_of_unknown_scalar_goes_with_every_tape() -> None:
    @do
    def pair(x: NDArray[np.float32], unknown: NDArray[Any]) -> Do[NodeId, np.float32]:
        known = yield from leaf(x)
        return (yield from add(known, (yield from leaf(unknown))))

    assert_type(pair(ROW32, ROW32).eval().unwrap(), NodeId)


# -- blocks ----------------------------------------------------------------------------


def a_block_keeps_its_parameters() -> None:
    assert_type(leaf_of_number(1.0), TapeM[NodeId])
    assert_type(leaf_of_number(x=1.0), TapeM[NodeId])


def a_block_may_take_defaults_and_keywords() -> None:
    @do
    def scaled(x: float, *more: float, by: float = 2.0) -> Do[NodeId]:
        total = yield from leaf(x + sum(more))
        return (yield from scale(total, by))

    assert_type(scaled(1.0), TapeM[NodeId])
    assert_type(scaled(1.0, 2.0, by=3.0), TapeM[NodeId])


def a_block_gives_what_it_returns() -> None:
    @do
    def pair() -> Do[tuple[NodeId, str]]:
        x = yield from leaf(1.0)
        return x, "one"

    assert_type(pair(), TapeM[tuple[NodeId, str]])
    assert_type(pair().eval().unwrap(), tuple[NodeId, str])


@do
def a_block_may_fail_in_a_branch() -> Do[None]:
    @do
    def checked(x: float | None) -> Do[NodeId]:
        if x is None:
            return (yield from throw("no number"))
        return (yield from leaf(x))

    x = yield from checked(1.0)
    assert_type(x, NodeId)


@do
def a_block_joins_programs_of_every_scalar() -> Do[None, np.float32]:
    one = yield from pure(1)
    assert_type(one, int)
    tape = yield from get_tape()
    assert_type(tape, Tape[Any])
    x = yield from leaf(ROW32)
    value = yield from value_of(x)
    assert_type(value, NDArray[Any])


@do
def float32_blocks_use_every_combinator() -> Do[None, np.float32]:
    w = yield from param(SQUARE32)
    b, x = yield from map_m(leaf, [ROW32, ROW32])
    assert_type(b, NodeId)
    y = yield from linear(w, b, x)
    doubled = yield from add(y, y)
    folded = yield from fold_m(add, doubled, [y, y])
    assert_type(folded, NodeId)
    yield from for_m([ROW32, ROW32], leaf)
    yield from when_m(True, leaf(ROW32))
    loss = yield from mean_scalar_over("mean", [ROW32], total_of)
    assert_type(loss, NodeId)


@do
def exact_blocks_infer_alike() -> Do[None, np.object_]:
    third = yield from param(Fraction(1, 3))
    assert_type(third, NodeId)
    total = yield from fold_m(add, third, [third])
    assert_type(total, NodeId)


def combinators_keep_the_scalar() -> None:
    assert_type(map_m(leaf, [ROW32]), TapeM[tuple[NodeId, ...], np.float32])
    assert_type(for_m([ROW32], leaf), TapeM[None, np.float32])
    assert_type(when_m(True, leaf(ROW32)), TapeM[None, np.float32])
    assert_type(mean_scalar_over("mean", [ROW32], total_of), TapeM[NodeId, np.float32])


def a_fold_keeps_its_accumulator_and_scalar() -> None:
    @do
    def step(ids: tuple[NodeId, ...], x: float) -> Do[tuple[NodeId, ...]]:
        return (*ids, (yield from leaf(x)))

    start: tuple[NodeId, ...] = ()
    assert_type(fold_m(step, start, [1.0, 2.0]), TapeM[tuple[NodeId, ...]])


def a_program_may_stand_for_one_of_a_wider_value() -> None:
    def takes(program: TapeM[object]) -> None:
        assert_type(program.eval(), Result[object, TapeError])

    takes(leaf(1.0))


# -- generic programs ------------------------------------------------------------------


@do
def squared_sum(x: NDArray[F]) -> Do[NodeId, F]:
    node = yield from leaf(x)
    square = yield from mul(node, node)
    return (yield from sum_(square))


@do
def twice(program: TapeM[C, F]) -> Do[tuple[C, C], F]:
    first = yield from program
    assert_type(first, C)
    second = yield from program
    return first, second


def a_generic_block_infers_its_scalar() -> None:
    assert_type(squared_sum(ROW), TapeM[NodeId, np.float64])
    assert_type(squared_sum(ROW32), TapeM[NodeId, np.float32])
    assert_type(twice(leaf(ROW32)), TapeM[tuple[NodeId, NodeId], np.float32])


def a_generic_program_goes_on_as_itself() -> None:
    def doubled(program: TapeM[NodeId, F]) -> TapeM[NodeId, F]:
        assert_type(program.exec(), Result[Tape[F], TapeError])
        return program.bind(lambda x: add(x, x))

    assert_type(doubled(leaf(ROW32)), TapeM[NodeId, np.float32])


def a_generic_loss_infers_its_scalar() -> None:
    def trained(rows: Sequence[NDArray[F]]) -> TapeM[NodeId, F]:
        return mean_scalar_over("mean", rows, squared_sum)

    assert_type(trained([ROW]), TapeM[NodeId, np.float64])
    assert_type(trained([ROW32]), TapeM[NodeId, np.float32])


def a_loss_may_be_a_partial_application() -> None:
    def scaled(by: float, row: NDArray[np.float32]) -> TapeM[NodeId, np.float32]:
        return squared_sum(row).bind(lambda x: scale(x, by))

    mean = mean_scalar_over("mean", [ROW32], partial(scaled, 2.0))
    assert_type(mean, TapeM[NodeId, np.float32])


# -- running ---------------------------------------------------------------------------


def running_gives_the_value_and_the_tape() -> None:
    program = leaf(ROW32)
    assert_type(program.run(), Result[tuple[NodeId, Tape[np.float32]], TapeError])
    assert_type(program(), Result[tuple[NodeId, Tape[np.float32]], TapeError])
    assert_type(program.eval(), Result[NodeId, TapeError])
    assert_type(program.exec(), Result[Tape[np.float32], TapeError])
    x, tape = program.run().unwrap()
    assert_type(x, NodeId)
    assert_type(tape, Tape[np.float32])


def running_goes_on_from_a_tape_of_the_same_scalar() -> None:
    tape = leaf(ROW32).exec().unwrap()
    assert_type(leaf(ROW32).exec(tape), Result[Tape[np.float32], TapeError])


def running_starts_from_the_empty_tape_of_every_scalar() -> None:
    assert_type(leaf(ROW32).exec(EMPTY), Result[Tape[np.float32], TapeError])
    assert_type(leaf(1.0).exec(EMPTY), Result[Tape[np.float64], TapeError])


def a_program_of_every_scalar_runs_on_every_tape() -> None:
    tape = leaf(ROW32).exec().unwrap()
    assert_type(pure(1).eval(tape), Result[int, TapeError])
    assert_type(TapeM.from_value(1).eval(tape), Result[int, TapeError])


# -- joining ---------------------------------------------------------------------------


def map_infers_from_a_named_function() -> None:
    assert_type(leaf(ROW32).map(shown), TapeM[str, np.float32])
    assert_type(leaf(ROW32).map(str), TapeM[str, np.float32])


def map_infers_from_a_lambda() -> None:
    assert_type(leaf(ROW32).map(lambda x: f"{x}"), TapeM[str, np.float32])


def bind_infers_from_a_named_function() -> None:
    assert_type(leaf(1.0).bind(leaf_after), TapeM[str, np.float64])
    assert_type(leaf(ROW32).bind(relu), TapeM[NodeId, np.float32])
    assert_type(leaf(ROW32).bind(value_of), TapeM[NDArray[Any], np.float32])


def bind_infers_from_a_lambda() -> None:
    assert_type(leaf(ROW32).bind(lambda x: mul(x, x)), TapeM[NodeId, np.float32])
    two = leaf(1.0).bind(lambda x: leaf(2.0).map(lambda y: (x, y)))
    assert_type(two, TapeM[tuple[NodeId, NodeId], np.float64])


def apply_infers_from_a_program_of_a_function() -> None:
    assert_type(leaf(ROW32).apply(pure(shown)), TapeM[str, np.float32])
    function: TapeM[Callable[[NodeId], str], np.float32] = pure(shown)
    assert_type(leaf(ROW32).apply(function), TapeM[str, np.float32])


def lash_gives_either_value() -> None:
    assert_type(leaf(1.0).lash(text_of), TapeM[NodeId | str, np.float64])
    assert_type(leaf(1.0).lash(lambda _: pure("none")), TapeM[NodeId | str, np.float64])


def lash_with_the_same_value_keeps_its_type() -> None:
    assert_type(leaf(ROW32).lash(lambda _: leaf(ROW32)), TapeM[NodeId, np.float32])


# -- tapes, nodes and gradients --------------------------------------------------------


def a_tape_gives_nodes_and_values_of_its_scalar() -> None:
    x, tape = leaf(ROW32).run().unwrap()
    assert_type(tape[x], Node[np.float32])
    assert_type(tape[x].value, NDArray[np.float32])
    assert_type(tape[x].parents, tuple[NodeId, ...])
    assert_type(tape[x].op, Op | None)
    assert_type(tape.get_node(x), Node[np.float32] | None)
    assert_type(tape.get_value(x), NDArray[np.float32] | None)
    assert_type(tape.require_value(x), Result[NDArray[np.float32], TapeError])
    assert_type(tape.nodes(), list[Node[np.float32]])
    assert_type(list(tape), list[Node[np.float32]])
    assert_type(tape.ids(), Sequence[NodeId])


def a_tape_and_a_node_infer_their_scalar() -> None:
    node = Node(None, (), ROW32)
    assert_type(node, Node[np.float32])
    assert_type(Tape([node]), Tape[np.float32])
    assert_type(Tape([node]).append(node), tuple[Tape[np.float32], NodeId])
    assert_type(Tape[np.float32]().append(node), tuple[Tape[np.float32], NodeId])


def gradients_are_of_the_tapes_scalar() -> None:
    loss, tape = squared_sum(ROW32).run().unwrap()
    grads = backward_scalar(tape, loss)
    assert_type(grads, Result[Gradients[np.float32], TapeError])
    assert_type(grads, Result[dict[NodeId, NDArray[np.float32]], TapeError])
    assert_type(grads.unwrap()[loss], NDArray[np.float32])
    assert_type(backward(tape, loss, 1), Result[Gradients[np.float32], TapeError])
    dense = backward_dense(tape, loss, 1, wrt=(loss,))
    assert_type(dense, Result[tuple[NDArray[np.float32] | None, ...], TapeError])
    every = backward_dense_all(tape, loss, 1)
    assert_type(every, Result[tuple[NDArray[np.float32], ...], TapeError])


@do
def gradients_of_a_program_are_a_value_of_it() -> Do[None, np.float32]:
    loss = yield from squared_sum(ROW32)
    assert_type(backward_scalar(loss), TapeM[Gradients[Any], Any])
    grads = yield from backward_scalar(loss)
    assert_type(grads, dict[NodeId, NDArray[Any]])


def backward_scalar_joins_like_an_op() -> None:
    grads = squared_sum(ROW32).bind(backward_scalar)
    assert_type(grads, TapeM[dict[NodeId, NDArray[Any]], np.float32])


# -- training --------------------------------------------------------------------------


def checks_keep_the_scalar() -> None:
    loss, tape = squared_sum(ROW32).run().unwrap()
    number = require_scalar_value("report", tape, loss)
    assert_type(number, Result[np.float32, TapeError])
    value = require_value_tensor("report", tape, loss, ())
    assert_type(value, Result[NDArray[np.float32], TapeError])
    grads = backward_scalar(tape, loss).unwrap()
    grad = require_grad_tensor("sgd", grads, loss, ())
    assert_type(grad, Result[NDArray[np.float32], TapeError])


def an_update_keeps_the_scalar() -> None:
    assert_type(sgd_update_tensor(ROW32, ROW32, 0.1), NDArray[np.float32])


def a_data_set_knows_its_samples() -> None:
    samples = Dataset.of_list([(1.0, "one"), (2.0, "two")])
    assert_type(samples, Dataset[tuple[float, str]])
    assert_type(samples.map(lambda sample: sample[1]), Dataset[str])
    assert_type(samples.shuffle(0), tuple[int, Dataset[tuple[float, str]]])
    batches = samples.batches("epoch", 2)
    assert_type(batches, Result[list[list[tuple[float, str]]], TapeError])


# -- classes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    w: NDArray[np.float32]

    @do
    def loss(self, x: NDArray[np.float32]) -> Do[NodeId, np.float32]:
        w = yield from param(self.w)
        target = yield from const(x)
        return (yield from mse_loss(w, target))

    @staticmethod
    @do
    def zero() -> Do[NodeId]:
        return (yield from leaf(0.0))

    @classmethod
    @do
    def ones(cls, size: int) -> Do["Model", np.float32]:
        yield from leaf(ROW32)
        return cls(np.ones(size, np.float32))


def a_method_may_be_a_block() -> None:
    model = Model(ROW32)
    assert_type(model.loss(ROW32), TapeM[NodeId, np.float32])
    assert_type(model.loss(x=ROW32), TapeM[NodeId, np.float32])
    assert_type(Model.loss(model, ROW32), TapeM[NodeId, np.float32])
    model.loss(ROW32).eval().unwrap()


def a_method_of_the_class_may_be_a_block() -> None:
    assert_type(Model.zero(), TapeM[NodeId])
    assert_type(Model.ones(2), TapeM[Model, np.float32])
    Model.zero().bind(lambda _: pure(1)).eval().unwrap()
    Model.ones(2).eval().unwrap()


def a_bound_method_is_a_loss_of_samples() -> None:
    mean = mean_scalar_over("mean", [ROW32], Model(ROW32).loss)
    assert_type(mean, TapeM[NodeId, np.float32])


@dataclass(frozen=True, slots=True)
class Power(Op):
    name = "power"
    exponent: int

    def shape(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        return x

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x**self.exponent


@vjp_rules.define(Power)
def rule_of_power(
    op: Power, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    (x,) = xs
    return (g * op.exponent * x ** (op.exponent - 1),)


class Root(Power):
    name = "root"


def functions_of_a_rule_know_their_op() -> None:
    vjp_rules.each(Root, lambda op, xp, g, x, y: g * op.exponent)


@do
def an_op_of_ones_own_is_like_any_other() -> Do[None, np.float32]:
    x = yield from leaf(ROW32)
    cube = yield from apply_op(Power(3), x)
    assert_type(cube, NodeId)
    total = yield from sum_(cube)
    grads = yield from backward_scalar(total)
    assert_type(grads[x], NDArray[Any])


# -- failures --------------------------------------------------------------------------


def failures_keep_the_scalar() -> None:
    program = leaf(ROW32)
    assert_type(TapeM.from_failure("no"), TapeM[Never, Any])
    assert_type(TapeM.from_result(parsed("1")), TapeM[float, Any])
    assert_type(program.map(shown).bind_result(parsed), TapeM[float, np.float32])
    assert_type(program.alt(lambda _: Thrown("no")), TapeM[NodeId, np.float32])
    assert_type(program.swap(), TapeM[TapeError, np.float32])


def collect_all_and_cond_take_programs() -> None:
    start: TapeM[tuple[NodeId, ...]] = pure(())
    Fold.collect_all([leaf(1.0), leaf(2.0)], start)
    cond(TapeM, True, 1, Thrown("no"))


# -- derivatives -----------------------------------------------------------------------


@do
def derivatives_are_programs_of_any_scalar() -> Do[None, np.float32]:
    x = yield from leaf(ROW32)
    loss = yield from sum_(x)
    ids = yield from backward_m(loss, wrt=[x])
    assert_type(ids, dict[NodeId, NodeId])
    dual = yield from make_dual(x, x)
    slope = yield from tangent(dual, dual)
    value = yield from primal(dual, dual)
    assert_type((dual, slope, value), tuple[NodeId, NodeId, NodeId])
    pair = yield from jvp_m(sum_, x, x)
    assert_type(pair, tuple[NodeId, NodeId])


class Line(NamedTuple):
    slope: Any  # Any: an array outside, an id inside
    offset: Any


@do
def height(line: Line, x: NodeId) -> Do[NodeId]:
    product = yield from mul(line.slope, x)
    return (yield from add(product, line.offset))


def derivatives_of_programs_keep_the_packs() -> None:
    line, x = Line(np.float64(2), np.float64(1)), np.float64(3)
    pulled = vjp(height, line, x, 1.0)
    assert_type(pulled, Result[tuple[Line, np.float64], TapeError])
    assert_type(hvp_params(height, line, x, line), Result[Line, TapeError])
    assert_type(hvp_inputs(height, line, x, x), Result[np.float64, TapeError])
    assert_type(jacrev_params(height, line, x), Result[Line, TapeError])
    value_and_slope = jvp(height, line, x, line, x)
    assert_type(value_and_slope, Result[tuple[Array, Array], TapeError])
    for result in (pulled, value_and_slope):
        result.unwrap()


# -- what the promises above share -----------------------------------------------------


@do
def leaf_of_number(x: float) -> Do[NodeId]:
    return (yield from leaf(x))


def total_of(row: NDArray[np.float32]) -> TapeM[NodeId, np.float32]:
    return leaf(row).bind(sum_)


def leaf_after(x: NodeId) -> TapeM[str]:
    return leaf(2.0).map(lambda y: f"{x}, {y}")


def shown(x: NodeId) -> str:
    return str(x)


def parsed(text: str) -> Result[float, TapeError]:
    return Success(float(text))


def text_of(error: TapeError) -> TapeM[str, Any]:
    return pure(error.message)
