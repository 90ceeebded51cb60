"""programming error: every argument of every function, given what it cannot take."""

import inspect
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import FunctionType
from typing import Any, get_origin, get_type_hints

import numpy as np
import pytest
from returns.maybe import Some
from returns.result import Result, Success

import tapem_dsl
from tapem_dsl import (
    EMPTY,
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    Tape,
    TapeM,
    const,
    do,
    leaf,
    ops,
    pure,
)
from tapem_dsl.arrays import NUMPY
from tapem_dsl.errors import RequirementNotMet
from tapem_dsl.ops.arithmetic import Mul
from tapem_dsl.ops.slicing import Concat
from tapem_dsl.train import Dataset

# Any, throughout: what types would refuse is what is tried here.

LOOSE: Any = tapem_dsl
GRADIENT: Any = LOOSE.value_and_grad

PROGRAM = const(1.0)
TAPE = leaf(1.0).exec().unwrap()
FUNCTIONS: dict[str, Any] = {
    name: value
    for name, value in vars(tapem_dsl).items()
    if isinstance(value, FunctionType) and name[0] != "_"
} | {f"tree.{name}": getattr(LOOSE.tree, name) for name in ("map", "param", "const")}
FUNCTIONS |= {
    f"{type(value).__name__}.{name}": getattr(value, name)
    for value in (PROGRAM, TAPE, Dataset.of_list([1.0]))
    for name, method in vars(type(value)).items()
    if name[0] != "_" and callable(getattr(value, name))
}


class Kind:
    """What a parameter takes: one good value, and bad ones."""

    def __init__(self, good: Any, *bad: Any) -> None:
        self.good, self.bad = good, bad


NO_ID = (2.0, "x", None, True, PROGRAM, [0], np.ones(2), np.int64(0), Fraction(1, 2))
NO_TEXT = (3, None, b"t", PROGRAM)
NO_INT = ("1", 1.5, True, [1], PROGRAM, np.ones(2))
NO_SHAPE = ([1], "1", 1.5, (0.5,), (True,), ("1",), PROGRAM)
NO_NUMBER = ("1", 1j, True, [1.0], PROGRAM, np.ones(2))
NO_FUNCTION = (3, "f", PROGRAM, [len])
NO_ITEMS = (3, None, PROGRAM, {1.0, 2.0}, frozenset((1.0, 2.0)))
SHAPE = Kind((1,), *NO_SHAPE)
FUNCTION = Kind(lambda *_: PROGRAM, *NO_FUNCTION)

BY_TYPE: dict[Any, Kind] = {
    NodeId: Kind(NodeId(0), *NO_ID),
    NodeId | None: Kind(NodeId(0), *[x for x in NO_ID if x is not None]),
    int: Kind(1, *NO_INT),
    str: Kind("t", *NO_TEXT),
    str | None: Kind("t", *[x for x in NO_TEXT if x is not None]),
    bool: Kind(True, PROGRAM),
    tuple[int, ...]: SHAPE,
    tuple[int, ...] | None: SHAPE,
    int | tuple[int, ...]: Kind(1, "1", 1.5, True, [1], (0.5,), (True,), PROGRAM),
    int | tuple[int, ...] | None: Kind(1, "1", 1.5, True, [1], (0.5,), PROGRAM),
    float | Fraction: Kind(1.0, *NO_NUMBER),
    Op: Kind(Mul(), 3, "mul", Mul, LOOSE.mul, PROGRAM),
    Iterable[NodeId] | None: Kind((NodeId(0),), 3, "x", (1.5,), PROGRAM, [PROGRAM]),
}
BY_ORIGIN: dict[Any, Kind] = {
    Tape: Kind(TAPE, 3, None, PROGRAM, [EMPTY]),
    TapeM: Kind(PROGRAM, 3, None, NodeId(0), len),
    Dataset: Kind(Dataset.of_list([1.0]), [1.0], None, np.ones(2), PROGRAM, "ab"),
    Result: Kind(EMPTY, 3, None, PROGRAM, ValueError("no")),
    Callable: FUNCTION,
    Iterable: Kind([1.0], *NO_ITEMS),
}

