"""The nodes that others are computed from, by a definition by recursion."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import NodeId
from tapem_dsl.ops.arithmetic import Add
from tapem_dsl.tape.ancestors import with_ancestors
from tapem_dsl.tape.node import Node

# Any, throughout: nodes of any scalar type, and operands that are no ids.


def node(*parents: Any) -> Node[Any]:
    return Node(Add() if parents else None, parents, np.asarray(1.0))


def by_recursion(nodes: list[Node[Any]], index: int) -> set[int]:
    above = (by_recursion(nodes, int(parent)) for parent in nodes[index].parents)
    return {index}.union(*above)


@pytest.mark.parametrize("seed", range(20))
def test_all_ancestors_are_listed_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = [node()]
    for size in range(1, 15):
        count = rng.integers(0, 3)
        nodes.append(node(*(NodeId(int(i)) for i in rng.integers(0, size, count))))
    for top in range(15):
        assert with_ancestors(nodes, [top]) == sorted(by_recursion(nodes, top))
    both = by_recursion(nodes, 9) | by_recursion(nodes, 12)
    assert with_ancestors(nodes, [9, 12]) == sorted(both)


def test_no_tops_have_no_ancestors() -> None:
    assert with_ancestors([node()], []) == []


def test_operands_that_are_no_earlier_ids_are_passed_over() -> None:
    nodes = [node(), node(0, 1, 2, -1, "0", None, True), node(1)]
    assert with_ancestors(nodes, [2]) == [0, 1, 2]
