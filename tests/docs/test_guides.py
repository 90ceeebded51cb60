"""The tutorial and guides in docs/: their examples run."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["tutorial.md", "jit.md", "per_sample.md", "xla.md"])
def test_the_example_prints_what_it_shows(name: str) -> None:
    options = doctest.ELLIPSIS
    page = str(DOCS / name)
    found = doctest.testfile(page, module_relative=False, optionflags=options)
    assert found.attempted > 3
    assert found.failed == 0
