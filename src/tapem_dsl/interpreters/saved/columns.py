"""Arrays of many shapes and dtypes in a few long ones, and back."""

import sys
from fractions import Fraction
from math import prod
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import AnyArray
from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.tape.value import SCALARS, frozen

# Any, throughout: arrays of any scalar type, and JSON.

_TYPES: Final = {kind.__name__: kind for kind in sorted(SCALARS, key=str)}

_LONG: Final = np.finfo(np.longdouble)
LONG_DOUBLES: Final = f"{_LONG.nmant}-{sys.byteorder}"
"""How this machine stores long doubles."""

_LONG_BYTES: Final = 10 if _LONG.nmant == 63 else np.dtype(np.longdouble).itemsize
"""The bytes of a long double that count: the x87 format pads 10 to 12 or 16."""


@final
class Packing:
    """
    Packs arrays: for each its type and shape, and the entries of each type in a row.

    >>> packing = Packing()
    >>> for x in (np.float64(1), np.zeros((2, 3)), np.float64(2)):
    ...     packing.add(x)
    >>> tensors = packing.tensors("values")
    >>> tensors["values/float64"].tolist(), tensors["values/shapes"].tolist()
    ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], [0, 1, 0])
    >>> packing.tables()
    {'types': ['float64'], 'shapes': [[], [2, 3]]}
    """

    def __init__(self) -> None:
        self._shapes: dict[Shape, int] = {}
        self._types: dict[str, int] = {}
        self._rows: dict[str, list[AnyArray]] = {}
        self._places: list[tuple[int, int]] = []

    def add(self, value: Any) -> None:
        """
        Add one array.

        Raises:
            TypeError: a file cannot hold it; the message is its type.
        """
        if type(value) not in SCALARS and type(value) is not np.ndarray:
            raise TypeError(type(value).__name__)
        name = "Fraction" if value.dtype.hasobject else value.dtype.type.__name__
        type_ = self._types.setdefault(name, len(self._types))
        shape = self._shapes.setdefault(value.shape, len(self._shapes))
        self._places.append((type_, shape))
        self._rows.setdefault(name, []).append(np.ravel(value))

    def tables(self) -> dict[str, Any]:
        """Return what the numbers in the tensors stand for."""
        return {"types": [*self._types], "shapes": [list(s) for s in self._shapes]}

    def tensors(self, prefix: str) -> dict[str, AnyArray]:
        """Return the long arrays, and for each array the places in the tables."""
        types, shapes = [[pair[i] for pair in self._places] for i in (0, 1)]
        found: dict[str, AnyArray] = {
            f"{prefix}/types": np.array(types, np.uint8),
            f"{prefix}/shapes": np.array(shapes, np.uint32),
        }
        for name, rows in self._rows.items():
            found[f"{prefix}/{name}"] = _packed(name, np.concatenate(rows))
        return found


def _packed(name: str, row: AnyArray) -> AnyArray:
    if name == "Fraction":
        texts = [f"{entry.numerator:x}/{entry.denominator:x}" for entry in row]
        return np.frombuffer("\n".join(texts).encode(), np.uint8)
    if name == "longdouble":
        padded = row.view(np.uint8).reshape(row.size, row.dtype.itemsize)
        return np.ascontiguousarray(padded[:, :_LONG_BYTES])
    return row


def unpack(
    prefix: str, tables: dict[str, Any], tensors: dict[str, AnyArray]
) -> list[AnyArray]:
    """
    Return the arrays that :class:`Packing` packed: read-only views of the long ones.

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: they are not such.

    >>> packing = Packing()
    >>> packing.add(np.zeros((2, 3)))
    >>> unpack("values", packing.tables(), packing.tensors("values"))[0].shape
    (2, 3)
    """
    shapes = [_shape(given) for given in tables["shapes"]]
    sizes = [prod(shape) for shape in shapes]
    names = tables["types"]
    types = column(tensors[f"{prefix}/types"], np.uint8).tolist()
    places = column(tensors[f"{prefix}/shapes"], np.uint32).tolist()
    totals = [0] * len(names)
    for type_, shape in zip(types, places, strict=True):
        totals[type_] += sizes[shape]
    rows = [
        _unpacked(name, tensors[f"{prefix}/{name}"], total)
        for name, total in zip(names, totals, strict=True)
    ]
    starts = [0] * len(names)
    found = []
    for type_, shape in zip(types, places, strict=True):
        row, start = rows[type_], starts[type_]
        starts[type_] = start + sizes[shape]
        if shapes[shape] or row.dtype.hasobject:
            found.append(row[start : starts[type_]].reshape(shapes[shape]))
        else:
            found.append(row[start])
    return list(map(frozen, found))


def column(tensor: AnyArray, kind: type[np.generic], size: int | None = None) -> Any:
    """
    Return a tensor that must be a row of a type, of a size if that is given.

    Raises:
        ValueError: it is not.

    >>> column(np.zeros(2, np.uint8), np.uint8, 2)
    array([0, 0], dtype=uint8)
    """
    wanted = (tensor.size if size is None else size,)
    if tensor.dtype != kind or tensor.shape != wanted:
        raise ValueError(f"{tensor.dtype}{list(tensor.shape)}")
    return tensor


def _unpacked(name: str, tensor: AnyArray, total: int) -> AnyArray:
    if name == "Fraction":
        return _rationals(column(tensor, np.uint8), total)
    kind = _TYPES[name]
    if kind is np.longdouble:
        if tensor.dtype != np.uint8 or tensor.shape != (total, _LONG_BYTES):
            raise ValueError(name)
        padded = np.zeros((total, np.dtype(kind).itemsize), np.uint8)
        padded[:, :_LONG_BYTES] = tensor
        padded.setflags(write=False)
        return padded.reshape(-1).view(kind)
    row: AnyArray = column(tensor, kind, total)
    if kind is np.bool_ and row.view(np.uint8).max(initial=0) > 1:
        raise ValueError("a truth value is 0 or 1")
    return row.view(np.dtype(kind))


def _rationals(row: AnyArray, total: int) -> AnyArray:
    texts = row.tobytes().decode("ascii").split("\n") if row.size else []
    if len(texts) != total:
        raise ValueError(f"{len(texts)} rationals, not {total}")
    found = np.empty(total, object)
    for i, text in enumerate(texts):
        above, below = text.split("/")
        found[i] = Fraction(int(above, 16), int(below, 16))
    found.setflags(write=False)
    return found


def _shape(given: Any) -> Shape:
    if not isinstance(given, list):
        raise TypeError(given)
    shape = tuple(given)
    check_shape(shape)
    return shape
