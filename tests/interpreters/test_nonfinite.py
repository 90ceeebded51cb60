"""The first value or gradient that is not finite is the one that is reported."""

from dataclasses import replace
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from returns.result import Failure

from tapem_dsl import (
    Do,
    NodeId,
    NonFinite,
    Tape,
    add,
    backward_m,
    backward_scalar,
    const,
    do,
    exp,
    first_nonfinite,
    get_tape,
    inv,
    leaf,
    make_dual,
    map_m,
    mul,
    rationals,
    scale,
    sum_,
    throw,
)
from tapem_dsl.errors import InvalidOutputId, Item, Line, Thrown

# Any, throughout: tapes of any scalar type.


def found_by(*arguments: Any, **named: Any) -> NonFinite | None:
    """Return what is found; the search does not fail."""
    return first_nonfinite(*arguments, **named).unwrap()


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
    found = found_by(loss(np.array([1.0, 400.0])).exec().unwrap())
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
    assert found_by(tape) is None
    found = found_by(tape, backward_scalar(tape, out).unwrap())
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
    found = found_by(tape, gradients)
    assert found is not None
    assert (found.id, list(found.ancestry)) == (NodeId(1), [NodeId(2)])


def test_values_come_before_gradients() -> None:
    out, tape = leaf(np.inf, "x").bind(exp).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    found = found_by(tape, gradients)
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
    assert found_by(const(value).exec().unwrap()) is None
    assert found_by(Tape()) is None


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_each_float_and_entry_is_found(kind: Any, bad: float) -> None:
    entries = np.zeros((2, 3), kind)
    entries[1, 2] = bad
    found = found_by(const(entries).exec().unwrap())
    assert found is not None
    assert (found.index, found.entry) == ((1, 2), str(kind(bad)))


def test_the_parts_of_a_dual_are_looked_at() -> None:
    dual = leaf(1e-200).bind(lambda x: const(1.0).bind(lambda v: make_dual(x, v)))
    assert found_by(dual.exec().unwrap()) is None
    found = found_by(dual.bind(inv).exec().unwrap())
    assert found is not None
    assert (found.id, found.entry) == (NodeId(3), "-inf")


def test_long_ancestries_are_shortened() -> None:
    @do
    def long() -> Do[NodeId, Any]:
        x = yield from leaf(1e300, "x")
        for _ in range(20):
            x = yield from scale(x, 1)
        return (yield from mul(x, x))

    found = found_by(long().exec().unwrap())
    assert found is not None
    assert len(found.ancestry) == 21
    assert str(found).endswith("  11: scale(10) = 1e+300\n  and 11 more")


def test_what_is_no_tape_is_a_mistake() -> None:
    wrong: Any = [1]
    with pytest.raises(TypeError, match="first_nonfinite takes a Tape for source"):
        found_by(wrong)
    with pytest.raises(TypeError, match="takes a mapping for gradients"):
        found_by(Tape(), wrong)


# -- of a program, and by a sweep of its own -------------------------------------------

FILE = Path(__file__).name


def line_of(mark: str) -> int:
    """Return the number of the line that ends with a mark."""
    lines = Path(__file__).read_text().splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# {mark}")]
    return number


@do
def inner(x: NodeId) -> Do[NodeId, Any]:
    y = yield from scale(x, 2)
    return (yield from exp(y))  # overflows


@do
def outer(x: float) -> Do[NodeId, Any]:
    a = yield from leaf(x, "x")  # enters
    b = yield from inner(a)  # calls
    return (yield from add(b, b))


def lines_of(found: NonFinite | None) -> list[tuple[str, int]]:
    """Return the functions and lines of a place; all are in this file."""
    assert found is not None
    lines = [where for where in found.place.chain if isinstance(where, Line)]
    assert {Path(line.file).name for line in lines} == {FILE}
    return [(line.function, line.number) for line in lines]


