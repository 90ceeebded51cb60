"""What a program records is sound; each thing wrong with a tape is reported, once."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tapem_dsl import (
    Node,
    NodeId,
    Op,
    Tape,
    backward_m,
    check,
    checked,
    exp,
    get_tape,
    jvp,
    leaf,
    make_dual,
    mul,
    ops,
    rationals,
    sum_,
    tangent,
)
from tapem_dsl.errors import UnsoundTape, Violation
from tapem_dsl.tape.tape import snapshot
from tapem_dsl.testing.strategies import DTYPES, tapes
from tests.mixed_tapes import mixed_tape
from tests.oracles import brief

# Any, throughout: nodes that hold anything.

Add = ops.arithmetic.Add
Scale = ops.arithmetic.Scale
ReduceSum = ops.reductions.ReduceSum
node: Any = Node
X = node(None, (), np.float64(2))
(ROW,) = Tape([node(None, (), np.array([1.0, 2.0]))])


def raw(*nodes: Any) -> Tape[Any]:
    """Make a tape of anything, which the constructor would refuse or convert."""
    return snapshot(list(nodes), len(nodes))


def frozen(array: Any) -> Any:
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_what_a_program_recorded_is_sound(start: int) -> None:
    for seed in range(start, start + 50):
        tape = mixed_tape(seed)
        assert check(tape, recompute=True) == ()
        assert checked(tape) == Success(tape)


@pytest.mark.parametrize("dtype", DTYPES)
@brief
@given(data=st.data())
def test_random_tapes_and_recorded_sweeps_are_sound(
    dtype: Any, data: st.DataObject
) -> None:
    tape = data.draw(tapes(dtype))
    assert check(tape, recompute=True) == ()
    top = tape.ids()[-1]
    if tape[top].value.shape == () and tape[top].requires_grad:
        longer = backward_m(top).exec(tape).unwrap()
        assert check(longer, recompute=True) == ()


def test_tapes_of_duals_are_sound() -> None:
    made = leaf(2.0).bind(lambda x: make_dual(x, x)).bind(exp)
    made = made.bind(lambda y: tangent(y, y))
    assert check(made.exec().unwrap()) == ()
    seen: list[Tape[Any]] = []

    def kept(tape: Tape[Any], y: NodeId) -> NodeId:
        seen.append(tape)
        return y

    for value in (np.ones(2), np.float64(2)):
        jvp(
            lambda x, _: (
                exp(x)
                .bind(sum_)
                .bind(lambda y: get_tape().map(lambda tape: kept(tape, y)))
            ),
            *(value, None, value, None),
        ).unwrap()
    assert [check(tape, recompute=True) for tape in seen] == [(), ()]


def view_of_writeable() -> Any:
    return frozen(np.ones(3)[:2].view())


Zero = NodeId(0)
text: Any = "0"
wrong_axis = ReduceSum(text)
WRONG: dict[str, tuple[Tape[Any], str, str]] = {
    "no node": (raw(7), "node", "no Node"),
    "no op": (raw(X, node("add", (Zero,), X.value)), "op", "'add' is no op"),
    "class": (raw(X, node(Add, (Zero, Zero), X.value)), "op", "make one: Add(...)"),
    "field": (raw(ROW, node(wrong_axis, (Zero,), X.value)), "op", "axis is '0'"),
    "truth": (raw(ROW, node(ReduceSum(True), (Zero,), X.value)), "op", "axis is True"),
    "list": (raw(X, node(Add(), [0, 0], X.value)), "parents", "no tuple of ids"),
    "later": (raw(X, node(Add(), (Zero, NodeId(1)), X.value)), "parents", "1 is no id"),
    "negative": (raw(X, node(Add(), (NodeId(-1),), X.value)), "parents", "-1 is no id"),
    "float": (raw(X, node(Add(), (0.0, 0), X.value)), "parents", "0.0 is no id"),
    "of leaf": (raw(X, node(None, (Zero,), X.value)), "parents", "a leaf has none"),
    "number": (raw(node(None, (), 2.0)), "value", "2.0 is no NumPy array"),
    "nothing": (raw(node(None, (), None)), "value", "None is no NumPy array"),
    "0-d": (raw(node(None, (), frozen(np.array(2.0)))), "value", "np.float64"),
    "complex": (raw(node(None, (), np.complex128(1))), "value", "is no NumPy"),
    "order": (raw(node(None, (), frozen(np.ones(2, ">f8")))), "value", "native"),
    "objects": (raw(node(None, (), frozen(np.array([1], object)))), "value", "Fract"),
    "writeable": (raw(node(None, (), np.ones(2))), "value", "can be written to"),
    "view": (raw(node(None, (), view_of_writeable())), "value", "is a view of one"),
    "layout": (raw(node(None, (), frozen(np.ones((2, 3))).T)), "value", "C-contig"),
    "subclass": (raw(node(None, (), np.ma.array([1.0]))), "value", "no NumPy"),
    "flag": (raw(node(None, (), X.value, 1)), "requires_grad", "1 is neither"),
    "labels": (raw(node(None, (), np.int64(1))), "requires_grad", "has no gradient"),
    "frozen": (raw(X, node(Add(), (Zero, Zero), X.value, False)), "requires_grad", "T"),
    "name": (raw(node(None, (), X.value, True, 3)), "name", "3 is neither a text"),
    "name of a subclass": (
        raw(node(None, (), X.value, True, np.str_("x"))),
        "name",
        "np.str_('x') is neither a text",
    ),
    "named": (raw(X, node(Add(), (Zero, Zero), X.value, True, "y")), "name", "only le"),
    "shape": (raw(X, node(Add(), (Zero, Zero), ROW.value)), "shape", "it is (2,), and"),
    "arity": (raw(X, node(Add(), (Zero,), X.value)), "shape", "takes 2 operands"),
    "refused": (raw(X, node(ReduceSum(0), (Zero,), X.value)), "shape", "refuses its"),
    "dtype": (raw(X, node(Scale(1), (Zero,), np.float32(2))), "dtype", "gives float64"),
    "whole": (raw(X, node(Scale(1), (Zero,), np.int64(2), False)), "dtype", "float64"),
    "mixed": (
        raw(X, node(None, (), np.float32(1)), node(Add(), (Zero, NodeId(1)), X.value)),
        *("dtype", "refuses its parents"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_violation_is_reported_at_its_field(name: str) -> None:
    tape, field, what = WRONG[name]
    (found,) = check(tape)
    assert found.id == NodeId(len(tape) - 1)
    assert found.field == field
    assert what in found.what
    assert checked(tape) == Failure(UnsoundTape((found,)))


def test_all_violations_are_in_one_report() -> None:
    tapes_ = [tape for tape, _, _ in WRONG.values() if len(tape) == 1]
    joined = raw(*(node for tape in tapes_ for node in tape))
    found = check(joined)
    assert [violation.id for violation in found] == list(range(len(tapes_)))
    message = UnsoundTape(found).message
    assert message.startswith(f"the tape has {len(tapes_)} violations: node 0, node: ")
    assert message.endswith(f"; {len(tapes_) - 8} more")
    odd: Any = node(Add, [0], 1, 2, 3)
    fields = [violation.field for violation in check(raw(odd))]
    assert fields == ["requires_grad", "value", "name", "parents", "op"]


@pytest.mark.parametrize("by", [0.1, 2**-52, -0.0, float("nan")])
def test_a_value_that_the_op_does_not_compute_shows_when_recomputed(by: float) -> None:
    zero = node(None, (), np.float64(1 if by == by and by else 0))  # noqa: PLR0124
    value = zero.value + np.float64(by) if by else np.float64(by)
    tape = Tape([zero, node(Scale(1), (Zero,), value)])
    assert check(tape) == ()
    (found,) = check(tape, recompute=True)
    assert found.field == "value"
    assert "computes other bits" in found.what


def test_an_op_that_fails_or_errs_on_its_values_is_reported() -> None:
    tape = raw(
        node(None, (), rationals(0)),
        node(ops.arithmetic.Inv(), (Zero,), rationals(0)),
    )
    assert check(tape) == ()
    (found,) = check(tape, recompute=True)
    assert "division by zero" in found.what


@dataclass(frozen=True)
class Odd(Op):
    """A user's op that raises where it is asked, and has odd annotations."""

    name = "odd"
    field: "no.such.type"  # type: ignore[name-defined] # noqa: F821

    def shape(self, *inputs: Any) -> Any:
        raise RuntimeError("no shape")

    def check_dtypes(self, *inputs: Any) -> None:
        if self.field:
            raise KeyError("dtypes")

    def evaluate(self, xp: Any, *inputs: Any) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("field", "what"), [(1, "raised KeyError"), (0, "raised RuntimeError: 'no shape'")]
)
def test_what_an_op_raises_is_reported_and_not_raised(field: int, what: str) -> None:
    (found,) = check(raw(X, node(Odd(field), (Zero,), X.value)))
    assert what in found.what


