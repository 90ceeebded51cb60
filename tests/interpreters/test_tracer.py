"""Wrapping arrays of another kind than duals beside and inside them."""

from collections.abc import Callable
from itertools import product
from typing import Any, cast

import numpy as np
import pytest

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Op,
    Shape,
    TapeM,
    apply_op,
    backward,
    backward_m,
    do,
    dot,
    hessian_input,
    jacfwd_input,
    jacrev_inputs,
    leaf,
    make_dual,
    mul,
    relu,
    sum_,
    value_of,
    vjp_rules,
)
from tapem_dsl.arrays import Namespace, namespace_of
from tapem_dsl.errors import OutsideDomain
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import dual_at_level, primal_at, tangent_at
from tapem_dsl.interpreters.tracer import Layer, drop_level, levels_of, raised
from tests.untyped import LOOSE


class Boxed(Layer):
    """An array in a box, and nothing more: what is computed with it is boxed."""

    __slots__ = ("array", "level")

    def __init__(self, array: Array, level: int) -> None:
        self.array = array
        self.level = level

    @property
    def shape(self) -> Shape:
        return cast("Shape", self.array.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def parts(self) -> tuple[Array, ...]:
        return (self.array,)

    def rebuilt(self, *parts: Array) -> "Boxed":
        (array,) = parts
        return Boxed(array, self.level)

    def lift(self, x: Array) -> "Boxed":
        return Boxed(x, self.level)

    def project(self) -> Array:
        return self.array

    def inject(self, x: Array) -> Array:
        return self.lift(x)


class _Boxes:
    """Each function, of what is in the boxes of the highest level."""

    def literal(self, x: Boxed, constant: object) -> Array:
        return namespace_of(x.array).literal(x.array, constant)

    def concrete(self, x: Boxed) -> Array:
        return namespace_of(x.array).concrete(x.array)

    def canonical(self, x: Boxed) -> Boxed:
        return x

    def apply(self, op: Op, *operands: Array) -> Array:
        return op.evaluate(namespace_of(*operands), *operands)

    def __getattr__(self, name: str) -> Callable[..., Array]:
        def call(*operands: Array, **options: object) -> Array:
            level = max(x.level for x in operands if isinstance(x, Boxed))
            inside = [
                x.array if isinstance(x, Boxed) and x.level == level else x
                for x in operands
            ]
            arrays = [x for x in inside if hasattr(x, "dtype")]
            xp = namespace_of(*arrays)
            return Boxed(getattr(xp, name)(*inside, **options), level)

        return call


Boxed.namespace = cast("Namespace", _Boxes())

TWO, THREE, FIVE = (np.float64(n) for n in (2, 3, 5))
OPERATORS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
]
COMPARISONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a > b,
    lambda a, b: a >= b,
    lambda a, b: a == b,
    lambda a, b: a != b,
]


def unboxed(x: Any, level: int) -> Any:
    return x.array if isinstance(x, Boxed) and x.level == level else x


@pytest.mark.parametrize("dual_first", [False, True])
@pytest.mark.parametrize(("of_dual", "of_box"), [(1, 9), (9, 1)])
@pytest.mark.parametrize("which", range(len(OPERATORS)))
def test_of_two_kinds_the_higher_computes(
    which: int, of_dual: int, of_box: int, dual_first: bool
) -> None:
    operate = OPERATORS[which]
    dual, box = Dual(TWO, FIVE, of_dual), Boxed(THREE, of_box)
    pair: tuple[Any, Any] = (dual, box) if dual_first else (box, dual)
    plain: tuple[Any, Any] = (dual, THREE) if dual_first else (THREE, dual)
    found, expected = operate(*pair), operate(*plain)
    assert type(found) is (Boxed if of_box > of_dual else Dual)
    assert levels_of(found) >= {of_dual}
    for tangent in (False, True):
        part = (primal_at, tangent_at)[tangent](found, of_dual)
        assert unboxed(part, of_box) == (primal_at, tangent_at)[tangent](
            expected, of_dual
        )


@pytest.mark.parametrize(("of_dual", "of_box"), [(1, 9), (9, 1)])
@pytest.mark.parametrize("which", range(len(COMPARISONS)))
def test_comparisons_look_at_values(which: int, of_dual: int, of_box: int) -> None:
    compare = COMPARISONS[which]
    dual, box = Dual(TWO, FIVE, of_dual), Boxed(THREE, of_box)
    for a, b in ((dual, box), (box, dual)):
        x, y = (TWO, THREE) if a is dual else (THREE, TWO)
        assert unboxed(compare(a, b), of_box) == compare(x, y)


