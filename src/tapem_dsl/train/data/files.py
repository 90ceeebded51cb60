"""Paths, whole files, and texts with their invisible characters escaped."""

import os
from pathlib import Path
from typing import Final
from unicodedata import category

from returns.result import Result, Success

from tapem_dsl.errors import LoadError, TapeError, failed

_BLANK: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Invisible letters and symbols: Hangul fillers, the empty Braille pattern."""


def read_file(tag: str, path: str | os.PathLike[str]) -> Result[bytes, TapeError]:
    """
    Return the bytes of a file.

    Fails with:
        :class:`LoadError`: the file cannot be read; the message says why.

    >>> read_file("demo", "no such file")
    <Failure: demo: no such file: No such file or directory>
    """
    try:
        return Success(Path(path).read_bytes())
    except OSError as error:
        what = error.strerror or str(error)
    except ValueError as error:  # a name that no file can have
        what = str(error)
    return failed(LoadError(tag, f": {visible(os.fspath(path))}: {what}"))


def visible(text: str) -> str:
    r"""
    Escape invisible characters: controls, marks, blanks, and a space at the end.

    >>> print(visible("\ufeff1\t2\u200b "))
    \ufeff1\t2\u200b\x20
    """
    shown = "".join(
        char.encode("unicode_escape").decode()
        if not char.isprintable() or char in _BLANK or category(char)[0] == "M"
        else char
        for char in text
    )
    return shown[:-1] + r"\x20" if shown.endswith(" ") else shown
