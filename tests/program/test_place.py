"""A failure says where it arose: do-blocks with their lines, items, nodes and steps."""

import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from returns.primitives.exceptions import UnwrapFailedError
from returns.result import Failure, Result, Success

import tapem_dsl
from tapem_dsl import (
    Do,
    NodeId,
    TapeError,
    TapeM,
    add,
    backward,
    backward_dense,
    backward_dense_from,
    backward_dense_step,
    backward_scalar,
    const,
    div,
    do,
    fold_m,
    for_m,
    log,
    map_m,
    mean_scalar_over,
    param,
    pure,
    relu,
    replay,
    throw,
    to_torchlean,
    train,
    value_of,
)
from tapem_dsl.errors import Item, Line, Place, Skipped, Step, Thrown
from tests.program.failing import CAUSES, MARK, raised

# Any, throughout: programs of any value and scalar type.

SOURCE = Path(__file__).with_name("failing.py").read_text().splitlines()


def marked(name: str) -> int:
    """Return the number of the line that is marked with a name."""
    (number,) = [
        i for i, line in enumerate(SOURCE, 1) if line.endswith(f"{MARK} {name}")
    ]
    return number


def lines_of(error: TapeError) -> list[Line]:
    return [where for where in error.place.chain if isinstance(where, Line)]


@do
def nested(depth: int, program: Callable[[], TapeM[Any, Any]]) -> Do[Any, Any]:
    yield from const(1.0)
    if depth:
        return (yield from nested(depth - 1, program))
    return (yield from program())


def plain(program: Callable[[], TapeM[Any, Any]]) -> TapeM[Any, Any]:
    return program()


def in_fold(program: Any) -> TapeM[Any, Any]:
    return fold_m(lambda acc, i: program() if i == 2 else pure(acc), 0, range(5))


def in_map(program: Any) -> TapeM[Any, Any]:
    return map_m(lambda i: program() if i == 3 else const(1.0), range(4))


def in_for(program: Any) -> TapeM[Any, Any]:
    return for_m(range(3), lambda i: program() if i == 1 else const(1.0))


def after_lash(program: Any) -> TapeM[Any, Any]:
    return throw("first").lash(lambda _: program())


AROUND = {
    "plain": (plain, None),
    "fold": (in_fold, Item(2, 5)),
    "map": (in_map, Item(3, 4)),
    "for": (in_for, Item(1, 3)),
    "lash": (after_lash, None),
}


@pytest.mark.parametrize("depth", range(6))
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cause", CAUSES)
def test_the_line_and_the_item_are_named(cause: str, around: str, depth: int) -> None:
    wrapped, item = AROUND[around]
    found = nested(depth, lambda: wrapped(CAUSES[cause])).run()
    error = found.failure()
    lines = lines_of(error)
    assert lines[0].number == marked(cause), error.place
    assert Path(lines[0].file).name == "failing.py"
    own = [line for line in lines if line.function == "nested"]
    assert len(own) == depth + 1
    items = [where for where in error.place.chain if isinstance(where, Item)]
    assert items == ([] if item is None else [item])
    with pytest.raises(UnwrapFailedError) as raised:
        found.unwrap()
    notes = "\n".join(raised.value.__notes__)
    assert str(error) in notes
    assert f"line {marked(cause)}, in" in notes
    assert raised.value.halted_container is found


def every_error(kind: type[TapeError] = TapeError) -> list[type[TapeError]]:
    return [kind, *(x for below in kind.__subclasses__() for x in every_error(below))]


@pytest.mark.parametrize("kind", every_error()[1:])
def test_every_error_has_its_place(kind: type[TapeError]) -> None:
    given: dict[str, Any] = {field.name: "some" for field in fields(kind)}
    error = kind(**given)
    for depth in range(6):
        found = nested(depth, lambda: raised(error)).run().failure()
        assert (type(found), found) == (kind, error)
        assert lines_of(found)[0].number == marked("raised")
        assert len(lines_of(found)) == depth + 2


