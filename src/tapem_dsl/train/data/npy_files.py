"""NPY files of numbers, read as float64; checks come in TorchLean's order."""

import ast
import os
import re
from io import BytesIO
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy
from returns.result import Failure, Result, Success

from tapem_dsl.arguments import check_argument, check_path, describe
from tapem_dsl.arrays import AnyArray, AnyDType
from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.errors import LoadError, TapeError, failed
from tapem_dsl.tape.equality import structural_tuple
from tapem_dsl.train.data.files import read_file, visible
from tapem_dsl.train.data.tensors import Floats

_TAG: Final = "npy"
_KEYS: Final = {"descr", "fortran_order", "shape"}
_LONGEST: Final = 10_000
"""The longest header that NumPy parses by default, in characters."""

_LONG: Final = re.compile(r"(?<=[0-9])L(?=\s*[,)])")
"""The suffix of a long integer of Python 2."""

_EXACT: Final = 2**53
"""The largest integer up to which float64 has all."""


@structural_tuple
class NpyArray(NamedTuple):
    """
    The array of a file, as float64 in row-major order; ``==`` is structural and exact.

    Lean: ``NpyArray``.

    >>> NpyArray((2,), fortran=False, data=np.zeros(2)).shape
    (2,)
    """

    shape: Shape
    fortran: bool
    """Always false: loading converts Fortran order to row-major order."""

    data: Floats


def parse_npy(content: bytes) -> Result[NpyArray, TapeError]:
    """
    Return the array in the bytes of an NPY file.

    Floats of up to 64 bits, integers and truth values, in any byte order, become
    float64 without a change of value. Bytes after the data are ignored.

    Fails with:
        :class:`LoadError`: the first error in the order of the file: a version other
        than 1.0, 2.0 or 3.0; complex numbers, texts, objects or another dtype beyond
        float64; an integer beyond ``2**53``; missing data.

    Raises:
        TypeError: ``content`` is not bytes.

    Lean: ``parseNpy``, for float64 and float32 in versions 1 and 2. NumPy: ``np.load``.

    >>> parse_npy(b"no")
    <Failure: npy: file too small>
    >>> parse_npy(npy_bytes(np.array([True, False]))).unwrap().data
    array([1., 0.])
    """
    return _header(content).bind(lambda header: _data(content, header))


def load_npy(path: str | os.PathLike[str]) -> Result[NpyArray, TapeError]:
    """
    Return the array in an NPY file.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for a file that cannot be read.

    Lean: ``loadNpy``.

    >>> print(load_npy("no such file").failure().message)
    npy: no such file: No such file or directory
    """
    check_path("load_npy", path)
    return read_file(_TAG, path).bind(parse_npy)


def npy_vector(content: bytes, n: int) -> Result[Floats, TapeError]:
    """
    Return the vector of ``n`` numbers in the bytes of an NPY file.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for another shape.

    Lean: ``loadNpyVector``.

    >>> npy_vector(npy_bytes(np.ones(2)), 3)
    <Failure: npy: shape mismatch for vector>
    """
    check_argument("npy_vector", "n", n, "count")
    return _of_shape(content, (n,), "shape mismatch for vector")


def npy_matrix(content: bytes, m: int, n: int) -> Result[Floats, TapeError]:
    """
    Return the matrix of ``m`` rows of ``n`` numbers in the bytes of an NPY file.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for another shape.

    Lean: ``loadNpyMatrix``.

    >>> npy_matrix(npy_bytes(np.ones((1, 2))), 1, 2)
    <Success: [[1. 1.]]>
    """
    check_argument("npy_matrix", "m", m, "count")
    check_argument("npy_matrix", "n", n, "count")
    return _of_shape(content, (m, n), "shape mismatch for matrix")


def npy_prefix(content: bytes, shape: Shape) -> Result[Floats, TapeError]:
    """
    Return the first ``shape[0]`` rows of the array in the bytes of an NPY file.

    Fails with:
        :class:`LoadError`: a bad header, Fortran order, another rank, a scalar, other
        dimensions after the first, fewer rows, or less data.

    Raises:
        TypeError: ``shape`` is not a shape, or ``content`` is not bytes.

    Lean: ``loadNpyPrefix``.

    >>> npy_prefix(npy_bytes(np.arange(6.0).reshape(3, 2)), (2, 2)).unwrap().tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    check_shape(shape)
    return _header(content).bind(lambda header: _prefix(content, shape, header))


def npy_bytes(array: AnyArray) -> bytes:
    """
    Return the bytes of an NPY file of an array, in its own dtype.

    Raises:
        ValueError: an array that :func:`parse_npy` would not read; or a masked array,
            whose mask would be lost.

    NumPy: ``np.save``.

    >>> parse_npy(npy_bytes(np.array([1.5], np.float32))).map(lambda found: found.data)
    <Success: [1.5]>
    """
    if isinstance(array, np.ma.MaskedArray):
        what = "npy_bytes would lose the mask of a masked array; fill it: x.filled(0.0)"
        raise ValueError(what)  # noqa: TRY004 - as for all arrays that a file cannot hold
    given = np.asarray(array)
    if not _fits(given.dtype):
        kind: object = given.dtype if type(array) is np.ndarray else describe(array)
        raise ValueError(
            f"npy_bytes writes floats of up to 64 bits, integers and truth values, not "
            f"{kind}; convert with astype"
        )
    out = BytesIO()
    npy.write_array(out, given, allow_pickle=False)
    match parse_npy(out.getvalue()):
        case Failure(error):
            raise ValueError(f"npy_bytes writes what can be read again: {error}")
        case _:
            return out.getvalue()


class _Header(NamedTuple):
    dtype: AnyDType
    fortran: bool
    shape: Shape
    start: int


def _header(content: bytes) -> Result[_Header, TapeError]:
    """Return the header, checked in TorchLean's order."""
    return _place(content).bind(lambda place: _parsed(*place))


