"""NPY files of float64 and float32, checked as TorchLean checks them."""

import ast
import os
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from returns.result import Failure, Result, Success

from tapem_dsl.core.errors import LoadError, TapeError
from tapem_dsl.core.shape import Shape, check_shape
from tapem_dsl.train.tensors import Floats

_TAG: Final = "npy"
_DTYPES: Final = ("<f8", "<f4")
_KEYS: Final = {"descr", "fortran_order", "shape"}


class NpyArray(NamedTuple):
    """
    What a file holds: float64 in row-major order, whatever it was.

    Lean: ``NpyArray``.

    >>> NpyArray((2,), fortran=False, data=np.zeros(2)).shape
    (2,)
    """

    shape: Shape
    fortran: bool
    """Always false: columns are put into rows on loading."""

    data: Floats


def parse_npy(content: bytes) -> Result[NpyArray, TapeError]:
    """
    Read an array from the bytes of a file of version 1 or 2.

    float32 is widened; what follows the data is passed over.

    Fails with:
        :class:`LoadError`: the first thing that is wrong, in the order of the file.

    Lean: ``parseNpy``. NumPy: ``np.load``, which does the reading.

    >>> parse_npy(b"no")
    <Failure: npy: file too small>
    """
    return _header(content).bind(lambda header: _data(content, header))


def load_npy(path: str | os.PathLike[str]) -> Result[NpyArray, TapeError]:
    """
    Read an array from a file.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for a file that cannot be read.

    Lean: ``loadNpy``.

    >>> print(load_npy("no such file").failure().message)
    npy: no such file: No such file or directory
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return Failure(_error(f"{os.fspath(path)}: {error.strerror}"))
    return parse_npy(content)


def npy_vector(content: bytes, n: int) -> Result[Floats, TapeError]:
    """
    Read a vector of ``n`` numbers.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for another shape.

    Lean: ``loadNpyVector``.

    >>> npy_vector(npy_bytes(np.ones(2)), 3)
    <Failure: npy: shape mismatch for vector>
    """
    return _of_shape(content, (n,), "shape mismatch for vector")


def npy_matrix(content: bytes, m: int, n: int) -> Result[Floats, TapeError]:
    """
    Read a matrix of ``m`` rows of ``n`` numbers.

    Fails with:
        As :func:`parse_npy`; :class:`LoadError` for another shape.

    Lean: ``loadNpyMatrix``.

    >>> npy_matrix(npy_bytes(np.ones((1, 2))), 1, 2)
    <Success: [[1. 1.]]>
    """
    return _of_shape(content, (m, n), "shape mismatch for matrix")


def npy_prefix(content: bytes, shape: Shape) -> Result[Floats, TapeError]:
    """
    Read the leading rows of an array, as many as ``shape`` says.

    Fails with:
        :class:`LoadError`: a header that is wrong, columns before rows, another rank,
        other extents behind the first, fewer rows, or less data.

    Raises:
        TypeError: ``shape`` is none.

    Lean: ``loadNpyPrefix``.

    >>> npy_prefix(npy_bytes(np.arange(6.0).reshape(3, 2)), (2, 2)).unwrap().tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    check_shape(shape)
    return _header(content).bind(lambda header: _prefix(content, shape, header))


# Any: of whatever scalar.
def npy_bytes(array: NDArray[Any]) -> bytes:
    """
    Write an array as the bytes of a file.

    NumPy: ``np.save``.

    >>> parse_npy(npy_bytes(np.array([1.5], np.float32))).map(lambda found: found.data)
    <Success: [1.5]>
    """
    out = BytesIO()
    npy.write_array(out, np.asarray(array), allow_pickle=False)
    return out.getvalue()


class _Header(NamedTuple):
    dtype: np.dtype[Any]  # Any: one of two
    fortran: bool
    shape: Shape
    start: int


def _header(content: bytes) -> Result[_Header, TapeError]:
    """Check what stands before the data, in TorchLean's order."""
    if len(content) < 10:
        return Failure(_error("file too small"))
    if content[:6] != b"\x93NUMPY":
        return Failure(_error("invalid NPY magic header"))
    major = content[6]
    if major not in (1, 2):
        return Failure(_error(f"unsupported NPY version: {major}"))
    wide = 2 if major == 1 else 4
    if len(content) < 8 + wide:
        return Failure(_error("invalid NPY header length"))
    start = 8 + wide + int.from_bytes(content[8 : 8 + wide], "little")
    if start > len(content):
        return Failure(_error("NPY header out of bounds"))
    try:
        header = ast.literal_eval(content[8 + wide : start].decode("latin-1").strip())
        descr, fortran, shape = (header[key] for key in sorted(_KEYS))
        check_shape(shape)
    except Exception:  # noqa: BLE001 - a header is Python, which fails in many ways
        return Failure(_error("failed to parse NPY header"))
    if set(header) != _KEYS or type(fortran) is not bool:
        return Failure(_error("failed to parse NPY header"))
    if descr not in _DTYPES:
        return Failure(_error(f"unsupported dtype: {descr}"))
    return Success(_Header(np.dtype(descr), fortran, shape, start))


def _data(content: bytes, header: _Header) -> Result[NpyArray, TapeError]:
    dtype, fortran, shape, start = header
    count = prod(shape)
    if len(content) - start < count * dtype.itemsize:
        return Failure(_error("NPY data truncated"))
    flat = np.frombuffer(content, dtype, count, start)
    array = flat.reshape(shape, order="F" if fortran else "C")
    return Success(NpyArray(shape, fortran=False, data=_widened(array)))


def _prefix(
    content: bytes, wanted: Shape, header: _Header
) -> Result[Floats, TapeError]:
    dtype, fortran, shape, start = header
    if fortran:
        return Failure(_error("prefix row loading requires C-order NPY arrays"))
    if len(shape) != len(wanted) or not shape:
        what = f"shape mismatch: expected {list(wanted)}, got {list(shape)}"
        return Failure(_error(what))
    if shape[1:] != wanted[1:]:
        expected, got = list(wanted[1:]), list(shape[1:])
        what = f"shape mismatch: expected trailing dims {expected}, got {got}"
        return Failure(_error(what))
    if shape[0] < wanted[0]:
        what = f"expected at least {wanted[0]} rows, got {shape[0]}"
        return Failure(_error(what))
    size = len(content) - start
    if size < prod(wanted) * dtype.itemsize:
        return Failure(_error("NPY prefix data truncated"))
    if size < prod(shape) * dtype.itemsize:
        return Failure(_error("NPY data truncated"))
    flat = np.frombuffer(content, dtype, prod(wanted), start)
    return Success(_widened(flat.reshape(wanted)))


def _of_shape(content: bytes, shape: Shape, what: str) -> Result[Floats, TapeError]:
    found = parse_npy(content)
    if isinstance(found, Failure):
        return Failure(found.failure())
    array = found.unwrap()
    return Success(array.data) if array.shape == shape else Failure(_error(what))


# Any: of whatever floating type.
def _widened(array: NDArray[Any]) -> Floats:
    data = np.array(array, np.float64, order="C")
    data.setflags(write=False)
    return data


def _error(what: str) -> LoadError:
    return LoadError(_TAG, f": {what}")
