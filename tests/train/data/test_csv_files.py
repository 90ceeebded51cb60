"""Numbers from CSV: each failure with its place, and no exception."""

import csv
import io
import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tapem_dsl.errors import LoadError
from tapem_dsl.tape.equality import same
from tapem_dsl.train import (
    CsvOptions,
    Pair,
    csv_matrix,
    csv_pairs,
    csv_vectors,
    load_csv,
    parse_csv,
)
from tapem_dsl.train.data import csv_files
from tests.oracles import usual

doubles = st.floats(allow_nan=False, allow_infinity=False)


@usual
@given(
    table=st.lists(st.lists(doubles, min_size=1, max_size=4), min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", " ", "|", "]", "^", "\\"]),
    cell=st.sampled_from(["{}", '"{}"', ' "{}"', '"{}" ', '" {}\r\n"', "\v{}\u2003"]),
    header=st.booleans(),
    mark=st.booleans(),
    line=st.sampled_from(["\n", "\r\n", "\r"]),
    ends=st.integers(0, 2),
)
def test_what_was_written_is_read(  # noqa: PLR0913 - the ways to write a table
    *,
    table: list[list[float]],
    delimiter: str,
    cell: str,
    header: bool,
    mark: bool,
    line: str,
    ends: int,
) -> None:
    if delimiter == " ":
        cell = cell.replace(" ", "")
    rows = [delimiter.join(cell.format(repr(x)) for x in row) for row in table]
    text = "\ufeff" * mark + line.join(["a,b"] * header + rows) + line * ends
    options = CsvOptions(delimiter, skip_header=header)
    assert parse_csv(text, options) == Success(table)
    tight = text.replace(" ", "").replace("\v", "").replace("\u2003", "")
    if delimiter != " " and "\r\n" not in cell:
        options = CsvOptions(delimiter, skip_header=header, trim_cells=False)
        assert parse_csv(tight, options) == Success(table)


@usual
@given(
    bits=st.integers(0, 2**64 - 1), style=st.sampled_from(["r", ".17g", ".16E", "+"])
)
def test_every_double_is_read_as_it_is(bits: int, style: str) -> None:
    number = struct.unpack("<d", struct.pack("<Q", bits))[0]
    text = repr(number) if style == "r" else format(number, style)
    result = parse_csv(text)
    if math.isfinite(number):
        assert same(result, Success([[number]]))
    else:
        assert "unparsed suffix" in result.failure().message


@usual
@given(
    cell=st.from_regex(
        r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", fullmatch=True
    )
)
def test_what_the_grammar_says_is_the_nearest_double(cell: str) -> None:
    if len(cell) <= 256 and cell.isascii():
        expected = float(Fraction(cell)) if abs(_exponent(cell)) < 200 else float(cell)
        assert parse_csv(cell).unwrap() == [[expected]]


def _exponent(cell: str) -> int:
    return int(cell.lower().partition("e")[2] or 0)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1),
        ("-1.", -1),
        ("+.5", 0.5),
        ("1e3", 1000),
        ("2.5E-1", 0.25),
        ("007", 7),
        ('"1"', 1),
        ("1e400", math.inf),
        ("-1.8e308", -math.inf),
        ("1e-400", 0),
    ],
)
def test_a_cell_is_sign_digits_point_and_exponent(cell: str, value: float) -> None:
    assert parse_csv(cell) == Success([[value]])


def _seen(row: int, suffix: str) -> tuple[str, int, int]:
    return f"csv row {row}, col 1: unparsed suffix: {suffix}", row, 1


