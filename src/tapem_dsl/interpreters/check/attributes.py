"""Whether the parameters of an op have the types that its class declares."""

import types
import typing
from dataclasses import fields, is_dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, Final

import numpy as np

from tapem_dsl.messages import short_repr
from tapem_dsl.tape.op import Op

# Any, throughout: type hints, and parameters of any type.


def wrong_attributes(op: Op) -> list[str]:
    """
    Say which parameters of an op are not of their declared types.

    A type that is no class, union, tuple or array is not checked.

    >>> from tapem_dsl.ops.arithmetic import Scale
    >>> wrong_attributes(Scale("two"))
    ["factor is 'two', not float | fractions.Fraction"]
    """
    found = []
    for name, hint in _hints(type(op)).items():
        given = getattr(op, name, _MISSING)
        if given is _MISSING:
            found.append(f"{name} is missing")
        elif not fits(given, hint):
            words = hint.__name__ if isinstance(hint, type) else str(hint)
            found.append(f"{name} is {short_repr(given)}, not {words}")
    return found


_MISSING: Final = object()


@lru_cache(maxsize=1024)
def _hints(kind: Any) -> dict[str, Any]:
    """Return the declared types of an op's fields; none if they cannot be resolved."""
    if not is_dataclass(kind):
        return {}
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - a user's annotation may raise anything
        return {}
    return {field.name: hints.get(field.name, Any) for field in fields(kind)}


def fits(given: Any, hint: Any) -> bool:
    """
    Return whether a value has the type of a hint.

    An int is a float, and a bool is no number.

    >>> fits((1, 2), tuple[int, ...]), fits((1, 2.0), tuple[int, ...]), fits(1, float)
    (True, False, True)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(given, part) for part in arguments)
    if origin is tuple:
        return _fits_tuple(given, arguments)
    if origin is np.ndarray:
        (scalar, *_) = [*typing.get_args(arguments[-1]), Any]
        of = isinstance(given, np.ndarray)
        return of and (not isinstance(scalar, type) or isinstance_of(given, scalar))
    kind = type(None) if hint is None else hint
    if not isinstance(kind, type) or origin is not None:
        return True
    if kind in (int, float):
        number = isinstance(given, Integral if kind is int else Real)
        return number and not isinstance(given, bool | np.bool_)
    try:
        return isinstance(given, kind)
    except TypeError:  # a protocol, or Any
        return True


def isinstance_of(array: Any, scalar: type) -> bool:
    """
    Return whether the entries of an array have a scalar type.

    >>> isinstance_of(np.zeros(2), np.floating)
    True
    """
    return issubclass(array.dtype.type, scalar)


def _fits_tuple(given: Any, arguments: tuple[Any, ...]) -> bool:
    if type(given) is not tuple:
        return False
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(fits(part, arguments[0]) for part in given)
    return len(given) == len(arguments) and all(map(fits, given, arguments))
