"""Strongly connected components of a small graph."""

from collections.abc import Sequence


def components(readers: Sequence[Sequence[int]]) -> list[list[int]]:
    """
    List the strongly connected components, in an order in which they can be computed.

    Args:
        readers: for each node those that need it.

    Source:
        Kosaraju's algorithm: Aho, Hopcroft & Ullman, Data Structures and Algorithms
        (1983), section 6.7. It keeps its own stack.

    >>> components([[1], [2], [1, 3], []])
    [[0], [1, 2], [3]]
    """
    read: list[list[int]] = [[] for _ in readers]
    for node, those in enumerate(readers):
        for other in those:
            read[other].append(node)
    owner = [-1] * len(readers)
    found: list[list[int]] = []
    for root in reversed(_finished(readers)):
        if owner[root] >= 0:
            continue
        owner[root] = len(found)
        group, pending = [], [root]
        while pending:
            node = pending.pop()
            group.append(node)
            for other in read[node]:
                if owner[other] < 0:
                    owner[other] = len(found)
                    pending.append(other)
        found.append(sorted(group))
    return found


def _finished(readers: Sequence[Sequence[int]]) -> list[int]:
    """List the nodes in the order in which a search in depth leaves them."""
    seen = [False] * len(readers)
    order = []
    for root in range(len(readers)):
        if seen[root]:
            continue
        seen[root] = True
        path = [(root, iter(readers[root]))]
        while path:
            node, rest = path[-1]
            for other in rest:
                if not seen[other]:
                    seen[other] = True
                    path.append((other, iter(readers[other])))
                    break
            else:
                order.append(node)
                path.pop()
    return order
