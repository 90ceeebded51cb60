"""The command that shows a saved tape."""

from pathlib import Path

import pytest

from tapem_dsl import (
    NodeId,
    backward_scalar,
    mul,
    param,
    save_tape,
    to_dot,
    to_html,
    to_mermaid,
)
from tapem_dsl.__main__ import main


@pytest.fixture
def file(tmp_path: Path) -> str:
    out, tape = param(3.0, "x").bind(lambda x: mul(x, x)).run().unwrap()
    path = tmp_path / "saved"
    save_tape(path, tape, backward_scalar(tape, out).unwrap())
    return str(path)


def test_show_prints_the_table_with_gradients(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", file]) == 0
    head, x, _ = capsys.readouterr().out.splitlines()
    assert head.split()[-1] == "gradient"
    assert x.split()[-3:] == ["x", "3", "6"]


def test_show_draws(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, tape = param(3.0, "x").bind(lambda x: mul(x, x)).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    expected = {
        "dot": to_dot(tape),
        "mermaid": to_mermaid(tape),
        "html": to_html(tape, gradients),
    }
    for format_, text in expected.items():
        assert main(["show", file, "--format", format_]) == 0
        assert capsys.readouterr().out == f"{text}\n"
    assert main(["show", file, "-f", "dot", "-o", "0"]) == 0
    assert capsys.readouterr().out == f"{to_dot(tape, NodeId(0))}\n"


def test_show_says_what_is_wrong(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(tmp_path / "none\x1b")]) == 1
    assert "no file is there" in (error := capsys.readouterr().err)
    assert "\x1b" not in error
    assert main(["show", file, "-f", "dot", "-o", "9"]) == 1
    assert "id=9, size=2" in capsys.readouterr().err


@pytest.mark.parametrize("format_", ["table", "dot"])
def test_show_refuses_a_negative_number_of_lines(
    file: str, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", file, "-f", format_, "--lines", "-5"]) == 1
    assert capsys.readouterr().err == "--lines takes a number from 0, not -5\n"
