"""Which nodes' cotangents are wanted, and what need not be swept for them."""

from collections.abc import Iterable
from typing import Any

from tapem_dsl.errors import InvalidNodeId, Refused, RequirementNotMet
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import said
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node

# Any, below: nodes of whatever scalar.


def ids_of(wrt: Iterable[NodeId]) -> tuple[NodeId, ...]:
    """
    Check that a collection can be one of ids.

    >>> ids_of(3)
    Traceback (most recent call last):
    ...
    TypeError: wrt takes a collection of node ids, such as (w, b), not 3
    """
    if isinstance(wrt, int | TapeM) or not isinstance(wrt, Iterable):
        raise TypeError(
            f"wrt takes a collection of node ids, such as (w, b), not {said(wrt)}"
        )
    ids = tuple(wrt)
    for id in ids:
        index_of(id, "wrt")
    return ids


def frozen_among(
    nodes: list[Node[Any]], wanted: Iterable[NodeId], out: NodeId
) -> Refused | None:
    """
    Give a refusal for the first wanted node that is none, or that no gradient reaches.

    The output is never refused: it receives the seed, also if it is frozen.

    >>> import numpy as np
    >>> nodes = [Node(None, (), np.float64(2), requires_grad=False)]
    >>> refusal = frozen_among(nodes, (NodeId(0),), NodeId(7))
    >>> print(refusal.error)
    autograd: wrt requires nodes with requires_grad, but node 0 is frozen; ...
    """
    for id in sorted(wanted):
        if not 0 <= index_of(id) < len(nodes):
            return Refused(InvalidNodeId("wrt", id=id, size=len(nodes)))
        node = nodes[id]
        if not node.requires_grad and id != out:
            requirement = (
                f"nodes with requires_grad, but node {id} is frozen; "
                "record it with param, or leave it out"
            )
            names = () if node.name is None else (node.name,)
            error = RequirementNotMet("wrt", requirement, ids=(id,), names=names)
            return Refused(error)
    return None


def prune(
    nodes: list[Node[Any]],
    wanted: frozenset[NodeId],
    ids: Iterable[int] | None = None,
) -> None:
    """
    Put a frozen leaf for every node that passes nothing on to the wanted ones.

    With ``ids``, in increasing order, only these are looked at.

    >>> import numpy as np
    >>> nodes = [Node(None, (), np.float64(2))]
    >>> prune(nodes, frozenset())
    >>> nodes
    [Node(leaf, value=2.0, requires_grad=False)]
    """
    live: set[Any] = set()  # ids are ints, which the checkers are not told
    for id in range(len(nodes)) if ids is None else ids:
        node = nodes[id]
        if node.requires_grad:
            passes_on = not live.isdisjoint(node.parents)
            if passes_on or id in wanted:
                live.add(id)
            if not passes_on:
                nodes[id] = Node(None, (), node.value, id in wanted, node.name)