NO_VALUE = ([1.0], None, "x", PROGRAM, True, 1j, {1.0})
BY_NAME: dict[str, Kind] = {
    "value": Kind(1.0, *NO_VALUE),
    "seed": Kind(1.0, *NO_VALUE),
    "error": Kind("no", 3, None, ValueError("no"), PROGRAM),
    "directions": Kind([], 3, None, PROGRAM, np.float64(1)),
    "mask": Kind(None, [[True]], 3, np.ones((2, 2)), PROGRAM),
    "xs": Kind([1.0], 3, None, PROGRAM, {1.0}, "ab", np.ones(2), iter([1.0])),
    "mean_scalar_over_array.xs": Kind(
        [1.0], 3, None, PROGRAM, {1.0}, "ab", b"ab", {"a": 1.0}
    ),
    "mean_scalar_over_dataset.xs": Kind(
        Dataset.of_list([1.0]), [1.0], None, np.ones(2), PROGRAM, "ab"
    ),
    "tape": Kind(TAPE, 3, None, PROGRAM, [EMPTY]),
    "grads": Kind([1.0], 3, None, PROGRAM),
    "state": Kind(0, *NO_INT),
    "permute.axes": Kind((0,), *NO_SHAPE),
    "backward_scalar.tape": Kind(NodeId(0), *NO_ID),
    "other": Kind(Dataset.of_list([1.0]), [1.0], None, PROGRAM),
    "container": Kind(pure(str), 3, None, str),
    "node": Kind(TAPE[NodeId(0)], 3, None, PROGRAM),
    "TapeM.from_failure.inner_value": Kind("no", 3, None, ValueError("no"), PROGRAM),
    "TapeM.from_result.inner_value": Kind(Success(1), 3, None, PROGRAM),
    "deps": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.run.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.eval.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "TapeM.exec.tape": Kind(TAPE, 3, PROGRAM, [TAPE]),
    "into": Kind(float, 3, None, "float", PROGRAM),
    "how": Kind("lcg", 3, None, "fast"),
    "samples": Kind([1.0], *NO_ITEMS),
}
"""What annotations leave open."""

ANYTHING = {
    *("pure.value", "fold_m.init", "rationals.entries", "do.function"),
    *("tag_error.tag", "tag_error.message", "throw.error_"),
    "backward_scalar.out",
    *("require_grad_tensor.grads", "require_grad_tensor.tag"),
    *("require_value_tensor.tag", "require_scalar_value.tag"),
}
"""What takes any value, or is tried in a test of its own."""


def kind_of(name: str, parameter: str, hint: Any) -> Kind | None:
    if f"{name}.{parameter}" in ANYTHING:
        return None
    known = BY_NAME.get(f"{name}.{parameter}")
    known = known or next((kind for of, kind in BY_TYPE.items() if of == hint), None)
    known = known or BY_NAME.get(parameter)
    origin = get_origin(hint)
    return known or next((k for of, k in BY_ORIGIN.items() if of is origin), None)


def parameters_of(function: Any) -> dict[str, tuple[inspect.Parameter, Any]]:
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    return {name: (x, hints[name]) for name, x in parameters.items()}


def mistakes() -> Iterator[Any]:
    for name, function in FUNCTIONS.items():
        for parameter, (_, hint) in parameters_of(function).items():
            kind = kind_of(name, parameter, hint)
            for bad in () if kind is None else kind.bad:
                id = f"{name}-{parameter}-{type(bad).__name__}"
                yield pytest.param(function, name, parameter, bad, id=id)


def called(function: Any, name: str, wrong: str, bad: Any) -> None:
    """Call with good values for all but one parameter."""
    positional, by_name = [], {}
    for parameter, (x, hint) in parameters_of(function).items():
        if parameter == wrong:
            value = bad
        elif x.default is not x.empty:
            continue
        else:
            kind = kind_of(name, parameter, hint)
            value = 1.0 if kind is None else kind.good
        if x.kind is x.KEYWORD_ONLY:
            by_name[parameter] = value
        else:
            positional.append(value)
    function(*positional, **by_name)


