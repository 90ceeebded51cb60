"""CSV files of numbers, read as TorchLean reads them, with the row that is wrong."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_count, check_fields, check_type, said
from tapem_dsl.errors import LoadError, TapeError
from tapem_dsl.train.data.dataset import Dataset
from tapem_dsl.train.data.files import check_path, read_file, visible
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
"""Each with its number, for errors."""


@final
@dataclass(frozen=True, slots=True)
class CsvOptions:
    """
    How a file is written.

    Raises:
        ValueError: the delimiter is not one character, or ends a line or a quote.

    Lean: ``CsvOptions``.

    >>> CsvOptions().delimiter
    ','
    """

    delimiter: str = ","
    skip_header: bool = False
    """Whether the first row names the columns."""

    trim_cells: bool = True
    """Whether white space around a cell, or around its quotes, does not count."""

    allow_empty_lines: bool = True
    """Whether to pass over lines without cells; else they are an error, also the one
    after a final newline. A line with a delimiter has cells."""

    def __post_init__(self) -> None:
        """Refuse what can delimit no cells."""
        given: object = self.delimiter
        if not isinstance(given, str) or len(given) != 1 or given in '"\r\n':
            raise ValueError(
                "the delimiter of CsvOptions is one character, such as ',' or '\\t', "
                f"and neither a quote nor the end of a line; not {said(given)}"
            )
        flag = (False, True)
        check_fields(self, skip_header=flag, trim_cells=flag, allow_empty_lines=flag)


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
    Read the numbers of a text, row by row; rows may differ in length.

    A cell is an optional sign, digits with an optional point before, among or behind
    them, and an optional exponent, at most 256 characters: the words nan and inf are
    none. Its value is the nearest float64, which is infinite beyond 1.8e308. A cell may
    stand in quotes, and then hold ends of lines (RFC 4180). A line ends with LF, CRLF
    or CR. A byte order mark before the text does not count.

    Fails with:
        :class:`LoadError`: the first bad row or cell, counted from 1 after the header,
        blank lines included; or no rows at all.

    Raises:
        TypeError: ``text`` is none.

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
            "decode bytes, give load_csv a path"
        )
    check_type(owner, "options", options, CsvOptions)
    records = _records(text.removeprefix("\ufeff"), options)
    if options.skip_header:
        next(records)
    rows: _Rows = []
    for number, record in enumerate(records, 1):
        if record.blank:
            if options.allow_empty_lines:
                continue
            return Failure(LoadError(_TAG, f": row {number}: empty line", number))
        row = []
        for column, cell in enumerate(record.cells, 1):
            if len(cell) > _LONGEST or not _NUMBER.fullmatch(cell):
                what = f" row {number}, col {column}: {_wrong(cell)}"
                if options.trim_cells and not cell:
                    what = f":{what}"
                if not rows and not options.skip_header:
                    what += f"; if row {number} names the columns, {_header(number)}"
                return Failure(LoadError(_TAG, what, number, column))
            row.append(float(cell))
        rows.append((number, row))
    return Success(rows) if rows else Failure(LoadError(_TAG, ": no data rows"))


class _Record(NamedTuple):
    cells: list[str]
    blank: bool


def _header(number: int) -> str:
    """Say how to pass over a header in the first row that has cells."""
    blank = "" if number == 1 else "remove the blank lines above it and "
    return f"{blank}give skip_header=True"


def _records(text: str, options: CsvOptions) -> Iterator[_Record]:
    """
    Cut a text into cells, without their quotes.

    The module ``csv`` reads ``"1"2`` as 12, or, where it is strict, refuses a space
    behind a quote; and how long its cells may be is one number for the whole process.
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
    """Say what keeps a cell from being a number."""
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
    Read the numbers of a file.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for a file that cannot be read, or is
        no UTF-8.

    Lean: ``loadCsv``.

    >>> print(load_csv("no such file").failure().message)
    csv: no such file: No such file or directory
    """

    def parsed(content: bytes) -> Result[list[list[float]], TapeError]:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            what = f": {visible(os.fspath(path))}: {error.reason} at byte {error.start}"
            return Failure(LoadError(_TAG, what))
        return parse_csv(text, options)

    check_path("load_csv", path)
    check_type("load_csv", "options", options, CsvOptions)
    return read_file(_TAG, path).bind(parsed)


def csv_matrix(
    text: str, m: int, n: int, options: CsvOptions = _DEFAULT
) -> Result[Floats, TapeError]:
    r"""
    Read a matrix of ``m`` rows of ``n`` numbers.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for more or fewer rows, or the first
        row of more or fewer numbers.

    Lean: ``loadCsvMatrix``.

    >>> csv_matrix("1,2\n3,4", 2, 2).unwrap().tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def matrix(rows: _Rows) -> Result[Floats, TapeError]:
        if len(rows) != m:
            what = f": expected {m} rows, got {len(rows)}"
            return Failure(LoadError(_TAG, what))
        wide = _of_width(n, rows, ": row {row}: expected {n} entries, got {got}")
        return wide.bind(lambda given: matrix_of_lists(_TAG, m, n, given))

    check_count("csv_matrix", "m", m)
    check_count("csv_matrix", "n", n)
    return _rows("csv_matrix", text, options).bind(matrix)


def csv_vectors(
    text: str, n: int, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Floats], TapeError]:
    r"""
    Read a data set of vectors of ``n`` numbers, one a row.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for the first row of more or fewer.

    Lean: ``loadCsvVectors``.

    >>> csv_vectors("1,2\n3,4", 2).map(Dataset.size)
    <Success: 2>
    """
    check_count("csv_vectors", "n", n)
    rows = _rows("csv_vectors", text, options)
    wide = rows.bind(
        lambda rows: _of_width(n, rows, ": expected {n} entries, got {got}")
    )
    return wide.bind(lambda given: dataset_of_list_vectors(_TAG, n, given))


def csv_pairs(
    text: str, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Pair], TapeError]:
    r"""
    Read a data set of pairs of numbers, one a row.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for the first row of more or fewer.

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
    """Check that every row has so many numbers."""
    for number, row in rows:
        if len(row) != n:
            text = what.format(n=n, row=number, got=len(row))
            return Failure(LoadError(_TAG, text, number))
    return Success([row for _, row in rows])
