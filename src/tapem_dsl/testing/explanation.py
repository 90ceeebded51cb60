"""Why two programs, tapes or other values are not equal, in words."""

from typing import Any

from tapem_dsl.messages import short_repr
from tapem_dsl.program.instruction import Instruction
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node, summary
from tapem_dsl.tape.tape import Tape
from tapem_dsl.testing.difference import Call, Difference, first_difference
from tapem_dsl.testing.values import side_by_side, text_of

# Any, throughout: tapes of any scalar type, and parts of any type.


def explain_difference(left: object, right: object) -> str:
    """
    Return why ``==`` of two programs is False: the first instruction that differs.

    The text names the differing field, shows both sides to the last bit, and says if
    two functions of the same text differ because functions are compared by identity.
    Tapes, nodes, results and containers of these are compared in the same way.

    Lean: none; there, ``simp`` shows the goal that is left.

    >>> from tapem_dsl import leaf
    >>> print(explain_difference(leaf(2.0), leaf(2.0, name="x")))
    the programs differ at instruction 1, name:
      in leaf(2.0)
      and leaf(2.0, name='x')
      left:  None
      right: 'x'
    >>> explain_difference(leaf(2.0), leaf(2.0))
    'the programs are equal'
    """
    kind = _noun(left, right)
    found = first_difference(left, right)
    if found is None:
        return f"the {kind} are equal"
    where = f" at {found.where}" if found.where else ""
    text = side_by_side(found.left, found.right)
    return f"the {kind} differ{where}:\n{_context(found)}{text}{_reordered(found)}"


def explain_tapes(left: Tape[Any], right: Tape[Any]) -> str:
    """
    Return the first node and field in which two tapes differ.

    Nodes that changed places, and a node that one tape lacks, are named as that.

    >>> from tapem_dsl import leaf
    >>> print(explain_tapes(leaf(0.0).exec().unwrap(), leaf(-0.0).exec().unwrap()))
    the tapes differ at node 0, value:
      in leaf of value 0.0
      and leaf of value -0.0
      left:  float64 0.0 = 0x0.0p+0
      right: float64 -0.0 = -0x0.0p+0
      the numbers are equal, the signs of zero differ
    """
    moved = _moved(left, right)
    return explain_difference(left, right) + (f"\n  {moved}" if moved else "")


def _noun(left: object, right: object) -> str:
    for kind, noun in ((TapeM, "programs"), (Tape, "tapes")):
        if isinstance(left, kind) and isinstance(right, kind):
            return noun
    return "values"


def _context(found: Difference) -> str:
    """Return lines with the nodes, ops or instructions whose part differs."""
    for left, right in found.ancestors:
        if isinstance(left, Call | Node | Instruction):
            return f"  in {text_of(left)}\n  and {text_of(right)}\n"
    return ""


def _reordered(found: Difference) -> str:
    """Return whether the differing parts are those of one tuple in another order."""
    left, right = found.ancestors[-1] if found.ancestors else ((), ())
    if not (_is_tuple_of_ids(left) and _is_tuple_of_ids(right)):
        return ""
    if left == right or sorted(left) != sorted(right):
        return ""
    return f"\n  the same entries in another order: {left} and {right}"


def _is_tuple_of_ids(x: Any) -> bool:
    return type(x) is tuple and all(type(id) is int for id in x)


def _moved(left: Tape[Any], right: Tape[Any]) -> str:
    """Return whether nodes changed places, or one tape lacks a node."""
    ours, theirs = left.nodes(), right.nodes()
    differing = [
        id
        for id, (a, b) in enumerate(zip(ours, theirs, strict=False))
        if a is not b and a != b
    ]
    if len(ours) == len(theirs):
        if len(differing) >= 2:
            i, *_, j = differing
            if ours[i] == theirs[j] and ours[j] == theirs[i]:
                return f"nodes {i} and {j} changed places"
        return ""
    side, shorter, longer = ("left", ours, theirs)
    if len(ours) > len(theirs):
        side, shorter, longer = ("right", theirs, ours)
    count = len(longer) - len(shorter)
    start = differing[0] if differing else len(shorter)
    labels = [node.label for node in shorter[start:]]
    if labels == [node.label for node in longer[start + count :]]:
        lost = ", ".join(summary(node) for node in longer[start : start + count])
        many = "node" if count == 1 else "nodes"
        return f"the {side} tape lacks {count} {many}: {short_repr(lost)[1:-1]}"
    return f"the {side} tape is {count} shorter"
