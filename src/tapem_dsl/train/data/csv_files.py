"""CSV files of numbers, read as TorchLean does; failures name the bad row."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

from returns.result import Result, Success

from tapem_dsl.arguments import check_argument, check_fields, check_path, describe
from tapem_dsl.errors import LoadError, TapeError, failed
from tapem_dsl.train.data.dataset import Dataset
from tapem_dsl.train.data.files import read_file, visible
from tapem_dsl.train.data.tensors import (
    Floats,
    dataset_of_list_vectors,
    matrix_of_lists,
)

_TAG: Final = "csv"
_LONGEST: Final = 256
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
_MANTISSA: Final = re.compile(r"^[+-]?[0-9]*(?:\.[0-9]*)?")
_EXPONENT: Final = re.compile(r"^[eE][+-]?[0-9]+")

_Rows: TypeAlias = list[tuple[int, list[float]]]
"""Rows with their numbers, for errors."""


@final
@dataclass(frozen=True, slots=True)
class CsvOptions:
    """
    The format of a CSV file.

    Raises:
        ValueError: the delimiter is not one character, or is a quote or a line end.

    Lean: ``CsvOptions``.

    >>> CsvOptions().delimiter
    ','
    """

    delimiter: str = ","
    skip_header: bool = False
    """Whether the first row names the columns."""

    trim_cells: bool = True
    """Whether to strip white space around a cell and around its quotes."""

    allow_empty_lines: bool = True
    """Whether to skip lines without cells; if not, they are an error, also the empty
    line after a final newline. A line with a delimiter has cells."""

    def __post_init__(self) -> None:
        given: object = self.delimiter
        if not isinstance(given, str) or len(given) != 1 or given in '"\r\n':
            raise ValueError(
                "the delimiter of CsvOptions is one character, such as ',' or '\\t', "
                f"and neither a quote nor the end of a line; not {describe(given)}"
            )
        check_fields(self)


class Pair(NamedTuple):
    """
    The two numbers of a row.

    >>> Pair(1.0, 2.0)
    Pair(x=1.0, y=2.0)
    """

    x: float
    y: float


_DEFAULT: Final = CsvOptions()


def parse_csv(
    text: str, options: CsvOptions = _DEFAULT
) -> Result[list[list[float]], TapeError]:
    r"""
    Return the rows of numbers in a text; rows may differ in length.

    A cell is an optional sign, digits with an optional decimal point, and an optional
    exponent, at most 256 characters; ``nan`` and ``inf`` are not numbers. Its value is
    the nearest float64, which is infinite beyond 1.8e308. A cell may be quoted, and
    then hold line ends (RFC 4180). A line ends with LF, CRLF or CR. A byte order mark
    before the text is ignored.

    Fails with:
        :class:`LoadError`: the first bad row or cell, counted from 1 after the header,
        blank lines included; or no rows.

    Raises:
        TypeError: ``text`` is not a text.

    Lean: ``parseCsv``.

    >>> parse_csv("1,2\n3,x\n")
    <Failure: csv row 2, col 2: unparsed suffix: x (row=2, column=2)>
    >>> parse_csv('"1", 2\r\n').unwrap()
    [[1.0, 2.0]]
    """
    rows = _rows("parse_csv", text, options)
    return rows.map(lambda rows: [row for _, row in rows])


def _rows(owner: str, text: str, options: CsvOptions) -> Result[_Rows, TapeError]:
    given: object = text
    if not isinstance(given, str):
        raise TypeError(
            f"CSV is read from a text, not from a {type(given).__name__}; "
            "decode bytes first, or pass a path to load_csv"
        )
    check_argument(owner, "options", options, CsvOptions)
    records = _records(text.removeprefix("\ufeff"), options)
    if options.skip_header:
        next(records)
    rows: _Rows = []
    for number, record in enumerate(records, 1):
        if record.blank:
            if options.allow_empty_lines:
                continue
            return failed(LoadError(_TAG, f": row {number}: empty line", number))
        row = []
        for column, cell in enumerate(record.cells, 1):
            if len(cell) > _LONGEST or not _NUMBER.fullmatch(cell):
                what = f" row {number}, col {column}: {_wrong(cell)}"
                if options.trim_cells and not cell:
                    what = f":{what}"
                if not rows and not options.skip_header:
                    what += f"; if row {number} names the columns, {_header(number)}"
                return failed(LoadError(_TAG, what, number, column))
            row.append(float(cell))
        rows.append((number, row))
    return Success(rows) if rows else failed(LoadError(_TAG, ": no data rows"))


class _Record(NamedTuple):
    cells: list[str]
    blank: bool


def _header(number: int) -> str:
    """Say how to skip a header in the first row that has cells."""
    blank = "" if number == 1 else "remove the blank lines above it and "
    return f"{blank}pass skip_header=True"


def _records(text: str, options: CsvOptions) -> Iterator[_Record]:
    """
    Split a text into records of cells, without their quotes.

    The module ``csv`` reads ``"1"2`` as 12 or, if strict, refuses a space after a
    quote; and its limit on the length of a cell holds for the whole process.
    """
    delimiter = re.escape(options.delimiter)
    space = rf"[^\S\r\n{delimiter}]*+" if options.trim_cells else ""
    end = rf"({delimiter}|\r\n|\r|\n|\Z)"
    quoted = rf'{space}"([^"]*+(?:""[^"]*+)*+)"{space}'
    cells: list[str] = []
    for found in re.finditer(rf"(?:{quoted}|([^\r\n{delimiter}]*+)){end}", text):
        inside, bare, stop = found.groups()
        cell = bare if inside is None else inside.replace('""', '"')
        cells.append(cell.strip() if options.trim_cells else cell)
        if stop == options.delimiter:
            continue
        blank = inside is None and cells == [""]
        yield _Record(cells, blank)
        if not stop:
            return
        cells = []


def _wrong(cell: str) -> str:
    """Say why a cell is not a number."""
    if len(cell) > _LONGEST:
        return f"cell too long ({len(cell)} chars; max {_LONGEST})"
    if not cell:
        return "empty cell"
    suffix = _MANTISSA.sub("", cell, count=1)
    if suffix[:1] in ("e", "E"):
        suffix, exponents = _EXPONENT.subn("", suffix, count=1)
        if not exponents:
            return "invalid exponent"
    return f"unparsed suffix: {visible(suffix)}" if suffix else "no digits found"


def load_csv(
    path: str | os.PathLike[str], options: CsvOptions = _DEFAULT
) -> Result[list[list[float]], TapeError]:
    """
    Return the rows of numbers in a file.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for a file that cannot be read, or that
        is not UTF-8.

    Lean: ``loadCsv``.

    >>> print(load_csv("no such file").failure().message)
    csv: no such file: No such file or directory
    """

    def parsed(content: bytes) -> Result[list[list[float]], TapeError]:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            what = f": {visible(os.fspath(path))}: {error.reason} at byte {error.start}"
            return failed(LoadError(_TAG, what))
        return parse_csv(text, options)

    check_path("load_csv", path)
    check_argument("load_csv", "options", options, CsvOptions)
    return read_file(_TAG, path).bind(parsed)


def csv_matrix(
    text: str, m: int, n: int, options: CsvOptions = _DEFAULT
) -> Result[Floats, TapeError]:
    r"""
    Return the matrix of ``m`` rows of ``n`` numbers in a text.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for more or fewer rows, or for the
        first row of more or fewer numbers.

    Lean: ``loadCsvMatrix``.

    >>> csv_matrix("1,2\n3,4", 2, 2).unwrap().tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def matrix(rows: _Rows) -> Result[Floats, TapeError]:
        if len(rows) != m:
            what = f": expected {m} rows, got {len(rows)}"
            return failed(LoadError(_TAG, what))
        wide = _of_width(n, rows, ": row {row}: expected {n} entries, got {got}")
        return wide.bind(lambda given: matrix_of_lists(_TAG, m, n, given))

    check_argument("csv_matrix", "m", m, "count")
    check_argument("csv_matrix", "n", n, "count")
    return _rows("csv_matrix", text, options).bind(matrix)