@pytest.mark.parametrize(("function", "name", "parameter", "bad"), list(mistakes()))
def test_what_an_argument_cannot_be_raises_at_the_call_and_says_what(
    function: Any, name: str, parameter: str, bad: Any
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        called(function, name, parameter, bad)
    assert caught.traceback[-1].frame.code.path != "<string>"
    said = str(caught.value)
    spoken = said.replace("_", "").lower()
    named = {name.rpartition(".")[2], parameter, "a leaf", "operand"}
    assert any(word.replace("_", "").lower() in spoken for word in named), said
    given = {repr(bad), str(bad), type(bad).__name__, "program"}
    given |= {repr(entry) for entry in bad} if isinstance(bad, tuple | list) else set()
    assert any(text in said for text in given), said
    assert re.search(r"[;:,]|such as|takes|yield from| not ", said), said


# -- what only a run can meet ----------------------------------------------------------


def rows(_: object) -> Any:
    return 1.5


@pytest.mark.parametrize(
    "run",
    [
        lambda: LOOSE.mean_scalar_over("t", [1.0], rows).run(),
        lambda: LOOSE.mean_scalar_over("t", [1.0, 2.0], first_only(rows)).run(),
        lambda: LOOSE.mean_scalar_over_array("t", [1.0], rows).run(),
        lambda: LOOSE.map_m(rows, [1.0]).run(),
        lambda: LOOSE.for_m([1.0], rows).run(),
        lambda: LOOSE.fold_m(lambda _, x: rows(x), 0, [1.0]).run(),
        lambda: leaf(1.0).bind(rows).run(),
        lambda: leaf(1.0).bind(lambda x: LOOSE.jvp_m(rows, x, x)).run(),
        lambda: GRADIENT(rows)(1.0),
        lambda: LOOSE.jvp(lambda p, x: rows(x), None, 1.0),
        lambda: LOOSE.vjp(lambda p, x: rows(x), None, 1.0, 1.0),
        lambda: LOOSE.hvp_params(lambda p, x: rows(x), 1.0, None, 1.0),
        lambda: LOOSE.hvp_inputs(lambda p, x: rows(x), None, 1.0, 1.0),
        lambda: LOOSE.jacrev_params(lambda p, x: rows(x), 1.0, None),
        lambda: LOOSE.jacrev_inputs(lambda p, x: rows(x), None, 1.0),
        lambda: LOOSE.jacfwd_input(rows, np.float64(1)),
        lambda: LOOSE.hessian_input(rows, np.float64(1)),
        lambda: LOOSE.derivative(lambda p, x: rows(x), None, 1.0, []),
    ],
)
def test_a_function_that_gives_no_program_is_named(run: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"(rows|lambda).* returned 1.5.*pure\(value\)"):
        run()


def first_only(rest: Callable[[object], Any]) -> Callable[[float], Any]:
    def rows_after(x: float) -> Any:
        return const(x) if x == 1.0 else rest(x)

    return rows_after


def test_an_id_for_a_program_is_named_by_value_and_grad() -> None:
    with pytest.raises(TypeError, match=r"returned 0, which is no program"):
        GRADIENT(lambda p: p["x"])({"x": np.float64(1)})


@dataclass(frozen=True)
class Nameless(Op):
    def shape(self, *inputs: Shape) -> Shape:
        return ()

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0]


def test_an_op_without_a_name_is_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match="Nameless has no name; write one in the class"):
        LOOSE.apply_op(Nameless(), NodeId(0))


