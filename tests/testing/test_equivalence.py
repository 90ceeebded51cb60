"""``assert_equivalent`` finds what was planted, names it, and passes true lemmas."""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    Node,
    NodeId,
    Tape,
    TapeM,
    abs_,
    add,
    const,
    detach,
    do,
    fold_m,
    for_m,
    get_tape,
    leaf,
    map_m,
    mul,
    pure,
    rationals,
    relu,
    scale,
    shift_by,
    sub,
    sum_,
    throw,
    transpose,
    value_of,
    when_m,
)
from tapem_dsl.ops.arithmetic import Add, Scale
from tapem_dsl.program.instruction import Extend
from tapem_dsl.program.tapem import program as wrapped
from tapem_dsl.tape.equality import same
from tapem_dsl.testing import assert_equivalent, explain_difference
from tapem_dsl.testing.difference import first_difference
from tapem_dsl.testing.strategies import tapes

# Any, throughout: programs of any scalar type, and nodes with other fields.

Step = Callable[[NodeId], TapeM[NodeId, Any]]
X: Array = np.array([[1.0, 2.0], [-3.0, 0.5]])


@do
def built() -> Do[NodeId, Any]:
    """A tape of six nodes, on which the differences are planted."""
    x = yield from leaf(X, name="x")
    y = yield from leaf(np.array([[0.0, 1.0], [1.0, 7.0]]), name="y")
    frozen = yield from const(np.float32(1.5))
    product = yield from mul(x, y)
    difference = yield from sub(product, x)
    yield from scale(frozen, Fraction(1, 2))
    return (yield from scale(difference, 3))


NODES: list[Node[Any]] = built().exec().unwrap().nodes()


def leaving(nodes: list[Node[Any]]) -> TapeM[None, Any]:
    """Leave exactly these nodes behind, whatever they are."""

    def extend(_: Tape[Any]) -> Any:
        return pure(None).run(Tape(nodes))

    return wrapped(Extend(extend, ()))


def changed(id: int, **fields: Any) -> list[Node[Any]]:
    nodes = list(NODES)
    nodes[id] = msgspec.structs.replace(nodes[id], **fields)
    return nodes


def swapped(i: int, j: int) -> list[Node[Any]]:
    nodes = list(NODES)
    nodes[i], nodes[j] = nodes[j], nodes[i]
    return nodes


def entry_changed(value: Array, entry: float) -> Array:
    other = value.copy()
    other[0, 0] = entry
    return other


