"""The first value or gradient that is not finite is the one that is reported."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    Tape,
    add,
    backward_scalar,
    const,
    do,
    exp,
    first_nonfinite,
    inv,
    leaf,
    make_dual,
    mul,
    rationals,
    scale,
    sum_,
)

# Any, throughout: tapes of any scalar type.


@do
def loss(x: Any) -> Do[NodeId, Any]:
    """Overflow at a large x, and only in the gradient at a small one."""
    a = yield from leaf(x, "x")
    unrelated = yield from const(np.ones(2), "unrelated")
    yield from exp(unrelated)
    b = yield from exp(a)
    c = yield from mul(b, b)
    return (yield from sum_(c))


def test_the_first_value_is_reported_with_all_it_depends_on() -> None:
    found = first_nonfinite(loss(np.array([1.0, 400.0])).exec().unwrap())
    assert found is not None
    assert (found.id, found.of, found.index, found.entry) == (
        NodeId(4),
        "value",
        (1,),
        "inf",
    )
    assert list(found.ancestry) == [3, 0]
    assert [node.label for node in found.ancestry.values()] == ["exp", "x"]
    assert str(found) == (
        "the value of node 4, mul(3, 3), is inf at (1,); it depends on\n"
        "  3: exp(0) = float64[2]\n"
        "  0: leaf 'x' = float64[2]"
    )


def test_the_first_gradient_of_the_sweep_is_reported_with_its_way() -> None:
    @do
    def flat() -> Do[NodeId, Any]:
        x = yield from leaf(1e-200, "x")
        y = yield from inv(x)
        z = yield from scale(y, 2)
        yield from exp(x)
        return (yield from add(z, y))

    out, tape = flat().run().unwrap()
    assert first_nonfinite(tape) is None
    found = first_nonfinite(tape, backward_scalar(tape, out).unwrap())
    assert found is not None
    assert (found.id, found.of, found.index, found.entry) == (
        NodeId(0),
        "gradient",
        (),
        "-inf",
    )
    assert list(found.ancestry) == [1, 2, 4]  # not exp, which has no gradient
    assert str(found).startswith("the gradient of node 0, leaf 'x', is -inf; it came t")


def test_of_several_gradients_the_nearest_to_the_output_is_reported() -> None:
    program = leaf(1e-200, "x").bind(lambda x: scale(x, 1)).bind(inv)
    out, tape = program.run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    assert [bool(np.isinf(g)) for g in gradients.values()] == [True, True, False]
    found = first_nonfinite(tape, gradients)
    assert found is not None
    assert (found.id, list(found.ancestry)) == (NodeId(1), [NodeId(2)])


def test_values_come_before_gradients() -> None:
    out, tape = leaf(np.inf, "x").bind(exp).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    found = first_nonfinite(tape, gradients)
    assert found is not None
    assert (found.id, found.of) == (NodeId(0), "value")
    assert str(found) == "the value of node 0, leaf 'x', is inf"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        np.int64(3),
        np.bool_(True),
        rationals([1, 2]),
        np.zeros((2, 0)),
        np.float16(1),
    ],
)
def test_finite_tapes_have_none(value: Any) -> None:
    assert first_nonfinite(const(value).exec().unwrap()) is None
    assert first_nonfinite(Tape()) is None


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_each_float_and_entry_is_found(kind: Any, bad: float) -> None:
    entries = np.zeros((2, 3), kind)
    entries[1, 2] = bad
    found = first_nonfinite(const(entries).exec().unwrap())
    assert found is not None
    assert (found.index, found.entry) == ((1, 2), str(kind(bad)))


def test_the_parts_of_a_dual_are_looked_at() -> None:
    dual = leaf(1e-200).bind(lambda x: const(1.0).bind(lambda v: make_dual(x, v)))
    assert first_nonfinite(dual.exec().unwrap()) is None
    found = first_nonfinite(dual.bind(inv).exec().unwrap())
    assert found is not None
    assert (found.id, found.entry) == (NodeId(3), "-inf")


def test_long_ancestries_are_shortened() -> None:
    @do
    def long() -> Do[NodeId, Any]:
        x = yield from leaf(1e300, "x")
        for _ in range(20):
            x = yield from scale(x, 1)
        return (yield from mul(x, x))

    found = first_nonfinite(long().exec().unwrap())
    assert found is not None
    assert len(found.ancestry) == 21
    assert str(found).endswith("  11: scale(10) = 1e+300\n  and 11 more")


def test_what_is_no_tape_is_a_mistake() -> None:
    wrong: Any = [1]
    with pytest.raises(TypeError, match="first_nonfinite takes a Tape for tape"):
        first_nonfinite(wrong)
    with pytest.raises(TypeError, match="takes a mapping for gradients"):
        first_nonfinite(Tape(), wrong)
