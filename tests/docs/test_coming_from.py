"""
The tables of docs/coming_from/: every cell runs, and both sides agree.

The examples of a page set the names. What the dict ``theirs`` holds are names of the
left cells, and ``ours`` those of the right ones; programs run on ``tape``. A span of
code in a cell is an expression, or a statement; those with ``yield from`` are a block.
"""

import ast
import doctest
import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from textwrap import indent
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl import NodeId, TapeM

DOCS: Final = Path(__file__).parents[2] / "docs" / "coming_from"
ROW: Final = re.compile(r"^\| (.*) \| (.*) \|$", re.MULTILINE)
HEAD: Final = "here you write"

# Any, throughout: values of rows, and the names of a page.


def rows_of(text: str) -> list[tuple[str, str]]:
    """Give the cells of the tables, without heads."""
    return [(left, right) for left, right in ROW.findall(text) if right != HEAD]


def names_of(page: str, text: str) -> dict[str, Any]:
    """Run the examples, which another test checks; give the names that they set."""
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    doctest.DocTestRunner().run(test, out=lambda _: None, clear_globs=False)
    return test.globs


def run_cell(cell: str, names: dict[str, Any]) -> Any:
    """Run the spans of a cell; give the value of the last, or what it names."""
    spans = re.findall(r"`([^`]+)`", cell)
    if any("yield from" in span for span in spans):
        exec("@do\ndef block():\n" + indent("\n".join(spans), "  "), names)
        return names["block"]()
    value = None
    for span in spans:
        match ast.parse(span).body:
            case [ast.Expr()]:
                value = eval(span, names)
            case [ast.Assign(targets=[ast.Name(id=name)])]:
                exec(span, names)
                value = names[name]
            case _:
                exec(span, names)
                value = None
    return value


def numbers_in(value: Any, tape: Any) -> list[NDArray[Any]]:
    """Give the arrays of a value: of a program what its node holds, run on a tape."""
    if isinstance(value, TapeM):
        value, after = value.run(tape).unwrap()
        value = after[NodeId(value)].value if type(value) is int else value
    if isinstance(value, Result):
        value = value.unwrap()
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [array for part in value for array in numbers_in(part, tape)]
    if not (hasattr(value, "dtype") or isinstance(value, int | float)):
        return []
    return [np.asarray(value.detach() if hasattr(value, "detach") else value)]


def check(left: Any, right: Any, tape: Any) -> bool:
    """Compare two values, if both give numbers; return whether they do."""
    theirs, ours = numbers_in(left, tape), numbers_in(right, tape)
    if theirs and ours:
        assert [x.shape for x in theirs] == [x.shape for x in ours]
        for a, b in zip(theirs, ours, strict=True):
            exact = "64" in f"{a.dtype}"
            np.testing.assert_allclose(b, a, rtol=1e-9 if exact else 1e-5, atol=1e-12)
    return bool(theirs and ours)


PAGES: Final = [
    ("pytorch", 71, 51),
    ("jax", 51, 36),
    ("returns", 39, 28),
    ("lean", 46, 0),
    ("missing_ops", 24, 22),
]
"""Each with how many rows it has, and how many are compared."""


def test_every_page_is_known() -> None:
    assert {path.stem for path in DOCS.iterdir()} == {page for page, *_ in PAGES}


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch.func
@pytest.mark.parametrize(("page", "rows", "compared"), PAGES)
def test_every_row_runs_and_its_sides_agree(
    page: str,
    rows: int,
    compared: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # for rows that write files
    text = (DOCS / f"{page}.md").read_text()
    names = names_of(page, text)
    theirs = {**names, **names.get("theirs", {})}
    ours = {**names, **names.get("ours", {})}
    broken, agreed = [], 0
    for left, right in rows_of(text):
        try:
            with redirect_stdout(io.StringIO()):
                their_value = None if page == "lean" else run_cell(left, theirs)
                agreed += check(their_value, run_cell(right, ours), names.get("tape"))
        except Exception as error:  # noqa: BLE001 - whatever a row raises
            broken.append(f"{left} | {right}: {type(error).__name__}: {error}")
    assert not broken, "\n".join(broken)
    assert (len(rows_of(text)), agreed) == (rows, compared)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = text.count(f"| {HEAD} |\n|---|---|\n")
    assert len(lines) == rows + 2 * tables, "a line of a table is no row"
