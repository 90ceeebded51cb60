"""What a parameter takes, for tests that try every argument of every function."""

from typing import Any


class Kind:
    """One good value of a parameter, and bad ones."""

    def __init__(self, good: Any, *bad: Any) -> None:
        self.good, self.bad = good, bad
