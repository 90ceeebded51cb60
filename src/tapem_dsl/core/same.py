"""Structural, exact and type-strict equality of programs and all their parts."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from math import copysign
from operator import attrgetter
from types import MethodType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from returns.primitives.container import BaseContainer


def same(a: object, b: object) -> bool:
    """
    Whether two values have one structure, one type everywhere, and the same bits.

    Programs, instructions, ops, nodes, dataclasses, lists, tuples and dicts (in order),
    sets, partial applications and bound methods are compared part by part; arrays and
    floats by dtype, shape and bits, where all NaNs are one and ``-0.0`` is not ``0.0``;
    functions by identity; anything else by its type and its own ``==``, where an
    exception means different.

    Cost:
        One loop and no recursion, linear in the size of the smaller value. Parts that
        are one object on both sides cost nothing.

    >>> same([1, (2.0,)], [1, (2.0,)])
    True
    >>> same(1, True), same(0.0, -0.0), same(float("nan"), -float("nan"))
    (False, False, True)
    """
    pending: list[tuple[object, object]] = [(a, b)]
    seen: set[tuple[int, int]] = set()
    while pending:
        a, b = pending.pop()
        if a is b:
            continue
        kind = type(a)
        if kind is not type(b):
            return False
        parts_of = _taking_apart(kind)  # type: ignore[arg-type] # a class is hashable
        if parts_of is None:
            if not _comparing(kind)(a, b):  # type: ignore[arg-type] # likewise
                return False
            continue
        if (id(a), id(b)) in seen:  # a shared or cyclic part, compared once
            continue
        seen.add((id(a), id(b)))
        ours, theirs = parts_of(a), parts_of(b)
        if len(ours) != len(theirs):
            return False
        pending.extend(zip(ours, theirs, strict=True))
    return True


# Any, below: a function for the values of one type, which mypy cannot say.


@lru_cache(maxsize=1024)
def _taking_apart(kind: type) -> Callable[[Any], Sequence[object]] | None:
    """Find how values of a type fall into parts; ``None`` if they have no structure."""
    if issubclass(kind, list | tuple):
        return lambda x: x
    if issubclass(kind, BaseContainer):  # programs, and the containers of returns
        return _inside
    if issubclass(kind, msgspec.Struct):
        return _attributes(kind.__struct_fields__)
    if is_dataclass(kind) and getattr(kind, "__dataclass_params__").eq:  # noqa: B009 - unknown to mypy
        return _attributes(tuple(field.name for field in fields(kind)))
    if issubclass(kind, dict):
        return lambda x: [part for item in x.items() for part in item]
    if issubclass(kind, partial):
        return lambda x: (x.func, x.args, x.keywords)
    if issubclass(kind, MethodType):
        return lambda x: (x.__func__, x.__self__)
    return None


def _inside(x: BaseContainer) -> Sequence[object]:
    """Give a container's contents; of a program its instruction's, in one step."""
    inner = x._inner_value  # noqa: SLF001 - the one thing it holds
    if not isinstance(inner, msgspec.Struct):
        return (inner,)
    return [type(inner), *[getattr(inner, name) for name in inner.__struct_fields__]]


def _attributes(names: tuple[str, ...]) -> Callable[[Any], Sequence[object]]:
    if len(names) > 1:
        return attrgetter(*names)  # the fastest way there is
    return lambda x: [getattr(x, name) for name in names]


@lru_cache(maxsize=1024)
def _comparing(kind: type) -> Callable[[Any, Any], bool]:
    """Find how two values of a type without structure compare."""
    if issubclass(kind, float):
        return _same_float
    if issubclass(kind, np.ndarray | np.generic):
        return _same_array
    if issubclass(kind, set | frozenset):
        return _same_set
    return _equal


def _equal(a: object, b: object) -> bool:
    """Ask a foreign object; what cannot be compared is different."""
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - someone else's __eq__ may raise anything
        return False


def _same_set(a: frozenset[object], b: frozenset[object]) -> bool:
    return {(type(x), x) for x in a} == {(type(x), x) for x in b}


def _same_float(a: float, b: float) -> bool:
    if a == b:
        return copysign(1.0, a) == copysign(1.0, b)
    return a != a and b != b  # noqa: PLR0124 - only NaN differs from itself


def _same_array(a: NDArray[Any] | np.generic, b: NDArray[Any] | np.generic) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.hasobject:
        return same(list(a.flat), list(b.flat))
    if a.dtype.kind == "c":
        return _same_array(np.real(a), np.real(b)) and _same_array(
            np.imag(a), np.imag(b)
        )
    if a.dtype.kind != "f":
        return a.tobytes() == b.tobytes()
    equal = (a == b) & (np.signbit(a) == np.signbit(b))
    return bool(np.all(equal | (np.isnan(a) & np.isnan(b))))