PLANTED: dict[str, tuple[list[Node[Any]], list[str]]] = {
    "swapped leaves": (swapped(0, 1), ["node 0, value", "nodes 0 and 1 changed pl"]),
    "swapped ops": (swapped(5, 6), ["node 5", "nodes 5 and 6 changed places"]),
    "flag": (changed(0, requires_grad=False), ["node 0, requires_grad", "True"]),
    "flag of an op": (changed(3, requires_grad=False), ["node 3, requires_grad"]),
    "name": (changed(0, name="w"), ["node 0, name", "'x'", "'w'"]),
    "no name": (changed(1, name=None), ["node 1, name", "'y'", "None"]),
    "dtype": (
        changed(0, value=X.astype(np.float32)),
        ["node 0, value", "float64", "float32", "the dtypes differ"],
    ),
    "dtype of a scalar": (
        changed(2, value=np.float64(1.5)),
        ["node 2, value", "the dtypes differ: float32 and float64"],
    ),
    "rationals": (changed(0, value=rationals(X)), ["node 0, value", "dtype object"]),
    "one ulp": (
        changed(0, value=entry_changed(X, np.nextafter(1.0, 2.0))),
        ["node 0, value", "entry [0, 0]", "0x1.0000000000001p+0", "1 ulp apart"],
    ),
    "one ulp of float32": (
        changed(2, value=np.nextafter(np.float32(1.5), np.float32(2))),
        ["node 2, value", "0x1.8000020000000p+0", "1 ulp apart"],
    ),
    "sign of zero": (
        changed(1, value=entry_changed(NODES[1].value, -0.0)),
        ["node 1, value", "entry [0, 0]", "-0.0", "the signs of zero differ"],
    ),
    "nan": (
        changed(0, value=entry_changed(X, np.nan)),
        ["node 0, value", "nan", "1 of 4 entries differ"],
    ),
    "order of parents": (
        changed(4, parents=(NodeId(0), NodeId(3))),
        ["node 4, parents[0]", "another order: (3, 0) and (0, 3)", "sub(3, 0)"],
    ),
    "another parent": (
        changed(3, parents=(NodeId(0), NodeId(0))),
        ["node 3, parents[1]", "mul(0, 1)", "mul(0, 0)"],
    ),
    "a parent more": (
        changed(5, parents=(NodeId(2), NodeId(2))),
        ["node 5, parents[1]", "left side ends here"],
    ),
    "shape": (
        changed(0, value=X.reshape(4)),
        ["node 0, value", "shape (2, 2)", "shape (4,)", "the shapes differ"],
    ),
    "shape of one entry": (
        changed(2, value=np.ones(1, np.float32)),
        ["node 2, value", "float32"],
    ),
    "op": (changed(3, op=Add()), ["node 3, op", "Mul()", "Add()"]),
    "attribute of an op": (changed(6, op=Scale(4)), ["node 6, op, factor", "3", "4"]),
    "type of an attribute": (
        changed(6, op=Scale(3.0)),
        ["node 6, op, factor", "of different types: int and float"],
    ),
    "no op": (changed(6, op=None, parents=()), ["node 6, op", "None"]),
    "a missing node": (
        NODES[:5] + NODES[6:],
        ["node 5", "right tape lacks 1 node: scale(2)"],
    ),
    "a missing last node": (NODES[:6], ["node 6", "right side ends here", "lacks 1"]),
    "two more nodes": (
        [*NODES, NODES[0], NODES[1]],
        ["node 7", "left tape lacks 2 nodes: leaf 'x', leaf 'y'"],
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_difference_is_found_and_named(planted: str) -> None:
    nodes, expected = PLANTED[planted]
    with pytest.raises(AssertionError) as caught:
        assert_equivalent(leaving(NODES), leaving(nodes))
    text = str(caught.value)
    where = re.search(r"^the tapes differ at (.*):$", text, re.MULTILINE)
    assert where
    assert where[1].startswith(expected[0])
    for part in expected[1:]:
        assert part in text, text
    assert "the programs differ at instruction 1" in text


def test_there_are_twenty_planted_differences_and_more() -> None:
    assert len(PLANTED) >= 20


@pytest.mark.parametrize("planted", PLANTED)
def test_a_first_difference_is_none_exactly_of_the_same(planted: str) -> None:
    nodes, _ = PLANTED[planted]
    copies = [msgspec.structs.replace(node) for node in nodes]
    assert first_difference(Tape(nodes), Tape(copies)) is None
    for pair in ((NODES, nodes), (nodes, NODES)):
        assert first_difference(*map(Tape, pair)) is not None


VALUES = st.recursive(
    st.sampled_from([0, 0.0, -0.0, True, None, "t", np.float32(0), float("nan")])
    | st.builds(np.zeros, st.integers(0, 2)),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from("ab"), inner)
        | st.builds(partial, st.sampled_from([abs, len]), inner)
        | st.builds(pure, inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=4,
)


@given(a=VALUES, b=VALUES)
def test_values_have_a_first_difference_exactly_if_they_are_not_the_same(
    a: Any, b: Any
) -> None:
    found = first_difference(a, b)
    assert (found is None) == same(a, b)
    assert (explain_difference(a, b).endswith(" are equal")) == same(a, b)
    assert (first_difference(pure(a), pure(b)) is None) == (pure(a) == pure(b))


def test_programs_that_differ_deep_inside_are_compared_without_recursion() -> None:
    def chain(end: float) -> TapeM[Any, Any]:
        program: TapeM[Any, Any] = pure(end)
        for _ in range(50_000):
            program = program.map(abs)
        return program

    found = first_difference(chain(1.0), chain(2.0))
    assert found
    assert found.where == "instruction 1, value"
    assert first_difference(chain(1.0), chain(1.0)) is None


# -- true lemmas -----------------------------------------------------------------------


@do
def last(_: object = None) -> Do[NodeId, Any]:
    """Return the last node of the tape, which is not empty."""
    tape = yield from get_tape()
    return tape.ids()[-1]


@do
def twice(x: NodeId) -> Do[NodeId, Any]:
    return (yield from add(x, x))


@do
def of_two(first: Step, second: Step, x: NodeId) -> Do[NodeId, Any]:
    y = yield from first(x)
    return (yield from second(y))


@do
def ignored(program: TapeM[Any, Any], x: NodeId) -> Do[NodeId, Any]:
    yield from program
    return x


@do
def op_of_two(
    op: Callable[[NodeId, NodeId], TapeM[NodeId, Any]], f: Step, g: Step, x: NodeId
) -> Do[NodeId, Any]:
    """``op(f(x), g(x))``."""
    a = yield from f(x)
    b = yield from g(x)
    return (yield from op(a, b))


HALF = Fraction(1, 2)
UP_TO_THE_TAPE: dict[str, tuple[TapeM[Any, Any], TapeM[Any, Any]]] = {
    "left identity": (pure(1.0).bind(leaf), leaf(1.0)),
    "right identity": (last().bind(pure), last()),
    "associativity": (
        last().bind(relu).bind(sum_),
        last().bind(partial(of_two, relu, sum_)),
    ),
    "map is bind of pure": (last().map(str), last().bind(lambda x: pure(str(x)))),
    "map of a composition": (last().map(int).map(str), last().map(str)),
    "a block is a bind": (of_two(relu, sum_, NodeId(0)), relu(NodeId(0)).bind(sum_)),
    "a fold of nothing": (fold_m(add, NodeId(0), []), pure(NodeId(0))),
    "map_m of pure": (map_m(pure, [1, 2]), pure((1, 2))),
    "for_m forgets": (
        for_m([1.0, 2.0], leaf),
        map_m(leaf, [1.0, 2.0]).map(lambda _: None),
    ),
    "when_m false": (when_m(False, leaf(1.0)), pure(None)),
    "throw is final": (throw("no").bind(leaf), throw("no")),
    "lash of a success": (leaf(1.0).lash(throw), leaf(1.0)),
    "lash discards nodes": (
        leaf(1.0).bind(lambda _: throw("no")).lash(lambda _: pure(1)),
        pure(1),
    ),
    "swap twice": (leaf(1.0).swap().swap(), leaf(1.0)),
    "value_of of a leaf": (
        leaf(2.0).bind(value_of),
        leaf(2.0).map(lambda _: 2.0 + np.float64()),
    ),
}
UP_TO_GRADIENTS: dict[str, tuple[Any, Any]] = {
    "fusion of scales": (
        partial(of_two, partial(scale, factor=HALF), partial(scale, factor=3)),
        partial(scale, factor=3 * HALF),
    ),
    "fusion of shifts": (
        partial(of_two, partial(shift_by, offset=HALF), partial(shift_by, offset=2)),
        partial(shift_by, offset=2 + HALF),
    ),
    "x + x is 2 x": (twice, partial(scale, factor=2)),
    "x - x is 0 x": (partial(op_of_two, sub, pure, pure), partial(scale, factor=0)),
    "sum is linear": (
        partial(of_two, partial(scale, factor=3), sum_),
        partial(of_two, sum_, partial(scale, factor=3)),
    ),
    "mul commutes": (
        partial(op_of_two, mul, twice, pure),
        partial(op_of_two, mul, pure, twice),
    ),
    "distributivity": (
        partial(op_of_two, mul, pure, partial(op_of_two, add, pure, abs_)),
        partial(
            op_of_two,
            add,
            partial(op_of_two, mul, pure, pure),
            partial(op_of_two, mul, pure, abs_),
        ),
    ),
    "relu twice": (partial(of_two, relu, relu), relu),
    "abs of a square": (
        partial(of_two, partial(op_of_two, mul, pure, pure), sum_),
        partial(of_two, partial(op_of_two, mul, abs_, abs_), sum_),
    ),
    "detach twice": (partial(of_two, detach, detach), detach),
    "dead code": (partial(ignored, const(Fraction(1))), pure),
}


@pytest.mark.parametrize("lemma", UP_TO_THE_TAPE)
def test_a_true_lemma_up_to_the_tape_passes(lemma: str) -> None:
    lhs, rhs = UP_TO_THE_TAPE[lemma]
    assert_equivalent(lhs, rhs, tapes=tapes())


@pytest.mark.parametrize("lemma", UP_TO_GRADIENTS)
def test_a_true_lemma_up_to_gradients_passes(lemma: str) -> None:
    lhs, rhs = UP_TO_GRADIENTS[lemma]
    assert_equivalent(
        last().bind(lhs), last().bind(rhs), tapes=tapes(), up_to="value_and_gradients"
    )


def test_there_are_twenty_true_lemmas_and_more() -> None:
    assert len(UP_TO_THE_TAPE) + len(UP_TO_GRADIENTS) >= 20


# -- false lemmas ----------------------------------------------------------------------


def test_a_fusion_is_no_equation_of_tapes() -> None:
    lhs, rhs = UP_TO_GRADIENTS["fusion of scales"]
    with pytest.raises(AssertionError) as caught:
        assert_equivalent(last().bind(lhs), last().bind(rhs), tapes=tapes())
    text = str(caught.value)
    assert text.startswith("not equivalent from <Tape: leaf>\n")  # a shrunk tape
    assert "right tape lacks 1 node: scale(0)" in text


@pytest.mark.parametrize(
    ("f", "g", "expected"),
    [
        (partial(scale, factor=2), partial(scale, factor=3), "values: the values"),
        (relu, partial(of_two, relu, detach), "gradients: the values differ"),
        (abs_, partial(of_two, abs_, partial(scale, factor=1)), None),
        (twice, sum_, "shape"),
    ],
)
def test_another_value_or_gradient_is_told(
    f: Any, g: Any, expected: str | None
) -> None:
    lhs = leaf(rationals([1, 2])).bind(f)
    rhs = leaf(rationals([1, 2])).bind(g)
    if expected is None:
        assert_equivalent(lhs, rhs, up_to="value_and_gradients")
        return
    with pytest.raises(AssertionError, match=expected):
        assert_equivalent(lhs, rhs, up_to="value_and_gradients")


def test_permuted_gradients_are_noticed() -> None:
    """All cotangents of 1 would not tell an identity from a reversal."""
    x = rationals([[1, 1], [1, 1]])
    with pytest.raises(AssertionError, match=r"gradients: .*'recorded leaf 0'\]"):
        assert_equivalent(
            leaf(x).bind(transpose), leaf(x).bind(pure), up_to="value_and_gradients"
        )


def test_programs_that_record_other_leaves_are_told_apart() -> None:
    with pytest.raises(AssertionError, match="leaves that require gradients differ"):
        assert_equivalent(leaf(1.0), const(1.0), up_to="value_and_gradients")


def test_failures_are_compared_by_class_up_to_gradients_and_whole_up_to_the_tape() -> (
    None
):
    lhs, rhs = add(NodeId(7), NodeId(8)), add(NodeId(9), NodeId(8))
    assert_equivalent(lhs, rhs, up_to="value_and_gradients")
    with pytest.raises(AssertionError, match="failures: the values differ at id:"):
        assert_equivalent(lhs, rhs)
    for up_to in ("tape", "value_and_gradients"):
        with pytest.raises(AssertionError, match="one fails"):
            assert_equivalent(lhs, leaf(1.0), up_to=up_to)
        with pytest.raises(AssertionError, match="one fails"):
            assert_equivalent(leaf(1.0), throw("no"), up_to=up_to)


def test_the_smallest_tape_is_shown() -> None:
    big, small = (leaf(X).bind(sum_).exec().unwrap(), leaf(X).exec().unwrap())
    with pytest.raises(AssertionError, match=r"^not equivalent from <Tape: leaf>\n"):
        assert_equivalent(pure(1), pure(2), tapes=[big, small, big])


def test_what_is_no_id_is_not_compared_up_to_gradients() -> None:
    with pytest.raises(TypeError, match=r"return ids of their tape, not 1\.0"):
        assert_equivalent(pure(1.0), pure(1.0 + 1), up_to="value_and_gradients")


def test_an_unknown_relation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"up_to is .* not 'bits'"):
        assert_equivalent(pure(1), pure(1), up_to="bits")  # type: ignore[arg-type] # on purpose
