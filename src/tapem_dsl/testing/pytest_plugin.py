"""A pytest plugin: ``assert p == q`` of programs or tapes prints where they differ."""

from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape
from tapem_dsl.testing.explanation import explain_difference, explain_tapes


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """
    Return the lines of a failed ``==`` of two programs, tapes or nodes.

    >>> from tapem_dsl import leaf
    >>> lines = pytest_assertrepr_compare("==", leaf(1.0), leaf(2.0))
    >>> lines[1]
    'the programs differ at instruction 1, value:'
    >>> pytest_assertrepr_compare("==", 1, 2) is None
    True
    """
    if op != "==":
        return None
    if isinstance(left, Tape) and isinstance(right, Tape):
        text = explain_tapes(left, right)
    elif isinstance(left, TapeM | Node) and type(left) is type(right):
        text = explain_difference(left, right)
    else:
        return None
    return [f"{left!r} == {right!r}", *text.splitlines()]
