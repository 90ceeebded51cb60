"""``same``: equality of what programs and tapes may hold."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from returns.result import Success

from tapem_dsl import Node, pure
from tapem_dsl.tape.equality import same


class S(msgspec.Struct):
    """A struct of a user's, which programs and tapes may hold."""

    x: Any  # Any: whatever a user puts there


class Pair(msgspec.Struct):
    x: Any
    y: Any = 0


class Other(msgspec.Struct):
    x: Any


ALIKE = [1, 0.5, "t", None, (1, 2.0), [S(1)], {"a": S(np.ones(2))}, float("nan")]
ALIKE += [np.array([1.0, np.nan]), np.float32(1), S(S(float("nan"))), pure(S(1))]


@pytest.mark.parametrize("x", ALIKE, ids=repr)
def test_structs_of_the_same_parts_are_the_same(x: Any) -> None:
    assert same(S(x), S(x))
    assert same(Pair(x, 1), Pair(x, 1))
    assert pure(S(x)) == pure(S(x))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (S(1), S(True)),
        (S(1), S(1.0)),
        (S(0.0), S(-0.0)),
        (S(1), Other(1)),
        (S([1, 2]), S((1, 2))),
        (S(np.ones(2)), S(np.ones(3))),
        (S(np.ones(2)), S(np.ones(2, np.float32))),
        (S(np.ones(2)), S(np.array([1.0, 2.0]))),
        (S(S(1)), S(S(True))),
        (Pair(1, 2), Pair(2, 1)),
        (Pair(1), Pair(1, False)),
        (S(float("nan")), S(0.0)),
    ],
)
def test_structs_of_other_parts_are_not(a: Any, b: Any) -> None:
    assert not same(a, b)
    assert not same(b, a)
    assert pure(a) != pure(b)


@pytest.mark.parametrize("make", [lambda: float("nan"), lambda: np.ones(2)])
def test_structs_made_twice_are_the_same(make: Any) -> None:
    assert same(S(make()), S(make()))


# -- what programs may hold ------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    x: NDArray[np.float64]
    y: float


class Couple(NamedTuple):
    x: NDArray[np.float64]
    y: float


class Loose:
    """Equal to everything, like a mock."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare me")

    __hash__ = None  # type: ignore[assignment] # how Python says so


@dataclass(eq=False)
class ByIdentity:
    x: int


@dataclass
class Never:
    """A dataclass with a will of its own."""

    x: int

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment] # how Python says so


class Loosened(Sample):
    """An undecorated subclass: its fields are not all there is."""

    def __init__(self, x: Any, extra: int) -> None:
        super().__init__(np.zeros(1), x)
        object.__setattr__(self, "extra", extra)


class Tagged(list[int]):
    def __init__(self, items: list[int], tag: str) -> None:
        super().__init__(items)
        self.tag = tag


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, True, False),
        (0.0, -0.0, False),
        (np.float32(1), np.float64(1), False),
        (np.zeros(2), np.zeros(2), True),
        (np.zeros(2), np.zeros(3), False),
        (np.zeros(2), np.zeros(2, dtype=np.float32), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array(["a"]), np.array(["b"]), False),
        (np.array([1 + 2j]), np.array([1 + 2j]), True),
        (np.array([0.0 + 0j]), np.array([complex(-0.0, 0.0)]), False),
        (np.array([1, 2.0], dtype=object), np.array([1, 2], dtype=object), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),  # iteration tells them apart
        (frozenset({1}), frozenset({1}), True),
        (frozenset({0.0}), frozenset({False}), False),
        (range(3), range(3), True),
        (Loose(), Loose(), True),
        (Loose(), 1, False),
        (Hostile(), Hostile(), False),
        (ByIdentity(1), ByIdentity(1), False),
        (Never(1), Never(1), False),
        (Loosened(1, 2), Loosened(1, 2), True),
        (Loosened(1, 2), Loosened(1, 3), False),
        (defaultdict(int, a=1), defaultdict(int, a=1), True),
        (defaultdict(int, a=1), defaultdict(bool, a=1), False),
        (Tagged([1], "a"), Tagged([1], "a"), True),
        (Tagged([1], "a"), Tagged([1], "b"), False),
        (OrderedDict(a=1), OrderedDict(a=1), True),
        (np.ma.masked_array([1.0], [True]), np.ma.masked_array([1.0], [False]), False),
        (frozenset({(1,)}), frozenset({(True,)}), False),
        ({0.0}, {-0.0}, False),
        (0j, complex(0.0, -0.0), False),
        (1 + 2j, 1 + 2j, True),
        (Couple(np.zeros(2), 1.0), Couple(np.zeros(2), 1.0), True),
        (Couple(np.zeros(2), 1.0), Couple(np.zeros(2), 1), False),
        (partial(pow, 2), partial(pow, 2), True),
        (partial(pow, 2), partial(pow, 3), False),
        ([1].append, [1].append, False),
        (int, int, True),
        (Success([1.0]), Success([1.0]), True),
        (Success([1.0]), Success([1]), False),
        (Node(None, (), np.float64(1)), Node(None, (), np.float64(1)), True),  # type: ignore[arg-type] # a scalar is an array of shape ()
    ],
)
def test_same_is_structural_and_strict(a: object, b: object, expected: bool) -> None:
    assert same(a, b) is expected
    assert same(b, a) is expected
    hostile = Hostile()
    assert same([hostile], [hostile])


def test_same_ends_on_cycles_and_on_shared_parts() -> None:
    first: list[Any] = [1]
    first.append(first)
    second: list[Any] = [1]
    second.append(second)
    assert same(first, second)
    second[0] = 2
    assert not same(first, second)
    ours: Any = (1.0,)
    theirs: Any = (1.0,)
    for _ in range(200):  # 2**200 leaves without sharing
        ours, theirs = (ours, ours), (theirs, theirs)
    assert same(ours, theirs)
