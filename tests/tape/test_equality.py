"""Equality of values that users bring along."""

from typing import Any

import msgspec
import numpy as np
import pytest

from tapem_dsl import pure
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