@pytest.mark.parametrize(
    ("text", "options", "message", "row", "column"),
    [
        ("", CsvOptions(), "csv: no data rows", None, None),
        ("a,b", CsvOptions(skip_header=True), "csv: no data rows", None, None),
        (
            "1\n\n2",
            CsvOptions(allow_empty_lines=False),
            "csv: row 2: empty line",
            2,
            None,
        ),
        ("1\n", CsvOptions(allow_empty_lines=False), "csv: row 2: empty line", 2, None),
        ("1,,2", CsvOptions(), "csv: row 1, col 2: empty cell", 1, 2),
        (
            "h\n\n1, ",
            CsvOptions(skip_header=True),
            "csv: row 2, col 2: empty cell",
            2,
            2,
        ),
        ("1,,2", CsvOptions(trim_cells=False), "csv row 1, col 2: empty cell", 1, 2),
        (
            "1, 2",
            CsvOptions(trim_cells=False),
            "csv row 1, col 2: unparsed suffix:  2",
            1,
            2,
        ),
        (
            "9" * 257,
            CsvOptions(),
            "csv row 1, col 1: cell too long (257 chars; max 256)",
            1,
            1,
        ),
        ("1e", CsvOptions(), "csv row 1, col 1: invalid exponent", 1, 1),
        ("1e+", CsvOptions(), "csv row 1, col 1: invalid exponent", 1, 1),
        ("1.2.3", CsvOptions(), "csv row 1, col 1: unparsed suffix: .3", 1, 1),
        ("1x", CsvOptions(), "csv row 1, col 1: unparsed suffix: x", 1, 1),
        ("nan", CsvOptions(), "csv row 1, col 1: unparsed suffix: nan", 1, 1),
        ('""', CsvOptions(), "csv: row 1, col 1: empty cell", 1, 1),
        ('"1"2', CsvOptions(), 'csv row 1, col 1: unparsed suffix: "1"2', 1, 1),
        ('1\n2,"3\n4', CsvOptions(), 'csv row 2, col 2: unparsed suffix: "3', 2, 2),
        ('"1""2"', CsvOptions(), 'csv row 1, col 1: unparsed suffix: "2', 1, 1),
        ('"1,2"', CsvOptions(), "csv row 1, col 1: unparsed suffix: ,2", 1, 1),
        (
            '1, "2"',
            CsvOptions(trim_cells=False),
            'csv row 1, col 2: unparsed suffix:  "2"',
            1,
            2,
        ),
        ("1\n\t\n2", CsvOptions("\t"), "csv: row 2, col 1: empty cell", 2, 1),
        ("1\n \n2", CsvOptions(" "), "csv: row 2, col 1: empty cell", 2, 1),
        (
            "1\n\t\n2",
            CsvOptions("\t", trim_cells=False),
            "csv row 2, col 1: empty cell",
            2,
            1,
        ),
        (
            "1\n \n2",
            CsvOptions(trim_cells=False),
            r"csv row 2, col 1: unparsed suffix: \x20",
            2,
            1,
        ),
        ("1\n\u20282", CsvOptions(trim_cells=False), *_seen(2, r"\u20282")),
        ("1\n2\u200b", CsvOptions(), *_seen(2, r"\u200b")),
        ("1\n\ufeff2", CsvOptions(), *_seen(2, r"\ufeff2")),
        ("1\n2\ufe0f\u3164", CsvOptions(), *_seen(2, r"\ufe0f\u3164")),
        ("1\n2\0\x1b[31m\ud800", CsvOptions(), *_seen(2, r"\x00\x1b[31m\ud800")),
        ("1\n2\ta", CsvOptions(), *_seen(2, r"\ta")),
        ("1\n2 é𝟛\\", CsvOptions(), *_seen(2, " é𝟛\\")),
        ("1_0", CsvOptions(), "csv row 1, col 1: unparsed suffix: _0", 1, 1),
        ("٣", CsvOptions(), "csv row 1, col 1: unparsed suffix: ٣", 1, 1),
        ("1,-", CsvOptions(), "csv row 1, col 2: no digits found", 1, 2),
        (".e5", CsvOptions(), "csv row 1, col 1: no digits found", 1, 1),
    ],
)
def test_a_broken_text_fails_at_its_row_and_column(
    text: str, options: CsvOptions, message: str, row: int | None, column: int | None
) -> None:
    error = parse_csv(text, options).failure()
    assert isinstance(error, LoadError)
    if row == 1:
        message += "; if row 1 names the columns, pass skip_header=True"
    assert (error.message, error.row, error.column) == (message, row, column)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [("x,y\n1,2\n", "x"), ('"a,b"\r1', "a,b"), ("\ufeffid, x\n1,2", "id")],
)
def test_a_header_is_told_how_to_be_passed_over(text: str, suffix: str) -> None:
    fix = "; if row 1 names the columns, pass skip_header=True"
    error = parse_csv(text).failure()
    assert error.message == f"csv row 1, col 1: unparsed suffix: {suffix}{fix}"
    assert parse_csv(text, CsvOptions(skip_header=True)).unwrap()
    assert "skip_header" not in parse_csv(f"1,2\n{text}").failure().message
    twice = f"a\n{text}"
    assert fix not in parse_csv(twice, CsvOptions(skip_header=True)).failure().message


@pytest.mark.parametrize(
    "text",
    ["id,2020,2021\n5,1,2", "date,1.5\n2,3", "name,age", "x\n", "1,x\n1,2", ",1\n1,2"],
)
def test_a_first_row_that_is_wrong_may_be_a_header(text: str) -> None:
    fix = "; if row 1 names the columns, pass skip_header=True"
    assert parse_csv(text).failure().message.endswith(fix)
    past = parse_csv(text, CsvOptions(skip_header=True))
    assert past.value_or(None) or past.failure().message == "csv: no data rows"


def test_a_header_below_blank_lines_needs_them_removed() -> None:
    what = "; if row 3 names the columns, remove the blank lines above it and pass skip"
    text = "\n\nname,age\n1,2"
    assert what in parse_csv(text).failure().message
    cut = text.removeprefix("\n\n")
    assert parse_csv(cut, CsvOptions(skip_header=True)).unwrap() == [[1.0, 2.0]]


