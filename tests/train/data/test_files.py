"""Numbers from lists, CSV and NPY: each failure with its place, and no exception."""

import csv
import io
import math
import pickle
import random
import struct
import tracemalloc
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Failure, Success

from tapem_dsl.errors import LoadError
from tapem_dsl.tape.equality import same
from tapem_dsl.train import (
    CsvOptions,
    Dataset,
    Pair,
    csv_matrix,
    csv_pairs,
    csv_vectors,
    dataset_of_list_vectors,
    dataset_of_pairs,
    load_csv,
    load_npy,
    matrix_of_lists,
    npy_bytes,
    npy_matrix,
    npy_prefix,
    npy_vector,
    parse_csv,
    parse_npy,
    vector_of_list,
)
from tapem_dsl.train.data import csv_files
from tests.oracles import usual

# -- lists -----------------------------------------------------------------------------


def test_lists_become_arrays() -> None:
    assert vector_of_list("t", 2, [1, 2.5]).unwrap().tolist() == [1, 2.5]
    assert matrix_of_lists("t", 0, 3, []).unwrap().shape == (0, 3)
    assert matrix_of_lists("t", 2, 1, [[1], [2]]).unwrap().tolist() == [[1], [2]]
    assert dataset_of_pairs("t", [1], ["a"]) == Success(Dataset.of_list([(1, "a")]))
    assert dataset_of_list_vectors("t", 1, [[1.0]]).unwrap().size() == 1
    assert not vector_of_list("t", 1, [1.0]).unwrap().flags.writeable


@pytest.mark.parametrize(
    ("result", "text", "row"),
    [
        (vector_of_list("t", 3, [1.0]), "t: expected 3 entries, got 1", None),
        (matrix_of_lists("t", 2, 1, [[1.0]]), "t: expected 2 rows, got 1", None),
        (
            matrix_of_lists("t", 2, 1, [[1.0], []]),
            "t: row 2: expected 1 entries, got 0",
            2,
        ),
        (dataset_of_pairs("t", [1], []), "t: length mismatch: 1 vs 0", None),
        (
            dataset_of_list_vectors("t", 2, [[1.0, 2.0], [3.0]]),
            "t: expected 2 entries, got 1",
            None,
        ),
    ],
)
def test_what_is_wrong_with_lists(result: Any, text: str, row: int | None) -> None:
    error = result.failure()
    assert isinstance(error, LoadError)
    assert (error.message, error.row) == (text, row)


def test_an_integer_that_no_double_reaches_is_a_failure() -> None:
    text = "t: an integer is beyond the range of float64"
    for result in (
        vector_of_list("t", 1, [10**400]),
        matrix_of_lists("t", 1, 1, [[-(10**400)]]),
        dataset_of_list_vectors("t", 1, [[10**400]]),
    ):
        assert result.failure().message == text


