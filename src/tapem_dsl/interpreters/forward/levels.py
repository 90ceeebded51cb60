"""Names of levels: each higher than all before."""

from itertools import count
from typing import Final

_COUNTER: Final = count(1)


def fresh_level() -> int:
    """
    Give a level that no dual of this process has had: higher than all before.

    >>> fresh_level() < fresh_level()
    True
    """
    return next(_COUNTER)