def test_equality_pickle_and_message_know_nothing_of_the_place() -> None:
    first: Any = nested(0, CAUSES["shape"]).run().failure()  # Any: replace needs ids
    second: Any = nested(3, CAUSES["shape"]).run().failure()
    there = pickle.loads(pickle.dumps(first))
    assert first.place != second.place
    assert replace(first, ids=()) == replace(second, ids=())
    assert (there, hash(there), there.message) == (first, hash(first), first.message)
    assert str(there) == str(first)
    assert not there.place
    found = nested(0, CAUSES["shape"]).run()
    assert found == Failure(first)
    assert Failure(first) == found
    assert hash(found) == hash(Failure(first))
    assert repr(found) == repr(Failure(first))
    assert pickle.loads(pickle.dumps(found)) == found


def test_an_error_of_the_users_is_not_changed() -> None:
    error = Thrown("mine")
    program = nested(1, lambda: TapeM.from_failure(error))
    found = program.run().failure()
    assert found == error
    assert (bool(found.place), bool(error.place)) == (True, False)


def test_a_handler_sees_the_place_and_passing_an_error_on_keeps_it() -> None:
    seen: list[TapeError] = []

    def handler(error: TapeError) -> TapeM[Any, Any]:
        seen.append(error)
        return TapeM.from_failure(error)

    found = nested(0, lambda: CAUSES["shape"]().lash(handler)).run().failure()
    assert found.place == seen[0].place
    assert lines_of(found)[0].number == marked("shape")


def test_many_handlers_pass_a_place_on_as_it_is() -> None:
    program = CAUSES["shape"]()
    for _ in range(200):
        program = program.lash(TapeM.from_failure)
    inner, skipped, outer = nested(0, lambda: program).run().failure().place.chain
    assert isinstance(inner, Line)
    assert inner.number == marked("shape")
    assert skipped == Skipped(202 - 64)
    assert isinstance(outer, Line)
    assert outer.function == "nested"


def test_nodes_are_described() -> None:
    @do
    def program() -> Do[NodeId]:
        w = yield from param(np.zeros(2), name="w")
        active = yield from relu(w)
        other = yield from const(np.zeros(3))
        return (yield from add(active, other))

    place = program().run().failure().place
    assert place.nodes == ("1: Relu(), float64[2]", "2: leaf, float64[3]")
    assert "node 1: Relu(), float64[2]" in str(place)


def test_plain_generators_of_a_block_are_lines_too() -> None:
    def helper(x: NodeId) -> Do[NodeId]:
        y = yield from relu(x)
        return (yield from log(y))

    @do
    def program() -> Do[NodeId]:
        x = yield from const(-1.0)
        return (yield from helper(x))

    functions = [line.function for line in lines_of(program().run().failure())]
    assert [name.rsplit(".", 1)[-1] for name in functions] == ["helper", "program"]


def test_long_chains_are_cut() -> None:
    chain = nested(500, CAUSES["shape"]).run().failure().place.chain
    assert len(chain) == 65
    assert chain[48] == Skipped(502 - 64)
    assert lines_of(nested(500, CAUSES["shape"]).run().failure())[0].number == marked(
        "shape"
    )


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_samples_of_a_mean(at: int, dtype: Any) -> None:
    def loss_of(x: Any) -> TapeM[NodeId, Any]:
        return const(x).bind(log)

    xs = [dtype(-1 if k == at else 2) for k in range(4)]
    program: Any = mean_scalar_over("t", xs, loss_of)
    assert program.run().failure().place.chain == (Item(at, 4, "t"),)
    chain = nested(0, lambda: program).run().failure().place.chain
    assert chain[0] == Item(at, 4, "t")
    assert len(chain) == 2


def test_a_fold_within_a_sample_keeps_its_item() -> None:
    def loss_of(x: float) -> TapeM[NodeId, Any]:
        return const(x).bind(lambda x: fold_m(lambda a, _: log(a), x, range(3)))

    chain = mean_scalar_over("t", [0.5, 3.0, 3.0], loss_of).run().failure().place.chain
    assert chain == (Item(1, 3), Item(0, 3, "t"))


def test_a_run_within_a_run_adds_its_blocks() -> None:
    @do
    def outer(program: TapeM[Any, Any]) -> Do[Any, Any]:
        yield from const(1.0)
        return (yield from program)

    inner = CAUSES["shape"]()
    for program in (inner.swap().swap(), TapeM.from_result(inner.eval())):
        lines = lines_of(outer(program).run().failure())
        names = [line.function.rsplit(".", 1)[-1] for line in lines]
        assert names == ["_shape", "outer"]