@pytest.mark.parametrize(
    ("call", "fix"),
    [
        (lambda x: LOOSE.add(x, 2.0), "operand 2.*shift_by(x, 2.0), or.*const"),
        (lambda x: LOOSE.add(0.5, x), "operand 1.*shift_by(x, 0.5)"),
        (lambda x: LOOSE.sub(x, 2.0), "shift_by(x, -2.0)"),
        (lambda x: LOOSE.sub(2.0, x), "scale(x, -1).bind(lambda y: shift_by(y, 2.0))"),
        (lambda x: LOOSE.mul(x, 2.0), "scale(x, 2.0)"),
        (lambda x: LOOSE.mul(np.float32(2), x), "scale(x, 2.0)"),
        (lambda x: LOOSE.div(x, Fraction(1, 2)), "scale(x, Fraction(2, 1))"),
        (lambda x: LOOSE.div(2.0, x), "inv(x).bind(lambda y: scale(y, 2.0))"),
        (lambda x: LOOSE.max_(x, 0.0), "clamp(x, 0.0, float('inf'))"),
        (lambda x: LOOSE.min_(x, 0.0), "clamp(x, float('-inf'), 0.0)"),
        (lambda x: LOOSE.less(x, 0.0), "record it with const"),
        (
            lambda x: LOOSE.mul(x, np.int64(0)),
            "write scale(x, 0), or write int(0) if it is an id",
        ),
        (lambda x: LOOSE.matmul(np.ones((2, 2)), x), "with leaf or const"),
    ],
)
def test_a_number_for_an_id_says_what_to_write(call: Any, fix: str) -> None:
    pattern = re.escape(fix).replace(r"\.\*", ".*")
    with pytest.raises(TypeError, match=pattern):
        call(NodeId(0))


@pytest.mark.parametrize(
    ("xs", "op", "fix"),
    [
        ((np.ones((5, 3)), np.ones(3)), LOOSE.add, "broadcast_to(x, (5, 3))"),
        ((np.ones((5, 1)), np.ones(5)), LOOSE.mse_loss, "reshape(x, (5, 1))"),
        ((np.ones(3), np.ones(3, int)), LOOSE.mse_loss, "x.astype(np.float64)"),
        ((np.ones(3, int), np.ones(3, "f")), LOOSE.add, "x.astype(np.float32)"),
        ((np.ones(3), np.ones(3, "f")), LOOSE.mul, "x.astype(np.float64)"),
        ((np.ones(3, bool), np.ones(3, bool)), LOOSE.mul, "x.astype(np.float64)"),
        ((np.ones((1, 3)), np.ones(1)), LOOSE.cross_entropy, "labels.astype(np.int64)"),
        ((np.ones(3), np.ones(1)), LOOSE.gather, "indices.astype(np.int64)"),
    ],
)
def test_shapes_and_scalar_types_say_the_mend(
    xs: tuple[Array, ...], op: Any, fix: str
) -> None:
    both: TapeM[tuple[NodeId, ...], Any] = LOOSE.map_m(const, xs)
    assert fix in str(both.bind(lambda ids: op(*ids)).run().failure())


def vectors() -> Iterator[Result[object, Any]]:
    row = np.ones(3)
    yield leaf(row).bind(LOOSE.backward_scalar).run()
    tape = leaf(row).exec().unwrap()
    yield LOOSE.backward_scalar(tape, NodeId(0))
    yield leaf(row).bind(LOOSE.backward_m).run()
    yield GRADIENT(LOOSE.relu)(row)
    yield LOOSE.hvp_params(lambda p, _: LOOSE.relu(p), row, None, row)
    yield LOOSE.hvp_inputs(lambda _, x: LOOSE.relu(x), None, row, row)
    yield LOOSE.hessian_input(LOOSE.relu, row)


@pytest.mark.parametrize("failed", list(vectors()))
def test_a_vector_for_a_loss_says_to_reduce_it(failed: Result[object, Any]) -> None:
    error = failed.failure()
    assert error.message == "autograd: seed gradient shape mismatch for output"
    assert "reduce it first, with sum_ or reduce_mean" in str(error)


def test_a_seed_of_another_shape_is_not_told_to_reduce() -> None:
    error = LOOSE.backward(TAPE, NodeId(0), np.ones(2)).failure()
    assert str(error).endswith("(id=0, expected=(), found=(2,))")


@pytest.mark.parametrize("recorded", [False, True])
def test_a_gradient_that_is_not_there_says_why(recorded: bool) -> None:
    @do
    def program() -> Do[Any]:
        x = yield from leaf(1.0)
        c = yield from const(2.0)
        y = yield from LOOSE.mul(x, c)
        sweep: Any = LOOSE.backward_m if recorded else LOOSE.backward_scalar
        return (yield from sweep(y))

    gradients = program().eval().unwrap()
    assert NodeId(1) not in gradients
    assert gradients.get(NodeId(1)) is None
    with pytest.raises(KeyError, match=r"no gradient for node 1: it is frozen"):
        gradients[NodeId(1)]
    with pytest.raises(TypeError, match=r"a gradient's key: .*'w'"):
        gradients["w"]
    assert dict(gradients) == gradients
    assert pickle.loads(pickle.dumps(gradients)) == gradients