def test_a_plain_array_on_the_left_leaves_the_operator_to_the_tracer() -> None:
    row = np.array([1.0, 2.0])
    found: Any = row * Boxed(row, 1)
    assert type(found) is Boxed
    assert found.array.tolist() == [1, 4]


def boxed_condition(level: int) -> Boxed:
    return Boxed(np.array([True, False]), level)


@pytest.mark.parametrize("level", [1, 9])
def test_what_chooses_may_be_of_another_kind_than_what_is_chosen(level: int) -> None:
    """Conditions, labels and indices are among the operands that choose a namespace."""
    row, ones = np.array([2.0, 3.0]), np.ones(2)
    dual: Any = Dual(row, ones, 5)
    xp = namespace_of(dual)
    label = Boxed(np.array(1), level)
    indices = Boxed(np.array([1, 1]), level)
    condition = boxed_condition(level)
    cases: list[tuple[Any, Any]] = [
        (xp.where(condition, dual, 0), [1, 0]),
        (xp.where(condition, row, dual), [0, 1]),
        (xp.where(condition, dual, dual), [1, 1]),
        (xp.pick(dual, label), 1),
        (xp.take(dual, indices, 0), [1, 1]),
        (xp.index_add(dual, dual, indices, 0), [1, 3]),
        (xp.index_add(row, dual, indices, 0), [0, 2]),
    ]
    for found, slope in cases:
        tangent = tangent_at(found, 5)
        assert unboxed(tangent, level).tolist() == slope
    assert unboxed(xp.one_hot(dual, label), level).tolist() == [0, 1]


def test_levels_are_seen_through_every_kind() -> None:
    """Boxes within duals and duals within boxes, in every order of three levels."""
    for outer, inner in product((Boxed, Dual), repeat=2):
        low: Any = Boxed(TWO, 1) if inner is Boxed else Dual(TWO, FIVE, 1)
        x: Any = Boxed(low, 7) if outer is Boxed else Dual(low, low, 7)
        assert levels_of(x) == {1, 7}
        between = dual_at_level(x, THREE, 4)
        assert between.level == 7
        assert levels_of(between) == {1, 4, 7}
        assert bool_of(primal_at(between, 4) == x)
        assert levels_of(tangent_at(between, 4)) == {1, 7}
        assert levels_of(raised(THREE, x)) == {1, 7}
        assert levels_of(raised(Dual(TWO, THREE, 4), x)) == {1, 4, 7}
        assert levels_of(drop_level(x, 1)) == {7}
        assert levels_of(drop_level(x, 7)) == {1}
        assert levels_of(drop_level(drop_level(x, 7), 1)) == set()
        assert drop_level(x, 5) is x


def bool_of(x: Any) -> bool:
    while isinstance(x, Boxed):
        x = x.array
    return bool(x)


def test_a_sweep_carries_any_wrapping_array() -> None:
    """The output is boxed, and so is what a plain leaf receives."""
    box: Any = Boxed(THREE, 4)
    program: TapeM[NodeId, Any] = LOOSE.const(box).bind(
        lambda c: LOOSE.leaf(5.0).bind(lambda x: mul(x, x).bind(lambda y: mul(c, y)))
    )
    out, tape = program.run().unwrap()
    slot: Any = backward(tape, out, 1).unwrap()[NodeId(1)]
    assert type(slot) is Boxed
    assert slot.array == 3 * 2 * 5


@pytest.mark.parametrize("of_box", [1, 9])
@pytest.mark.parametrize(
    ("name", "at", "beside_box", "beside_literal"),
    [
        ("maximum", 2, 0, 0),
        ("maximum", 3, 2.5, 0),
        ("maximum", 4, 5, 5),
        ("minimum", 2, 5, 5),
        ("minimum", 3, 2.5, 0),
        ("minimum", 4, 0, 0),
    ],
)
def test_choices_of_a_dual_beside_and_above_another_kind(
    name: str, at: int, beside_box: float, beside_literal: float, of_box: int
) -> None:
    """Where both are equal the tangent is half beside a box, 0 beside a literal."""
    dual: Any = Dual(np.float64(at), FIVE, 5)
    box: Any = Boxed(THREE, of_box)
    choose = getattr(namespace_of(dual), name)
    for found in (choose(dual, box), choose(box, dual)):
        assert unboxed(primal_at(found, 5), of_box) == getattr(np, name)(at, 3)
        assert unboxed(tangent_at(found, 5), of_box) == beside_box
    boxed: Any = Dual(Boxed(np.float64(at), 1), FIVE, 5)
    assert unboxed(tangent_at(choose(boxed, 3), 5), 1) == beside_literal