def test_steps_of_training_keep_the_last_good_state() -> None:
    def step(w: float) -> Result[tuple[float, train.StepReport], TapeError]:
        return (
            const(w)
            .bind(log)
            .bind(value_of)
            .eval()
            .map(lambda value: (w - 1, train.StepReport(float(value))))
        )

    found = train.Trainer(3.0, step).run(10)
    place = found.failure().place
    assert (place.chain[-1], place.state) == (Step(3), 0.0)
    assert "at step 3" in str(place)
    with pytest.raises(UnwrapFailedError) as raised:
        found.unwrap()
    assert "at step 3" in "\n".join(raised.value.__notes__)


@pytest.mark.parametrize("init", [(1,), (1, 2)])
def test_loops_of_training_within_a_step(init: Any) -> None:
    def inner(_: Any) -> Result[Any, TapeError]:
        return throw("no").eval()

    def step(state: int) -> Any:
        if state < 2:
            return Success((state + 1, train.StepReport(0.0)))
        return train.run_steps(2, init, inner).map(lambda _: None)

    place = train.Trainer(0, step).run(5).failure().place
    assert place.chain == (Step(0), Step(2))
    assert place.state == 2
    kept = train.Trainer(0, step).run(5).failure()
    again = train.Trainer((7, 8), lambda _: Failure(kept)).run(5).failure().place
    assert (again.chain[-1], again.state) == (Step(0), (7, 8))


def test_places_compare_without_states() -> None:
    first = Place((Step(0),), state=np.zeros(3))
    assert first == Place((Step(0),), state=np.zeros(2))
    assert hash(first) == hash(Place((Step(0),)))
    assert first


def test_the_epoch_of_a_stream_is_named() -> None:
    data = train.Dataset.of_list([1.0, 2.0, 3.0])
    batches = train.Stream(train.DataLoader(data, 1))

    def step(state: Any) -> Any:
        w, stream = state
        return stream.next("t").bind(
            lambda found: (
                const(w)
                .bind(log)
                .run()
                .map(lambda _: ((w - 1, found[0]), train.StepReport(w)))
            )
        )

    place = train.Trainer((5.0, batches), step).run(10).failure().place
    assert place.chain[-1] == Step(5, epoch=1)
    assert place.state[0] == 0.0


def test_a_sample_of_an_evaluation_is_named() -> None:
    def report_of(x: float) -> Result[train.StepReport, TapeError]:
        return const(x).bind(log).run().map(lambda _: train.StepReport(x))

    found = train.eval_dataset("t", train.Dataset.of_list([1.0, -1.0]), report_of)
    assert found.failure().place.chain[-1] == Item(1)


def test_a_backward_read_in_a_block_is_named() -> None:
    @do
    def program() -> Do[Any]:
        x = yield from const(np.zeros(2))
        return (yield from backward_scalar(x))

    (line,) = lines_of(program().run().failure())
    assert line.function.endswith("program")


def test_exceptions_show_all_blocks() -> None:
    def fail() -> TapeM[Any, Any]:
        raise KeyError("mine")

    with pytest.raises(KeyError) as raised:
        nested(2, fail).run()
    (note,) = raised.value.__notes__
    assert note.count("in nested") == 2  # the traceback has the third
    with pytest.raises(TypeError, match="not iterable") as wrong:
        nested(1, lambda: 3).run()  # type: ignore[arg-type,return-value] # a mistake
    assert "in nested" in wrong.value.__notes__[0]


@pytest.mark.parametrize("lazy", [False, True])
def test_exceptions_in_loops_note_the_item(lazy: bool) -> None:
    def fail(i: int) -> TapeM[Any, Any]:
        if i < 2:
            return pure(0)
        return pure(i).map(lambda _: 1 + "a") if lazy else relu("a")  # type: ignore[operator,arg-type] # mistakes

    loops = {
        "map_m": map_m(fail, range(5)),
        "for_m": for_m(range(5), fail),
        "fold_m": fold_m(lambda _, i: fail(i), 0, range(5)),
    }
    for name, loop in loops.items():
        for program in (loop, nested(1, lambda loop=loop: loop)):  # type: ignore[misc] # mypy infers no default
            with pytest.raises(TypeError) as raised:
                program.run()
            (note,) = raised.value.__notes__
            assert note.startswith("  at item 2 of 5"), name
            assert note.count("at item") == 1
            assert note.count("in nested") == (2 if program is not loop else 0)


