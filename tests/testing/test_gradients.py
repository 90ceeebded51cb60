"""``check_gradients`` finds rules that are wrong by a thousandth, and only these."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    Namespace,
    NodeId,
    Op,
    Shape,
    TapeM,
    abs_,
    apply_op,
    detach,
    div,
    do,
    dot,
    exp,
    log,
    mul,
    ops,
    rationals,
    relu,
    scale,
    sin,
    sqrt,
    sum_,
    tanh,
    throw,
    vjp_rules,
    where,
)
from tapem_dsl.errors import InvalidNodeId, MissingRule, Thrown, WrongGradient
from tapem_dsl.interpreters.reverse.deferred import Outer
from tapem_dsl.interpreters.reverse.table import Single
from tapem_dsl.ops.arithmetic import Mul
from tapem_dsl.ops.conditions import Where
from tapem_dsl.ops.elementwise import Sin
from tapem_dsl.ops.indexing import Gather, IndexAdd
from tapem_dsl.ops.losses import CrossEntropy, Nll
from tapem_dsl.testing import check_gradients, check_op
from tests.interpreters.compiled.random_programs import random_loss, vectors
from tests.oracles import sample
from tests.specs.every import ALL

# Any, throughout: rules and operands of any op.

ROWS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
LABELS = np.array([2, 0])
OPERANDS: list[tuple[Op, tuple[Array, ...]]] = [
    *((spec.op, sample(spec).of(np.float64)[0]) for spec in ALL),
    (Where(), (np.array([True, False]), ROWS[0, :2].copy(), ROWS[1, :2].copy())),
    (CrossEntropy(), (ROWS, LABELS)),
    (Nll(), (ROWS, LABELS)),
    (Gather(0), (ROWS, np.array([1, 0, 1]))),
    (IndexAdd(0), (ROWS, ROWS[:1].copy(), np.array([1]))),
]
MUTANTS = [
    (op, xs, place)
    for op, xs in OPERANDS
    for place, x in enumerate(xs)
    if x.dtype.kind == "f"
]


def test_there_is_an_op_of_every_class_that_has_a_gradient() -> None:
    with_gradient = {kind for kind in ops.ALL if kind.differentiable}
    assert {type(op) for op, _ in OPERANDS} == with_gradient


@pytest.mark.parametrize(("op", "xs"), OPERANDS, ids=[op.label for op, _ in OPERANDS])
def test_the_rules_of_every_op_are_right(op: Op, xs: tuple[Array, ...]) -> None:
    report = check_op(op, *xs, second_order=True).unwrap()
    assert {row.verdict for row in report.leaves} == {"right"}
    count = sum(x.dtype.kind == "f" for x in xs)
    assert [row.order for row in report.leaves] == [1] * count + [2] * count


def larger(rule: Any, place: int) -> Callable[..., Any]:
    """Make the cotangent of one operand larger by a thousandth."""

    def mutant(*arguments: Any) -> Any:
        cotangents = list(rule(*arguments))
        g = cotangents[place]
        if isinstance(g, Outer):
            cotangents[place] = Outer(g.left * 1.001, g.right, g.dtype)
        elif g is not None:
            cotangents[place] = g * 1.001
        return tuple(cotangents)

    return mutant


@pytest.mark.parametrize(
    ("op", "xs", "place"), MUTANTS, ids=[f"{op.label}-{i}" for op, _, i in MUTANTS]
)
def test_a_rule_wrong_by_a_thousandth_is_found(
    op: Op, xs: tuple[Array, ...], place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(op)
    mutant = larger(vjp_rules.get(kind), place)
    monkeypatch.setitem(vjp_rules._rules, kind, mutant)
    error = check_op(op, *xs).failure()
    assert isinstance(error, WrongGradient)
    (row,) = error.report.wrong
    assert row.path == str(place)
    assert row.reason.startswith("reverse mode differs from the others by ")
    assert str(row.reason) in str(error)


@pytest.mark.parametrize("seed", range(100))
def test_a_right_program_is_not_accused(seed: int) -> None:
    xs, constant = vectors(seed)

    def program(ids: list[NodeId]) -> TapeM[NodeId, Any]:
        return random_loss(seed, ids, constant, 12)

    result = check_gradients(program, xs, second_order=seed % 10 == 0)
    assert not result.unwrap().wrong


# -- what a check says -----------------------------------------------------------------

X = np.array([0.5, -1.5, 2.0])


@dataclass(frozen=True, slots=True)
class Cube(Op):
    """An op of a user's own."""

    name = "cube"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[0] * inputs[0] * inputs[0]


