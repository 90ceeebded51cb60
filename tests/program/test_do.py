"""Do-notation: what the decorator promises, and the traps around ``yield from``."""

import pickle
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

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
    add,
    apply_op,
    const,
    do,
    exp,
    fold_m,
    for_m,
    get_tape,
    leaf,
    mul,
    param,
    pure,
    throw,
    value_of,
)
from tapem_dsl.errors import Refused
from tapem_dsl.ops.arithmetic import Add


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


def test_a_block_inside_itself_and_inside_another_run() -> None:
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


# -- programming error of a block ---------------------------------------------------


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


def test_yield_from_a_list_of_programs_says_the_mend() -> None:
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


# -- failures and exceptions -----------------------------------------------------------


def tracing(log: list[str]) -> Callable[[str], Any]:
    @contextmanager
    def entered(name: str) -> Iterator[None]:
        log.append(f"+{name}")
        try:
            yield
        finally:
            log.append(f"-{name}")

    return entered


def test_a_failure_closes_the_blocks_innermost_first() -> None:
    log: list[str] = []
    entered = tracing(log)

    @do
    def inner() -> Do[None]:
        with entered("inner"):
            yield from throw("no")

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            try:
                yield from inner()
            except Exception:  # noqa: BLE001 - a failure is no exception
                log.append("caught")

    assert str(outer().run().failure()) == "no"
    assert log == ["+outer", "+inner", "-inner", "-outer"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StopIteration])
def test_an_exception_passes_through_and_closes_the_blocks(
    error: type[BaseException],
) -> None:
    log: list[str] = []
    entered = tracing(log)

    def fail(_: object) -> Any:
        raise error

    @do
    def inner() -> Do[None]:
        with entered("inner"):
            yield from leaf(1.0).map(fail)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from inner()

    with pytest.raises(error):
        outer().run()
    assert log == ["+outer", "+inner", "-inner", "-outer"]


def test_an_exception_of_an_inner_block_is_not_seen_by_the_outer_one() -> None:
    log = []

    @do
    def inner() -> Do[float]:
        yield from leaf(1.0)
        return 1 / 0

    @do
    def outer() -> Do[float]:
        try:
            return (yield from inner())
        except ZeroDivisionError:
            log.append("seen")
            raise

    with pytest.raises(ZeroDivisionError):
        outer().run()
    assert log == []


def test_all_blocks_are_closed_even_if_one_refuses_to() -> None:
    log: list[str] = []
    entered = tracing(log)

    @do
    def stubborn() -> Do[None]:
        try:
            yield from throw("no")
        finally:
            yield from leaf(1.0)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from stubborn()

    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        outer().run()
    assert log == ["+outer", "-outer"]


def test_all_blocks_are_closed_when_an_exception_meets_a_stubborn_one() -> None:
    log: list[str] = []
    entered = tracing(log)

    def fail(_: object) -> Any:
        raise KeyboardInterrupt

    @do
    def stubborn() -> Do[None]:
        try:
            yield from leaf(1.0).map(fail)
        finally:
            yield from leaf(1.0)

    @do
    def outer() -> Do[None]:
        with entered("outer"):
            yield from stubborn()

    with pytest.raises(RuntimeError, match="ignored GeneratorExit") as caught:
        outer().run()
    assert isinstance(caught.value.__context__, KeyboardInterrupt)
    assert log == ["+outer", "-outer"]


@pytest.mark.parametrize("place", ["map", "bind", "fold", "lash", "apply"])
def test_stop_iteration_of_a_function_is_no_return(place: str) -> None:
    def stop(*_: object) -> Any:
        raise StopIteration("not a value")

    programs: dict[str, TapeM[Any]] = {
        "map": leaf(1.0).map(stop),
        "bind": leaf(1.0).bind(stop),
        "fold": fold_m(stop, 0, [1]),
        "lash": throw("no").lash(stop),
        "apply": leaf(1.0).apply(pure(stop)),
    }
    with pytest.raises(StopIteration, match="not a value"):
        programs[place].run()


def test_lash_recovers_around_a_block_and_drops_what_it_recorded() -> None:
    @do
    def failing() -> Do[NodeId]:
        yield from leaf(1.0)
        yield from leaf(2.0)
        return (yield from throw("no"))

    @do
    def program() -> Do[tuple[NodeId, NodeId]]:
        x = yield from leaf(0.0)
        y = yield from failing().lash(lambda error: leaf(float(len(error.message))))
        return x, y

    value, tape = program().run().unwrap()
    assert value == tuple(tape.ids())
    assert [node.value for node in tape] == [0.0, 2.0]


def test_lash_after_a_snapshot_leaves_the_snapshot_alone() -> None:
    seen: list[Tape[Any]] = []

    @do
    def failing() -> Do[NodeId]:
        yield from leaf(1.0)
        tape = yield from get_tape()
        seen.append(tape)
        return (yield from throw("no"))

    tape = failing().lash(lambda _: leaf(2.0)).exec().unwrap()
    assert [node.value for node in tape] == [2.0]
    assert [node.value for node in seen[0]] == [1.0]


