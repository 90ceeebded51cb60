"""Derive again what a tape says of each node, and report all that differs."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from returns.result import Result, Success

from tapem_dsl.arguments import check_argument
from tapem_dsl.errors import Refused, TapeError, UnsoundTape, Violation, failed
from tapem_dsl.ids import index_of
from tapem_dsl.interpreters.check.attributes import wrong_attributes
from tapem_dsl.interpreters.check.values import wrong_value
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.node import A, Node, summary_of_value
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import record
from tapem_dsl.tape.tape import Tape

T = TypeVar("T")

# Any, throughout: whatever a hand-built node holds.


def check(tape: Tape[Any], *, recompute: bool = False) -> tuple[Violation, ...]:
    """
    Report everything wrong with a tape; a tape that a program recorded has nothing.

    For each node these are checked: the op and its parameters' types; that the parents
    are smaller ids; that the value is in the form of :meth:`Tape.append` and can
    not change; that shape, dtype and ``requires_grad`` are those that the op gives for
    its parents; and the name.

    Args:
        tape: any tape, also one of nodes made by hand.
        recompute: whether to compute each op again and compare all bits of the value.

    Cost:
        10 us a node; with ``recompute`` also the time of the run.

    Lean: none, types rule out most violations. PyTorch: none.

    >>> from tapem_dsl.ops.arithmetic import Add
    >>> leaf = Node(None, (), np.float64(2))
    >>> tape = Tape([leaf, Node(Add(), (0, 7), np.zeros(3), name="y")])
    >>> for violation in check(tape):
    ...     print(violation)
    node 1, name: 'y' on an op; only leaves have names
    node 1, parents: 7 is no id before 1
    """
    check_argument("check", "tape", tape, Tape)
    check_argument("check", "recompute", recompute, bool)
    nodes = tape.nodes()
    found: list[Violation] = []
    usable: list[bool] = []  # whether shape and dtype of each value can be read
    with np.errstate(all="ignore"):
        for id in tape.ids():
            index = index_of(id)
            node: Any = nodes[index]
            whole, wrong = isinstance(node, Node), _NO_NODE
            if whole:
                wrong = _of_node(node, index, nodes, usable, recompute=recompute)
            found += [Violation(id, field, what) for field, what in wrong]
            usable.append(whole and not wrong_value(node.value, leaf=False))
    return tuple(found)


def checked(tape: Tape[A], *, recompute: bool = False) -> Result[Tape[A], TapeError]:
    """
    Return the tape, if :func:`check` finds nothing wrong with it.

    Fails with:
        :class:`UnsoundTape`, with all violations.

    >>> checked(Tape([Node(None, (), np.float64(2), name=1)]))
    <Failure: the tape has 1 violation: node 0, name: 1 is neither a text nor None>
    """
    found = check(tape, recompute=recompute)
    return failed(UnsoundTape(found)) if found else Success(tape)


Wrong: TypeAlias = list[tuple[str, str]]
"""Fields of one node, each with what is wrong with it."""

_NO_NODE: Final[Wrong] = [("node", "it is no Node")]


def _of_node(
    node: Any,
    index: int,
    nodes: list[Node[Any]],
    usable: list[bool],
    *,
    recompute: bool,
) -> Wrong:
    """List what is wrong with a node; what is derived, if all it needs is there."""
    leaf = node.op is None
    wrong: Wrong = []
    if type(node.requires_grad) is not bool:
        given = short_repr(node.requires_grad)
        wrong.append(("requires_grad", f"{given} is neither True nor False"))
    if what := wrong_value(node.value, leaf=leaf):
        wrong.append(("value", what))
    if what := _wrong_name(node):
        wrong.append(("name", what))
    if what := _wrong_parents(node, index):
        wrong.append(("parents", what))
    wrong += [("op", what) for what in _wrong_op(node.op)]
    if leaf:
        return wrong + _of_leaf(node)
    derivable = all(field in ("name", "requires_grad") for field, _ in wrong)
    if not derivable or not all(usable[index_of(id)] for id in node.parents):
        return wrong
    op: Any = node.op
    parents = [nodes[index_of(id)] for id in node.parents]
    differs = _of_result(op, node, parents)
    if recompute and not differs:
        differs = _of_bits(op, node, nodes, index)
    return wrong + differs


def _wrong_name(node: Any) -> str:
    if node.name is None:
        return ""
    if type(node.name) is not str:
        return f"{short_repr(node.name)} is neither a text nor None"
    if node.op is None:
        return ""
    return f"{short_repr(node.name)} on an op; only leaves have names"


def _wrong_parents(node: Any, index: int) -> str:
    if type(node.parents) is not tuple:
        return f"{short_repr(node.parents)} is no tuple of ids"
    for id in node.parents:
        if type(id) is not int or not 0 <= id < index:
            return f"{short_repr(id)} is no id before {index}"
    return "a leaf has none" if node.op is None and node.parents else ""


def _wrong_op(op: object) -> list[str]:
    if op is None:
        return []
    if isinstance(op, Op):
        return wrong_attributes(op)
    if isinstance(op, type) and issubclass(op, Op):
        return [f"{op.__name__} is the class of an op; make one: {op.__name__}(...)"]
    return [f"{short_repr(op)} is no op"]


def _of_leaf(node: Any) -> Wrong:
    kind = getattr(getattr(node.value, "dtype", None), "kind", "")
    if node.requires_grad is True and kind in ("i", "u", "b"):
        return [("requires_grad", f"{node.value.dtype} has no gradient")]
    return []


def _of_result(op: Op, node: Any, parents: list[Node[Any]]) -> Wrong:
    """Compare shape, dtype and flag with those that an op gives for its parents."""
    value, dtypes = node.value, [parent.value.dtype for parent in parents]
    refused = _told(lambda: op.check_dtypes(*dtypes))
    if isinstance(refused, str):
        return [("dtype", refused)]
    shape = _told(lambda: op.shape(*[parent.value.shape for parent in parents]))
    if isinstance(shape, str):
        return [("shape", shape)]
    kinds = _told(lambda: (bool(op.differentiable), bool(op.casts)))
    if isinstance(kinds, str):
        return [("op", kinds)]
    differentiable, casts = kinds
    wrong: Wrong = []
    if shape != value.shape:
        wrong.append(("shape", f"it is {value.shape}, and the op gives {shape}"))
    real = [dtype for dtype in dtypes if dtype.kind in "fO"]
    whole = value.dtype.kind in "iub"
    if whole if real and differentiable else not whole and not real and dtypes:
        wanted = real[0] if real else "integers or booleans"
        wrong.append(("dtype", f"it is {value.dtype}, and the op gives {wanted}"))
    elif real and not whole and value.dtype != real[0] and not casts:
        wrong.append(("dtype", f"it is {value.dtype}, and the op gives {real[0]}"))
    flag = any(parent.requires_grad is True for parent in parents)
    flag = flag and differentiable and not whole
    if type(node.requires_grad) is bool and node.requires_grad != flag:
        what = f"it is {node.requires_grad}, and by the op and its parents {flag}"
        wrong.append(("requires_grad", what))
    return wrong


def _of_bits(op: Op, node: Node[Any], nodes: list[Node[Any]], index: int) -> Wrong:
    """Compare a value with what the op computes."""
    again = _told(lambda: record(op, node.parents, nodes, index))
    if isinstance(again, str):
        return [("value", again)]
    if again.value.dtype != node.value.dtype:
        what = f"it is {node.value.dtype}, and the op gives {again.value.dtype}"
        return [("dtype", what)]
    if not same(again.value, node.value):
        ours, theirs = map(summary_of_value, (node.value, again.value))
        return [("value", f"it is {ours}, and the op computes other bits: {theirs}")]
    return []


def _told(derive: Callable[[], T]) -> T | str:
    """Call a function of an op; a text says why it raised."""
    try:
        return derive()
    except Refused as refusal:
        return f"the op refuses its parents: {refusal.error}"
    except Exception as error:  # noqa: BLE001 - a user's op may raise anything
        return f"the op raised {type(error).__name__}: {short_repr(str(error))}"
