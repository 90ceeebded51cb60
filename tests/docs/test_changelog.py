"""CHANGELOG.md names what exists, and links to it."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from returns.result import Success

import tapem_dsl
from tapem_dsl import errors, jit, optim, testing, train, tree
from tapem_dsl.testing import strategies

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CHANGELOG.md").read_text()

OWNERS: tuple[Any, ...] = (  # Any: modules, classes and objects
    *(tapem_dsl, errors, optim, testing, train, tree, strategies),
    *(tapem_dsl.TapeM, tapem_dsl.TapeError, Success(0), jit(abs)),
)
OF_OTHERS = {
    *("DiverseFailable2", "Failure", "Success", "returns", "rich", "xp"),
    *("Fraction", "TypeError", "ValueError", "int"),
    *("checkpoints", "plots", "render", "xla"),  # extras
}


def names() -> Iterator[str]:
    for span in re.findall(r"`([^`]*)`", TEXT):
        words = span.split() if re.fullmatch(r"[\w. ]+", span) else [span]
        if words[0] == "make":
            continue
        for word in words:
            if named := re.fullmatch(r"([a-zA-Z_][\w.]*)(\(.*\))?", word):
                yield named[1].removeprefix("tapem_dsl.")


def resolves(name: str) -> bool:
    first, *others = name.split(".")
    for owner in OWNERS:
        found = inspect.getattr_static(owner, first, None)
        if found is not None:
            return all(hasattr(getattr(owner, first), other) for other in others)
    return False


def test_every_name_exists() -> None:
    found = list(names())
    assert len(found) > 150
    assert [
        name for name in found if name not in OF_OTHERS and not resolves(name)
    ] == []


def test_every_link_leads_somewhere_and_lines_are_short() -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert link.startswith("https:") or (ROOT / link).exists(), link
    assert max(map(len, TEXT.splitlines())) <= 160