cells = st.text("ab\"'\r\n,;\t\0\u2028 1", max_size=4)


@usual
@given(
    table=st.lists(st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=4),
    delimiter=st.sampled_from([",", ";", "\t", " "]),
    line=st.sampled_from(["\n", "\r\n", "\r"]),
    more=st.booleans(),
)
def test_what_pythons_writer_quotes_are_the_cells(
    table: list[list[str]], delimiter: str, line: str, more: bool
) -> None:
    # with one end of lines, the writer leaves cells that hold the other without quotes
    all_of_them = more or len(line) < 2
    quoting: Literal[0, 1] = csv.QUOTE_ALL if all_of_them else csv.QUOTE_MINIMAL
    out = io.StringIO(newline="")
    csv.writer(
        out, delimiter=delimiter, lineterminator=line, quoting=quoting
    ).writerows(table)
    options = CsvOptions(delimiter, trim_cells=False)
    *records, last = csv_files._records(out.getvalue(), options)
    assert [record.cells for record in records] == table
    assert last.blank
    header = CsvOptions(delimiter, skip_header=True)
    numbers = parse_csv(f"{out.getvalue()}{line}1{delimiter}2", header)
    if len(table) == 1:
        assert numbers == Success([[1.0, 2.0]])


def test_every_loader_numbers_rows_alike() -> None:
    text = '\ufeffa,"b\n"\r\n\r\n1,"2\n"\r\n\r\n3'
    options = CsvOptions(skip_header=True)
    for result, message in (
        (csv_pairs(text, options), "csv: expected exactly 2 columns per row"),
        (csv_vectors(text, 2, options), "csv: expected 2 entries, got 1"),
        (csv_matrix(text, 2, 2, options), "csv: row 4: expected 2 entries, got 1"),
        (csv_pairs(f"{text}x", options), "csv row 4, col 1: unparsed suffix: x"),
    ):
        error = result.failure()
        assert isinstance(error, LoadError)
        assert (error.message, error.row) == (message, 4)


@pytest.mark.parametrize("delimiter", ["", ", ", '"', "\n", "\r", None, b","])
def test_a_delimiter_is_one_character(delimiter: Any) -> None:
    with pytest.raises(ValueError, match="delimiter of CsvOptions is one character"):
        CsvOptions(delimiter)


@usual
@given(
    text=st.text('019.,;eE+-\n\r\t "x\0\ufeff٣', max_size=12) | st.text(),
    delimiter=st.sampled_from(",; \t9e"),
    flags=st.tuples(*(3 * [st.booleans()])),
)
def test_every_text_loads_or_fails(text: str, delimiter: str, flags: Any) -> None:
    result = parse_csv(text, CsvOptions(delimiter, *flags))
    if isinstance(result, Success):
        rows = result.unwrap()
        assert all(type(x) is float and not math.isnan(x) for row in rows for x in row)
    else:
        error = result.failure()
        assert isinstance(error, LoadError)
        assert error.message.isprintable()


def test_a_long_text_takes_time_in_proportion() -> None:
    assert parse_csv('"' * 1_000_001).failure().message.startswith("csv row 1, col 1")
    header = ",".join(['"a'] * 200_000)
    options = CsvOptions(skip_header=True)
    assert parse_csv(f"{header}\n1", options) == Success([[1.0]])


def test_csv_loaders_check_their_shapes(tmp_path: Path) -> None:
    assert csv_matrix("1,2\n3,4", 2, 2).unwrap().tolist() == [[1, 2], [3, 4]]
    assert csv_matrix("1,2", 2, 2).failure().message == "csv: expected 2 rows, got 1"
    assert csv_vectors("1\n2", 1).unwrap().size() == 2
    assert csv_vectors("1,2", 1).failure().message == "csv: expected 1 entries, got 2"
    assert csv_pairs("1,2").unwrap().to_list() == [Pair(1.0, 2.0)]
    error = csv_pairs("1,2\n1,2,3").failure()
    assert error.message == "csv: expected exactly 2 columns per row"
    wrong = parse_csv("x,1").failure()
    assert csv_pairs("x,1").failure() == wrong
    assert csv_matrix("x,1", 1, 2).failure() == wrong
    assert csv_vectors("x,1", 2).failure() == wrong
    file = tmp_path / "a.csv"
    file.write_text("1,2\n")
    assert load_csv(file) == Success([[1.0, 2.0]])
    file.write_bytes(b"\xef\xbb\xbf1,2\r3,4\r")
    assert load_csv(file) == Success([[1.0, 2.0], [3.0, 4.0]])
    file.write_bytes(b"1,\xff")
    assert "at byte 2" in load_csv(file).failure().message
    assert "directory" in load_csv(tmp_path).failure().message.lower()
    assert load_csv("a\0b").failure().message == r"csv: a\x00b: embedded null byte"
