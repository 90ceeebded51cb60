"""CITATION.cff and docs/citing.md name the version that pyproject.toml does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.build_site import PROJECT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def citation() -> Any:  # Any: YAML
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_the_citation_agrees_with_the_project(citation: Any) -> None:
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"].startswith(f"{PROJECT['name']}: ")
    for key in ("version", "license", "authors"):
        assert citation[key] == PROJECT[key], key


def test_the_citation_has_a_date_from_the_release_on(citation: Any) -> None:
    history = (ROOT / "CHANGELOG.md").read_text()
    released = re.search(rf"^## {citation['version']} - (.*)", history, re.MULTILINE)
    date = citation.get("date-released")
    assert (None if date is None else str(date)) == (released and released[1])


def test_the_bibtex_of_the_page_is_that_of_the_file(citation: Any) -> None:
    page = (ROOT / "docs" / "citing.md").read_text().replace("\\_", "_")
    ours, theirs = re.findall(r"```bibtex\n(.*?)```", page, re.DOTALL)
    fields = dict(re.findall(r"^ *(\w+) *= \{+(.*?)\}+,$", ours, re.MULTILINE))
    for key in ("title", "version", "license"):
        assert fields[key] == citation[key], key
    assert [{"name": fields["author"]}] == citation["authors"]
    (paper,) = citation["references"]
    for author in paper["authors"]:
        assert f"{author['given-names']} {author['family-names']}" in theirs
    assert f"{{{paper['title']}}}" in theirs
    assert f"{{{paper['year']}}}" in theirs
    assert f"{{{paper['url'].rpartition('/')[2]}}}" in theirs
