"""What a call's arguments have in common with another's: the key of a plan."""

from collections.abc import Callable
from dataclasses import is_dataclass
from inspect import signature
from typing import Any, final

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arrays import AnyArray
from tapem_dsl.interpreters.compiled.columns import (
    ALIKE,
    MANY,
    column_of,
    expanded,
    interleaved,
)
from tapem_dsl.interpreters.compiled.forms import (
    LARGE,
    NATIVE,
    PARTS,
    STATIC,
    Eager,
    check_attributes,
    is_fixed,
    is_input,
    native,
    record_of,
    static_form,
)
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.value import SCALARS

__all__ = [
    "Eager",
    "Key",
    "check_containers",
    "differences",
    "is_fixed",
    "key_of",
    "places_of",
    "with_inputs",
]

# Any, throughout: arguments of any type.


def places_of(
    function: Callable[..., Any], names: frozenset[str], what: str = "static_argnames"
) -> frozenset[Any]:
    """
    Return the names of arguments, and their places where there are any.

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
            raise ValueError(f"{what} names {name!r}, and the function takes ({known})")
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
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static: frozenset[Any],
    arrays: frozenset[type] = frozenset(),
) -> tuple[Key, list[AnyArray]]:
    """
    Return the key of arguments, and the numbers and arrays among them.

    Floats, integers, NumPy scalars and arrays are inputs: their types, shapes and
    dtypes are part of the key. Truth values, texts, ``None`` and functions are static:
    they are part of the key themselves, as is every argument that ``static`` names.
    ``arrays`` are types of arrays beside NumPy's.

    Raises:
        Eager: exact rationals, tracers, and what cannot be part of a key.

    >>> key_of(({"w": 1.0}, True), {}, frozenset())[1]
    [1.0]
    """
    key: list[Any] = [len(args), tuple(kwargs)]
    inputs: list[AnyArray] = []
    for place, x in enumerate(args):
        if place in static:
            key.append(static_form(x))
        else:
            _walk(x, key, inputs, arrays)
    for name in sorted(kwargs):
        key.append(name)
        if name in static:
            key.append(static_form(kwargs[name]))
        else:
            _walk(kwargs[name], key, inputs, arrays)
    try:
        return Key(tuple(key)), inputs
    except TypeError as error:
        raise Eager(f"an argument cannot be hashed: {error}") from None


def _walk(  # noqa: C901, PLR0912 - one case a type, for each of many leaves
    x: Any, key: list[Any], inputs: list[Any], arrays: frozenset[type]
) -> None:
    """Append to the key and to the inputs, as ``tree.flatten`` orders leaves."""
    kind = type(x)
    if kind is np.ndarray:
        if x.dtype not in NATIVE or not x.flags.c_contiguous:
            x = native(x)
        key.append((x.shape, x.dtype))
        inputs.append(x if x.ndim else x[()])
    elif kind is float or kind in SCALARS:
        key.append(kind)
        inputs.append(x)
    elif kind is int and -LARGE < x < LARGE:
        key.append(int)
        inputs.append(x)
    elif kind in arrays:
        key.append((x.shape, x.dtype, kind))
        inputs.append(x)
    elif kind is list or kind is tuple:
        if len(x) >= MANY and (column := column_of(x)) is not None:
            form, columns = column
            key.append((ALIKE, kind, len(x), form))
            inputs.extend(interleaved(columns))
            return
        key.append((PARTS, kind, len(x)))
        for part in x:
            _walk(part, key, inputs, arrays)
    elif kind is dict:
        key.append((PARTS, dict, tuple([(type(name), name) for name in x])))
        for part in x.values():
            _walk(part, key, inputs, arrays)
    elif (record := record_of(kind)) is not None:  # type: ignore[arg-type] # hashable
        key.append((PARTS, kind))
        if record.is_open:
            check_attributes(x)
        for part in record.parts_of(x):
            _walk(part, key, inputs, arrays)
    elif is_fixed(x):
        key.append(static_form(x))
    else:
        raise Eager(f"a {kind.__name__} is computed with as it is")


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
    elif (record := record_of(kind)) is not None:  # type: ignore[arg-type] # hashable
        check_attributes(x)
        for part in record.parts_of(x):
            check_containers(part)
    elif isinstance(x, dict | list | tuple) or is_dataclass(kind):
        raise Eager(f"it returns a {kind.__name__}")


def with_inputs(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static: frozenset[Any],
    replace: Callable[[Any], Any],
    arrays: frozenset[type] = frozenset(),
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Replace the inputs among arguments, in the order of :func:`key_of`.

    >>> with_inputs(({"w": 1.0}, True), {}, frozenset(), lambda x: x + 1)
    (({'w': 2.0}, True), {})
    """
    moving = {name: kwargs[name] for name in sorted(kwargs) if name not in static}

    def leaf(x: Any) -> Any:
        return replace(x) if is_input(x) or type(x) in arrays else x

    positional = [
        x if place in static else tree.map(leaf, x) for place, x in enumerate(args)
    ]
    return tuple(positional), {**kwargs, **tree.map(leaf, moving)}


def flags_of(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static: frozenset[Any],
    names: frozenset[Any],
    arrays: frozenset[type],
) -> list[bool]:
    """
    Tell of each input, in the order of :func:`key_of`, whether its argument is named.

    >>> flags_of((1.0, [2.0, 3.0]), {}, frozenset(), frozenset({1}), frozenset())
    [False, True, True]
    """
    every = [*enumerate(args), *[(name, kwargs[name]) for name in sorted(kwargs)]]
    flags = []
    for place, x in every:
        if place not in static:
            _, inputs = key_of((x,), {}, frozenset(), arrays)
            flags += [place in names] * len(inputs)
    return flags


def differences(first: Key, second: Key) -> str:
    """
    Say what two keys do not have in common.

    >>> a, b = (key_of((n,), {}, frozenset())[0] for n in ("x", "y"))
    >>> differences(a, b)
    "'x' and 'y'"
    """
    if first.parts[:2] != second.parts[:2]:  # how many places, and which names
        return "arguments of other structures"
    mine, others = list(expanded(first.parts)), list(expanded(second.parts))
    for a, b in zip(mine, others, strict=False):
        if a != b:
            return f"{_shown(a)} and {_shown(b)}"
    return "equal arguments, whose plans were no longer kept"


def _shown(part: Any) -> str:
    if type(part) is not tuple or len(part) < 2:
        return short_repr(part)
    marker, *rest = part
    if marker is PARTS:
        return _container(*rest)
    if marker is STATIC:
        return short_repr(rest[1] if len(rest) > 1 else rest[0])
    if isinstance(rest[0], np.dtype):
        return f"{rest[0]}{list(marker)}"
    return short_repr(part)


def _container(kind: type, parts: Any = None) -> str:
    if parts is None:
        return f"a {kind.__name__}"
    if kind is dict:
        return f"a dict of {short_repr([name for _, name in parts])}"
    return f"a {kind.__name__} of {parts}"