def test_an_op_of_a_users_own_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(check_op(Cube(), X).failure(), MissingRule)
    rules: Any = vjp_rules._rules

    def checked(factor: float) -> Any:
        rule = Single(lambda op, xp, g, x, y: g * x * x * factor)
        monkeypatch.setitem(rules, Cube, rule)
        return check_op(Cube(), X, second_order=True)

    assert {row.verdict for row in checked(3).unwrap().leaves} == {"right"}
    text = str(checked(2.997).failure())
    assert "wrong: reverse mode differs from the others by 0.00097" in text
    assert "2nd" in text


@do
def stopped(x: NodeId) -> Do[NodeId, Any]:
    """A factor is held constant."""
    known = yield from detach(x)
    return (yield from mul(known, x))


def test_a_gradient_that_stops_is_not_that_of_the_value() -> None:
    error = check_gradients(stopped, X).failure()
    assert isinstance(error, WrongGradient)
    assert "both modes differ from the differences by" in error.message


@pytest.mark.parametrize("function", [relu, abs_, lambda x: relu(x).bind(sum_)])
def test_at_a_kink_only_the_modes_are_compared(function: Any) -> None:
    (row,) = check_gradients(function, np.array([0.0, 1.0])).unwrap().leaves
    assert (row.verdict, row.reason) == ("undecided", "the value has a kink here")


def test_a_kink_near_the_point_is_passed_by_smaller_steps() -> None:
    near, nearer, beside = (
        check_gradients(relu, np.array([x, 1.0])).unwrap().leaves[0]
        for x in (1e-3, 1e-6, 1e-9)
    )
    assert near.verdict == nearer.verdict == "right"
    assert beside.verdict == "undecided"


# -- far from 1 ------------------------------------------------------------------------


def verdict_of(function: Any, x: Any) -> str:
    """Return the verdict of a program at a point."""
    (row,) = check_gradients(function, x).unwrap().leaves
    return row.verdict


def square(x: NodeId) -> TapeM[NodeId, Any]:
    """Square a node."""
    return mul(x, x)


FAR: list[Any] = [
    *(10.0**k for k in range(2, 7)),
    np.array([1e6, 1.0]),
    np.array([-3e5, 2e-3]),
]


@pytest.mark.parametrize("x", FAR, ids=str)
def test_an_oscillation_within_a_thousandth_of_the_point_is_right(x: Any) -> None:
    assert verdict_of(sin, x) == "right"


@pytest.mark.parametrize("power", [-150, -100, -30, -8, 8, 30, 100, 150])
def test_squares_of_small_and_large_numbers_are_right(power: int) -> None:
    assert verdict_of(square, 3 * 10.0**power) == "right"
    assert verdict_of(square, np.array([1.0, -2.0]) * 10.0**power) == "right"


@pytest.mark.parametrize("x", [1e9, 1e12, 1e15])
def test_an_oscillation_that_the_steps_alias_is_undecided(x: float) -> None:
    assert verdict_of(sin, x) == "undecided"


@pytest.mark.parametrize("x", [1e-160, 1e-200, np.array([1e-200, 2e-200])])
def test_where_numbers_underflow_nothing_is_called_wrong(x: Any) -> None:
    assert verdict_of(square, x) == "undecided"
    large = lambda y: scale(y, 1e300)  # noqa: E731
    assert verdict_of(lambda i: square(i).bind(large), x) == "undecided"
    assert verdict_of(exp, np.float64(-740)) == "undecided"


def test_an_underflow_that_does_not_matter_hides_no_wrong_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @do
    def program(x: NodeId) -> Do[NodeId, Any]:
        y = yield from exp(x)
        return (yield from mul(y, y))

    x = np.array([-800.0, 0.5])
    assert verdict_of(program, x) == "right"
    mutant = larger(vjp_rules.get(Mul), 0)
    rules: Any = vjp_rules._rules
    monkeypatch.setitem(rules, Mul, mutant)
    assert isinstance(check_gradients(program, x).failure(), WrongGradient)


