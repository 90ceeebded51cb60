"""Every Python example of the pages in docs/ runs, and prints what it shows."""

import doctest
import re
from pathlib import Path
from typing import Final

import pytest

DOCS: Final = Path(__file__).parents[2] / "docs"
GENERATED: Final = {"_site", "api"}
BLOCK: Final = re.compile(r"(?ms)^ *```(?:python|py|pycon)\n(.*?)^ *```")


def pages() -> list[str]:
    found = (page.relative_to(DOCS) for page in DOCS.rglob("*.md"))
    return sorted(
        str(page)
        for page in found
        if page.parts[0] not in GENERATED and BLOCK.search((DOCS / page).read_text())
    )


@pytest.mark.parametrize("page", pages())
def test_each_example_prints_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # for examples that write files
    for block in BLOCK.findall((DOCS / page).read_text()):
        assert block.lstrip().startswith(">>> "), f"nothing runs this:\n{block}"
    found = doctest.testfile(
        str(DOCS / page), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert found.attempted > 0
    assert found.failed == 0


def test_every_guide_has_examples() -> None:
    guides = {str(page.relative_to(DOCS)) for page in DOCS.glob("guides/*.md")}
    assert {"tutorial.md", *guides} <= set(pages())
