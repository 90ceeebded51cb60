"""docs/architecture.md: its rooms, files and order are those of the source."""

import re
from pathlib import Path

import pytest

import tapem_dsl

ROOT = Path(__file__).parents[2]
SOURCE = Path(tapem_dsl.__file__).parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROOMS = re.findall(r"^  (\w+)(?:/|\.py) ", PAGE, re.MULTILINE)
DIAGRAM = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)


def test_every_room_is_listed_once() -> None:
    there = [path.stem for path in SOURCE.iterdir() if path.stem[0] not in "_."]
    assert sorted(ROOMS) == sorted(set(there) - {"py"})


def test_the_rooms_stand_in_the_order_of_imports() -> None:
    for room in ROOMS:
        place = SOURCE / room
        files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
        for path in files:
            imported = re.findall(
                r"^from tapem_dsl\.(\w+)", path.read_text(), re.MULTILINE
            )
            for name in imported:
                assert ROOMS.index(name) <= ROOMS.index(room), f"{path} imports {name}"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_every_file_that_is_named_exists(name: str) -> None:
    if name.startswith(("tests/", "docs/")):
        assert (ROOT / name).is_file()
    else:
        assert [path for path in SOURCE.rglob("*.py") if path.match(name)], name


def test_the_one_diagram_shows_rooms_and_interpreters() -> None:
    (diagram,) = DIAGRAM
    interpreters = {path.name for path in (SOURCE / "interpreters").iterdir()}
    assert set(re.findall(r"(\w+)\[", diagram)) <= {*ROOMS, *interpreters}


@pytest.mark.parametrize(
    "instruction", re.findall(r"`(\w+)`", PAGE.split("plain data:")[1].split(".")[0])
)
def test_every_instruction_exists(instruction: str) -> None:
    module = (SOURCE / "program" / "instruction.py").read_text()
    assert f"class {instruction}(" in module
