"""Numbers from lists, CSV and NPY: each failure with its place, and no exception."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from returns.result import Failure, Success

from tapem_dsl import Dataset, LoadError
from tapem_dsl.train import (
    CsvOptions,
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


# -- CSV -------------------------------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False)


@usual
@given(
    table=st.lists(st.lists(numbers, min_size=1, max_size=4), min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t"]),
    header=st.booleans(),
    end=st.sampled_from(["", "\n", "\n\n", "\r\n"]),
)
def test_what_was_written_is_read(
    table: list[list[float]], delimiter: str, header: bool, end: str
) -> None:
    text = "\n".join(delimiter.join(f" {x!r} " for x in row) for row in table) + end
    text = "a,b\n" * header + text
    options = CsvOptions(delimiter, skip_header=header)
    assert parse_csv(text, options) == Success(table)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1), ("-1.", -1), ("+.5", 0.5), ("1e3", 1000), ("2.5E-1", 0.25), ("007", 7)],
)
def test_a_cell_is_sign_digits_point_and_exponent(cell: str, value: float) -> None:
    assert parse_csv(cell) == Success([[value]])


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
        ('"1"', CsvOptions(), 'csv row 1, col 1: unparsed suffix: "1"', 1, 1),
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
    assert (error.message, error.row, error.column) == (message, row, column)


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
    file.write_bytes(b"1,\xff")
    assert "at byte 2" in load_csv(file).failure().message
    assert "directory" in load_csv(tmp_path).failure().message.lower()


# -- NPY -------------------------------------------------------------------------------

arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.floats(width=32),
)


@usual
@given(array=arrays, fortran=st.booleans(), version=st.sampled_from([(1, 0), (2, 0)]))
def test_what_numpy_wrote_is_read_in_rows(
    array: Any, fortran: bool, version: Any
) -> None:
    out = io.BytesIO()
    given = np.array(array, order="F" if fortran else "C")
    np.lib.format.write_array(out, given, version=version)
    found = parse_npy(out.getvalue() + b"more").unwrap()
    np.testing.assert_array_equal(found.data, array.astype(np.float64), strict=True)
    assert found.data.flags.c_contiguous
    assert (found.shape, found.fortran) == (array.shape, False)
    assert not found.data.flags.writeable


GOOD = npy_bytes(np.arange(6.0).reshape(3, 2))
COLUMNS = npy_bytes(np.asfortranarray(np.arange(6.0).reshape(3, 2)))


def changed(at: int, to: bytes) -> bytes:
    return GOOD[:at] + to + GOOD[at + len(to) :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file too small"),
        (GOOD[:9], "file too small"),
        (changed(0, b"x"), "invalid NPY magic header"),
        (changed(6, b"\3"), "unsupported NPY version: 3"),
        (changed(6, b"\0"), "unsupported NPY version: 0"),
        (b"\x93NUMPY\2\0\1\0", "invalid NPY header length"),
        (changed(8, b"\xff\xff"), "NPY header out of bounds"),
        (GOOD[:60], "NPY header out of bounds"),
        (changed(10, b"["), "failed to parse NPY header"),
        (npy_bytes(np.arange(3)), "unsupported dtype: <i8"),
        (npy_bytes(np.ones(2, ">f8")), "unsupported dtype: >f8"),
        (npy_bytes(np.ones(2, np.float16)), "unsupported dtype: <f2"),
        (GOOD.replace(b"<f8", b"<q9"), "unsupported dtype: <q9"),
        (GOOD[:-1], "NPY data truncated"),
        (GOOD.replace(b"(3, 2)", b"(3,-2)"), "failed to parse NPY header"),
        (GOOD.replace(b"(3, 2)", b"[3, 2]"), "failed to parse NPY header"),
        (GOOD.replace(b"}", b" "), "failed to parse NPY header"),
        (GOOD.replace(b"shape", b"shade"), "failed to parse NPY header"),
        (GOOD.replace(b"False", b"0    "), "failed to parse NPY header"),
        (GOOD.replace(b"'<f8'", b" 'f8'"), "unsupported dtype: f8"),
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
        failed["npy"] += isinstance(parse_npy(bytes(content)), Failure)
    assert all(1000 < count < 2500 for count in failed.values()), failed
