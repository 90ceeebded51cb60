"""The pages that people wrote: those in docs/, and those beside it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
GENERATED: Final = ("docs/_site", "docs/api", "docs/adr/index.md")
BESIDE: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


class Block(NamedTuple):
    language: str
    text: str


def written() -> dict[str, str]:
    """Return the text of each page by its path from the root."""
    paths = [
        *BESIDE,
        *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
    ]
    return {
        path: (ROOT / path).read_text()
        for path in sorted(paths)
        if not path.startswith(GENERATED)
    }


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, whatever their fences."""
    fence, language, lines = "", "", list[str]()
    for line in text.splitlines():
        found = re.match(r"\s*(`{3,}|~{3,})(.*)", line)
        if not fence and found:
            fence, language, lines = found[1], found[2].strip(), []
        elif found and found[1].startswith(fence) and not found[2].strip():
            yield Block(language, "\n".join(lines))
            fence = ""
        else:
            lines.append(line)
    assert not fence, f"a block of {language} does not end"
