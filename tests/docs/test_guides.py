"""Each block of code of each page runs, or something else checks it."""

import doctest
import re
from pathlib import Path
from typing import Final

import pytest

from docs.build_site import PROJECT
from tapem_dsl import Namespace
from tapem_dsl.interpreters.compiled.functions import OPERATORS
from tests.docs.pages import ROOT, blocks_of, written

PAGES: Final = written()
CHECKED: Final = {  # by language: the pages where another test checks the blocks
    "python": ["README.md"],
    "{code-block} python": ["docs/guides/typing.md"],
    "toml": ["docs/guides/typing.md"],
    "json": ["docs/guides/typing.md"],
    "bibtex": ["docs/citing.md"],
    "sh": ["README.md", "CONTRIBUTING.md"],
}
NO_CODE: Final = {"", "lean", "mermaid", "{toctree}"}
"""Diagrams and what is not ours to run."""


def pages_with_examples() -> list[str]:
    return [
        page
        for page, text in PAGES.items()
        if page != "README.md" and "```python\n" in text
    ]


@pytest.mark.parametrize("page", pages_with_examples())
def test_each_example_prints_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # for examples that write files
    found = doctest.testfile(
        str(ROOT / page), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_each_block_is_run_or_checked(page: str) -> None:
    for language, text in blocks_of(PAGES[page]):
        if language in NO_CODE or page in CHECKED.get(language, ()):
            continue
        assert language == "python", f"nothing checks this {language}:\n{text}"
        assert "+SKIP" not in text
        for part in text.strip().split("\n\n"):
            assert part.startswith(">>> "), f"nothing runs this:\n{part}"


def test_the_guide_to_ops_lists_the_functions_of_xp() -> None:
    guide = PAGES["docs/guides/own_ops.md"]
    cells = re.findall(r"^\| [\w ,]+ \| `([^`(]+)`", guide, re.MULTILINE)
    listed = {name for cell in cells for name in re.findall(r"\w{3,}", cell)}
    members = {name for name in vars(Namespace) if not name.startswith("_")}
    assert listed == members - OPERATORS.keys() - UNLISTED


UNLISTED: Final = {"canonical", "concrete", "getitem", "logical_not", "negative"}
"""What only the tape calls, and operators that stand before or behind an operand."""


def test_every_guide_has_examples() -> None:
    guides = {page for page in PAGES if page.startswith("docs/guides/")}
    assert {"docs/tutorial.md", *guides} <= set(pages_with_examples())


@pytest.mark.parametrize("page", PAGES)
def test_targets_and_extras_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", PAGES[page], re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for extra in re.findall(r"(?:tapem_dsl|'\.)\[(\w+)\]", PAGES[page]):
        assert extra in PROJECT["optional-dependencies"], extra