# -- frozen nodes in wrt ---------------------------------------------------------------


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


# -- leaves are named by their paths ---------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.arange(3), "dtype mismatch"),
        (np.array([True]), "dtype mismatch"),
        (10**400, "beyond double precision"),
    ],
)
def test_a_leaf_that_is_refused_is_named_by_its_path(bad: Any, said: str) -> None:
    pytree = {"layer": ({"w": np.float64(1), "b": bad},)}
    outcome: Any = GRADIENT(lambda p: LOOSE.sum_(p["layer"][0]["w"]))(pytree)
    assert said in outcome.failure().message
    assert outcome.failure().names == ("layer.0.b",)


@pytest.mark.parametrize("bad", ["x", 1j, True, np.array(["a"]), PROGRAM])
def test_a_leaf_that_is_no_number_is_named_by_its_path(bad: Any) -> None:
    loss: Any = GRADIENT(lambda p: LOOSE.sum_(p["w"]))
    with pytest.raises(TypeError, match=r"leaf 'b\.0': .*(no|not)"):
        loss({"w": np.float64(1), "b": [bad]})


def test_a_direction_that_does_not_fit_is_named_by_its_path() -> None:
    point, along = {"w": np.ones(2), "b": np.ones(3)}, {"w": np.ones(2), "b": 1.0}
    program: Any = lambda p, _: LOOSE.sum_(p["w"])  # noqa: E731
    outcome: Any = LOOSE.jvp(program, point, None, along)
    assert outcome.failure().names == ("b",)


# -- ops of one's own, written with NumPy ----------------------------------------------


