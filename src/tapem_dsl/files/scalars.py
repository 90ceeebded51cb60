"""Python's numbers and texts, and exact arrays, as JSON that keeps every bit."""

from fractions import Fraction
from typing import Any

import numpy as np

# Any, throughout: values of several types, and their JSON.


def encoded(leaf: Any) -> dict[str, Any]:
    """
    Return the JSON of a number, a text or an array of rationals.

    Raises:
        TypeError: it is none of them; the message is the type.

    >>> encoded(Fraction(1, 3)), decoded(encoded(0.5))
    ({'type': 'Fraction', 'value': ['0x1', '0x3']}, 0.5)
    """
    kind = type(leaf)
    if kind in (bool, str):
        return {"type": kind.__name__, "value": leaf}
    if kind is int:
        return {"type": "int", "value": hex(leaf)}
    if kind is Fraction:
        return {"type": "Fraction", "value": _hex(leaf)}
    if kind is float:
        bits = np.array(leaf, "<f8").tobytes()  # all 64 bits, also of NaN
        return {"type": "float", "value": bits.hex()}
    if kind is np.ndarray and leaf.dtype == object:
        entries = [_hex(Fraction(entry)) for entry in leaf.flat]
        return {"type": "rationals", "shape": list(leaf.shape), "value": entries}
    array = isinstance(leaf, np.ndarray | np.generic)
    raise TypeError(str(leaf.dtype) if array else kind.__name__)


def _hex(number: Fraction) -> list[str]:
    """Return hexadecimal texts, whose length Python does not limit."""
    return [hex(number.numerator), hex(number.denominator)]


def decoded(made: Any) -> Any:
    """
    Return the leaf that :func:`encoded` encoded.

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: it is not such an encoding.

    >>> decoded({"type": "int", "value": "0x10"})
    16
    """
    kind, value = made["type"], made["value"]
    if kind in ("bool", "str"):
        if type(value).__name__ != kind:
            raise TypeError(kind)
        return value
    if kind == "rationals":
        array = np.empty(len(value), object)
        array[:] = [_fraction(entry) for entry in value]
        return array.reshape([_extent(n) for n in made["shape"]])
    if kind == "int":
        return int(value, 16)
    if kind == "float":
        return np.frombuffer(bytes.fromhex(value), "<f8").item()
    if kind == "Fraction":
        return _fraction(value)
    raise ValueError(kind)


def _fraction(pair: Any) -> Fraction:
    above, below = pair
    return Fraction(int(above, 16), int(below, 16))


def _extent(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(number)
    return number
