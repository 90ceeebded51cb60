"""Tables in a terminal: what they hold, how wide they are, and nothing else."""

import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.result import Success

from tapem_dsl import (
    Node,
    NodeId,
    Tape,
    backward_dense,
    backward_scalar,
    const,
    fold_m,
    gradients_to_text,
    leaf,
    make_dual,
    param,
    print_tape,
    rationals,
    scale,
    tanh,
    to_text,
)
from tapem_dsl.interpreters.render import cells, to_rich
from tapem_dsl.interpreters.render.texts import clipped, describe_value
from tapem_dsl.messages import cell_width
from tapem_dsl.testing.strategies import ids_of, tapes
from tests.interpreters.render.hostile import ZERO, hostile_tapes


@settings(deadline=None)  # the machine may be busy
@given(tapes(), st.data())
def test_a_table_has_a_line_for_each_node(tape: Tape[Any], data: Any) -> None:
    out = data.draw(ids_of(tape))
    seed = np.ones(tape[out].value.shape, int)
    seed = rationals(seed) if tape[out].value.dtype == object else seed
    gradients = backward_dense(tape, out, seed).value_or(None)
    lines = to_text(tape, gradients, most=1000, width=300).splitlines()
    named = [line.split()[0] for line in lines[1:] if not line.startswith(("|", " "))]
    assert named[0] == "0"
    assert lines[0].startswith("id")
    for node in tape:
        assert any(node.label.split()[0] in line for line in lines)


@settings(deadline=None)  # the machine may be busy
@given(hostile_tapes(), st.sampled_from((60, 80, 200)))
def test_hostile_names_stay_on_their_line(tape: Tape[Any], width: int) -> None:
    text = to_text(tape, most=1000, width=width)
    rows = text.split("\n")
    assert len(rows) >= 2
    for row in rows:
        assert row.isprintable()
        assert len(row) <= width
    assert [
        x.rstrip() for x in to_rich(tape, most=1000, width=width).plain.split("\n")
    ] == rows


def test_markup_of_rich_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_tape(param(1.0, "[bold]x[/bold]").exec().unwrap())
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_a_fold_says_how_often() -> None:
    out = leaf(1.0).bind(lambda x: fold_m(scale, x, [2.0] * 1000))
    lines = to_text(out.exec().unwrap()).splitlines()
    assert lines[2].split("  ")[0::2][:1] == ["1-1000"]
    assert "x 1,000" in lines[2]
    assert len(lines) == 4


def test_gradients_lie_beside_values() -> None:
    out, tape = param(3.0, "x").bind(tanh).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    for given_ in (gradients, backward_dense(tape, out, 1.0).unwrap()):
        head, x, _ = to_text(tape, given_).splitlines()
        assert head.split()[-1] == "gradient"
        assert x.split()[-1] == describe_value(gradients[NodeId(0)])


def test_only_values_that_are_shown_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def counting(value: object) -> str:
        read.append(value)
        return ""

    monkeypatch.setattr(cells, "describe_value", counting)
    names = (f"w{at}" for at in range(100_000))
    tape = Tape([Node(None, (), ZERO, True, name) for name in names])
    assert len(to_text(tape).splitlines()) == 41
    assert 0 < len(read) <= 40


def test_without_rich_tables_are_plain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = leaf(1.0).exec().unwrap()
    for name in ("rich.console", "rich.text"):
        monkeypatch.setitem(sys.modules, name, None)
    print_tape(tape)
    assert capsys.readouterr().out == f"{to_text(tape)}\n"
    with pytest.raises(ImportError, match=r"pip install 'tapem_dsl\[render\]'"):
        to_rich(tape)