def test_relu_of_a_dual_of_boxes() -> None:
    for at, slope in ((-2.0, 0.0), (0.0, 0.0), (2.0, 5.0)):
        x: Any = Dual(Boxed(np.float64(at), 1), FIVE, 5)
        y: Any = LOOSE.leaf(x).bind(relu).bind(value_of).eval().unwrap()
        assert unboxed(tangent_at(y, 5), 1) == slope


@do
def _half_square(box: Any) -> Do[tuple[NodeId, NodeId, NodeId], Any]:
    """``box * x * x``, which is boxed, and its recorded gradients."""
    c = yield from LOOSE.leaf(box)
    x = yield from leaf(5.0)
    y = yield from mul(c, (yield from mul(x, x)))
    gradients = yield from backward_m(y, seed=(yield from LOOSE.const(lifted_one(box))))
    return gradients[c], gradients[x], y


def lifted_one(box: Any) -> Any:
    return box.lift(np.float64(1))


def test_a_recorded_sweep_carries_any_wrapping_array() -> None:
    (of_box, of_x, _), tape = _half_square(Boxed(THREE, 4)).run().unwrap()
    values: list[Any] = [tape[of_box].value, tape[of_x].value]
    assert [type(v) for v in values] == [Boxed, Boxed]
    assert [v.array for v in values] == [25, 30]
    again: Any = backward(tape, of_x, 1).unwrap()[NodeId(1)]
    assert (type(again), again.array) == (Boxed, 6)


class Enter(Op):
    """The first operand, in a box of the second one's level."""

    name = "enter"

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return inputs[1].lift(inputs[0])


class Leave(Enter):
    name = "leave"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return drop_level(inputs[0], inputs[1].level)


@vjp_rules.define(Enter)
@vjp_rules.define(Leave)
def _pass_on(op: Op, xp: Namespace, g: Array, *_: object) -> tuple[Array, None]:
    return g, None


@do
def _inside(again: bool) -> Do[tuple[NodeId, NodeId], Any]:
    """The recorded gradient of ``x ** 3``, computed in a box."""
    x = yield from leaf(2.0)
    of = yield from LOOSE.const(Boxed(np.float64(0), 4))
    boxed = yield from apply_op(Enter(), x, of)
    cube = yield from mul(boxed, (yield from mul(boxed, boxed)))
    y = yield from apply_op(Leave(), cube, of)
    first = (yield from backward_m(y, wrt=[x]))[x]
    if again:
        return x, (yield from backward_m(first, wrt=[x]))[x]
    return x, first


def test_a_recorded_sweep_leaves_a_level_of_any_kind() -> None:
    """What arrives below the box is out of it, and is differentiated again."""
    for again, expected in ((False, 12.0), (True, 12.0)):
        (x, slope), tape = _inside(again).run().unwrap()
        value: Any = tape[slope].value
        assert (type(value), value) == (np.float64, expected)
        further: Any = backward(tape, slope, 1).unwrap()[x]
        assert further == (6.0 if again else 12.0)


def test_jacobians_of_boxed_inputs() -> None:
    """Each row and column is boxed, and so is the matrix."""
    x: Any = Boxed(np.array([2.0, 3.0]), 1)
    matrices: list[Any] = [
        jacfwd_input(lambda z: mul(z, z), x).unwrap(),
        jacrev_inputs(lambda _, z: mul(z, z), None, x).unwrap(),
        hessian_input(lambda z: dot(z, z), x).unwrap(),
    ]
    for found, diagonal in zip(matrices, ([4, 6], [4, 6], [2, 2]), strict=True):
        assert type(found) is Boxed
        assert found.array.tolist() == np.diag(diagonal).tolist()


def test_a_level_that_a_program_lets_out_is_refused_where_runs_are_stacked() -> None:
    """Each run enters another level, so that columns would not belong together."""
    x = np.array([2.0, 3.0])

    def entered(z: NodeId) -> TapeM[NodeId, Any]:
        return make_dual(z, z).bind(lambda d: mul(d, d))

    def loss(z: NodeId) -> TapeM[NodeId, Any]:
        return entered(z).bind(sum_)

    for op, result in (
        ("jacfwd_input", jacfwd_input(entered, x)),
        ("hessian_input", hessian_input(loss, x)),
    ):
        error = result.failure()
        assert isinstance(error, OutsideDomain)
        assert error.op == op
    rows: Any = jacrev_inputs(lambda _, z: entered(z), None, x).unwrap()
    assert rows.primal.tolist() == [[4, 0], [0, 6]]
    assert rows.tangent.tolist() == [[8, 0], [0, 12]]
