"""Programs that behave alike though they are written differently."""

from collections.abc import Iterable
from typing import Any

from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.tape import EMPTY, Tape


# Any: of whatever value and scalar; what they give is compared.
def assert_equivalent(
    first: TapeM[Any, Any],
    second: TapeM[Any, Any],
    *,
    tapes: Iterable[Tape[Any]] = (EMPTY,),
) -> None:
    """
    Assert that two programs give the same value, tape or failure from each tape.

    ``==`` between programs is stricter: it compares how they are written, and implies
    this. The values are compared exactly, by type and bits.

    Raises:
        AssertionError: they differ, with both outcomes.

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
                f"  {first!r} gives {ours}\n"
                f"  {second!r} gives {theirs}"
            )
