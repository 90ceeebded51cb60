"""What README.md shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, written

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CODE = "\n".join(BLOCKS)


def python(*arguments: str, cwd: Path) -> str:
    run = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "readme.py").write_text(CODE)
    return tmp_path


def test_the_code_prints_what_its_comments_say(folder: Path) -> None:
    promised = re.findall(r"print\(.*\)  # (.*)|^# (.*)", CODE, re.MULTILINE)
    printed = python("-W", "error", "readme.py", cwd=folder)
    assert printed.splitlines() == ["".join(pair) for pair in promised]
    assert len(promised) == 8


def test_the_code_is_strictly_typed(folder: Path) -> None:
    python("-m", "mypy", str(folder / "readme.py"), cwd=ROOT)


def test_the_first_program_is_short() -> None:
    lines = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_it_shows_two_commands_and_every_link_leads_somewhere() -> None:
    assert re.findall(r"^make (\w+)", README, re.MULTILINE) == ["demo", "test"]
    for page, text in written().items():
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text):
            assert ((ROOT / page).parent / link).exists(), f"{page}: {link}"


def test_the_picture_is_described_by_its_numbers() -> None:
    ((words, picture),) = re.findall(r"!\[(.*)\]\((.*)\)", README)
    svg = (ROOT / picture).read_text().replace("\N{MINUS SIGN}", "-")
    svg = re.sub(r"(?s)<style.*?</style>", "", svg)
    drawn = " ".join(re.findall(r">([^<>]+)<", svg))  # without coordinates
    numbers = re.findall(r"-?\d[\d/]*", words)
    assert len(numbers) == 8
    for number in numbers:
        assert re.search(rf"(?<!\d){number}(?!\d)", drawn), number
