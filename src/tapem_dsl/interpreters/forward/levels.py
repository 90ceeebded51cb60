"""Names of levels: each higher than all before, and no other process's."""

import os
from itertools import count
from threading import Lock
from typing import Final, TypeAlias, final
from uuid import uuid4

Home: TypeAlias = str
"""Names one process, of this run and no other."""

_EPOCH: Final = 2**40
"""
A level is ``epoch * _EPOCH + n``: the home's ``n``-th, in an epoch that is the home's.

A home that is met for the first time gets the next epoch, and this process one above,
so that whatever is drawn from then on is higher than all that came.
"""


@final
class _Levels:
    """Whose each epoch is, and from which ``n`` on each home has its epochs."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.homes: list[Home] = []
        self.starts: dict[Home, list[tuple[int, int]]] = {}
        self.counter = count(1)
        self.move_in()

    def move_in(self) -> None:
        """Be another process: at the start, and in a child after a fork."""
        self.home: Home = uuid4().hex
        self.go_on()

    def go_on(self) -> None:
        """Draw from a new epoch, above all others."""
        n = next(self.counter) % _EPOCH
        self.counter = count(self.begin(self.home, n) * _EPOCH + n)

    def begin(self, home: Home, n: int) -> int:
        """Give a home the next epoch, for its levels from ``n`` on."""
        self.homes.append(home)
        self.starts.setdefault(home, []).append((n, len(self.homes) - 1))
        return len(self.homes) - 1

    def admitted(self, home: Home, n: int) -> int:
        """Give a level its name here."""
        with self.lock:
            if home not in self.starts:
                self.begin(home, 0)
                self.go_on()
            epoch = max(epoch for start, epoch in self.starts[home] if start <= n)
            return epoch * _EPOCH + n


_LEVELS: Final = _Levels()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LEVELS.move_in)


def fresh_level() -> int:
    """
    Give a level that no dual has had: higher than all before.

    >>> fresh_level() < fresh_level()
    True
    """
    return next(_LEVELS.counter)


def home_of(level: int) -> tuple[Home, int]:
    """
    Say a level so that any process knows it: whose it is, and its number there.

    >>> level = fresh_level()
    >>> level_at(*home_of(level)) == level
    True
    """
    epoch, n = divmod(level, _EPOCH)
    return _LEVELS.homes[epoch], n


def level_at(home: Home, n: int) -> int:
    """
    Find the level that another process means, or this one.

    >>> theirs = level_at("another process", 1)
    >>> theirs < fresh_level(), level_at("another process", 1) == theirs
    (True, True)
    """
    return _LEVELS.admitted(home, n)
