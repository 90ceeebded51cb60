"""The laws of ``returns`` hold on programs that extend the tape, and catch mutants."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from returns.contrib.hypothesis.laws import check_all_laws
from returns.interfaces.failable import DiverseFailable2
from returns.interfaces.specific.reader import Contextable
from returns.iterables import Fold
from returns.methods import cond
from returns.primitives.container import BaseContainer
from returns.primitives.hkt import SupportsKind2
from returns.result import Failure, Result, Success

from tapem_dsl import EMPTY, NodeId, TapeError, TapeM, leaf, pure, relu, throw
from tapem_dsl.errors import Thrown
from tapem_dsl.testing import assert_equivalent
from tapem_dsl.testing.strategies import programs_returning

INTEGERS = st.integers(-3, 3)
PROGRAMS = programs_returning(INTEGERS)
FAILURES: st.SearchStrategy[TapeError] = st.builds(Thrown, st.text(max_size=3))

# A failure is always a TapeError. The laws name values and failures alike by type
# variables, so that both are drawn from these; programs give integers besides.
check_all_laws(
    TapeM,
    container_strategy=PROGRAMS,
    settings_kwargs={"deadline": None},
    type_strategies={TypeVar: FAILURES},
)

# Any, throughout: a mutant is untyped on purpose; what it computes is what is tested.
State = Callable[[Any], Result[Any, TapeError]]


class StateT(
    BaseContainer,
    SupportsKind2["StateT", Any, Any],
    DiverseFailable2[Any, Any],
    Contextable[Any, Any],
):
    """A closure over the real tape, right unless a subclass breaks one method."""

    __slots__ = ()

    _inner_value: State

    def __call__(self, deps: Any) -> Any:
        return self._inner_value(EMPTY if deps is None else deps)

    def bind(self, function: Any) -> Any:
        def run(tape: Any) -> Any:
            return self(tape).bind(lambda pair: function(pair[0])(pair[1]))

        return type(self)(run)

    def map(self, function: Any) -> Any:
        return type(self)(
            lambda tape: self(tape).map(lambda pair: (function(pair[0]), pair[1]))
        )

    def apply(self, container: Any) -> Any:
        def run(tape: Any) -> Any:
            return self(tape).bind(
                lambda pair: container(pair[1]).map(
                    lambda applied: (applied[0](pair[0]), applied[1])
                )
            )

        return type(self)(run)

    @classmethod
    def from_value(cls, inner_value: Any) -> Any:
        return cls(lambda tape: Success((inner_value, tape)))

    @classmethod
    def from_failure(cls, inner_value: Any) -> Any:
        return cls(lambda _: Failure(inner_value))

    def lash(self, handler: Any) -> Any:
        def run(tape: Any) -> Any:
            return self(tape).lash(lambda error: handler(error)(tape))

        return type(self)(run)

    def alt(self, function: Any) -> Any:
        return type(self)(lambda tape: self(tape).alt(function))

    def swap(self) -> Any:
        """Keep in a failure that was a success the tape that it had reached."""

        def run(tape: Any) -> Any:
            match self(tape):
                case Success((value, longer)):
                    return Failure((value, longer))
                case Failure((value, longer)):
                    return Success((value, longer))
                case Failure(error):
                    return Success((Bare(error), tape))

        def unbared(tape: Any) -> Any:
            match run(tape):
                case Failure((Bare(error), _)):
                    return Failure(error)
                case other:
                    return other

        return type(self)(unbared)


@dataclass(frozen=True)
class Bare:
    """A failure that became a value of the model."""

    error: Any


class SwapDropsTape(StateT):
    __slots__ = ()

    def swap(self) -> Any:
        def run(tape: Any) -> Any:
            match self(tape):
                case Success((value, _)):
                    return Failure(value)
                case Failure(error):
                    return Success((error, tape))

        return type(self)(run)


class LashTakesSuccesses(StateT):
    __slots__ = ()

    def lash(self, handler: Any) -> Any:
        return type(self)(
            lambda tape: self(tape).bind(lambda pair: handler(pair[0])(tape))
        )


class AltFails(StateT):
    __slots__ = ()

    def alt(self, function: Any) -> Any:
        return type(self)(
            lambda tape: self(tape).bind(lambda pair: Failure(function(pair[0])))
        )


class BindDropsTape(StateT):
    __slots__ = ()

    def bind(self, function: Any) -> Any:
        return type(self)(
            lambda tape: self(tape).bind(lambda pair: function(pair[0])(tape))
        )


class MapDropsTape(StateT):
    __slots__ = ()

    def map(self, function: Any) -> Any:
        return type(self)(
            lambda tape: self(tape).map(lambda pair: (function(pair[0]), tape))
        )


class ApplyDropsTape(StateT):
    __slots__ = ()

    def apply(self, container: Any) -> Any:
        def run(tape: Any) -> Any:
            return self(tape).bind(
                lambda pair: container(tape).map(
                    lambda applied: (applied[0](pair[0]), applied[1])
                )
            )

        return type(self)(run)


class Broken(Exception):
    """A failed run that remembers the tape it failed with."""

    def __init__(self, error: TapeError, tape: Any) -> None:
        self.error, self.tape = error, tape


class LashKeepsTape(StateT):
    """Its handler goes on from the tape that the failed program left behind."""

    __slots__ = ()

    def lash(self, handler: Any) -> Any:
        def run(tape: Any) -> Any:
            try:
                return self(tape)
            except Broken as broken:
                return handler(broken.error)(broken.tape)

        return type(self)(run)


def laws_broken_by(
    mutant: type[StateT], made_of: st.SearchStrategy[TapeM[int]] = PROGRAMS
) -> set[str]:
    """Run the laws on a mutant, with the strategy that TapeM is tested with."""
    check_all_laws(
        mutant,
        container_strategy=made_of.map(lambda m: mutant(m.run)),
        type_strategies={TypeVar: FAILURES},
        settings_kwargs={
            "deadline": None,
            "derandomize": True,
            "max_examples": 15,  # enough to catch each of the mutants
            "database": None,
            "phases": [Phase.generate],  # that it fails is enough, however
            "suppress_health_check": list(HealthCheck),
        },
    )
    module = sys.modules[__name__]
    prefix = f"test_{mutant.__qualname__.lower()}_"
    broken = set()
    for name in [name for name in vars(module) if name.startswith(prefix)]:
        law = getattr(module, name)
        delattr(module, name)
        try:
            law()
        except AssertionError:
            broken.add(name.removeprefix(prefix))
        except BaseExceptionGroup:  # several ways to fail
            broken.add(name.removeprefix(prefix))
    return broken


class Honest(StateT):
    __slots__ = ()

    _: ClassVar[str] = "what the mutants are mutations of"


def test_the_unbroken_model_passes_every_law() -> None:
    assert laws_broken_by(Honest) == set()


@pytest.mark.parametrize(
    "mutant", [BindDropsTape, MapDropsTape, ApplyDropsTape, SwapDropsTape]
)
def test_a_dropped_tape_is_caught(mutant: type[StateT]) -> None:
    assert laws_broken_by(mutant)


@pytest.mark.parametrize("mutant", [LashTakesSuccesses, AltFails])
def test_what_takes_a_success_for_a_failure_is_caught(mutant: type[StateT]) -> None:
    assert laws_broken_by(mutant)


def test_programs_that_leave_the_tape_alone_would_have_caught_nothing() -> None:
    """The strategy of ``returns`` makes ``pure`` alone, ours extends the tape."""
    assert laws_broken_by(BindDropsTape, made_of=INTEGERS.map(pure)) == set()


# -- what no law of returns says: what lash restores, and the order of apply -----------


def check_lash_restores(
    container: Callable[[Any], Any], failing: Any, recovery: Any
) -> None:
    """A recovered program leaves what the recovery alone would have left."""
    recovered = container(failing).lash(lambda _: container(recovery))
    assert recovered(EMPTY) == recovery.run(EMPTY)


def keeping(program: TapeM[Any, Any]) -> Any:
    """Run a program in the mutant's way: a failure keeps the tape it had reached."""

    def run(tape: Any) -> Any:
        match program.run(tape):
            case Failure(error):
                raise Broken(error, leaf(1.0).exec(tape).unwrap())
            case success:
                return success

    return LashKeepsTape(run)


