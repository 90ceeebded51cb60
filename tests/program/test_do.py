"""Do-notation: what the decorator promises, and the traps around ``yield from``."""

import pickle
from collections.abc import Generator
from contextlib import suppress
from functools import wraps
from typing import Any

import pytest
from returns.result import Failure, Success

from tapem_dsl import (
    EMPTY,
    Do,
    NodeId,
    Tape,
    add,
    const,
    do,
    for_m,
    get_tape,
    leaf,
    mul,
    param,
    pure,
    throw,
    value_of,
)


@do
def square(x: float, *, name: str | None = None) -> Do[NodeId]:
    a = yield from leaf(x, name=name)
    return (yield from mul(a, a))


def test_a_block_binds_and_returns() -> None:
    id, tape = square(3.0).run().unwrap()
    assert id == 1
    assert tape[id].value == 9.0


def test_a_block_is_lazy_and_can_be_run_any_number_of_times() -> None:
    runs = []

    @do
    def noisy() -> Do[int]:
        runs.append(1)
        return (yield from pure(1))

    program = noisy()
    assert runs == []
    assert program.eval() == program.eval() == Success(1)
    assert runs == [1, 1]


def test_a_block_runs_inside_itself_and_inside_another_run() -> None:
    @do
    def nested(depth: int) -> Do[NodeId]:
        x = yield from leaf(float(depth))
        if depth == 0:
            return x
        inner = nested(depth - 1)
        yield from inner
        alone = inner.exec().unwrap()  # a run of its own, from the empty tape
        assert len(alone) == 2**depth - 1
        return (yield from inner)

    assert nested(3).eval() == Success(14)


def test_a_run_inside_a_block_may_extend_the_tape_it_was_given() -> None:
    @do
    def explorer() -> Do[tuple[NodeId, NodeId]]:
        x = yield from leaf(2.0)
        before = yield from get_tape()
        longer = mul(x, x).exec(before).unwrap()
        appended, _ = before.append(longer[NodeId(1)])
        y = yield from add(x, x)
        after = yield from get_tape()
        assert [node.label for node in before] == ["leaf"]
        assert [node.label for node in longer] == ["leaf", "mul"]
        assert [node.label for node in appended] == ["leaf", "mul"]
        assert [node.label for node in after] == ["leaf", "add"]
        return x, y

    tape = explorer().exec().unwrap()
    assert [node.label for node in tape] == ["leaf", "add"]


def test_many_snapshots_in_one_run_each_keep_their_length() -> None:
    @do
    def collecting() -> Do[list[Tape[Any]]]:
        tapes = []
        for x in range(50):
            tape = yield from get_tape()
            tapes.append(tape)
            yield from leaf(float(x))
        return tapes

    tapes, last = collecting().run().unwrap()
    assert [len(tape) for tape in tapes] == list(range(50))
    assert all(tape.nodes() == last.nodes()[: len(tape)] for tape in tapes)


# -- equality, arguments, pickling -----------------------------------------------------


def test_equal_arguments_give_equal_programs() -> None:
    assert square(1.0) == square(1.0)
    assert square(1.0) == square(x=1.0)
    assert square(1.0, name="a") == square(name="a", x=1.0)
    assert square(1.0) != square(1)
    assert square(1.0, name="a") != square(1.0, name="b")


def test_wrong_arguments_are_refused_at_the_call() -> None:
    wrong: Any = square
    with pytest.raises(TypeError, match="missing 1 required positional"):
        wrong()
    with pytest.raises(TypeError, match="unexpected keyword"):
        wrong(1.0, color="red")
    with pytest.raises(TypeError, match="takes 1 positional"):
        wrong(1.0, 2.0)


def test_what_is_no_generator_function_is_refused_at_the_decoration() -> None:
    def plain() -> Any:
        return pure(1)

    async def coroutine() -> Any:
        return 1

    async def stream() -> Any:
        yield 1

    for function in (plain, coroutine, stream, 3):
        with pytest.raises(TypeError, match="@do decorates a generator function"):
            do(function)  # type: ignore[arg-type] # the mistake


def test_a_block_pickles_by_its_name_and_a_nested_one_does_not() -> None:
    again = pickle.loads(pickle.dumps(square(3.0, name="x")))
    assert again == square(3.0, name="x")
    assert again.run() == square(3.0, name="x").run()

    @do
    def local() -> Do[NodeId]:
        return (yield from leaf(1.0))

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local())