@pytest.mark.parametrize("x", [1e6, np.array([1e6, 1.0]), 1e-150, 1e150])
def test_a_wrong_rule_is_found_far_from_1(
    x: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for op, kind in ((sin, Sin), (square, Mul)):
        rule = vjp_rules.get(kind)
        with monkeypatch.context() as context:
            context.setitem(vjp_rules._rules, kind, larger(rule, 0))
            assert isinstance(check_gradients(op, x).failure(), WrongGradient)


@pytest.mark.parametrize("x", [1e6, 1e-150, 1e150])
def test_a_gradient_that_stops_is_found_far_from_1(x: float) -> None:
    assert isinstance(check_gradients(stopped, x).failure(), WrongGradient)


def test_a_program_that_fails_near_the_point_is_undecided_or_stepped_less() -> None:
    (row,) = check_gradients(log, np.array([1e-9, 1.0])).unwrap().leaves
    assert (row.verdict, row.reason) == (
        "undecided",
        "the program fails near the point",
    )
    assert check_gradients(log, np.array([0.01, 1.0])).unwrap().leaves[0].path == ""


def test_a_gradient_that_is_not_finite_is_wrong() -> None:
    error = check_gradients(exp, np.array([800.0, 1.0])).failure()
    assert "the derivative is not finite" in error.message
    (row,) = check_gradients(sqrt, np.array([0.0, 1.0])).unwrap().leaves
    assert row.verdict == "undecided"


def test_leaves_are_converted_to_float64_and_labels_are_constants() -> None:
    @do
    def program(p: dict[str, NodeId]) -> Do[NodeId, Any]:
        chosen = yield from where(p["mask"], p["w"], p["b"])
        return (yield from mul(chosen, p["w"]))

    params = {
        "w": rationals(["1/3", 2]),
        "mask": np.array([True, False]),
        "b": np.array([1, 2], np.float32),
    }
    report = check_gradients(program, params, second_order=True).unwrap()
    rows = [(row.path, row.order, row.verdict) for row in report.leaves]
    assert rows == [
        ("w", 1, "right"), ("b", 1, "right"), ("w", 2, "right"), ("b", 2, "right"),
    ]  # fmt: skip


def test_what_the_program_fails_with_is_the_failure() -> None:
    assert check_gradients(lambda _: throw("no"), X).failure() == Thrown("no")
    error = check_gradients(lambda x: dot(x, NodeId(99)), X).failure()
    assert isinstance(error, InvalidNodeId)


def test_programming_errors_say_what_was_given() -> None:
    loose: Any = (check_gradients, check_op)
    with pytest.raises(TypeError, match="check_op takes an op and its operands"):
        loose[1](mul, X, X)
    with pytest.raises(TypeError, match="check_gradients"):
        loose[0](3, X)
    with pytest.raises(TypeError, match="no program"):
        loose[0](lambda x: None, X)


@pytest.mark.parametrize("x", [np.zeros(0), np.float64(2.0), np.full((2, 1), -3.0)])
def test_any_shape_is_checked(x: Array) -> None:
    (row,) = check_gradients(lambda i: scale(i, 3), x).unwrap().leaves
    assert row.verdict == "right"


@pytest.mark.parametrize("x", [0.3771906632801799, -0.4776750297434331, 3.7])
def test_uses_of_a_node_whose_cotangents_cancel_are_right(x: float) -> None:
    def constant(w: NodeId) -> TapeM[NodeId]:
        return tanh(w).bind(lambda y: div(y, y))

    (row,) = check_gradients(constant, np.array(x)).unwrap().leaves
    assert row.verdict == "right"


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-4, 1e-6, 1e4])
@pytest.mark.parametrize("seed", range(3))
def test_curvatures_that_cancel_are_no_fault_at_any_size(
    size: float, seed: int
) -> None:
    def constant(w: NodeId) -> TapeM[NodeId]:
        return relu(w).bind(lambda y: div(y, y))

    x = size * abs(np.random.default_rng(seed).normal(size=2))
    report = check_gradients(constant, x, second_order=True).unwrap()
    assert not report.wrong


@pytest.mark.parametrize("size", [1e-4, 1e4])
def test_a_curvature_wrong_by_a_thousandth_is_found_at_any_size(
    size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(ids: list[NodeId]) -> TapeM[NodeId, Any]:
        return apply_op(Cube(), ids[0]).bind(lambda y: mul(y, ids[1]))

    rules: Any = vjp_rules._rules
    rule = Single(lambda op, xp, g, x, y: g * x * x * 2.997)
    monkeypatch.setitem(rules, Cube, rule)
    found = check_gradients(program, [size * X, size * X], second_order=True)
    error = found.failure()
    assert isinstance(error, WrongGradient)
    assert 2 in {row.order for row in error.report.wrong}
