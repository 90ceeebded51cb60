"""Levels: fresh, kept by copies here, never confused with another process's."""

import copy
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from tapem_dsl import NodeId, TapeM, jvp, leaf, map_m, mul, value_of
from tapem_dsl.interpreters.forward import Dual, fresh_level
from tapem_dsl.interpreters.forward.dual import levels_of

ONE, TWO, THREE = (np.float64(n) for n in (1, 2, 3))
ELSEWHERE = """
import pickle, sys
import numpy as np
from tapem_dsl.interpreters.forward import Dual, fresh_level
one = np.float64(1)
low, high = fresh_level(), fresh_level()
outer = Dual(Dual(one, one, low), one, high)
sys.stdout.buffer.write(pickle.dumps([outer, Dual(2 * one, one, low)]))
"""
FORKING = """
import os, pickle
import numpy as np
from tapem_dsl.interpreters.forward import Dual, fresh_level
one = np.float64(1)
before = Dual(one, one, fresh_level())
read, write = os.pipe()
if not os.fork():
    os.write(write, pickle.dumps((before, Dual(one, one, fresh_level()))))
    os._exit(0)
os.wait()
mine = fresh_level()
kept, theirs = pickle.loads(os.read(read, 10_000))
print(before.level, kept.level, theirs.level, mine, fresh_level())
"""


def from_elsewhere() -> list[Dual]:
    made = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], capture_output=True, check=True
    )
    duals: list[Dual] = pickle.loads(made.stdout)
    return duals


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
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.level == x.level
        assert (twin.primal, twin.tangent) == (2, 1)
    assert fresh_level() > x.level


def test_a_dual_of_another_process_is_none_of_ours() -> None:
    """``d/dx (p * x)`` is ``p``, a dual of theirs, whatever they call its level."""
    early = Dual(TWO, ONE, fresh_level())
    outer, inner = from_elsewhere()
    assert outer.level > outer.primal.level == inner.level
    assert early.level not in levels_of(outer)
    value, slope = jvp(mul, inner, THREE, None, ONE).unwrap()
    assert (value.primal, value.tangent) == (6, 3)
    assert (slope.primal, slope.tangent) == (2, 1)
    assert fresh_level() > outer.level
    again, _ = from_elsewhere()
    assert again.level != outer.level
    twin = pickle.loads(pickle.dumps(outer))
    assert (twin.level, twin.primal.level) == (outer.level, outer.primal.level)
    assert pickle.loads(pickle.dumps(early)).level == early.level


def test_a_child_draws_levels_of_its_own() -> None:
    made = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, check=True, text=True
    )
    before, kept, theirs, mine, later = map(int, made.stdout.split())
    assert kept == before < mine
    assert theirs not in {before, mine}
    assert later > theirs


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