ANYTHING: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.floats(),
    st.text(max_size=2),
    st.sampled_from(
        [Add(), Add, Scale(2), ReduceSum(0), Odd(1), object(), X, Fraction]
    ),
    st.sampled_from([np.ones(2), np.float32(1), rationals([1]), np.array("a"), ROW]),
    st.tuples(st.integers(-1, 3), st.integers(-1, 3)),
    st.tuples(st.integers(0, 1)),
    st.lists(st.integers()),
)


@given(st.lists(st.tuples(*[ANYTHING] * 5) | ANYTHING, max_size=4))
def test_a_tape_of_anything_never_raises(parts: list[Any]) -> None:
    nodes = [
        Node(*part) if isinstance(part, tuple) and len(part) == 5 else part
        for part in parts
    ]
    found = check(raw(X, *nodes), recompute=True)
    assert all(isinstance(violation, Violation) for violation in found)
    assert all(isinstance(str(violation), str) for violation in found)


def test_only_a_tape_can_be_checked() -> None:
    wrong: Any = [X]
    with pytest.raises(TypeError, match="check takes a Tape for tape"):
        check(wrong)


def test_mutated_values_of_recorded_tapes_are_found() -> None:
    tape = leaf(np.ones(2)).bind(lambda x: mul(x, x)).exec().unwrap()
    tape[NodeId(1)].value.setflags(write=True)
    (found,) = check(tape)
    assert found == Violation(NodeId(1), "value", "the array can be written to")