def test_exceptions_in_loops_in_loops_note_each_item_once() -> None:
    def inner(_: int) -> TapeM[Any, Any]:
        return map_m(lambda j: relu("a") if j else pure(j), range(3))  # type: ignore[arg-type] # a mistake

    with pytest.raises(TypeError) as raised:
        for_m(range(2), inner).run()
    assert raised.value.__notes__ == ["  at item 1 of 3\n  at item 0 of 2"]
    with pytest.raises(TypeError) as raised:
        for_m(range(2), lambda i: pure(inner(i).run())).run()
    assert raised.value.__notes__ == ["  at item 1 of 3", "  at item 0 of 2"]


@pytest.mark.parametrize("wrong", [0, 2])
def test_exceptions_in_means_note_the_sample(wrong: int) -> None:
    def loss_of(i: int) -> TapeM[NodeId, Any]:
        return relu("a") if i == wrong else const(1.0)  # type: ignore[arg-type] # a mistake

    with pytest.raises(TypeError) as raised:
        mean_scalar_over("t", range(3), loss_of).run()
    assert raised.value.__notes__ == [f"  at item {wrong} of 3 of t"]


# -- steps of programs -----------------------------------------------------------------


def falling(w: float) -> TapeM[tuple[float, NodeId], Any]:
    return const(w).bind(log).map(lambda y: (w - 1, y))


def test_steps_in_a_program_are_named_with_the_state_before() -> None:
    place = train.run_steps_m(9, 3.0, falling).run().failure().place
    assert (place.chain, place.state) == ((Step(3),), 0.0)
    assert len(place.nodes) == 1
    assert str(place).endswith("place.state is the last good state")
    outer = nested(1, lambda: train.run_steps_m(9, 1.0, falling))
    place = outer.run().failure().place
    assert place.chain[0] == Step(1)
    assert (len(place.chain), place.state) == (3, 0.0)


def test_steps_within_steps_keep_the_outer_state() -> None:
    def step(n: int) -> TapeM[tuple[int, None], Any]:
        loop = train.run_steps_m(9, 3.0 - n, falling) if n else const(1.0)
        return loop.map(lambda _: (n + 1, None))

    place = train.run_steps_m(5, 0, step).run().failure().place
    assert (place.chain, place.state) == ((Step(2), Step(1)), 1)


def test_the_epoch_of_a_stream_in_a_program_is_named() -> None:
    data = train.Dataset.of_list([1.0, 2.0])
    batches = train.Stream(train.DataLoader(data, 1))

    def step(state: Any) -> Any:
        w, stream = state
        return TapeM.from_result(stream.next("t")).bind(
            lambda found: const(w).bind(log).map(lambda _: ((w - 1, found[0]), None))
        )

    place = train.run_steps_m(9, (3.0, batches), step).run().failure().place
    assert place.chain == (Step(3, epoch=1),)


def test_exceptions_in_steps_note_the_step() -> None:
    def step(n: int) -> Any:
        return const(1.0).map(lambda _: (n + 1, None)) if n < 2 else relu("a")  # type: ignore[arg-type] # the mistake

    with pytest.raises(TypeError) as raised:
        train.run_steps_m(5, 0, step).run()
    assert raised.value.__notes__ == ["  at step 2"]


# -- outside of programs ---------------------------------------------------------------