def test_lash_resumes_from_the_tape_at_entry() -> None:
    failing = leaf(1.0).bind(lambda _: throw("no"))
    check_lash_restores(lambda m: m, failing, leaf(2.0))
    check_lash_restores(lambda m: Honest(m.run), failing, leaf(2.0))


def test_a_lash_that_keeps_the_failed_tape_is_caught() -> None:
    failing = leaf(1.0).bind(lambda _: throw("no"))
    with pytest.raises(AssertionError):
        check_lash_restores(keeping, failing, leaf(2.0))


@given(PROGRAMS, PROGRAMS)
def test_lash_behaves_as_the_model(first: TapeM[int], second: TapeM[int]) -> None:
    model = Honest(first.run).lash(lambda _: Honest(second.run))
    assert first.lash(lambda _: second).run() == model(EMPTY)


def test_apply_runs_its_own_effects_first() -> None:
    value = leaf(1.0, name="value")
    function = leaf(2.0, name="function").map(lambda _: str)
    tape = value.apply(function).exec().unwrap()
    assert [node.name for node in tape] == ["value", "function"]


def test_the_first_failure_of_apply_wins() -> None:
    first: TapeM[int] = throw("first")
    assert first.apply(throw("second")).run() == throw("first").run()


@given(PROGRAMS)
def test_pure_is_neutral_for_apply(m: TapeM[int]) -> None:
    assert_equivalent(m.apply(pure(lambda n: n)), m)