def own(function: Callable[[Any], Any]) -> Op:
    @dataclass(frozen=True)
    class Own(Op):
        name = "own"

        def shape(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return function(inputs[0])

    return Own()


@pytest.mark.parametrize(
    "function",
    [
        np.sinh,
        lambda x: np.where(x > 0, x, 0 * x),
        lambda x: np.concatenate([x[:1], x[1:]]),
        lambda x: np.add(x, 1),
        lambda x: np.asarray(x) + 1,
        lambda x: x**2,
    ],
)
def test_an_op_that_calls_numpy_is_told_to_use_xp(function: Any) -> None:
    op = own(function)
    x = np.array([1.0, 2.0])
    assert leaf(x).bind(lambda i: LOOSE.apply_op(op, i)).run().unwrap()
    with pytest.raises(TypeError, match="write it with xp"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)


def test_a_method_of_arrays_is_told_to_use_xp() -> None:
    op = own(lambda x: x.clip(0, 1))
    x = np.array([1.0, 2.0])
    with pytest.raises(AttributeError, match=r"no 'clip'; .*write it with xp"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)


def test_a_rule_that_calls_numpy_is_told_to_use_xp() -> None:
    op = own(lambda x: x * 1)
    LOOSE.vjp_rules.define(type(op))(lambda op, xp, g, xs, y, need: (np.cosh(xs[0]),))
    gradient = leaf(1.0).bind(lambda i: LOOSE.apply_op(op, i))
    assert gradient.bind(LOOSE.backward_scalar).run().unwrap()
    with pytest.raises(TypeError, match=r"rule of 'own'.*write it with xp"):
        gradient.bind(LOOSE.backward_m).run()


def test_the_users_own_type_errors_pass_through() -> None:
    def wrong(x: Any) -> Any:
        raise TypeError("of the user's own")

    op, x = own(wrong), np.ones(2)
    with pytest.raises(TypeError, match=r"^of the user's own$"):
        LOOSE.jvp(lambda _, i: LOOSE.apply_op(op, i), None, x, None, x)


def test_a_loss_of_samples_that_is_no_scalar_is_to_be_reduced_when_asked() -> None:
    losses = LOOSE.mean_scalar_over("t", [np.ones(2)], const)
    assert "reduce it first, with sum_ or reduce_mean" in str(losses.run().failure())


# -- checks that no other test provokes ------------------------------------------------


@pytest.mark.parametrize("order", [(0, 0), (1, 2), (-1,)])
def test_an_order_of_contributions_names_each_operand_once(order: Any) -> None:
    with pytest.raises(TypeError, match=r"Odd.contribution_order is .*counted from 0"):
        type("Odd", (Op,), {"name": "odd", "contribution_order": order})


def test_an_op_does_not_define_its_own_equality() -> None:
    with pytest.raises(TypeError, match="Odd defines ==, but ops compare by"):
        type("Odd", (Op,), {"name": "odd", "__eq__": lambda self, other: True})


@pytest.mark.parametrize("constant", ["0.1", None, 1j, [1.0], PROGRAM])
def test_a_literal_is_a_real_number(constant: Any) -> None:
    with pytest.raises(TypeError, match="a constant is a real number, not"):
        NUMPY.literal(np.float64(1), constant)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LOOSE.apply_op(Concat(0)).run(), "concat takes at least one operand"),
        (lambda: LOOSE.attention(*[0] * 5, heads=0), "at least one head, not 0"),
        (lambda: LOOSE.attention(*[0] * 5, heads=-1), "at least one head, not -1"),
        (lambda: LOOSE.clamp(0, float("nan"), 1.0), "a real number for low, not NaN"),
        (
            lambda: LOOSE.clamp(0, 0.0, np.float32("nan")),
            "a real number for high, not NaN",
        ),
    ],
)
def test_what_has_the_type_and_no_meaning_raises(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


# -- what a message tells to write is right, and short ---------------------------------

NAN, INF = float("nan"), float("inf")
BY_NUMBER = [op for op in ops.ALL if any(op.with_numbers)]
NUMBERS = [
    *(2, -3, 2.0, -2.0, 0.1, -0.0, INF, -INF, np.float32(0.1), np.longdouble(-0.5)),
    *(Fraction(1, 2), Fraction(-1, 3), np.int64(-3), np.uint8(2), np.float64(-0.25)),
]


def value_at(program: TapeM[NodeId, Any]) -> Array:
    out, tape = const(np.array([0.5, -3.0, 2.0])).bind(lambda _: program).run().unwrap()
    return tape[out].value


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("op", BY_NUMBER, ids=lambda op: op.name)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_suggested_for_a_number_computes_it(
    op: Any, place: int, number: Any
) -> None:
    ids: list[Any] = [NodeId(0), NodeId(0)]
    # an int of Python passes for an id: its text is that of the rational
    ids[place] = Fraction(number) if type(number) is int else number
    with pytest.raises(TypeError) as caught:
        LOOSE.apply_op(op(), *ids)
    (text,) = re.findall(r"; write (.*?\)), or ", str(caught.value))
    known = {**vars(tapem_dsl), "x": NodeId(0), "np": np, "Fraction": Fraction}
    ours = value_at(eval(text, known))
    full = const(np.full(3, float(number)))
    first = place == 0
    theirs = value_at(
        full.bind(lambda i: LOOSE.apply_op(op(), i if first else 0, 0 if first else i))
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-15)


def test_a_rational_stays_exact_in_what_is_suggested() -> None:
    for op, text in ((LOOSE.mul, "Fraction(1, 3)"), (LOOSE.div, "Fraction(3, 1)")):
        with pytest.raises(TypeError, match=re.escape(f"write scale(x, {text})")):
            op(NodeId(0), Fraction(1, 3))


@pytest.mark.parametrize("number", [NAN, Fraction(2**2000), Fraction(10**5000)])
def test_what_no_text_can_give_is_not_suggested(number: Any) -> None:
    with pytest.raises(TypeError, match="; record it with const") as caught:
        LOOSE.max_(NodeId(0), number)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("call", "told", "untold"),
    [
        (lambda: LOOSE.concat([0, 1]), "concat(*ids)", "leading_axis"),
        (lambda: LOOSE.concat(0, 2.0), "concat, operand 2", "leading_axis"),
        (lambda: LOOSE.add([0, 1], 0), "one by one", "const"),
        (lambda: LOOSE.scale(0, None), "real number for factor, not None", "const"),
        (lambda: LOOSE.scale(0, "x"), "real number for factor, not 'x'", "const"),
        (lambda: LOOSE.scale(0, True), "real number for factor, not True", "const"),
        (lambda: LOOSE.scale(0, np.ones(2)), "const and write mul(x, factor)", "add"),
        (
            lambda: LOOSE.shift_by(0, np.ones(2)),
            "const and write add(x, offset)",
            "mul",
        ),
        (lambda: LOOSE.shift_by(0, pure(1)), "did you forget `yield from`?", "const"),
        (lambda: LOOSE.clamp(0, "a", 1), "real number for low, not 'a'", "high"),
        (lambda: LOOSE.clamp(0, 1, "a"), "real number for high, not 'a'", "low"),
        (lambda: LOOSE.fold_m(3, 0, []), "a function for step, not 3", "pure"),
        (lambda: LOOSE.jvp(3, None, 1.0), "a function for program, not 3", "pure"),
        (lambda: LOOSE.hvp_params(3, 1.0, None, 1.0), "a function for loss", "pure"),
        (lambda: LOOSE.add(0, Success(1)), "from_result", "a program was passed"),
        (lambda: LOOSE.add(0, Some(1)), "not Some", "program"),
        (lambda: LOOSE.const(Some(1)), "pass a float", "yield from"),
        (lambda: LOOSE.map_m(const, 3), "a collection, not 3", "yield from"),
        (lambda: LOOSE.map_m(const, list), "a collection, not <class 'list'>", "type"),
        (lambda: LOOSE.map_m(const, np.array(1.0)), "rows of an array", "iteration"),
        (
            lambda: LOOSE.const(1.0).apply(pure(3)).run(),
            "apply takes.*gave 3",
            "callable",
        ),
    ],
)
def test_a_message_tells_what_works_and_nothing_else(
    call: Any, told: str, untold: str
) -> None:
    pattern = re.escape(told).replace(r"\.\*", ".*")
    with pytest.raises(TypeError, match=pattern) as caught:
        call()
    assert untold not in str(caught.value)


