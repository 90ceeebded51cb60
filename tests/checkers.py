"""Runs mypy and pyright over files, side by side, and reads what they say."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import tapem_dsl

IMPORTED_FROM: Final = str(Path(tapem_dsl.__file__).parents[1])
"""So that what is checked is what runs."""

MYPY: Final = (
    *("mypy", "--output=json"),
    *("--follow-imports=silent", f"--cache-dir={os.devnull}"),
)
PYRIGHT: Final = ("pyright", "--outputjson", "--pythonpath", sys.executable)

Errors = dict[tuple[str, int], str]
"""What a checker says, by file and line."""


def errors_of(
    folder: Path, commands: Mapping[str, tuple[str, ...]]
) -> dict[str, Errors]:
    """Run commands in a folder, each of which must find an error, by their names."""
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, "MYPYPATH": IMPORTED_FROM},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for name, command in commands.items()
    }
    found = {}
    for name, process in running.items():
        output, complaint = process.communicate()
        # There are lines to refuse, so 0 is as wrong as a crash.
        assert process.returncode == 1, complaint or output
        read = _pyright_errors if commands[name] == PYRIGHT else _mypy_errors
        found[name] = read(output)
    return found


def _mypy_errors(output: str) -> Errors:
    found: Errors = defaultdict(str)
    for line in output.splitlines():
        error = json.loads(line)
        if error["severity"] == "error":  # a note may stand at another line
            found[error["file"], error["line"]] += error["message"] + "\n"
    return found


def _pyright_errors(output: str) -> Errors:
    found: Errors = defaultdict(str)
    for error in json.loads(output)["generalDiagnostics"]:
        line = error["range"]["start"]["line"] + 1
        found[Path(error["file"]).name, line] += error["message"] + "\n"
    return found