def test_a_handler_that_fails_is_handled_by_the_next_one() -> None:
    program = throw("first").lash(lambda _: throw("second")).lash(pure)
    assert str(program.eval().unwrap()) == "second"
    assert str(throw("first").lash(lambda _: throw("second")).run().failure()) == (
        "second"
    )


# -- NumPy's error state ---------------------------------------------------------------


def test_no_numpy_error_state_escapes_a_run() -> None:
    overflow = leaf(1e6).bind(exp).bind(value_of)
    assert overflow.eval() == Success(np.float64("inf"))
    with np.errstate(all="raise"):
        assert overflow.eval() == Success(np.float64("inf"))
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.float64(0)


@pytest.mark.parametrize("state", ["raise", "warn"])
def test_an_error_state_of_a_block_that_spans_a_yield(state: Any) -> None:
    @do
    def program() -> Do[Any]:
        x = yield from leaf(1e6)
        with np.errstate(all=state):
            y = yield from exp(x)
            z = yield from mul(y, y)
        return (yield from value_of(z))

    assert program().eval() == Success(np.float64("inf"))


def test_an_exception_restores_the_error_state_of_the_caller() -> None:
    @do
    def inner() -> Do[None]:
        yield from pure(1)
        raise ValueError("mine")

    @do
    def outer() -> Do[None]:
        with np.errstate(all="raise"):
            yield from inner()

    before = np.geterr()
    with pytest.raises(ValueError, match="mine"):
        outer().run()
    assert np.geterr() == before


@pytest.mark.parametrize("error", [FloatingPointError, RuntimeWarning])
def test_what_a_users_op_raises_passes_through(error: type[Exception]) -> None:
    @dataclass(frozen=True, slots=True)
    class Raising(Op):
        name = "raising"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            raise error("mine")

    program = leaf(1.0).bind(lambda x: apply_op(Raising(), x))
    with pytest.raises(error, match="mine"):
        program.run()
    with np.errstate(all="raise"), pytest.raises(error, match="mine"):
        program.run()


@dataclass(frozen=True, slots=True)
class Giving(Op):
    """Evaluates to whatever it is told to."""

    name = "giving"

    function: Any

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return self.function(*inputs)


@pytest.mark.parametrize("value", [1.0, np.ones(2)])
def test_conditions_and_labels_carry_no_gradient(value: Any) -> None:
    for function in (lambda x: x > 0, lambda x: np.sign(x).astype(np.int8)):
        program = leaf(value).bind(partial(apply_op, Giving(function)))
        assert [n.requires_grad for n in program.exec().unwrap()] == [True, False]


@pytest.mark.parametrize("value", [np.float32(1), np.ones(2, np.float32)])
def test_an_op_that_widens_its_operands_is_a_mistake_in_its_text(value: Any) -> None:
    op = Giving(lambda x: x * np.float64(2))
    with pytest.raises(TypeError, match="evaluates to float64 over float32"):
        leaf(value).bind(lambda x: apply_op(op, x)).run()


def test_a_text_is_refusal_enough() -> None:
    def refuse(_: Array) -> Array:
        raise Refused("not today")

    program = leaf(1.0).bind(lambda x: apply_op(Giving(refuse), x))
    assert program.run() == throw("not today").run()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_operands_is_a_mistake_in_the_text(count: int) -> None:
    tape = leaf(1.0).exec().unwrap()
    with pytest.raises(TypeError, match=f"add takes 2 operands, not {count}"):
        apply_op(Add(), *[NodeId(0)] * count).run(tape)


@pytest.mark.parametrize("gives", [1.0, [1.0], None, np.zeros(2)])
def test_an_op_that_breaks_its_own_rules_is_a_mistake_in_its_text(gives: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Broken(Op):
        name = "broken"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return gives

    with pytest.raises(TypeError, match=r"expected a NumPy array|shape rule returns"):
        leaf(1.0).bind(lambda x: apply_op(Broken(), x)).run()


def test_a_division_by_zero_in_a_users_op_over_floats_passes_through() -> None:
    @dataclass(frozen=True, slots=True)
    class Dividing(Op):
        name = "dividing"

        def shape(self, *inputs: Shape) -> Shape:
            return ()

        def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
            return 1 / int(inputs[0] * 0)

    program = leaf(1.0).bind(lambda x: apply_op(Dividing(), x))
    with pytest.raises(ZeroDivisionError):
        program.run()
    exact = leaf(Fraction(1)).bind(lambda x: apply_op(Dividing(), x))
    assert exact.run().failure().message == "autograd: dividing: division by zero"


def test_run_starts_from_a_tape_and_from_nothing_else() -> None:
    assert const(1.0).run(None) == const(1.0).run(EMPTY) == const(1.0)(EMPTY)
    with pytest.raises(TypeError, match="run starts from a Tape, not a list"):
        const(1.0).run([])  # type: ignore[arg-type] # the mistake


def test_a_param_is_a_leaf_with_its_flag() -> None:
    assert param(1.0, name="w") == leaf(1.0, name="w")
    assert const(1.0) == leaf(1.0, requires_grad=False)
    assert isinstance(throw("x").run(), Failure)
