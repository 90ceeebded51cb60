"""Equivalence of programs: the same results from the same tapes."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from returns.result import Result, Success

from tapem_dsl.errors import TapeError
from tapem_dsl.messages import short_repr, written
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.tape import EMPTY, Tape
from tapem_dsl.testing.explanation import explain_difference, explain_tapes
from tapem_dsl.testing.outcomes import Derivatives, derivatives_of

# Any, throughout: programs of any value and scalar, and strategies of Hypothesis.

UpTo: TypeAlias = Literal["tape", "value_and_gradients"]
Run: TypeAlias = Result[tuple[Any, Tape[Any]], TapeError]


def assert_equivalent(
    lhs: TapeM[Any, Any],
    rhs: TapeM[Any, Any],
    *,
    tapes: Any = (EMPTY,),
    up_to: UpTo = "tape",
) -> None:
    """
    Assert that two programs have the same outcome from each of some tapes.

    ``==`` between programs is stricter: it compares how they are written, and implies
    equivalence.

    Args:
        tapes: an iterable of tapes, or a Hypothesis strategy of tapes, which then
            shrinks a tape on which the outcomes differ.
        up_to: what an outcome is. ``"tape"``: the value and the whole tape, or the
            failure. ``"value_and_gradients"``: the arrays of the nodes whose ids are
            returned, and the gradient of each in every node that requires one and was
            there before or was recorded as a leaf; or the class of the failure.

    The comparison is exact, by type and bits. A lemma that holds for numbers but not
    for rounded ones is tested over exact rationals.

    Gradient:
        The cotangent of a returned node with n entries is 1, 2, ..., n. A gradient that
        a sweep does not reach is compared as zeros.

    Raises:
        AssertionError: the outcomes differ. The message has the smallest of the given
            tapes on which they do, the first differing node and field side by side, and
            the first difference between the texts of the programs.
        TypeError: ``up_to="value_and_gradients"`` and a value is no pytree of ids.

    Lean: ``theorem : lhs = rhs``.

    >>> from tapem_dsl import leaf, pure
    >>> assert_equivalent(leaf(1.0).map(str), leaf(1.0).bind(lambda x: pure(str(x))))
    >>> assert_equivalent(leaf(1.0), leaf(1.0 + 2**-52))
    Traceback (most recent call last):
    ...
    AssertionError: not equivalent from <Tape: empty>
      left:  leaf(1.0)
      right: leaf(1.0000000000000002)
    the tapes differ at node 0, value:
      in leaf of value 1.0
      and leaf of value 1.0000000000000002
      left:  float64 1.0 = 0x1.0000000000000p+0
      right: float64 1.0000000000000002 = 0x1.0000000000001p+0
      the numbers are 1 ulp apart
    the programs differ at instruction 1, value: ...
    """
    if up_to not in _COMPARISONS:
        raise ValueError(f'up_to is "tape" or "value_and_gradients", not {up_to!r}')
    for side in (lhs, rhs):
        if type(side) is not TapeM:
            raise TypeError(
                f"assert_equivalent compares programs, not {short_repr(side)}"
            )
    explain = _COMPARISONS[up_to]

    def check(tape: Tape[Any]) -> str | None:
        ours, theirs = lhs.run(tape), rhs.run(tape)
        found = None if same(ours, theirs) else explain(tape, ours, theirs)
        if found is None:
            return None
        return (
            f"not equivalent from {tape!r}\n  left:  {_text(lhs)}\n"
            f"  right: {_text(rhs)}\n{found}\n{explain_difference(lhs, rhs)}"
        )

    if hasattr(tapes, "example") and not isinstance(tapes, Iterable):
        _check_strategy(tapes, check)
        return
    tapes = list(tapes)
    if not tapes:
        raise ValueError("assert_equivalent takes at least one tape, and got none")
    failed = [(len(tape), text) for tape in tapes if (text := check(tape))]
    if failed:
        raise AssertionError(min(failed, key=lambda pair: pair[0])[1])


def _check_strategy(tapes: Any, check: Callable[[Tape[Any]], str | None]) -> None:
    """Check tapes of a Hypothesis strategy, and raise for a shrunk one."""
    from hypothesis import given, settings  # noqa: PLC0415 - an optional dependency

    @settings(database=None, deadline=None)
    @given(tapes)
    def each(tape: Tape[Any]) -> None:
        text = check(tape)
        if text:
            raise AssertionError(text)

    each()


def _text(program: TapeM[Any, Any]) -> str:
    return repr(program).removeprefix("<TapeM: ").removesuffix(">")


# -- up to the tape --------------------------------------------------------------------


def _explain_runs(tape: Tape[Any], left: Run, right: Run) -> str | None:
    """Return how two different outcomes of a run differ."""
    match left, right:
        case Success((ours, our_tape)), Success((theirs, their_tape)):
            texts = []
            if our_tape != their_tape:
                texts.append(explain_tapes(our_tape, their_tape))
            if not same(ours, theirs):
                texts.append("returned: " + explain_difference(ours, theirs))
            return "\n".join(texts)
    return _explain_outcomes(left, right)


def _explain_outcomes(
    left: Result[Any, TapeError], right: Result[Any, TapeError]
) -> str:
    """Return how two outcomes differ of which one is a failure."""
    if type(left) is type(right):
        return "failures: " + explain_difference(left.failure(), right.failure())
    return f"one fails:\n  left:  {written(left, str)}\n  right: {written(right, str)}"


# -- up to value and gradients ---------------------------------------------------------


def _explain_derivatives(tape: Tape[Any], left: Run, right: Run) -> str | None:
    """Return how two runs differ in values and gradients, ``None`` if they do not."""
    ours, theirs = (
        run.bind(lambda pair: derivatives_of(len(tape), *pair)) for run in (left, right)
    )
    match ours, theirs:
        case Success(a), Success(b):
            return _explain_parts(a, b)
        case (Success(), _) | (_, Success()):
            return _explain_outcomes(ours, theirs)
    if type(ours.failure()) is type(theirs.failure()):
        return None
    return _explain_outcomes(ours, theirs)


def _explain_parts(left: Derivatives, right: Derivatives) -> str | None:
    if left.inputs != right.inputs:
        text = explain_difference(left.inputs, right.inputs)
        return f"the leaves that require gradients differ: {text}"
    for part in ("values", "gradients"):
        ours, theirs = getattr(left, part), getattr(right, part)
        if not same(ours, theirs):
            return f"{part}: {explain_difference(ours, theirs)}"
    return None


_COMPARISONS: dict[str, Callable[[Tape[Any], Run, Run], str | None]] = {
    "tape": _explain_runs,
    "value_and_gradients": _explain_derivatives,
}
