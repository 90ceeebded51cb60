"""What checkers must infer of tapes, derivatives and training; each runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Never, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray
from returns.iterables import Fold
from returns.methods import cond
from returns.result import Result, Success

from tapem_dsl import (
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
    do,
    hvp_inputs,
    hvp_params,
    jacrev_params,
    jit,
    jvp,
    jvp_m,
    leaf,
    make_dual,
    mean_scalar_over,
    mse_loss,
    mul,
    param,
    primal,
    pure,
    sum_,
    tangent,
    value_and_grad,
    vjp,
    vjp_rules,
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

F = TypeVar("F", bound=np.generic)
ROW32 = np.ones(2, np.float32)

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


def shown(x: NodeId) -> str:
    return str(x)


def parsed(text: str) -> Result[float, TapeError]:
    return Success(float(text))


@do
def squared_sum(x: NDArray[F]) -> Do[NodeId, F]:
    node = yield from leaf(x)
    square = yield from mul(node, node)
    return (yield from sum_(square))


# -- jit -------------------------------------------------------------------------------


def squares(x: NDArray[np.float64], *, scale: float = 1.0) -> NDArray[np.float64]:
    return x * x * scale


def takes(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    function(np.ones(2))


def product_of(w: NodeId) -> TapeM[NodeId]:
    return mul(w, w)


def a_jitted_function_keeps_its_signature() -> None:
    step = jit(squares)
    assert_type(step(np.ones(2), scale=2.0), NDArray[np.float64])
    takes(step)
    gradient = jit(value_and_grad(product_of))
    found = gradient(np.float64(3))
    assert_type(found, Result[tuple[np.float64, np.float64], TapeError])
    assert_type(step.report(), str)
