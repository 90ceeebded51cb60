"""Equivalence of programs: the same results from the same tapes."""

from collections.abc import Iterable
from typing import Any

from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.tape import EMPTY, Tape


# Any: programs of any value and scalar.
def assert_equivalent(
    first: TapeM[Any, Any],
    second: TapeM[Any, Any],
    *,
    tapes: Iterable[Tape[Any]] = (EMPTY,),
) -> None:
    """
    Assert that two programs return the same value and tape, or failure, from each tape.

    Values are compared exactly, by type and bits. ``==`` between programs is stricter:
    it compares how they are written, and implies equivalence.

    Raises:
        AssertionError: the outcomes differ; the message has both.

    >>> from tapem_dsl import fold_m, leaf, pure
    >>> assert_equivalent(leaf(1.0).map(str), leaf(1.0).bind(lambda x: pure(str(x))))
    >>> assert_equivalent(leaf(1.0), leaf(2.0))
    Traceback (most recent call last):
    ...
    AssertionError: not equivalent from <Tape: empty>: ...
    """
    for tape in tapes:
        ours, theirs = first.run(tape), second.run(tape)
        if not same(ours, theirs):
            raise AssertionError(
                f"not equivalent from {tape!r}:\n"
                f"  {first!r} returns {ours}\n"
                f"  {second!r} returns {theirs}"
            )