def test_methods_can_be_blocks() -> None:
    class Model:
        @do
        def loss(self, x: float) -> Do[NodeId]:
            return (yield from leaf(x))

    model = Model()
    assert model.loss(1.0) == model.loss(1.0)
    assert model.loss(1.0).eval() == Success(0)


def test_held_arguments_are_not_copied() -> None:
    samples = [1.0]
    program = for_all(samples)
    samples.append(2.0)
    assert len(program.exec().unwrap()) == 2


@do
def for_all(samples: list[float]) -> Do[None]:
    yield from for_m(samples, leaf)


# -- programming error of a block ------------------------------------------------------


def test_a_bare_yield_of_a_value_is_thrown_into_the_block() -> None:
    @do
    def wrong() -> Generator[Any, Any, int]:
        yield from leaf(1.0)
        yield 3  # the line that the traceback must end at
        return 1

    with pytest.raises(TypeError, match="yielded 3, which is no program") as caught:
        wrong().run()
    assert "the line that the traceback" in str(caught.traceback[-1].statement)


def test_a_block_may_catch_its_own_mistake() -> None:
    @do
    def careful() -> Generator[Any, Any, str]:
        with suppress(TypeError):
            yield 3
        return "fixed"

    @do
    def goes_on() -> Generator[Any, Any, str]:
        try:
            yield None
        except TypeError:
            yield from leaf(1.0)
        return "went on"

    assert careful().eval() == Success("fixed")
    assert goes_on().run().unwrap()[0] == "went on"


def test_yield_from_a_list_of_programs_says_what_to_write() -> None:
    @do
    def wrong() -> Generator[Any, Any, None]:
        yield from [leaf(1.0), leaf(2.0)]

    with pytest.raises(TypeError, match=r"list_iterator.*map_m or for_m"):
        wrong().run()


def test_other_attribute_errors_pass_through() -> None:
    @do
    def wrong() -> Do[None]:
        yield from leaf(1.0)
        object().missing  # type: ignore[attr-defined] # noqa: B018 - the mistake

    with pytest.raises(AttributeError, match="missing"):
        wrong().run()


def test_an_attribute_error_of_a_block_is_left_as_it_is() -> None:
    cause = KeyError("why")

    @do
    def caused() -> Do[None]:
        yield from leaf(1.0)
        raise AttributeError("mine") from cause

    @do
    def sending() -> Do[None]:
        yield from leaf(1.0)
        None.send(3)  # type: ignore[attr-defined] # the mistake

    with pytest.raises(AttributeError, match="mine") as caught:
        caused().run()
    assert caught.value.__cause__ is cause
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute"):
        sending().run()


def test_a_wrapped_generator_function_keeps_its_own_signature() -> None:
    def with_one(function: Any) -> Any:
        @wraps(function)
        def supplied(x: float) -> Any:
            return (yield from function(1.0, x))

        return supplied

    @do
    @with_one
    def pair(one: float, x: float) -> Any:
        yield from leaf(one)
        return (yield from leaf(x))

    assert pair(2.0) == pair(x=2.0)
    assert pair(2.0).eval() == Success(1)


def test_a_program_where_an_id_belongs_asks_for_yield_from() -> None:
    @do
    def wrong() -> Generator[Any, Any, NodeId]:
        x = leaf(1.0)
        return (yield from add(x, x))  # type: ignore[arg-type] # the mistake

    with pytest.raises(TypeError, match="did you forget `yield from`"):
        wrong().run()


def test_a_returned_program_is_a_value_until_it_is_used_as_an_id() -> None:
    @do
    def wrong() -> Generator[Any, Any, Any]:
        x = yield from leaf(1.0)
        return add(x, x)

    assert wrong().eval() == Success(add(NodeId(0), NodeId(0)))
    with pytest.raises(TypeError, match="did you forget `yield from`"):
        wrong().bind(value_of).run()


def test_iterating_a_program_outside_a_block_runs_nothing() -> None:
    program = leaf(1.0)
    (only,) = program
    assert only is program
    assert list(program) == [program]


# -- NumPy's error state ---------------------------------------------------------------


def test_run_starts_from_a_tape_and_from_nothing_else() -> None:
    assert const(1.0).run(None) == const(1.0).run(EMPTY) == const(1.0)(EMPTY)
    with pytest.raises(TypeError, match="run starts from a Tape, not a list"):
        const(1.0).run([])  # type: ignore[arg-type] # the mistake


def test_a_param_is_a_leaf_with_its_flag() -> None:
    assert param(1.0, name="w") == leaf(1.0, name="w")
    assert const(1.0) == leaf(1.0, requires_grad=False)
    assert isinstance(throw("x").run(), Failure)
