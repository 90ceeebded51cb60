"""What the key of a plan says of one leaf, and of one record."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache, partial
from inspect import getattr_static, isdatadescriptor
from operator import attrgetter
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final, Generic, NamedTuple

import numpy as np

from tapem_dsl.messages import short_repr
from tapem_dsl.tape.value import SCALARS

# Any, throughout: arguments of any type.


class Eager(Exception):
    """There is nothing to compile: the message says why the call runs as it is."""


PARTS: Final = object()
"""Begins the entry of a container; the entries of its parts follow."""

STATIC: Final = object()
"""Begins the entry of a value that is itself part of the key."""

NATIVE: Final = frozenset(map(np.dtype, "?bhilqBHILQefdg"))

LARGE: Final = 2**53  # integers up to here are exact in every type computed with


def is_input(x: object) -> bool:
    """
    Return whether an argument is an input of a plan.

    >>> is_input(1.0), is_input(True)
    (True, False)
    """
    kind = type(x)
    if kind is int:
        return -LARGE < x < LARGE  # type: ignore[operator] # it is an int
    return kind is np.ndarray or kind is float or kind in SCALARS


def native(x: Any) -> Any:
    """
    Return an array as plans take it: native, and contiguous.

    Raises:
        Eager: an array of texts, objects or others that are no numbers.

    >>> native(np.arange(2.0).astype(">f8")).dtype
    dtype('float64')
    """
    dtype = x.dtype
    if dtype.kind not in "fiub":
        raise Eager(f"an array of {dtype} is computed with as it is")
    dtype = dtype.newbyteorder("=")
    return np.ascontiguousarray(x, dtype).reshape(x.shape)


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


def static_form(x: Any) -> tuple[Any, ...]:
    """
    Return what distinguishes a static value: ``1``, ``1.0`` and ``True``, too.

    >>> static_form(1) == static_form(True)
    False
    """
    kind = type(x)
    if kind in (tuple, list):
        return (STATIC, kind, *[static_form(part) for part in x])
    if kind in (frozenset, set):
        return STATIC, kind, frozenset(static_form(part) for part in x)
    if kind is dict:
        items = [(static_form(name), static_form(part)) for name, part in x.items()]
        return STATIC, dict, tuple(items)
    if is_dataclass(x) and not isinstance(x, type):
        check_attributes(x)
        values = [getattr(x, field.name) for field in fields(x)]
        return (STATIC, kind, *[static_form(part) for part in values])
    return STATIC, kind, x, "" if kind in PLAIN else repr(x)


PLAIN: Final = frozenset({bool, str, bytes, type(None), FunctionType, type})
"""The types whose equal values are the same."""


class Record(NamedTuple):
    """How the records of one type fall into parts."""

    names: tuple[str, ...]
    parts_of: Callable[[Any], tuple[Any, ...]]
    is_open: bool
    """Whether one may hold more than its fields."""

    reads_dict: bool
    """Whether the fields are no more than the entries of ``__dict__``."""


@lru_cache(maxsize=1024)
def record_of(kind: Any) -> Record | None:
    """
    Return how the records of a type fall into parts; ``None`` for another type.

    A dataclass with ``__post_init__`` is none, because to make another one may do more
    than to fill its fields. A class of this library whose ``__post_init__`` checks only
    says so in ``_holds_its_fields``.

    >>> class Pair(NamedTuple):
    ...     x: float
    ...     y: float
    >>> record_of(Pair).names, record_of(set)
    (('x', 'y'), None)
    """
    is_open = bool(kind.__dictoffset__)
    fields_of_tuple = getattr(kind, "_fields", None)
    if issubclass(kind, tuple) and fields_of_tuple is not None:
        if len(_defining("__new__", kind)) > 1:
            return None
        return Record(fields_of_tuple, tuple, is_open=is_open, reads_dict=False)
    if not is_dataclass(kind) or "__dataclass_fields__" not in vars(kind):
        return None
    makes_more = hasattr(kind, "__post_init__") or _defining("__new__", kind)
    if makes_more and "_holds_its_fields" not in vars(kind):
        return None
    if not vars(kind)["__dataclass_params__"].init:
        return None
    if not all(field.init for field in fields(kind)):
        return None  # what it holds beside cannot be given to another one
    names = tuple([field.name for field in fields(kind)])
    reads_dict = is_open and kind.__getattribute__ is object.__getattribute__
    for name in names:
        reads_dict &= not isdatadescriptor(getattr_static(kind, name, None))

    def few(x: Any) -> tuple[Any, ...]:
        return tuple([getattr(x, name) for name in names])

    parts_of = attrgetter(*names) if len(names) > 1 else few
    return Record(names, parts_of, is_open, reads_dict)


def _defining(name: str, kind: Any) -> list[type]:
    builtin = (object, tuple, Generic)
    return [x for x in kind.__mro__ if name in vars(x) and x not in builtin]


def check_attributes(x: Any) -> None:
    """
    Check that a record holds no more than its fields.

    Raises:
        Eager: it holds more.
    """
    names = [] if isinstance(x, tuple) else [field.name for field in fields(x)]
    more = getattr(x, "__dict__", {}).keys() - names
    if more:
        kind = type(x).__name__
        raise Eager(f"a {kind} has attributes beside its fields: {short_repr(more)}")
