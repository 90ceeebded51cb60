"""Contents of NPY files, as NumPy and other tools write them."""

import io
import warnings
from typing import Any

import numpy as np

from tapem_dsl.train import npy_bytes

DTYPES = [
    *("<f8", ">f8", "<f4", ">f4", "<f2", ">f2", "?"),
    *("i1", "<i2", ">i4", "<i8", ">i8", "u1", ">u2", "<u4", "<u8", ">u8"),
]


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


GOOD = npy_bytes(np.arange(6.0).reshape(3, 2))
SCALAR = npy_bytes(np.array(2.0))
COLUMNS = npy_bytes(np.asfortranarray(np.arange(6.0).reshape(3, 2)))


def changed(at: int, to: bytes) -> bytes:
    return GOOD[:at] + to + GOOD[at + len(to) :]
