"""The table's short form: a function for each operand, called if that needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tapem_dsl
from tapem_dsl import (
    Array,
    Do,
    Namespace,
    Node,
    NodeId,
    Op,
    Shape,
    Tape,
    add,
    apply_op,
    backward,
    backward_m,
    backward_scalar,
    const,
    do,
    leaf,
    scale,
    value_of,
    vjp_rules,
)
from tapem_dsl.errors import OutsideDomain, Refused

LOOSE: Any = tapem_dsl  # Any: what types would refuse


class Sum(Op):
    """The sum of its operands, of any number."""

    name = "sum_of_operands"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return sum(inputs[1:], start=inputs[0])


def class_of_op(order: tuple[int, ...] | None = None) -> type[Sum]:
    class Fresh(Sum):
        contribution_order = order

    return Fresh


def swept(op: Op, xs: tuple[Array, ...], flags: tuple[bool, ...]) -> Any:
    """Give the gradient of each operand, or ``None``."""

    @do
    def program() -> Do[NodeId]:
        ids = []
        for x, flag in zip(xs, flags, strict=True):
            ids.append((yield from leaf(x) if flag else const(x)))
        return (yield from apply_op(op, *ids))

    out, tape = program().run().unwrap()
    found = backward(tape, out, np.ones_like(tape[out].value)[()]).unwrap()
    return [found.get(NodeId(i)) for i in range(len(xs))]


def returning(called: list[float], factor: float) -> Callable[..., Array]:
    def part(op: Op, xp: Namespace, g: Array, *xs_and_y: Array) -> Array:
        called.append(factor)
        return g * factor

    return part


@pytest.mark.parametrize("x", [1.0, np.ones(3), np.float16(1)])
@pytest.mark.parametrize("flags", [(True,), (True, False), (False, True), (True, True)])
def test_only_functions_of_operands_that_need_it_are_called(
    x: Array, flags: tuple[bool, ...]
) -> None:
    called: list[float] = []
    kind = class_of_op()
    parts = [returning(called, 2.0 + i) for i in range(len(flags))]
    LOOSE.vjp_rules.each(kind, *parts)
    found = swept(kind(), (x,) * len(flags), flags)
    needed = [2.0 + i for i, flag in enumerate(flags) if flag]
    assert called == needed
    for i, (g, flag) in enumerate(zip(found, flags, strict=True)):
        if flag:
            np.testing.assert_array_equal(g, np.full(np.shape(x), 2.0 + i))
        else:
            assert g is None


@pytest.mark.parametrize("flags", list(np.ndindex(2, 2, 2)))
def test_three_operands_have_three_functions(flags: tuple[int, ...]) -> None:
    called: list[float] = []
    kind = class_of_op()
    LOOSE.vjp_rules.each(kind, *[returning(called, 2.0 + i) for i in range(3)])
    found = swept(kind(), (1.0, 2.0, 3.0), tuple(map(bool, flags)))
    needed = [2.0 + i if flag else None for i, flag in enumerate(flags)]
    assert found == (needed if any(flags) else [None] * 3)
    assert called == [g for g in needed if g is not None]


def test_functions_receive_the_op_the_namespace_and_the_operands_in_order() -> None:
    told: list[tuple[Any, ...]] = []

    def part(*arguments: Any) -> Array:
        told.append(arguments)
        return arguments[2]

    for count in (1, 2, 3):
        kind = class_of_op()
        LOOSE.vjp_rules.each(kind, *[part] * count)
        op, xs = kind(), tuple(map(float, range(2, 2 + count)))
        swept(op, xs, (True,) * count)
        for given, xp, g, *operands, y in told:
            assert given == op
            assert xp.sum(np.ones(2)) == 2
            assert (g, operands, y) == (1, list(xs), sum(xs))
        assert len(told) == count
        told.clear()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_none_stands_for_an_operand_that_receives_nothing(count: int) -> None:
    kind = class_of_op()
    LOOSE.vjp_rules.each(kind, *[None] * count)
    assert swept(kind(), (1.0,) * count, (True,) * count) == [None] * count


@pytest.mark.parametrize("defined", [1, 2, 3])
@pytest.mark.parametrize("given", [1, 2, 3])
def test_a_node_with_another_number_of_operands_is_a_type_error(
    defined: int, given: int
) -> None:
    if defined == given:
        return
    kind = class_of_op()
    LOOSE.vjp_rules.each(kind, *[lambda *_: np.float64(1)] * defined)
    with pytest.raises(
        TypeError, match=rf"gave {defined} cotangents for {given} parents"
    ):
        swept(kind(), (1.0,) * given, (True,) * given)


def test_short_rules_keep_an_order_of_the_op() -> None:
    @do
    def program(kind: type[Sum]) -> Do[NodeId]:
        x = yield from leaf(1.0)
        both = yield from apply_op(kind(), x, x)
        less = yield from scale(x, -1e16)
        return (yield from add(both, less))

    def received(order: tuple[int, ...] | None) -> Any:
        kind = class_of_op(order)
        vjp_rules.each(
            kind,
            lambda op, xp, g, a, b, y: g * 1e16,
            lambda op, xp, g, a, b, y: g,
        )
        out, tape = program(kind).run().unwrap()
        return backward_scalar(tape, out).unwrap()[NodeId(0)]

    assert received((1, 0)) == (-1e16 + 1.0) + 1e16 == 0.0
    assert received(None) == (-1e16 + 1e16) + 1.0 == 1.0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_invalid_parent_is_a_failure(count: int) -> None:
    kind = class_of_op()
    LOOSE.vjp_rules.each(kind, *[lambda *_: np.float64(1)] * count)
    one: Any = np.float64(1)
    for bad in (-1, 7):
        parents = (*[NodeId(0)] * (count - 1), NodeId(bad))
        nodes = [Node(None, (), one), Node(kind(), parents, one)]
        error = backward_scalar(Tape(nodes), NodeId(1)).failure()
        assert error == tapem_dsl.errors.InvalidParentId(
            "sum_of_operands", id=NodeId(1), parent=NodeId(bad), size=2
        )


@pytest.mark.parametrize("at", [0, 1])
def test_a_scalar_of_another_dtype_from_either_function_is_a_failure(at: int) -> None:
    kind = class_of_op()
    parts: list[Any] = [lambda *_: np.float64(1)] * 2
    parts[at] = lambda *_: np.float32(1)
    LOOSE.vjp_rules.each(kind, *parts)
    one: Any = np.float64(1)
    nodes = [Node(None, (), one), Node(kind(), (NodeId(0), NodeId(0)), one)]
    error = backward_scalar(Tape(nodes), NodeId(1)).failure()
    assert isinstance(error, tapem_dsl.errors.GradientDTypeMismatch)


def test_functions_for_another_number_of_operands_than_the_order_has() -> None:
    for count in (1, 3):
        with pytest.raises(TypeError, match=rf"has 2 by its .*order, not {count}"):
            LOOSE.vjp_rules.each(class_of_op((1, 0)), *[lambda *_: None] * count)


def test_what_a_function_refuses_names_the_op_and_its_operands() -> None:
    def refusing(*_: object) -> Array:
        raise Refused(OutsideDomain("", "no gradient"))

    kind = class_of_op()
    LOOSE.vjp_rules.each(kind, refusing, refusing)

    @do
    def program() -> Do[NodeId]:
        a = yield from leaf(1.0, name="a")
        b = yield from leaf(2.0)
        return (yield from apply_op(kind(), a, b))

    error = program().bind(backward_scalar).run().failure()
    assert error == OutsideDomain(
        "sum_of_operands", "no gradient", ids=(NodeId(0), NodeId(1)), names=("a", None)
    )


def test_a_users_own_errors_pass_through() -> None:
    cause = KeyError("cause")

    def raising(kind: type[Exception]) -> Callable[..., Array]:
        def part(*_: object) -> Array:
            raise kind("of the user's own") from cause

        return part

    for error in (TypeError, ZeroDivisionError, ValueError):
        kind = class_of_op()
        LOOSE.vjp_rules.each(kind, raising(error), None)
        with pytest.raises(error, match=r"^of the user's own$") as caught:
            swept(kind(), (1.0, 2.0), (True, True))
        assert caught.value.__cause__ is cause


def test_a_recorded_sweep_uses_short_rules() -> None:
    @dataclass(frozen=True, slots=True)
    class Times(Op):
        factor: int

        name = "times"

        def shape(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return inputs[0] * inputs[1] * self.factor

    vjp_rules.each(
        Times,
        lambda op, xp, g, a, b, y: g * b * op.factor,
        lambda op, xp, g, a, b, y: g * a * op.factor,
    )

    @do
    def second() -> Do[Any]:
        x = yield from leaf(5.0)
        y = yield from apply_op(Times(3), x, x)
        first = yield from backward_m(y, wrt=[x])
        again = yield from backward_m(first[x], wrt=[x])
        return (yield from value_of(again[x]))

    assert second().eval().unwrap() == 6.0


@pytest.mark.parametrize(
    "parts", [(), (3,), (None, "no"), (None,) * 4], ids=["none", "3", "text", "four"]
)
def test_parts_that_are_no_functions_are_a_type_error(parts: tuple[Any, ...]) -> None:
    kind = class_of_op()
    with pytest.raises(TypeError, match="takes a function or None for each operand"):
        LOOSE.vjp_rules.each(kind, *parts)
    assert kind not in vjp_rules


def test_a_rule_is_defined_once_and_for_a_class_of_op() -> None:
    kind = class_of_op()
    vjp_rules.each(kind, None)
    with pytest.raises(ValueError, match="already has a vjp rule; to replace it"):
        vjp_rules.each(kind, None)
    with pytest.raises(TypeError, match="for a class of op, not for"):
        LOOSE.vjp_rules.each(kind(), None)
