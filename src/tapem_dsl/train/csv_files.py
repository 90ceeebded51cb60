"""CSV files of numbers, read as TorchLean reads them, with the row that is wrong."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, final

from returns.result import Failure, Result, Success

from tapem_dsl.core.errors import LoadError, TapeError
from tapem_dsl.train.dataset import Dataset
from tapem_dsl.train.tensors import Floats, dataset_of_list_vectors, matrix_of_lists

_TAG: Final = "csv"
_LONGEST: Final = 256
_DIGITS: Final = re.compile(r"^[+-]?[0-9]*(\.[0-9]*)?")
_SOME_DIGIT: Final = re.compile(r"[+-]?\.?[0-9]")
_EXPONENT: Final = re.compile(r"[eE][+-]?[0-9]+")


@final
@dataclass(frozen=True, slots=True)
class CsvOptions:
    """
    How a file is written.

    Lean: ``CsvOptions``.

    >>> CsvOptions().delimiter
    ','
    """

    delimiter: str = ","
    skip_header: bool = False
    """Whether the first line names the columns."""

    trim_cells: bool = True
    """Whether spaces around a cell do not count."""

    allow_empty_lines: bool = True
    """Whether to pass over lines without cells; else they are an error, also the one
    after a final newline."""


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

    A cell is an optional sign, digits with an optional point among them, and an
    optional exponent, at most 256 characters: no nan, no inf, no quotes.

    Fails with:
        :class:`LoadError`: the first bad line or cell, counted from 1 after the header,
        blank lines included; or no rows at all.

    Lean: ``parseCsv``.

    >>> parse_csv("1,2\n3,x\n")
    <Failure: csv row 2, col 2: unparsed suffix: x (row=2, column=2)>
    """
    lines = text.split("\n")[1 if options.skip_header else 0 :]
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if options.allow_empty_lines:
                continue
            return Failure(LoadError(_TAG, f": row {number}: empty line", number))
        row = []
        for column, given in enumerate(line.split(options.delimiter), 1):
            cell = given.strip() if options.trim_cells else given.removesuffix("\r")
            value = _value(cell, number, column, trimmed=options.trim_cells)
            if isinstance(value, LoadError):
                return Failure(value)
            row.append(value)
        rows.append(row)
    return Success(rows) if rows else Failure(LoadError(_TAG, ": no data rows"))


def _value(cell: str, row: int, column: int, *, trimmed: bool) -> float | LoadError:
    if trimmed and not cell:
        text = f": row {row}, col {column}: empty cell"
        return LoadError(_TAG, text, row, column)
    what = _wrong(cell)
    if what is None:
        return float(cell)
    return LoadError(_TAG, f" row {row}, col {column}: {what}", row, column)


def _wrong(cell: str) -> str | None:
    """Say what keeps a cell from being a number."""
    if len(cell) > _LONGEST:
        return f"cell too long ({len(cell)} chars; max {_LONGEST})"
    if not cell:
        return "empty cell"
    digits = _DIGITS.sub("", cell, count=1)
    if digits[:1] in ("e", "E"):
        exponent = _EXPONENT.match(digits)
        if exponent is None:
            return "invalid exponent"
        digits = digits[exponent.end() :]
    if digits:
        return f"unparsed suffix: {digits}"
    return None if _SOME_DIGIT.match(cell) else "no digits found"


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
    try:
        text = Path(path).read_bytes().decode()
    except OSError as error:
        what = f": {os.fspath(path)}: {error.strerror}"
        return Failure(LoadError(_TAG, what))
    except UnicodeDecodeError as error:
        what = f": {os.fspath(path)}: {error.reason} at byte {error.start}"
        return Failure(LoadError(_TAG, what))
    return parse_csv(text, options)


def csv_matrix(
    text: str, m: int, n: int, options: CsvOptions = _DEFAULT
) -> Result[Floats, TapeError]:
    r"""
    Read a matrix of ``m`` rows of ``n`` numbers.

    Fails with:
        As :func:`parse_csv` and :func:`matrix_of_lists`.

    Lean: ``loadCsvMatrix``.

    >>> csv_matrix("1,2\n3,4", 2, 2).unwrap().tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    rows = parse_csv(text, options)
    return rows.bind(lambda given: matrix_of_lists(_TAG, m, n, given))


def csv_vectors(
    text: str, n: int, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Floats], TapeError]:
    r"""
    Read a data set of vectors of ``n`` numbers, one a row.

    Fails with:
        As :func:`parse_csv` and :func:`vector_of_list`.

    Lean: ``loadCsvVectors``.

    >>> csv_vectors("1,2\n3,4", 2).map(Dataset.size)
    <Success: 2>
    """
    rows = parse_csv(text, options)
    return rows.bind(lambda given: dataset_of_list_vectors(_TAG, n, given))


def csv_pairs(
    text: str, options: CsvOptions = _DEFAULT
) -> Result[Dataset[Pair], TapeError]:
    r"""
    Read a data set of pairs of numbers, one a row.

    Fails with:
        As :func:`parse_csv`; :class:`LoadError` for a row of more or fewer.

    Lean: ``loadCsvPairs``.

    >>> csv_pairs("1,2\n3,4").map(Dataset.to_list)
    <Success: [Pair(x=1.0, y=2.0), Pair(x=3.0, y=4.0)]>
    """
    rows = parse_csv(text, options)
    if isinstance(rows, Failure):
        return Failure(rows.failure())
    pairs = []
    for number, row in enumerate(rows.unwrap(), 1):
        if len(row) != 2:
            what = ": expected exactly 2 columns per row"
            return Failure(LoadError(_TAG, what, number))
        pairs.append(Pair(*row))
    return Success(Dataset.of_list(pairs))
