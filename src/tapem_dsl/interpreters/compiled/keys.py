"""What a call's arguments have in common with another's: the key of a plan."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache, partial
from inspect import signature
from operator import attrgetter
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, Generic, final

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arrays import AnyArray
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.value import SCALARS

# Any, throughout: arguments of any type.


class Eager(Exception):
    """There is nothing to compile: the message says why the call runs as it is."""


def places_of(function: Callable[..., Any], names: frozenset[str]) -> frozenset[Any]:
    """
    Return the names of static arguments, and their places where there are any.

    Raises:
        ValueError: the function has no such argument.

    >>> sorted(places_of(lambda x, n: x, frozenset({"n"})), key=str)
    [1, 'n']
    """
    try:
        parameters = signature(function).parameters
    except (TypeError, ValueError):  # some functions of C say nothing
        return frozenset(names)
    takes_any = any(x.kind is x.VAR_KEYWORD for x in parameters.values())
    for name in names:
        if name not in parameters and not takes_any:
            known = ", ".join(parameters)
            raise ValueError(
                f"static_argnames names {name!r}, and the function takes ({known})"
            )
    places = {at for at, name in enumerate(parameters) if name in names}
    return frozenset(names | places)


@final
class Key:
    """
    What the calls of one plan have in common, hashed once: lists of samples are long.

    >>> Key(("float64", 2)) == Key(("float64", 2))
    True
    """

    __slots__ = ("hash", "parts")

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts
        self.hash = hash(parts)

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and self.parts == other.parts

    def __hash__(self) -> int:
        return self.hash


def key_of(
    args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[Any]
) -> tuple[Key, list[AnyArray]]:
    """
    Return the key of arguments, and the numbers and arrays among them.

    Floats, integers, NumPy scalars and arrays are inputs: their types, shapes and
    dtypes are part of the key. Truth values, texts, ``None`` and functions are static:
    they are part of the key themselves, as is every argument that ``static`` names.

    Raises:
        Eager: exact rationals, tracers, and what cannot be part of a key.

    >>> key_of(({"w": 1.0}, True), {}, frozenset())[1]
    [1.0]
    """
    key: list[Any] = [len(args), tuple(kwargs)]
    inputs: list[AnyArray] = []
    for place, x in enumerate(args):
        if place in static:
            key.append(_static(x))
        else:
            _walk(x, key, inputs)
    for name in sorted(kwargs):
        key.append(name)
        if name in static:
            key.append(_static(kwargs[name]))
        else:
            _walk(kwargs[name], key, inputs)
    try:
        return Key(tuple(key)), inputs
    except TypeError as error:
        raise Eager(f"an argument cannot be hashed: {error}") from None


def _walk(  # noqa: C901, PLR0912 - one case a type, for each of many leaves
    x: Any, key: list[Any], inputs: list[Any]
) -> None:
    """Append to the key and to the inputs, as ``tree.flatten`` orders leaves."""
    kind = type(x)
    if kind is np.ndarray:
        dtype = x.dtype
        if dtype not in _NATIVE or not x.flags.c_contiguous:
            if dtype.kind not in "fiub":
                raise Eager(f"an array of {dtype} is computed with as it is")
            dtype = dtype.newbyteorder("=")
            x = np.ascontiguousarray(x, dtype).reshape(x.shape)
        key.append((x.shape, dtype))
        inputs.append(x if x.ndim else x[()])
    elif kind is float or kind in SCALARS:
        key.append(kind)
        inputs.append(x)
    elif kind is int and -_LARGE < x < _LARGE:
        key.append(int)
        inputs.append(x)
    elif kind is list or kind is tuple:
        key.append((_PARTS, kind, len(x)))
        for part in x:
            _walk(part, key, inputs)
    elif kind is dict:
        key.append((_PARTS, dict, tuple([(type(name), name) for name in x])))
        for part in x.values():
            _walk(part, key, inputs)
    elif (parts_of := _record(kind)) is not None:  # type: ignore[arg-type] # hashable
        key.append((_PARTS, kind))
        _check_attributes(x)
        for part in parts_of(x):
            _walk(part, key, inputs)
    elif is_fixed(x):
        key.append(_static(x))
    else:
        raise Eager(f"a {kind.__name__} is computed with as it is")


_NATIVE: Final = frozenset(map(np.dtype, "?bhilqBHILQefdg"))
_PARTS: Final = object()
_STATIC: Final = object()


def is_fixed(x: object) -> bool:
    """
    Return whether a value is immutable and of a known kind, such as a text.

    >>> is_fixed("mean"), is_fixed({1, 2})
    (True, False)
    """
    return type(x) in _FIXED or isinstance(x, Enum | type)


_FIXED: Final = frozenset(
    {bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range}
    | {FunctionType, BuiltinFunctionType, partial, np.ufunc}
)


def _static(x: Any) -> tuple[Any, ...]:
    """Return what distinguishes a static value: ``1``, ``1.0`` and ``True``, too."""
    kind = type(x)
    if kind in (tuple, list):
        return (_STATIC, kind, *[_static(part) for part in x])
    if kind in (frozenset, set):
        return _STATIC, kind, frozenset(_static(part) for part in x)
    if kind is dict:
        items = [(_static(name), _static(part)) for name, part in x.items()]
        return _STATIC, dict, tuple(items)
    if is_dataclass(x) and not isinstance(x, type):
        _check_attributes(x)
        values = [getattr(x, field.name) for field in fields(x)]
        return (_STATIC, kind, *[_static(part) for part in values])
    return _STATIC, kind, x, "" if kind in _PLAIN else repr(x)


_PLAIN: Final = frozenset({bool, str, bytes, type(None), FunctionType, type})

_LARGE: Final = 2**53  # integers up to here are exact in every type computed with


@lru_cache(maxsize=1024)
def _record(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return how a record falls into parts; ``None`` for what is not one."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return tuple if len(_defining("__new__", kind)) == 1 else None
    if not is_dataclass(kind) or "__dataclass_fields__" not in vars(kind):
        return None
    makes_more = hasattr(kind, "__post_init__") or _defining("__new__", kind)
    if makes_more or not vars(kind)["__dataclass_params__"].init:
        return None  # to make another one would do more than to fill its fields
    if not all(field.init for field in fields(kind)):
        return None  # what it holds beside cannot be given to another one
    names = [field.name for field in fields(kind)]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda x: tuple([getattr(x, name) for name in names])


def _defining(name: str, kind: Any) -> list[type]:
    builtin = (object, tuple, Generic)
    return [x for x in kind.__mro__ if name in vars(x) and x not in builtin]


def _check_attributes(x: Any) -> None:
    """Check that a record holds no more than its fields."""
    names = [] if isinstance(x, tuple) else [field.name for field in fields(x)]
    more = getattr(x, "__dict__", {}).keys() - names
    if more:
        kind = type(x).__name__
        raise Eager(f"a {kind} has attributes beside its fields: {short_repr(more)}")


def check_containers(x: Any) -> None:
    """
    Check that a result can be made again from its leaves.

    Raises:
        Eager: a dictionary of another type than ``dict``; a record that makes more of
            its fields, or that holds more.

    >>> check_containers([{"w": 1.0}])
    """
    kind = type(x)
    if kind is list or kind is tuple or kind is dict:
        for part in x.values() if kind is dict else x:
            check_containers(part)
    elif (parts_of := _record(kind)) is not None:  # type: ignore[arg-type] # hashable
        _check_attributes(x)
        for part in parts_of(x):
            check_containers(part)
    elif isinstance(x, dict | list | tuple) or is_dataclass(kind):
        raise Eager(f"it returns a {kind.__name__}")


def with_inputs(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static: frozenset[Any],
    replace: Callable[[Any], Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Replace the inputs among arguments, in the order of :func:`key_of`.

    >>> with_inputs(({"w": 1.0}, True), {}, frozenset(), lambda x: x + 1)
    (({'w': 2.0}, True), {})
    """
    moving = {name: kwargs[name] for name in sorted(kwargs) if name not in static}

    def leaf(x: Any) -> Any:
        return replace(x) if is_input(x) else x

    positional = [
        x if place in static else tree.map(leaf, x) for place, x in enumerate(args)
    ]
    return tuple(positional), {**kwargs, **tree.map(leaf, moving)}


def is_input(x: object) -> bool:
    """
    Return whether an argument is an input of a plan.

    >>> is_input(1.0), is_input(True)
    (True, False)
    """
    kind = type(x)
    if kind is int:
        return -_LARGE < x < _LARGE  # type: ignore[operator] # it is an int
    return kind is np.ndarray or kind is float or kind in SCALARS


def differences(first: Key, second: Key) -> str:
    """
    Say what two keys do not have in common.

    >>> a, b = (key_of((n,), {}, frozenset())[0] for n in ("x", "y"))
    >>> differences(a, b)
    "'x' and 'y'"
    """
    if len(first.parts) != len(second.parts):
        return "arguments of other structures"
    for a, b in zip(first.parts, second.parts, strict=True):
        if a != b:
            return f"{_shown(a)} and {_shown(b)}"
    return "equal arguments, whose plans were no longer kept"


def _shown(part: Any) -> str:
    if type(part) is not tuple or len(part) < 2:
        return short_repr(part)
    marker, *rest = part
    if marker in (_STATIC, _PARTS):
        return short_repr(rest[1] if len(rest) > 1 else rest[0])
    if isinstance(rest[-1], np.dtype):
        return f"{rest[-1]}{list(marker)}"
    return short_repr(part)
