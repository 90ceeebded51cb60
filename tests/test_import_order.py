"""The house: folders, and modules within some, import downwards only."""

import ast
from pathlib import Path

import pytest

import tapem_dsl

ROOT = Path(tapem_dsl.__file__).parent
HOUSE = [
    *(
        "messages",
        "arguments",
        "ids",
        "errors",
        "arrays",
        "tape",
        "program",
        "tree",
        "files",
    ),
    *("ops", "interpreters", "optim", "train", "testing"),
]
"""The folders and modules at the top, each importing those before it only."""

ROOMS = {
    "arrays": [
        *("shape", "namespace", "half", "sums", "smooth", "indexing", "windows"),
        *("base", "numpy", "exact", "dispatch"),
    ],
    "tape": ["equality", "value", "op", "node", "ancestors", "tape", "record"],
    "program": [
        *("instruction", "checks", "place", "machine", "spine", "tapem", "do"),
        "combinators",
    ],
    "interpreters": [
        *("tracer", "results", "rules", "jacobians", "periods"),
        *("reverse", "forward", "recorded", "compiled", "interop", "render"),
        *("check", "replay", "nonfinite", "saved", "torchlean"),
    ],
    "optim": [
        "schedules",
        "cycles",
        "rules",
        "adaptive",
        "transforms",
        "clipping",
        "table",
    ],
    "train": ["data", "checkpoint", "loop"],
}
"""The same within a folder."""

MAIN = ROOT / "__init__.py", ROOT / "__main__.py"
MODULES = sorted(path for path in ROOT.rglob("*.py") if path not in MAIN)


def imports_of(path: Path) -> set[str]:
    """Every module of the package that a file imports at run time."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module == "tapem_dsl":
            found.update(f"tapem_dsl.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] == "tapem_dsl"}


def names_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.stem[0] not in "_."} - {"py"}


def test_everything_has_its_place() -> None:
    assert names_in(ROOT) == set(HOUSE)
    for room, order in ROOMS.items():
        assert names_in(ROOT / room) == set(order)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    room, *rest = path.relative_to(ROOT).with_suffix("").parts
    for name in imports_of(path):
        imported, *inner = name.split(".")[1:]
        assert imported in HOUSE, f"{path} imports a public name, which imports it"
        assert HOUSE.index(imported) <= HOUSE.index(room), name
        order = ROOMS.get(room, [])
        if imported == room and order and rest[0] != "__init__" and inner:
            assert order.index(inner[0]) <= order.index(rest[0]), name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_ops_and_rules_never_compute_with_numpy() -> None:
    """A rule that calls NumPy would work for no other scalar."""
    for path in (ROOT / "interpreters" / "reverse" / "rules").glob("*.py"):
        assert "import numpy" not in path.read_text().replace(">>> import numpy", "")
