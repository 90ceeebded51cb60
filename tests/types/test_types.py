"""
The typing promises: what checkers infer and refuse where the library is used.

Each case is a definition in an ``accepted*.py`` or a ``refused*.py.txt``. Each checker
runs once, strictly, over copies of these; what they accept is run as well.
"""

import ast
import json
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tapem_dsl import TapeM
from tests.checkers import IMPORTED_FROM, MYPY, PYRIGHT, Errors, errors_of

HERE: Final = Path(__file__).parent
ACCEPTED: Final = tuple(path.name for path in sorted(HERE.glob("accepted_*.py")))
SOURCES: Final = {
    **{name: HERE / name for name in ACCEPTED},
    **{path.stem: path for path in sorted(HERE.glob("refused_*.py.txt"))},
}
WITHOUT_PLUGIN: Final = tuple(name for name in SOURCES if "plugin" not in name)
CHECKED: Final = {
    "mypy": tuple(SOURCES),
    "mypy_without_plugin": WITHOUT_PLUGIN,
    "pyright": WITHOUT_PLUGIN,
}
COMMANDS: Final = {
    "mypy": (*MYPY, "--strict", "--config-file=mypy.ini", *SOURCES),
    "mypy_without_plugin": (*MYPY, "--strict", "--config-file=", *WITHOUT_PLUGIN),
    "pyright": PYRIGHT,
}
MYPY_INI: Final = "[mypy]\nplugins = returns.contrib.mypy.returns_plugin\n"
PYRIGHT_CONFIG: Final = {
    "include": WITHOUT_PLUGIN,
    "typeCheckingMode": "strict",
    "extraPaths": [IMPORTED_FROM],
}
REFUSED: Final = "  # refused"


@dataclass(frozen=True)
class Case:
    """One definition, up to the next; ``refused`` is what to say at which line."""

    file: str
    name: str
    lines: range
    refused: dict[int, dict[str, str]]


def cases(file: str) -> Iterator[Case]:
    """Cut a file at its definitions; what comes before the first is a case as well."""
    text = SOURCES[file].read_text(encoding="utf-8")
    starts = {1: f"top_of_{file}"}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min(part.lineno for part in (node, *node.decorator_list))
            starts[first] = node.name
    lines = text.splitlines()
    ends = [*list(starts)[1:], len(lines) + 1]
    for (start, name), end in zip(starts.items(), ends, strict=True):
        refused = {
            n: wants(lines[n:]) for n in range(start, end) if marked(lines[n - 1])
        }
        yield Case(file, name, range(start, end), refused)


def marked(line: str) -> bool:
    return line.endswith(REFUSED)


def wants(below: list[str]) -> dict[str, str]:
    """Read what mypy and pyright must say from the two lines below a marked one."""
    said = dict(line.strip().removeprefix("# by ").split(": ", 1) for line in below[:2])
    assert said.keys() == {"mypy", "pyright"}, below[:2]
    return said


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Errors]:
    """Run all checkers side by side."""
    folder = tmp_path_factory.mktemp("types")
    for file, source in SOURCES.items():
        (folder / file).write_bytes(source.read_bytes())
    (folder / "mypy.ini").write_text(MYPY_INI, encoding="utf-8")
    config = json.dumps(PYRIGHT_CONFIG)
    (folder / "pyrightconfig.json").write_text(config, encoding="utf-8")
    return errors_of(folder, COMMANDS)


@pytest.mark.parametrize(
    ("checker", "case"),
    [
        pytest.param(checker, case, id=f"{checker}-{case.name}")
        for checker, files in CHECKED.items()
        for file in files
        for case in cases(file)
    ],
)
def test_promise_is_kept(errors: dict[str, Errors], checker: str, case: Case) -> None:
    said = {
        line: message
        for (file, line), message in errors[checker].items()
        if file == case.file and line in case.lines
    }
    unexpected = [said[line] for line in said.keys() - case.refused.keys()]
    assert not unexpected, "\n".join(unexpected)
    accepted = case.refused.keys() - said.keys()
    assert not accepted, f"not refused: lines {accepted}"
    for line, wanted in case.refused.items():
        assert wanted[checker.partition("_")[0]] in said[line]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        pytest.param(file, node.name, id=node.name)
        for file in ACCEPTED
        for node in ast.parse(SOURCES[file].read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.args.args
    ],
)
def test_promise_runs(file: str, name: str) -> None:
    given = runpy.run_path(str(SOURCES[file]))[name]()
    if isinstance(given, TapeM):
        given.run().unwrap()
    else:
        assert given is None