# -- failures, as returns knows them ---------------------------------------------------


@given(FAILURES)
def test_from_failure_is_throw(error: TapeError) -> None:
    assert TapeM.from_failure(error) == throw(error)
    assert TapeM.from_failure(str(error)) == throw(str(error))


@pytest.mark.parametrize("error", [ValueError("no"), None, 3, b"no", throw("no")])
def test_what_is_no_failure_is_refused(error: Any) -> None:
    with pytest.raises(TypeError, match="takes a string or a TapeError, not"):
        TapeM.from_failure(error)
    with pytest.raises(TypeError, match="takes a string or a TapeError, not"):
        throw("no").alt(lambda _: error).run()


@given(PROGRAMS, FAILURES)
def test_bind_result_is_bind_of_from_result(m: TapeM[int], error: TapeError) -> None:
    def half(n: int) -> Result[int, TapeError]:
        return Failure(error) if n % 2 else Success(n // 2)

    bound = m.bind_result(half)
    assert_equivalent(bound, m.bind(lambda n: TapeM.from_result(half(n))))
    assert bound == m.bind_result(half)
    assert bound != m.bind_result(Success)


def test_bind_result_pickles_and_prints() -> None:
    program = leaf(1.0).bind_result(Success)
    assert pickle.loads(pickle.dumps(program)) == program
    assert "Success" in repr(program)


@pytest.mark.parametrize("given_", [1.0, None, leaf(1.0)])
def test_what_gives_no_result_is_refused(given_: Any) -> None:
    with pytest.raises(TypeError, match="takes a Result, not"):
        leaf(1.0).bind_result(lambda _: given_).run()


def test_a_value_that_is_a_failure_swaps_like_any_other() -> None:
    error = Thrown("no")
    assert pure(error).swap().run() == throw("no").run()
    longer = leaf(1.0).map(lambda _: error)
    assert longer.swap().swap().run() == longer.run()
    assert_equivalent(longer.swap().bind(pure).swap(), longer)


def test_a_swapped_success_can_be_recovered_with_its_tape() -> None:
    failed = leaf(1.0).bind(relu).swap()
    assert failed.run().failure().message == "a success was swapped"
    assert_equivalent(failed.swap(), leaf(1.0).bind(relu))


def test_fold_collects_programs_and_leaves_out_those_that_fail() -> None:
    some: list[TapeM[NodeId]] = [leaf(1.0), leaf(2.0).bind(lambda _: throw("no"))]
    start: TapeM[tuple[NodeId, ...]] = pure(())
    collected = Fold.collect_all([*some, leaf(3.0)], start)
    ids, tape = collected.run().unwrap()
    assert ids == tuple(tape.ids())
    assert [node.value for node in tape] == [1.0, 3.0]
    assert Fold.collect(some, start).run() == throw("no").run()


def test_cond_chooses_between_a_value_and_a_failure() -> None:
    error: Any = Thrown("no")  # Any: returns types it where programs have the scalar
    assert cond(TapeM, True, 1, error) == pure(1)
    assert cond(TapeM, False, 1, error) == throw("no")