def _parsed(major: int, written: bytes, start: int) -> Result[_Header, TapeError]:
    try:
        descr, fortran, shape = _fields(major, written)
        shown = visible(str(descr))
    except Exception:  # noqa: BLE001 - a header is Python, which fails in many ways
        return _failure("failed to parse NPY header")
    try:
        dtype = npy.descr_to_dtype(descr)
    except Exception:  # noqa: BLE001 - so does the description of a dtype
        return _failure(f"unsupported dtype: {shown}")
    if not _fits(dtype):
        return _failure(f"unsupported dtype: {shown}")
    return Success(_Header(dtype, fortran, shape, start))


def _place(content: bytes) -> Result[tuple[int, bytes, int], TapeError]:
    """Return the major version, the header's bytes, and the offset of the data."""
    given: object = content
    if not isinstance(given, bytes | bytearray):
        raise TypeError(
            f"NPY is read from bytes, not from a {type(given).__name__}; "
            "pass a path to load_npy"
        )
    if len(content) < 10:
        return _failure("file too small")
    if content[:6] != b"\x93NUMPY":
        return _failure("invalid NPY magic header")
    major, minor = content[6:8]
    if major not in (1, 2, 3) or minor:
        version = f"{major}.{minor}" if minor else f"{major}"
        return _failure(f"unsupported NPY version: {version}")
    wide = 2 if major == 1 else 4
    if len(content) < 8 + wide:
        return _failure("invalid NPY header length")
    start = 8 + wide + int.from_bytes(content[8 : 8 + wide], "little")
    if start > len(content):
        return _failure("NPY header out of bounds")
    return Success((major, content[8 + wide : start], start))


# Any: the description of a dtype.
def _fields(major: int, written: bytes) -> tuple[Any, bool, Shape]:
    """
    Return the dtype's description, the Fortran flag and the shape of a header.

    Raises:
        Exception: of any type, if it is not a header.
    """
    text = written.decode("latin-1" if major < 3 else "utf-8")
    if major < 3:
        text = _LONG.sub("", text)
    if len(text) > _LONGEST:
        raise ValueError(len(text))
    header = ast.literal_eval(text.strip(" \t\r\n"))
    descr, fortran, shape = (header[key] for key in sorted(_KEYS))
    check_shape(shape)
    if set(header) != _KEYS or type(fortran) is not bool:
        raise ValueError(header)
    return descr, fortran, shape


def _fits(dtype: AnyDType) -> bool:
    """Return whether float64 has the numbers of a dtype, except for long integers."""
    return dtype.kind in "fiub" and dtype.itemsize <= 8


def _data(content: bytes, header: _Header) -> Result[NpyArray, TapeError]:
    dtype, fortran, shape, start = header
    count = prod(shape)
    if len(content) - start < count * dtype.itemsize:
        return _failure("NPY data truncated")
    flat = np.frombuffer(content, dtype, count, start)
    data = _widened(flat.reshape(shape, order="F" if fortran else "C"))
    return data.map(lambda data: NpyArray(shape, fortran=False, data=data))


def _prefix(
    content: bytes, wanted: Shape, header: _Header
) -> Result[Floats, TapeError]:
    dtype, fortran, shape, start = header
    if fortran:
        return _failure("prefix row loading requires C-order NPY arrays")
    if len(shape) != len(wanted):
        return _failure(f"shape mismatch: expected {list(wanted)}, got {list(shape)}")
    if not shape:
        what = "prefix row loading requires an array of rows, and a scalar has none"
        return _failure(what)
    if shape[1:] != wanted[1:]:
        expected, got = list(wanted[1:]), list(shape[1:])
        return _failure(f"shape mismatch: expected trailing dims {expected}, got {got}")
    if shape[0] < wanted[0]:
        return _failure(f"expected at least {wanted[0]} rows, got {shape[0]}")
    size = len(content) - start
    if size < prod(wanted) * dtype.itemsize:
        return _failure("NPY prefix data truncated")
    if size < prod(shape) * dtype.itemsize:
        return _failure("NPY data truncated")
    flat = np.frombuffer(content, dtype, prod(wanted), start)
    return _widened(flat.reshape(wanted))


def _of_shape(content: bytes, shape: Shape, what: str) -> Result[Floats, TapeError]:
    def checked(array: NpyArray) -> Result[Floats, TapeError]:
        return Success(array.data) if array.shape == shape else _failure(what)

    return parse_npy(content).bind(checked)


def _widened(array: AnyArray) -> Result[Floats, TapeError]:
    whole = array.dtype.kind in "iu" and array.size
    if whole and not -_EXACT <= array.min() <= array.max() <= _EXACT:
        return _failure(f"invalid {array.dtype.name} data: an integer beyond 2**53")
    with np.errstate(invalid="ignore"):  # a signalling NaN
        data = np.array(array, np.float64, order="C")
    data.setflags(write=False)
    return Success(data)


def _failure(what: str) -> Result[Any, TapeError]:  # Any: it has no value
    return failed(LoadError(_TAG, f": {what}"))
