"""Which nodes' cotangents are wanted, and what need not be swept for them."""

from collections.abc import Collection, Iterable
from typing import Any

from tapem_dsl.errors import InvalidNodeId, Refused, RequirementNotMet
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.node import Node

# Any, below: nodes of any scalar type.


def ids_of(wrt: Iterable[NodeId]) -> tuple[NodeId, ...]:
    """
    Return ``wrt`` as a tuple of ids, or raise a ``TypeError``.

    >>> ids_of(3)
    Traceback (most recent call last):
    ...
    TypeError: wrt takes a collection of node ids, such as (w, b), not 3
    """
    if isinstance(wrt, int | TapeM) or not isinstance(wrt, Iterable):
        raise TypeError(
            f"wrt takes a collection of node ids, such as (w, b), not {short_repr(wrt)}"
        )
    ids = tuple(wrt)
    for id in ids:
        index_of(id, "wrt")
    return ids


def check_wanted(
    nodes: list[Node[Any]], wanted: Collection[NodeId], out: NodeId
) -> None:
    """
    Refuse the first wanted id that is not on the tape, or whose node is frozen.

    Frozen is: ``requires_grad`` is false. The output is never refused: it receives the
    seed, also if it is frozen. A node that the output does not depend on is not refused
    either: it gets no entry.

    >>> import numpy as np
    >>> nodes = [Node(None, (), np.float64(2), requires_grad=False)]
    >>> check_wanted(nodes, (NodeId(0),), NodeId(7))
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: wrt requires nodes with requires_grad, ...
    """
    for id in sorted(wanted):
        if not 0 <= index_of(id) < len(nodes):
            raise Refused(InvalidNodeId("wrt", id=id, size=len(nodes)))
        node = nodes[id]
        if not node.requires_grad and id != out:
            requirement = (
                f"nodes with requires_grad, but node {id} is frozen; "
                "record it with param, or leave it out"
            )
            names = () if node.name is None else (node.name,)
            raise Refused(RequirementNotMet("wrt", requirement, ids=(id,), names=names))


def visits(
    nodes: list[Node[Any]],
    wanted: Collection[NodeId] | None,
    among: Iterable[int] | None = None,
) -> tuple[Iterable[int], list[bool]]:
    """
    Return which nodes a sweep visits, descending, and for each node if it is live.

    A live node receives a cotangent. If ``wanted`` is ``None``, every node with
    ``requires_grad`` is live, and all nodes are visited. Else the live nodes are the
    wanted ones and those that depend on one of them; only the latter are visited.

    Args:
        nodes: the tape up to the output.
        wanted: the nodes whose cotangents are wanted, all if ``None``.
        among: the only nodes to look at, in increasing order; all if ``None``.

    >>> import numpy as np
    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> x = Node(None, (), np.float64(2))
    >>> square = Node(Mul(), (NodeId(0), NodeId(0)), np.float64(4))
    >>> visits([x, x, square], {NodeId(0)})
    ([2], [True, False, True])
    """
    size = len(nodes)
    if wanted is None:
        return range(size - 1, -1, -1), [node.requires_grad for node in nodes]
    live: set[Any] = set()  # ids are ints, which the checkers are not told
    visited = []
    for id in range(size) if among is None else among:
        node = nodes[id]
        if node.requires_grad:
            if not live.isdisjoint(node.parents):
                live.add(id)
                visited.append(id)
            elif id in wanted:
                live.add(id)
    visited.reverse()
    return visited, [id in live for id in range(size)]
