"""Equality of programs and all their parts: structural, exact and type-strict."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from math import copysign
from operator import attrgetter
from types import MethodType
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from returns.primitives.container import BaseContainer

from tapem_dsl.arrays import Tracer


def same(a: object, b: object) -> bool:
    """
    Return whether two values have equal structure, equal types and equal bits.

    - Programs, instructions, ops, nodes, dataclasses, lists, tuples, dicts (in order),
      sets, partial applications and bound methods are compared part by part.
    - Arrays and floats are compared by dtype, shape and bits. All NaNs are equal;
      ``-0.0`` differs from ``0.0``.
    - Tracers are compared by the arrays in them. Their levels may differ, if each level
      on one side stands for one level on the other.
    - Functions are compared by identity.
    - Other objects are compared by type and their own ``==``; if it raises, they
      differ.

    Cost:
        One loop without recursion, linear in the size of the smaller value. A part that
        is the same object on both sides takes constant time.

    >>> same([1, (2.0,)], [1, (2.0,)])
    True
    >>> same(1, True), same(0.0, -0.0), same(float("nan"), -float("nan"))
    (False, False, True)
    """
    pending: list[tuple[object, object]] = [(a, b)]
    seen: dict[tuple[int, int], tuple[object, object]] = {}  # keeps the objects alive
    levels: dict[int, int] = {}  # from levels in a to levels in b
    back: dict[int, int] = {}  # from levels in b to levels in a
    while pending:
        pair = a, b = pending.pop()
        if a is b:
            continue
        kind = type(a)
        if kind is not type(b):
            return False
        parts_of = taking_apart(kind)  # type: ignore[arg-type] # a class is hashable
        if parts_of is None:
            if not comparing(kind)(a, b):  # type: ignore[arg-type] # hashable
                return False
            continue
        if (id(a), id(b)) in seen:  # the part is shared or cyclic
            continue
        seen[id(a), id(b)] = pair
        if isinstance(a, Tracer) and not levels_correspond(a, b, levels, back):
            return False
        ours, theirs = parts_of(a), parts_of(b)
        if len(ours) != len(theirs):
            return False
        pending.extend(zip(ours, theirs, strict=True))
    return True


# Any: a tracer of the same type.
def levels_correspond(
    a: Tracer, b: Any, levels: dict[int, int], back: dict[int, int]
) -> bool:
    """
    Return whether the levels of two tracers correspond, as in earlier pairs.

    Args:
        levels: from levels on one side to levels on the other, as found so far.
        back: from levels on the other side to levels on the one.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> levels_correspond(Dual(1.0, 2.0, 5), Dual(1.0, 2.0, 6), {5: 7}, {7: 5})
    False
    """
    ours, theirs = a.level, b.level
    return (
        levels.setdefault(ours, theirs) == theirs
        and back.setdefault(theirs, ours) == ours
    )


# Any, below: a value of the type that was passed, which mypy cannot express.


@lru_cache(maxsize=1024)
def taking_apart(kind: type) -> Callable[[Any], Sequence[object]] | None:
    """
    Return the function that lists a value's parts; ``None`` for an atomic type.

    >>> taking_apart(dict)({"a": 1}), taking_apart(int)
    (['a', 1], None)
    """
    if kind in (list, tuple):
        return lambda x: x
    if kind is dict:
        return lambda x: [part for item in x.items() for part in item]
    if issubclass(
        kind, Tracer | BaseContainer
    ):  # programs, and the containers of returns
        return _inside
    if issubclass(kind, msgspec.Struct):
        return _attributes(kind.__struct_fields__)
    if _is_dataclass_like(kind) and "__dataclass_fields__" in vars(kind):
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # it is one
        return _attributes(tuple(names))
    if _is_dataclass_like(kind) or kind.__eq__ in _STRUCTURAL:
        return lambda x: (x.__getstate__(), getattr(x, "__dict__", None))
    if issubclass(kind, partial):
        return lambda x: (x.func, x.args, x.keywords, vars(x))
    if kind is MethodType:
        return lambda x: (x.__func__, x.__self__)
    if issubclass(kind, (list, tuple, dict, set, frozenset, np.ndarray)):
        return None if kind in (set, frozenset, np.ndarray) else _reduced
    return None


_STRUCTURAL: Final[set[object]] = set()


def structural(eq: Callable[[Any, object], bool]) -> Callable[[Any, object], bool]:
    """
    Mark an ``__eq__`` that is :func:`same`, which then compares such objects by parts.

    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    ...
    ...     @structural
    ...     def __eq__(self, other):
    ...         return same(self, other)
    ...
    ...     __hash__ = None
    >>> Pair(1, 2) == Pair(1, 2), Pair(1, 2) == Pair(1, True)
    (True, False)
    """
    _STRUCTURAL.add(eq)
    return eq


T = TypeVar("T", bound=type)


def structural_tuple(kind: T) -> T:
    """
    Decorate a named tuple so that its ``==`` is :func:`same`.

    The ``==`` of plain tuples asks arrays for one truth value, and they raise.

    >>> from typing import NamedTuple
    >>> @structural_tuple
    ... class Buffers(NamedTuple):
    ...     mean: np.ndarray
    >>> Buffers(np.ones(2)) == Buffers(np.ones(2))
    True
    """
    methods = {"__eq__": same, "__ne__": _differ, "__hash__": _shallow_hash}
    for name, method in methods.items():
        setattr(kind, name, method)
    return kind


def _differ(a: object, b: object) -> bool:
    return not same(a, b)


def _shallow_hash(record: tuple[object, ...]) -> int:
    return hash((type(record), len(record)))  # a part may be an array


def _is_dataclass_like(kind: type) -> bool:
    """Return whether ``__eq__`` is the one that ``dataclass`` generates."""
    written = getattr(getattr(kind.__eq__, "__code__", None), "co_filename", None)
    return is_dataclass(kind) and written == "<string>"


def _inside(x: BaseContainer | Tracer) -> Sequence[object]:
    """List what a container holds; for a program, the fields of its instruction."""
    if isinstance(x, Tracer):
        return x.parts()
    inner = x._inner_value  # noqa: SLF001 - its content
    if not isinstance(inner, msgspec.Struct):
        return (inner,)
    return [type(inner), *[getattr(inner, name) for name in inner.__struct_fields__]]


def _attributes(names: tuple[str, ...]) -> Callable[[Any], Sequence[object]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda x: [getattr(x, name) for name in names]


def _reduced(x: object) -> Sequence[object]:
    """List the state that pickle would store of a subclass of list, dict or array."""
    try:
        made = x.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - user code may raise anything
        return [object()]  # equal to nothing
    if isinstance(made, str):
        return [made]
    return [list(part) if isinstance(part, Iterator) else part for part in made]


@lru_cache(maxsize=1024)
def comparing(kind: type) -> Callable[[Any, Any], bool]:
    """
    Return the function that compares two values of an atomic type.

    >>> comparing(float)(0.0, -0.0)
    False
    """
    if issubclass(kind, float):
        return _same_float
    if issubclass(kind, complex):
        return lambda a, b: _same_float(a.real, b.real) and _same_float(a.imag, b.imag)
    if issubclass(kind, (np.ndarray, np.generic)):
        return _same_array
    if kind in (set, frozenset):
        return _same_set
    return _equal


def _equal(a: object, b: object) -> bool:
    """Compare by the object's own ``==``; objects that it cannot compare differ."""
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - user code may raise anything
        return False


def _same_set(a: frozenset[object], b: frozenset[object]) -> bool:
    theirs = {x: x for x in b}
    return a == b and same(list(a), [theirs[x] for x in a])


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