def undecorated(x: Any) -> Any:
    return (yield from LOOSE.relu(x))


def forgetful(x: Any) -> Any:
    pure(x)


@pytest.mark.parametrize(
    "road",
    [
        lambda f: const(1.0).bind(f).run(),
        lambda f: LOOSE.throw("no").lash(f).run(),
        lambda f: LOOSE.fold_m(lambda _, x: f(x), 0, [1.0]).run(),
        lambda f: LOOSE.map_m(f, [1.0]).run(),
        lambda f: LOOSE.for_m([1.0], f).run(),
        lambda f: GRADIENT(f)(1.0),
        lambda f: LOOSE.jvp(lambda _, x: f(x), None, 1.0, None, 1.0),
        lambda f: LOOSE.hessian_input(f, np.float64(1)),
    ],
)
def test_a_forgotten_do_and_a_forgotten_return_are_named(road: Any) -> None:
    with pytest.raises(TypeError, match="no program; write @do above undecorated"):
        road(undecorated)
    with pytest.raises(TypeError, match=r"no program; did you forget `return`"):
        road(forgetful)
    with pytest.raises(TypeError, match=r"no program; write from_result\(...\) around"):
        road(Success)


LONG = ([1] * 100_000, "x" * 100_000, {i: i for i in range(100_000)})


@pytest.mark.parametrize("long", LONG, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize(
    "call",
    [
        LOOSE.relu,
        lambda x: LOOSE.scale(0, x),
        lambda x: LOOSE.fold_m(x, 0, []),
        lambda x: LOOSE.pure(1).apply(x),
        lambda x: LOOSE.broadcast_to(0, [x]),
        lambda x: LOOSE.permute(0, [x]),
        lambda x: LOOSE.reduce_sum(0, axis=x),
        lambda x: LOOSE.leaf(1.0, name=[x]),
        LOOSE.apply_op,
        lambda x: LOOSE.pure(x).bind(lambda y: y).run(),
        lambda x: LOOSE.layer_norm(0, 0, 0, epsilon=x),
    ],
)
def test_messages_are_short_whatever_was_given(call: Any, long: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call(long)
    assert len(str(caught.value)) < 400
