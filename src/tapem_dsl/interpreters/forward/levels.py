"""Numbers of levels."""

from itertools import count
from typing import Final

_COUNTER: Final = count(1)


def fresh_level() -> int:
    """
    Return a new level, higher than all levels before in this process.

    >>> fresh_level() < fresh_level()
    True
    """
    return next(_COUNTER)
