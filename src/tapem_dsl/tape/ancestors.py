"""The nodes that others are computed from."""

from collections.abc import Iterable, Sequence
from typing import Any

from tapem_dsl.tape.node import Node, operands


def with_ancestors(nodes: Sequence[Node[Any]], tops: Iterable[int]) -> list[int]:
    """
    List some nodes and all nodes that they are computed from, in order.

    An operand of a hand-built tape that is no id of an earlier node is passed over.

    Args:
        nodes: the nodes of a tape, of any scalar type.
        tops: indices of some of them.

    Cost:
        Linear in the number of nodes up to the last of ``tops``.

    >>> from tapem_dsl import leaf, relu
    >>> tape = leaf(1.0).bind(lambda x: leaf(2.0).bind(relu)).exec().unwrap()
    >>> with_ancestors(tape.nodes(), [2])
    [1, 2]
    """
    tops = list(tops)
    needed = bytearray(max(tops, default=-1) + 1)
    for top in tops:
        needed[top] = True
    for index in range(len(needed) - 1, -1, -1):
        if needed[index]:
            for parent in operands(nodes[index]):
                if is_id_below(parent, index):
                    needed[parent] = True
    return [index for index, is_needed in enumerate(needed) if is_needed]


def is_id_below(parent: object, stop: int) -> bool:
    """
    Return whether an operand is an id below ``stop``, as of all tapes of runs.

    >>> is_id_below(0, 1), is_id_below(1, 1), is_id_below("0", 1)
    (True, False, False)
    """
    return type(parent) is int and 0 <= parent < stop
