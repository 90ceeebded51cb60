"""Levels: fresh, kept by copies, and confined to their process."""

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from tapem_dsl import NodeId, TapeM, leaf, map_m, mul, value_of
from tapem_dsl.interpreters.forward import Dual, fresh_level
from tests.untyped import LOOSE

ONE, TWO, THREE = (np.float64(n) for n in (1, 2, 3))


def product(ids: tuple[NodeId, ...]) -> TapeM[Any, Any]:
    a, b = ids
    return mul(a, b).bind(value_of)


def test_levels_are_fresh_in_every_thread() -> None:
    found: list[int] = []

    def draw() -> None:
        found.extend([fresh_level() for _ in range(1000)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4000
    assert fresh_level() > max(found)


def test_copies_in_one_process_keep_their_level() -> None:
    x = Dual(TWO, ONE, fresh_level())
    assert copy.deepcopy(x) is copy.copy(x) is x
    tape: Any = LOOSE.leaf(x).exec().unwrap()
    assert copy.deepcopy(tape) == tape


def test_a_dual_is_not_pickled() -> None:
    """In another process its level would be another one; JAX refuses tracers too."""
    x = Dual(TWO, ONE, fresh_level())
    for holder in (x, LOOSE.leaf(x), LOOSE.leaf(x).exec().unwrap()):
        with pytest.raises(TypeError, match="pickle its primal and its tangent"):
            pickle.dumps(holder)


def test_equality_looks_at_which_levels_are_one() -> None:
    def program(*duals: Dual) -> TapeM[Any, Any]:
        leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, duals)
        return leaves.bind(product)

    first, second, third, fourth = (fresh_level() for _ in range(4))
    one_level = program(Dual(TWO, ONE, first), Dual(THREE, ONE, first))
    renamed = program(Dual(TWO, ONE, third), Dual(THREE, ONE, third))
    two_levels = program(Dual(TWO, ONE, first), Dual(THREE, ONE, second))
    others = program(Dual(TWO, ONE, third), Dual(THREE, ONE, fourth))
    assert one_level == renamed
    assert two_levels == others
    assert one_level != two_levels
    assert two_levels != one_level
    tapes = [p.exec().unwrap() for p in (one_level, renamed, two_levels, others)]
    assert tapes[0] == tapes[1]
    assert tapes[2] == tapes[3]
    assert tapes[0] != tapes[2]
    assert tapes[2] != tapes[0]
