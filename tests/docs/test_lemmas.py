"""docs/lemmas.md: its lemmas hold, and the false ones fail as it shows."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "lemmas.md"


def test_the_lemmas_come_out_as_the_page_says() -> None:
    found = doctest.testfile(
        str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert found.attempted > 25
    assert found.failed == 0