def test_errors_of_sweeps_describe_their_nodes() -> None:
    rows = param(np.zeros((2, 3)), "rows")
    id, tape = rows.bind(relu).run().unwrap()
    expected = ("1: Relu(), float64[2, 3]",)
    for result in (
        backward_scalar(tape, id),
        backward(tape, id, np.zeros(2)),
        backward_dense(tape, id, np.zeros(2)),
        backward_dense_from(tape, [np.zeros((2, 3)), np.zeros(2)]),
        backward_dense_step(tape, [None, np.zeros(2)], id),
    ):
        place = result.failure().place
        assert (place.nodes, place.chain) == (expected, ())
    frozen = const(1.0, "c").bind(lambda c: add(c, c)).run().unwrap()
    place = backward(frozen[1], frozen[0], 1, wrt=[NodeId(0)]).failure().place
    assert place.nodes == ("0: c, leaf, float64[]",)
    inside = rows.bind(relu).bind(backward_scalar).run().failure()
    assert inside.place.nodes == expected


def test_errors_of_replays_and_exports_describe_their_nodes() -> None:
    pair = const(np.zeros(2), "x").bind(
        lambda x: const(np.zeros(2), "y").bind(lambda y: add(x, y))
    )
    tape = pair.exec().unwrap()
    error = replay(tape, {"x": np.zeros(3)}).failure()
    assert error.place.nodes == (
        "0: x, leaf, float64[3]",
        "1: y, leaf, float64[2]",
    )
    refused = to_torchlean(
        param(1.0, "x").bind(lambda x: div(x, x)).exec().unwrap(),
        [NodeId(1)],
        input=NodeId(0),
    ).failure()
    assert refused.place.nodes == ("1: Div(), float64[]",)


def test_success_is_not_touched() -> None:
    assert nested(3, lambda: pure(1)).eval() == Success(1)
    assert not Place()


def test_blocks_of_users_may_be_named_as_those_of_the_library() -> None:
    @do
    def _mean_scalar_over(depth: int) -> Do[None]:
        yield from fold_m(lambda _, x: _run_steps_m(x), None, [depth])

    @do
    def _run_steps_m(state: int) -> Do[None]:
        yield from throw("no")

    place = _mean_scalar_over(3).run().failure().place
    inner, item, outer = place.chain
    assert isinstance(inner, Line)
    assert item == Item(0, 1)
    assert isinstance(outer, Line)
    assert place.state is None


def test_a_package_whose_name_begins_as_that_of_the_library_has_lines() -> None:
    source = "@do\ndef loss():\n    yield from throw('no')\n"
    file = f"{Path(tapem_dsl.__file__).parent}_users/losses.py"
    names: dict[str, Any] = {"do": do, "throw": throw}
    exec(compile(source, file, "exec"), names)
    assert names["loss"]().run().failure().place.chain == (Line("loss", file, 3),)


def test_an_error_that_a_handler_saved_keeps_its_place() -> None:
    @do
    def program() -> Do[Any, Any]:
        saved: list[TapeError] = []

        def save(error: TapeError) -> TapeM[None, Any]:
            saved.append(error)
            return pure(None)

        yield from CAUSES["shape"]().lash(save)
        yield from throw("second").lash(save)
        return (yield from throw(saved[0]))

    found = program().run().failure()
    names = [line.function.rsplit(".", 1)[-1] for line in lines_of(found)]
    assert names == ["_shape", "program"]
    assert lines_of(found)[0].number == marked("shape")


def test_lines_that_alternate_do_not_make_a_chain_longer() -> None:
    @do
    def program() -> Do[Any, Any]:
        error: TapeError = Thrown("no")

        def save(found: TapeError) -> TapeM[TapeError, Any]:
            return pure(found)

        for _ in range(10):
            error = yield from throw(error).lash(save)
            error = yield from throw(error).lash(save)
        return (yield from throw(error))

    assert len(program().run().failure().place.chain) == 1


def test_each_level_of_a_block_that_runs_itself_is_shown() -> None:
    @do
    def level(n: int) -> Do[Any, Any]:
        if n == 0:
            return (yield from throw("bottom"))
        return (yield from TapeM.from_result(level(n - 1).eval()))

    assert len(level(3).run().failure().place.chain) == 4


def test_an_error_that_goes_through_many_runs_has_a_short_chain() -> None:
    @do
    def again(error: TapeError) -> Do[Any, Any]:
        return (yield from throw(error))

    error: TapeError = Thrown("no")
    for _ in range(500):
        error = again(error).run().failure()
    chain = error.place.chain
    assert len(chain) == 65
    assert chain[48] == Skipped(500 - 64)
