"""Hypothesis strategies for programs; needs the extra ``testing``."""

from typing import Any, TypeVar

from hypothesis import strategies as st

from tapem_dsl.ops.arithmetic import add, mul
from tapem_dsl.program.combinators import get_tape, leaf, throw
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM

T = TypeVar("T")


def programs(values: st.SearchStrategy[T]) -> st.SearchStrategy[TapeM[T]]:
    """
    Return a strategy of programs that extend the tape, read it, or fail.

    A program that does not fail returns one of the values. The programs append
    different nodes, so a law test notices a dropped tape and a changed order. None is
    built with ``bind``, ``map`` or ``apply``, the methods under test.

    Pass it to ``check_all_laws`` as ``container_strategy``: by default that function
    tries ``pure`` programs only, and no wrong ``bind`` fails on these.

    >>> isinstance(programs(st.integers()), st.SearchStrategy)
    True
    """
    numbers = st.floats(-2, 2)
    some = st.lists(values, min_size=1, max_size=4).map(tuple)
    extending: st.SearchStrategy[TapeM[T]] = st.builds(_extending, numbers, values)
    reading: Any = st.builds(_reading, some)  # Any: pyright loses T on the way
    failing = st.builds(_failing, numbers, st.sampled_from(["no", "never"]))
    return st.one_of(extending, reading, failing)


@do
def _extending(number: float, value: T) -> Do[T]:
    x = yield from leaf(number)
    y = yield from mul(x, x)
    yield from add(y, x)
    return value


@do
def _reading(values: tuple[T, ...]) -> Do[T]:
    tape = yield from get_tape()
    yield from leaf(float(len(tape)))
    return values[len(tape) % len(values)]


@do
def _failing(number: float, text: str) -> Do[Any]:  # Any: it never returns
    yield from leaf(number)
    return (yield from throw(text))