def test_what_is_no_tape_is_refused() -> None:
    no_tape: Any = Success((0, Tape()))
    for function in (to_text, to_rich, print_tape):
        with pytest.raises(TypeError, match=r"takes a Tape, not .*run the program"):
            function(no_tape)
    no_map: Any = 3
    with pytest.raises(TypeError, match="gradients by id"):
        to_text(Tape(), no_map)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(1.5), "1.5"),
        (np.zeros((0, 2)), "empty"),
        (np.array([[1, 2], [3, 4]]), "[[1 2] [3 4]]"),
        (np.array([True, False]), "[True False]"),
        (np.arange(8) % 2 == 0, "4 of 8 true"),
        (np.full(9, np.nan), "9 nan"),
        (
            np.array([np.inf, -np.inf, np.nan, 1, 2, 3, 4]),
            "1 to 4, mean 2.5, 1 nan, 2 inf",
        ),
        (np.full(9, 65000, np.float16), "6.499e+04 to 6.499e+04, mean 6.499e+04"),
        (np.full(9, 2**62), "~4.612e+18 to ~4.612e+18, mean 4.612e+18"),
        (rationals(["1/3"] * 9), "1/3 to 1/3"),
        (Fraction(10**400), "~2**1328"),
        (Fraction(1, 10**400), "~0"),
        (10**30, "~1e+30"),
        ("text", "'text'"),
    ],
)
def test_values_are_short(value: object, text: str) -> None:
    assert describe_value(value) == text


def test_a_dual_on_a_tape_is_shown() -> None:
    dual = leaf(1.0).bind(lambda x: const(2.0).bind(lambda t: make_dual(x, t)))
    assert "Dual(" in to_text(dual.exec().unwrap(), width=200)


def test_gradients_by_name() -> None:
    out, tape = param(3.0, "w\n").bind(tanh).run().unwrap()
    gradients = backward_scalar(tape, out).unwrap()
    first, second = gradients_to_text(gradients, tape).splitlines()
    assert first.startswith("w\\n ")
    assert second.startswith("tanh(0) ")
    pytree = {"layer": [np.arange(3.0), None], "bias": np.float64(2)}
    assert gradients_to_text(pytree).splitlines() == [
        "layer.0  (3,)  [0 1 2]",
        "bias     ()    2",
    ]
    assert gradients_to_text({}) == "no gradients"
    long = gradients_to_text([1.0] * 100, most=10)
    assert long.splitlines()[-1] == "... 90 more"
    with pytest.raises(TypeError, match="gradients_to_text takes gradients by id"):
        gradients_to_text(3.0, tape)


WIDE = ("日本語", "🙂🙂", "ab", "e\u0301\u0301", "\uff41\uff42", "한국어" * 20, "x")


def cells_before(line: str, mark: str) -> int:
    return cell_width(line[: line.index(mark)])


@pytest.mark.parametrize("width", [200, 70, 50])
def test_columns_stand_below_each_other_whatever_the_names(width: int) -> None:
    nodes = [node for name in WIDE for node in leaf(7.0, name).exec().unwrap()]
    header, *lines = to_text(Tape(nodes), width=width).splitlines()
    assert {cells_before(line, "  7") for line in lines} == {
        cells_before(header, "  value")
    }
    assert max(map(cell_width, lines)) <= width


def test_gradients_stand_below_each_other_whatever_the_names() -> None:
    lines = gradients_to_text(dict.fromkeys(WIDE, np.float64(7))).splitlines()
    assert len({cells_before(line, "  ()") for line in lines}) == 1


@pytest.mark.parametrize("text", [*WIDE[:4], "\u0301" * 200, "a" + "\u0301" * 200])
def test_cells_are_those_of_rich(text: str) -> None:
    rich_cells = pytest.importorskip("rich.cells")
    assert cell_width(text) == rich_cells.cell_len(text)
    assert rich_cells.cell_len(clipped(text, 5)) <= 5


def test_what_is_left_out_of_a_text_is_marked() -> None:
    assert clipped("a" + "\u0301" * 200, 60)[-1] == "…"
    assert clipped("日本語", 5) == "日本…"
    assert clipped("日本語", 6) == "日本語"
