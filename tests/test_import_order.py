"""The house: packages and the modules of the core import downwards only."""

import ast
from pathlib import Path

import pytest

import tapem_dsl

ROOT = Path(tapem_dsl.__file__).parent
PACKAGES = ["core", "ops", "interpreters", "train", "testing"]
CORE = [
    "messages",
    "node_id",
    "errors",
    "shape",
    "namespace",
    "same",
    "value",
    "op",
    "node",
    "tape",
    "instruction",
    "arguments",
    "record",
    "machine",
    "spine",
    "tapem",
    "do",
    "combinators",
    "pack",
]
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def imports_of(path: Path) -> set[str]:
    """Every module of the package that a file imports at run time."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] == "tapem_dsl"}


def test_every_module_of_the_core_has_its_place() -> None:
    assert {path.stem for path in (ROOT / "core").iterdir()} - {"__init__"} >= set(CORE)
    present = {path.stem for path in (ROOT / "core").iterdir() if path.stem[0] != "_"}
    assert present == set(CORE)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    for name in imports_of(path):
        imported = name.split(".")[1:]
        assert imported, f"{path} imports the public names, which import it"
        assert PACKAGES.index(imported[0]) <= PACKAGES.index(package), name
        if package == imported[0] == "core" and rest[0] != "__init__":
            assert CORE.index(imported[1]) <= CORE.index(rest[0]), name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_ops_and_rules_never_compute_with_numpy() -> None:
    """A rule that calls NumPy would work for no other scalar."""
    for path in (ROOT / "interpreters" / "reverse").glob("*.py"):
        if path.stem in ("sweep", "dense", "sparse", "deferred", "wanted"):
            continue
        assert "import numpy" not in path.read_text().replace(">>> import numpy", "")
