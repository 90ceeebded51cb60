"""A pytest plugin: ``assert p == q`` of programs or tapes prints where they differ."""

from typing import Any

from returns.result import Failure, Success

from tapem_dsl.messages import short_repr
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.tape import Tape
from tapem_dsl.testing.difference import first_difference
from tapem_dsl.testing.explanation import explain_difference, explain_tapes


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """
    Return the lines of a failed ``==`` of two programs, tapes or nodes.

    So it does for results, lists, tuples and dicts of one length, if what differs first
    is within a program, a tape or a node. All else is left to pytest.

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
    elif type(left) is type(right) and _is_within_ours(left, right):
        text = explain_difference(left, right)
    else:
        return None
    return [f"{short_repr(left)} == {short_repr(right)}", *text.splitlines()]


# Any: values of any type.
def _is_within_ours(left: Any, right: Any) -> bool:
    """Return whether what differs first is within a program, a tape or a node."""
    if isinstance(left, TapeM | Node):
        return True
    if type(left) not in (list, tuple, dict, Success, Failure):
        return False
    if isinstance(left, list | tuple | dict) and len(left) != len(right):
        return False
    found = first_difference(left, right)
    if found is None:
        return False
    pairs = [*found.ancestors, (found.left, found.right)]
    return any(
        isinstance(ours, TapeM | Tape | Node) and type(ours) is type(theirs)
        for ours, theirs in pairs
    )
