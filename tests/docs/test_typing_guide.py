"""
The guide to typing: its programs are accepted, and its mistakes reported as it says.

Each line of a mistake ends with a number. A row of a table with this number has the
first line of what each checker says at one of these lines.
"""

import json
import re
from doctest import DocTestParser
from pathlib import Path
from typing import Final

import pytest

from tests.checkers import IMPORTED_FROM, MYPY, PYRIGHT, Errors, errors_of

GUIDE: Final = (Path(__file__).parents[2] / "docs/guides/typing.md").read_text("utf-8")
CODE: Final = re.compile(
    r"^```\{code-block\} python\n(.*?)^```", re.DOTALL | re.MULTILINE
)
FILES: Final = {
    "accepted.py": "".join(x.source for x in DocTestParser().get_examples(GUIDE)),
    "mistakes.py": "".join(CODE.findall(GUIDE)),
}
ROWS: Final = {
    int(number): {"mypy": mypy.strip(), "pyright": pyright.strip()}
    for number, mypy, pyright in re.findall(
        r"^\| (\d+) \| (.*?) \| (.*?) \| .* \|$", GUIDE, re.MULTILINE
    )
}


def marks() -> dict[int, list[int]]:
    """Return the lines of the mistakes, by the number that they end with."""
    found: dict[int, list[int]] = {}
    for at, line in enumerate(FILES["mistakes.py"].splitlines(), 1):
        if mark := re.search(r"  # (\d+)$", line):
            found.setdefault(int(mark[1]), []).append(at)
    return found


def block(language: str) -> str:
    """Return the configuration that a reader pastes."""
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Errors]:
    folder = tmp_path_factory.mktemp("typing")
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "pyproject.toml").write_text(block("toml"), "utf-8")
    config = json.loads(block("json")) | {"extraPaths": [IMPORTED_FROM]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    return errors_of(folder, {"mypy": (*MYPY, *FILES), "pyright": PYRIGHT})


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_only_mistakes_are_reported(errors: dict[str, Errors], checker: str) -> None:
    marked = {("mistakes.py", at) for lines in marks().values() for at in lines}
    rest = {at: said for at, said in errors[checker].items() if at not in marked}
    assert not rest


@pytest.mark.parametrize("number", sorted(ROWS))
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_mistake_is_reported_as_the_table_says(
    errors: dict[str, Errors], checker: str, number: int
) -> None:
    said = [errors[checker].get(("mistakes.py", at), "") for at in marks()[number]]
    if ROWS[number][checker] == "nothing":
        assert not any(said)
    else:
        promised = ROWS[number][checker].strip("`").replace(r"\|", "|")
        assert promised in "".join(said).splitlines()


def test_every_mistake_has_a_row() -> None:
    assert sorted(marks()) == sorted(ROWS) == list(range(1, len(ROWS) + 1))
    assert len(ROWS) > 10