def csv_vectors(
    text: str, n: int, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Floats], TapeError]:
    r"""
    Return the data set of vectors of ``n`` numbers in a text, one a row.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for the first row of more or fewer
        numbers.

    Lean: ``loadCsvVectors``.

    >>> csv_vectors("1,2\n3,4", 2).map(Dataset.size)
    <Success: 2>
    """
    check_argument("csv_vectors", "n", n, "count")
    rows = _rows("csv_vectors", text, options)
    wide = rows.bind(
        lambda rows: _of_width(n, rows, ": expected {n} entries, got {got}")
    )
    return wide.bind(lambda given: dataset_of_list_vectors(_TAG, n, given))


def csv_pairs(
    text: str, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Pair], TapeError]:
    r"""
    Return the data set of pairs of numbers in a text, one a row.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for the first row of more or fewer
        numbers.

    Lean: ``loadCsvPairs``.

    >>> csv_pairs("1,2\n3,4").map(Dataset.to_list)
    <Success: [Pair(x=1.0, y=2.0), Pair(x=3.0, y=4.0)]>
    """
    rows = _rows("csv_pairs", text, options)
    wide = rows.bind(
        lambda rows: _of_width(2, rows, ": expected exactly {n} columns per row")
    )
    return wide.map(lambda given: Dataset.of_list(Pair(*row) for row in given))


def _of_width(n: int, rows: _Rows, what: str) -> Result[list[list[float]], TapeError]:
    """Check that every row has ``n`` numbers."""
    for number, row in rows:
        if len(row) != n:
            text = what.format(n=n, row=number, got=len(row))
            return failed(LoadError(_TAG, text, number))
    return Success([row for _, row in rows])
