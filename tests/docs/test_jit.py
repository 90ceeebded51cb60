"""docs/jit.md: its example runs."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "jit.md"


def test_the_example_prints_what_it_shows() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 3
    assert found.failed == 0