def test_a_value_of_a_program_has_its_lines() -> None:
    found = found_by(outer(1000.0))
    of_tape = found_by(outer(1000.0).exec().unwrap())
    assert found is not None
    assert of_tape is not None
    assert found == replace(of_tape, place=found.place)
    assert not of_tape.place
    assert lines_of(found) == [
        ("inner", line_of("overflows")),
        ("outer", line_of("calls")),
    ]
    assert str(found).endswith(str(found.place))
    assert f"line {line_of('overflows')}, in inner" in str(found)
    assert lines_of(found_by(outer(np.inf))) == [("outer", line_of("enters"))]
    assert found_by(outer(1.0)) is None


def test_a_gradient_of_a_program_has_the_lines_of_its_node() -> None:
    @do
    def steep() -> Do[NodeId, Any]:
        x = yield from leaf(1e-200, "x")  # flat
        return (yield from inv(x))

    assert found_by(steep()) is None
    found = found_by(steep(), seed=1.0)
    assert found is not None
    assert (found.id, found.of) == (NodeId(0), "gradient")
    ((name, number),) = lines_of(found)
    assert (name.rpartition(".")[2], number) == ("steep", line_of("flat"))
    assert found_by(steep(), out=NodeId(1)) == found


def test_an_item_of_a_map_is_named() -> None:
    found = found_by(map_m(leaf, [1.0, np.nan, 2.0]))
    assert found is not None
    assert found.place.chain == (Item(1, 3),)


def test_what_a_program_records_before_it_fails_is_looked_at() -> None:
    failing = outer(1000.0).bind(lambda _: throw("late"))
    assert lines_of(found_by(failing))[0] == ("inner", line_of("overflows"))
    assert first_nonfinite(outer(1.0).bind(lambda _: throw("late"))) == Failure(
        Thrown("late")
    )


def test_nodes_that_a_handler_dropped_are_not_looked_at() -> None:
    dropped = outer(1000.0).bind(lambda _: throw("late")).lash(lambda _: leaf(1.0))
    assert found_by(dropped) is None
    after = dropped.bind(lambda _: outer(1000.0))
    assert found_by(after) is not None
    lines = lines_of(found_by(after))
    assert lines[0] == ("inner", line_of("overflows"))


def test_nodes_of_a_derivative_inside_have_the_line_of_its_call() -> None:
    @do
    def nested() -> Do[NodeId, Any]:
        x = yield from leaf(1e-200, "x")
        y = yield from inv(x)
        grads = yield from backward_m(y, wrt=[x])  # sweeps
        return grads[x]

    found = found_by(nested())
    assert found is not None
    assert index(found.id) > 1
    ((_, number),) = lines_of(found)
    assert number == line_of("sweeps")


def test_a_sweep_from_an_id_of_a_tape() -> None:
    program = leaf(1e-200, "x").bind(lambda x: scale(x, 1)).bind(inv)
    out, tape = program.run().unwrap()
    by_map = found_by(tape, backward_scalar(tape, out).unwrap())
    assert by_map is not None
    assert found_by(tape, out=out) == by_map
    assert found_by(tape, out=out, seed=1e-300) is None
    assert found_by(tape, out=out, seed=np.nan) != by_map
    failure = first_nonfinite(tape, out=NodeId(7)).failure()
    assert isinstance(failure, InvalidOutputId)


def test_a_program_takes_no_gradients_and_returns_an_id_to_be_swept() -> None:
    with pytest.raises(TypeError, match="takes gradients of a tape"):
        first_nonfinite(leaf(1.0), {})
    with pytest.raises(TypeError, match="the program's value"):
        first_nonfinite(leaf(1.0).map(str), seed=1.0)


@do
def overflows(*, shown: bool) -> Do[NodeId, Any]:
    """Record an infinite value, seen by a tape or not, and fail."""
    x = yield from leaf(1000.0)
    if shown:
        yield from get_tape()
    yield from exp(x)
    return (yield from throw("first"))


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_handler_discarded_is_not_found(shown: bool) -> None:
    program = overflows(shown=shown).lash(lambda _: throw("second"))
    assert first_nonfinite(program).failure() == Thrown("second")
