"""Levels: fresh, kept by copies here, never confused with another process's."""

import copy
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from tapem_dsl import Array, Node, NodeId, Tape, TapeM, jvp, leaf, map_m, mul, value_of
from tapem_dsl.interpreters.forward import Dual, fresh_level
from tapem_dsl.interpreters.forward.dual import (
    bottom,
    joined,
    levels_of,
    part_at,
    zeros,
)
from tapem_dsl.interpreters.forward.levels import home_of, level_at

ONE, TWO, THREE = (np.float64(n) for n in (1, 2, 3))
ELSEWHERE = """
import pickle, sys
import numpy as np
from tapem_dsl.interpreters.forward import Dual, fresh_level
one = np.float64(1)
low, high = fresh_level(), fresh_level()
outer = Dual(Dual(one, one, low), one, high)
# the higher level is met first: it gets the lower name
duals = [Dual(one, one, high), outer, Dual(2 * one, one, low)]
sys.stdout.buffer.write(pickle.dumps(duals))
"""
WRAPPING = """
import pickle, sys
from tapem_dsl.interpreters.forward import fresh_level
from tapem_dsl.interpreters.forward.dual import joined, zeros
while True:
    try:
        ball = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    pickle.dump(joined(ball, zeros(ball), fresh_level()), sys.stdout.buffer)
    sys.stdout.flush()
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
    alone, outer, inner = from_elsewhere()
    assert levels_of(outer) == levels_of(alone) | levels_of(inner)
    assert levels_of(outer) > levels_of(inner)
    assert early.level not in levels_of(outer)
    value, slope = jvp(mul, inner, THREE, None, ONE).unwrap()
    assert (value.primal, value.tangent) == (6, 3)
    assert (slope.primal, slope.tangent) == (2, 1)
    assert fresh_level() > outer.level
    _, again, _ = from_elsewhere()
    assert not levels_of(again) & levels_of(outer)
    twin = pickle.loads(pickle.dumps(outer))
    assert repr(twin) == repr(outer)
    assert pickle.loads(pickle.dumps(early)).level == early.level


def test_duals_may_go_to_and_fro() -> None:
    """Each wraps what the other sent, in levels of its own; none is ever lost."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRAPPING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        ball = Dual(TWO, ONE, fresh_level())
        back, mine = ball, {ball.level}
        for rounds in range(1, 5):
            pickle.dump(ball, child.stdin)
            child.stdin.flush()
            back = pickle.load(child.stdout)
            assert mine < levels_of(back)
            assert len(levels_of(back)) == 2 * rounds
            ball = joined(back, zeros(back), fresh_level())
            mine.add(max(levels_of(ball)))
        for level in levels_of(back):  # each tangent but the first's is 0
            found = part_at(back, level, tangent=True)
            expected = 1 if level == min(mine) else 0
            assert np.all(bottom(found) == expected)
        child.stdin.close()


def test_levels_drawn_while_others_come_in_are_still_their_own() -> None:
    found: list[int] = []
    done = threading.Event()

    def draw() -> None:
        while not done.is_set():
            found.append(fresh_level())

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    admitted = [level_at(f"process {n}", n) for n in range(2000)]
    done.set()
    for thread in threads:
        thread.join()
    assert len({*found, *admitted}) == len(found) + len(admitted)
    assert all(level_at(*home_of(level)) == level for level in (*found, *admitted))
    assert len({home_of(level) for level in found}) == len(found)


def test_a_level_of_ones_own_making_has_a_name_too() -> None:
    x = Dual(ONE, ONE, 10**14)
    assert copy.deepcopy(x).level == x.level


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


def test_a_level_of_a_shared_part_is_not_renamed() -> None:
    first, second = fresh_level(), fresh_level()
    shared = Dual(ONE, ONE, first)

    def tape(level: int) -> Tape[Any]:
        other: Array = Dual(TWO, ONE, level)
        kept: Array = shared
        return Tape([Node(None, (), kept, True), Node(None, (), other, True)])

    assert tape(first) == tape(first)
    assert tape(second) == tape(second)
    assert tape(first) != tape(second)
    assert tape(second) != tape(first)
    assert tape(second) == tape(fresh_level())
