"""The files of the notebooks; the test of the site has what their pages show."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells_of(notebook: Path) -> list[dict[str, Any]]:  # Any: JSON
    cells: list[dict[str, Any]] = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_files_hold_no_outputs() -> None:
    assert len(NOTEBOOKS) > 5
    for notebook in NOTEBOOKS:
        for cell in cells_of(notebook):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_their_code_is_strictly_typed(tmp_path: Path) -> None:
    for notebook in NOTEBOOKS:
        lines = [
            line for cell in cells_of(notebook) for line in (*cell["source"], "\n")
        ]
        code = "".join(line for line in lines if not line.startswith("%"))
        # IPython has functions without types
        code = f"# mypy: allow-untyped-calls\n{code}"
        (tmp_path / f"{notebook.stem}.py").write_text(code)
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
