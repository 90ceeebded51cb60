"""The notebook, run by a kernel, and what it then shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import tapem_dsl

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "tapes.ipynb"
CELLS = json.loads(NOTEBOOK.read_text())["cells"]
SHOWN = 'jp-OutputArea-executeResult" data-mime-type="text/html"'
"""What stands before each output that is HTML."""


def cells_as_html(folder: Path) -> str:
    """Run the cells in a kernel without the settings of a user."""
    folders = ("CONFIG", "DATA", "RUNTIME")
    own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in folders}
    own["IPYTHONDIR"] = str(folder / "ipython")
    source = str(Path(tapem_dsl.__file__).parents[1])
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "nbconvert", "--to", "html", "--execute"),
            *("--output-dir", str(folder), str(NOTEBOOK)),
        ],
        env={**os.environ, **own, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    html = (folder / "tapes.html").read_text()
    return html.partition("<main>")[2].partition("</main>")[0]


def test_the_notebook_shows_tables_and_texts(tmp_path: Path) -> None:
    page = cells_as_html(tmp_path)
    assert "Programs and tapes in a notebook" in page
    assert "<script" not in page
    assert "Traceback" not in page
    assert "application/vnd.jupyter.stderr" not in page
    first, *outputs = page.split(SHOWN)
    assert "load_ext" in first
    data, program, tape, gradients, beside, success, failure = outputs
    assert "<summary>Dataset of 1,000 samples</summary><table>" in data
    assert "<i>988 more</i>" in data
    assert ".bind(mean_loss)</code>" in program
    fold = "<summary>7 to 6,000: x 999, 6 nodes each</summary><table>"
    for shown in (tape, beside):
        assert "<summary>Tape of 6,002 nodes</summary><table>" in shown
        assert fold in shown
        for flag, name in (("grad", "w"), ("grad", "b"), ("-", "x"), ("-", "y")):
            assert f"<td>{flag}</td><td>{name}</td>" in shown
    assert "<th>gradient</th>" in beside
    assert "<th>gradient</th>" not in tape
    assert "<summary>Gradients of 2 nodes</summary><table>" in gradients
    assert "<summary>Success</summary><p>float64 (): " in success
    assert "<summary>dict of 2 leaves</summary><table>" in success
    assert "<td>w</td><td>(2, 3)</td><td>float64</td>" in success
    assert "<summary>Failure</summary><p>autograd: shape mismatch" in failure
    assert "at Cell In[3], line 9, in loss_of\n" in failure
    assert "at item 0 of 1000" in failure
    assert "node 1: b, leaf" in failure


def test_the_file_holds_no_outputs() -> None:
    for cell in CELLS:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
