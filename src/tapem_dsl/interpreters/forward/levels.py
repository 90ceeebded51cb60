"""Names of levels: each higher than all before, and no other process's."""

import os
from itertools import count
from typing import Final, TypeAlias
from uuid import uuid4

Home: TypeAlias = str
"""Names one process, of this run and no other."""

_COUNTER: Final = count(1)
_HOMES: Final[list[tuple[int, Home]]] = [(0, uuid4().hex)]
"""From which level on this process was whose: a child's first are its parent's."""

_ADMITTED: Final[dict[tuple[Home, int], int]] = {}
"""The level here of each that came from elsewhere: fresh, wherever it stood there."""

_NAMES: Final[dict[int, tuple[Home, int]]] = {}
"""And back."""


def fresh_level() -> int:
    """
    Give a level that no dual has had: higher than all before.

    >>> fresh_level() < fresh_level()
    True
    """
    return next(_COUNTER)


def home_of(level: int) -> tuple[Home, int]:
    """
    Say a level so that any process knows it: whose it is, and its number there.

    >>> level = fresh_level()
    >>> level_at(*home_of(level)) == level
    True
    """
    if level in _NAMES:
        return _NAMES[level]
    return max(entry for entry in _HOMES if entry[0] <= level)[1], level


def level_at(home: Home, n: int) -> int:
    """
    Find the level that another process means, or this one.

    Cost:
        An entry of a table for each level that comes from elsewhere.

    >>> theirs = level_at("another process", 1)
    >>> theirs < fresh_level(), level_at("another process", 1) == theirs
    (True, True)
    """
    if home_of(n) == (home, n):
        return n
    level = _ADMITTED.setdefault((home, n), fresh_level())
    _NAMES[level] = (home, n)
    return level


def _be_a_child() -> None:
    _HOMES.append((fresh_level(), uuid4().hex))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_be_a_child)
