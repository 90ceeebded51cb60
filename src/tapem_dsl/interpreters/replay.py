"""The same tape on other values of its leaves."""

from collections.abc import Mapping
from typing import Any

from returns.result import Failure, Result

from tapem_dsl.arguments import check_argument
from tapem_dsl.arrays import Array
from tapem_dsl.errors import (
    DTypeMismatch,
    InvalidNodeId,
    Refused,
    TapeError,
    ValuesWereRead,
    failed,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.check import checked
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.record import record
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import as_value


# Any, throughout: the tape and its replay may have different scalar types.
def replay(
    tape: Tape[Any],
    leaves: Mapping[NodeId, Any] | Mapping[str, Any] | Mapping[NodeId | str, Any],
) -> Result[Tape[Any], TapeError]:
    """
    Record the ops of a tape again, in order, on other values of some leaves.

    Ids, parents, names and the leaves' ``requires_grad`` stay. A value may have another
    shape or dtype than before, if the ops accept it. A node that depends on no leaf of
    ``leaves`` is kept as it is. A number that the program computed outside of the tape,
    as in ``scale(x, float(data.mean()))``, stays as it was.

    Args:
        tape: the tape.
        leaves: the new values, each by the leaf's id or name.

    Fails with:
        :class:`ValuesWereRead`: the program may record other nodes on other values;
        :class:`InvalidNodeId`: an id is not on the tape;
        what the ops refuse; :class:`UnsoundTape`: the tape was not made by a run.

    Raises:
        TypeError: a key is no id or name, or a value is no number or array.
        ValueError: a key is the id of an op, the name of no leaf or of several, or two
            keys are one leaf.

    Lean: none. PyTorch: none. JAX: evaluating a jaxpr, ``jax.core.eval_jaxpr``.

    >>> from tapem_dsl import leaf, mul
    >>> tape = leaf(3.0, "x").bind(lambda x: mul(x, x)).exec().unwrap()
    >>> replay(tape, {"x": 5.0}).map(list)
    <Success: [Node(leaf 'x', value=5.0, requires_grad=True), Node(mul(0, 0),
    value=25.0, requires_grad=True)]>
    """
    check_argument("replay", "tape", tape, Tape)
    check_argument("replay", "leaves", leaves, Mapping)
    if tape.values_read:
        return failed(ValuesWereRead())
    sound = checked(tape)
    if isinstance(sound, Failure):
        return failed(sound.failure())
    nodes = tape.nodes()
    found: list[Node[Any]] = []
    return as_result(lambda: _replayed(nodes, _new_values(nodes, leaves), found), found)


def _replayed(
    nodes: list[Node[Any]], values: dict[int, Array], found: list[Node[Any]]
) -> Tape[Any]:
    """Append the nodes on other values to those found."""
    changed = set(values)
    for index, node in enumerate(nodes):
        if index in values:
            found.append(_leaf(node, values[index]))
        elif node.op is not None and not changed.isdisjoint(
            map(index_of, node.parents)
        ):
            changed.add(index)
            found.append(record(node.op, node.parents, found, index))
        else:
            found.append(node)
    return Tape(found)


def _leaf(node: Node[Any], value: Array) -> Node[Any]:
    """Return a leaf with another value."""
    if node.requires_grad and value.dtype.kind in "iub":
        dtypes, names = (str(value.dtype),), (node.name,)
        wants = "a floating-point or rational value where requires_grad"
        raise Refused(DTypeMismatch("leaf", dtypes=dtypes, wants=wants, names=names))
    return Node(None, (), value, node.requires_grad, node.name)


def _new_values(nodes: list[Node[Any]], leaves: Mapping[Any, Any]) -> dict[int, Array]:
    """Return the new values by index; check the keys."""
    found: dict[int, Array] = {}
    for key, value in leaves.items():
        index = _named(nodes, key) if isinstance(key, str) else _at(nodes, key)
        if index in found:
            raise ValueError(f"replay was given two values for the leaf {index}")
        found[index] = as_value(value)
    return found


def _at(nodes: list[Node[Any]], id: NodeId) -> int:
    index = index_of(id, "replay, leaves")
    if not 0 <= index < len(nodes):
        raise Refused(InvalidNodeId("replay", id=id, size=len(nodes)))
    op = nodes[index].op
    if op is not None:
        raise ValueError(f"replay takes values of leaves, and node {id} is {op.label}")
    return index


def _named(nodes: list[Node[Any]], name: str) -> int:
    ids = [i for i, node in enumerate(nodes) if node.op is None and node.name == name]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise ValueError(f"leaves {ids} have the name {name!r}; replay by id")
    names = sorted({node.name for node in nodes if node.name is not None})
    raise ValueError(f"no leaf has the name {name!r}; there are {short_repr(names)}")