# -- CSV -------------------------------------------------------------------------------

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
def test_what_is_wrong_with_a_text(
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


def test_a_row_has_one_number_whoever_counts() -> None:
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


def test_texts_are_texts_and_bytes_are_bytes() -> None:
    wrong: Any
    for wrong in (b"1,2", None, Path("a.csv")):
        with pytest.raises(TypeError, match="CSV is read from a text, not from a"):
            csv_pairs(wrong)
    for wrong in ("a.npy", None, np.ones(2)):
        with pytest.raises(TypeError, match="NPY is read from bytes, not from a"):
            npy_vector(wrong, 2)


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


def test_loaders_of_csv(tmp_path: Path) -> None:
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


# -- NPY -------------------------------------------------------------------------------

DTYPES = [
    *("<f8", ">f8", "<f4", ">f4", "<f2", ">f2", "?"),
    *("i1", "<i2", ">i4", "<i8", ">i8", "u1", ">u2", "<u4", "<u8", ">u8"),
]
arrays = hnp.arrays(
    st.sampled_from(DTYPES),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).filter(lambda array: array.dtype.itemsize < 8 or _exact(array))


def _exact(array: Any) -> bool:
    return array.dtype.kind == "f" or all(abs(int(x)) <= 2**53 for x in array.flat)


@usual
@given(
    array=arrays,
    fortran=st.booleans(),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
)
def test_what_numpy_wrote_is_read_in_rows(
    array: Any, fortran: bool, version: Any
) -> None:
    out = io.BytesIO()
    given = np.array(array, order="F" if fortran else "C")
    np.lib.format.write_array(out, given, version=version)
    found = parse_npy(out.getvalue() + b"more").unwrap()
    with np.errstate(invalid="ignore"):
        expected = array.astype(np.float64)
    np.testing.assert_array_equal(found.data, expected, strict=True)
    assert found.data.flags.c_contiguous
    assert (found.shape, found.fortran) == (array.shape, False)
    assert not found.data.flags.writeable
    if not (fortran and array.ndim > 1) and array.ndim:
        some = (len(array) // 2, *array.shape[1:])
        leading = npy_prefix(out.getvalue(), some).unwrap()
        np.testing.assert_array_equal(leading, expected[: some[0]], strict=True)


@usual
@given(
    array=hnp.arrays(
        st.sampled_from(DTYPES) | hnp.scalar_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
    )
)
def test_what_is_written_can_be_read(array: Any) -> None:
    try:
        written = npy_bytes(array)
    except ValueError:
        fits = array.dtype.kind in "fiub" and array.dtype.itemsize <= 8
        assert not (fits and _exact(array))
        return
    back = np.load(io.BytesIO(written))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(parse_npy(written).unwrap().data, array)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.ma.array([1.0, 2.0], mask=[True, False]), "lose the mask"),
        (np.array([object()]), "not object; convert with astype"),
        (np.array([1j]), "not complex128"),
        (np.array(["a"]), "not <U1"),
        (np.array([1.0], np.longdouble), "not float128|not longdouble"),
        (np.zeros(2, [("a", "<f8")]), "not .*'a'"),
        (np.zeros(2, "M8[s]"), "not datetime64"),
        (np.array(["a"], np.dtypes.StringDType()), "not StringDType"),
        (np.array([2**53 + 1]), "an integer beyond 2\\*\\*53"),
    ],
)
def test_what_could_not_be_read_is_not_written(array: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        npy_bytes(array)


def forged(
    header: str, version: bytes = b"\1\0", data: bytes = 6 * b"\0\0\0\1\2\0\0\0"
) -> bytes:
    """Write what another tool might."""
    written = header.encode("latin-1" if version[0] < 3 else "utf-8")
    size = len(written).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + size + written + data


def described(descr: str, shape: str = "(3,)", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}\n"


def of_numpy(content: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.load(io.BytesIO(content))


@pytest.mark.parametrize(
    "content",
    [
        *(forged(described(f"'{dtype}'")) for dtype in (*DTYPES, "=f8", "f8", "|b1")),
        *(forged(described(f"'{dtype}'")) for dtype in ("float32", "d", "int8", "=i2")),
        *(forged(described("'<f8'"), version) for version in (b"\2\0", b"\3\0")),
        *(
            forged(described("'<f8'", shape))
            for shape in ("(3L,)", "(3L, 2L)", "(3L ,)")
        ),
        forged(described("u'<f4'", "(2L, 3L)", "True"), b"\2\0"),
        forged(described("'<f8'").replace("'shape'", "u'shape'") + " " * 999),
    ],
)
def test_what_numpy_reads_is_read(content: bytes) -> None:
    expected = of_numpy(content)
    found = parse_npy(content).unwrap()
    np.testing.assert_array_equal(found.data, expected.astype(np.float64), strict=True)


def test_a_nan_that_signals_is_read() -> None:
    for descr, nan in (
        ("<f4", b"\1\0\x80\x7f"),
        ("<f2", b"\1\x7c"),
        ("<f8", b"\1" + 5 * b"\0" + b"\xf0\x7f"),
    ):
        content = forged(described(f"'{descr}'", "()"), data=nan)
        assert np.isnan(parse_npy(content).unwrap().data)


@pytest.mark.parametrize("number", [2**53, 2**53 - 1, -(2**53), 1 - 2**53])
def test_integers_up_to_the_last_that_float64_has_are_read(number: int) -> None:
    dtypes = ["<i8", ">i8", "<u8"] if number > 0 else ["<i8", ">i8"]
    for dtype in dtypes:
        found = parse_npy(npy_bytes(np.array([number], dtype))).unwrap()
        assert int(found.data[0]) == number


def test_what_files_hold_compares_exactly() -> None:
    one, other = (parse_npy(npy_bytes(np.arange(3.0))).unwrap() for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert (one != other) is False
    assert one != parse_npy(npy_bytes(np.arange(3.0) + 1)).unwrap()
    assert tuple(one) != one


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
def test_integers_that_float64_would_round_are_refused(number: int) -> None:
    content = forged(
        described("'<i8'", "(1,)"), data=number.to_bytes(8, "little", signed=True)
    )
    message = "npy: invalid int64 data: an integer beyond 2**53"
    assert parse_npy(content).failure().message == message
    assert npy_prefix(content, (1,)).failure().message == message
    assert npy_prefix(content, (0,)).unwrap().size == 0
    unsigned = forged(described("'>u8'", "(1,)"), data=(2**64 - 1).to_bytes(8, "big"))
    assert "invalid uint64 data" in parse_npy(unsigned).failure().message


@pytest.mark.parametrize(
    "shape",
    [
        "(10**0,)",
        "(2**40,)",
        "(0, 999999999999)",
        "(1099511627776,)",
        "(1073741824, 4096)",
        "(0, 1152921504606846975)",
        "(" + "1," * 65 + ")",
        "(0x" + "f" * 5000 + ",)",
    ],
)
@pytest.mark.parametrize("descr", ["'<f8'", "'|i1'", "'<f2'"])
def test_a_forged_header_takes_no_memory(shape: str, descr: str) -> None:
    content = forged(described(descr, shape))
    tracemalloc.start()
    try:
        parse_npy(content)
        npy_prefix(content, (2**40,))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


GOOD = npy_bytes(np.arange(6.0).reshape(3, 2))
SCALAR = npy_bytes(np.array(2.0))
COLUMNS = npy_bytes(np.asfortranarray(np.arange(6.0).reshape(3, 2)))


def changed(at: int, to: bytes) -> bytes:
    return GOOD[:at] + to + GOOD[at + len(to) :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file too small"),
        (GOOD[:9], "file too small"),
        (changed(0, b"x"), "invalid NPY magic header"),
        (changed(6, b"\4"), "unsupported NPY version: 4"),
        (changed(6, b"\1\1"), "unsupported NPY version: 1.1"),
        (changed(6, b"\2\2"), "unsupported NPY version: 2.2"),
        (changed(6, b"\3\1"), "unsupported NPY version: 3.1"),
        (changed(6, b"\0"), "unsupported NPY version: 0"),
        (b"\x93NUMPY\2\0\1\0", "invalid NPY header length"),
        (changed(8, b"\xff\xff"), "NPY header out of bounds"),
        (GOOD[:60], "NPY header out of bounds"),
        (changed(10, b"["), "failed to parse NPY header"),
        (b"\x93NUMPY\3\0\1\0", "invalid NPY header length"),
        (forged(described("'|O'")), "unsupported dtype: |O"),
        (forged(described("'O'", "()"), data=pickle.dumps(1)), "unsupported dtype: O"),
        (forged(described("'<c16'")), "unsupported dtype: <c16"),
        (forged(described("'<f16'")), "unsupported dtype: <f16"),
        (forged(described("'<U1'")), "unsupported dtype: <U1"),
        (forged(described("'<M8[s]'")), "unsupported dtype: <M8[s]"),
        (forged(described("[('a', '<f8')]")), "unsupported dtype: [('a', '<f8')]"),
        (forged(described("('<f8', (2,))")), "unsupported dtype: ('<f8', (2,))"),
        (forged(described("5")), "unsupported dtype: 5"),
        (forged(described("'<f8L'")), "unsupported dtype: <f8L"),
        (forged(described(r"'\x1b[2J'")), r"unsupported dtype: \x1b[2J"),
        (forged(described("0x" + "f" * 5000)), "failed to parse NPY header"),
        (forged(described("'<f8'", "(3L,)"), b"\3\0"), "failed to parse NPY header"),
        (forged("\xe9", b"\1\0"), "failed to parse NPY header"),
        (forged(described("'é'"), b"\1\0"), "unsupported dtype: é"),
        (forged(described("'é'"), b"\3\0"), "unsupported dtype: é"),
        (
            forged(described("'<f8'") + "#é", b"\3\0").replace(b"#\xc3", b"# "),
            "failed to parse NPY header",
        ),
        (forged("-" * 9000 + "1"), "failed to parse NPY header"),
        (forged("-" * 60_000 + "1"), "failed to parse NPY header"),
        (forged(described("'<f8'") + 10_000 * " "), "failed to parse NPY header"),
        (
            forged(described("'<f8'", "(" + "1," * 65 + ")")),
            "failed to parse NPY header",
        ),
        (forged(described("'<f8'", "(0, 2**64)")), "failed to parse NPY header"),
        (forged(described("'<f8'", f"(0, {2**62})")), "failed to parse NPY header"),
        (GOOD.replace(b"<f8", b"<q9"), "unsupported dtype: <q9"),
        (GOOD[:-1], "NPY data truncated"),
        (GOOD.replace(b"(3, 2)", b"(3,-2)"), "failed to parse NPY header"),
        (GOOD.replace(b"(3, 2)", b"[3, 2]"), "failed to parse NPY header"),
        (GOOD.replace(b"}", b" "), "failed to parse NPY header"),
        (GOOD.replace(b"shape", b"shade"), "failed to parse NPY header"),
        (GOOD.replace(b"False", b"0    "), "failed to parse NPY header"),
    ],
)
def test_what_is_wrong_with_a_file(content: bytes, message: str) -> None:
    error = parse_npy(content).failure()
    assert isinstance(error, LoadError)
    assert error.message == f"npy: {message}"


def test_loaders_of_npy(tmp_path: Path) -> None:
    assert npy_vector(npy_bytes(np.ones(2)), 2).unwrap().tolist() == [1, 1]
    assert npy_matrix(GOOD, 3, 2).unwrap().shape == (3, 2)
    assert npy_vector(GOOD, 6).failure().message == "npy: shape mismatch for vector"
    assert npy_matrix(GOOD, 2, 3).failure().message == "npy: shape mismatch for matrix"
    assert npy_matrix(GOOD[:-1], 3, 2) == Failure(
        LoadError("npy", ": NPY data truncated")
    )
    file = tmp_path / "a.npy"
    np.save(file, np.ones(2))
    assert load_npy(file).unwrap().shape == (2,)
    assert "directory" in load_npy(tmp_path).failure().message.lower()
    assert load_npy("a\0b").failure().message == r"npy: a\x00b: embedded null byte"


@pytest.mark.parametrize(
    ("content", "shape", "message"),
    [
        (COLUMNS, (2, 2), "prefix row loading requires C-order NPY arrays"),
        (GOOD, (2, 3), "shape mismatch: expected trailing dims [3], got [2]"),
        (GOOD, (4, 2), "expected at least 4 rows, got 3"),
        (GOOD, (2,), "shape mismatch: expected [2], got [3, 2]"),
        (GOOD[:-1], (2, 2), "NPY data truncated"),
        (GOOD[:-24], (2, 2), "NPY prefix data truncated"),
        (b"", (2, 2), "file too small"),
        (
            SCALAR,
            (),
            "prefix row loading requires an array of rows, and a scalar has none",
        ),
        (SCALAR, (2,), "shape mismatch: expected [2], got []"),
        (GOOD, (), "shape mismatch: expected [], got [3, 2]"),
    ],
)
def test_what_is_wrong_with_leading_rows(
    content: bytes, shape: Any, message: str
) -> None:
    assert npy_prefix(content, shape).failure().message == f"npy: {message}"


def test_leading_rows_have_a_shape() -> None:
    for wrong in ((-1, 2), (1.0, 2), [1, 2]):
        shape: Any = wrong
        with pytest.raises(TypeError, match="a shape is a tuple of extents"):
            npy_prefix(GOOD, shape)


def test_leading_rows_are_read() -> None:
    assert npy_prefix(GOOD, (2, 2)).unwrap().tolist() == [[0, 1], [2, 3]]
    assert npy_prefix(GOOD, (0, 2)).unwrap().shape == (0, 2)


def test_five_thousand_broken_inputs_fail_or_load() -> None:
    """Flip, cut and paste at random: a failure or an array, and nothing else."""
    rng = random.Random(0)
    texts = [
        "1,2\n3,4\n",
        "-1e5;+.5\n\n",
        "a,b\n1,\t2\r\n",
        "nan,inf\n\x00,\ud800"[:12],
    ]
    failed = {"csv": 0, "npy": 0}
    for _ in range(2500):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 2)] = rng.choice('019.,;eE+-\n\r\t "x\x00٣')
        options = CsvOptions(rng.choice(",;"), *(rng.random() < 0.5 for _ in range(3)))
        failed["csv"] += isinstance(parse_csv("".join(text), options), Failure)

        content = bytearray(
            rng.choice([GOOD, COLUMNS, npy_bytes(np.array([1, 2], np.float32))])
        )
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(min(len(content), 100) if content else 1)
            kind = rng.random()
            if kind < 0.6 and content:
                content[at : at + 1] = bytes([rng.randrange(256)])
            elif kind < 0.8:
                del content[rng.randrange(len(content) + 1) :]
            else:
                content[at:at] = rng.choice([b"'", b"(", b"9", b"-", b"\n", b"{}"])
        array = parse_npy(bytes(content))
        failed["npy"] += isinstance(array, Failure)
        if isinstance(array, Success):
            expected = of_numpy(bytes(content)).astype(np.float64)
            np.testing.assert_array_equal(array.unwrap().data, expected, strict=True)
    assert all(1000 < count < 2500 for count in failed.values()), failed
