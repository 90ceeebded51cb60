"""One entry of a key for many samples of one structure: their leaves in columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl.interpreters.compiled.forms import (
    LARGE,
    NATIVE,
    PARTS,
    PLAIN,
    Eager,
    Record,
    check_attributes,
    is_fixed,
    native,
    record_of,
    static_form,
)
from tapem_dsl.tape.value import SCALARS

# Any, throughout: arguments of any type.

Column: TypeAlias = tuple[tuple[Any, ...], list[Sequence[Any]]]
"""The form of many values; and of their inputs the first ones, the second ones, ..."""

ALIKE: Final = object()
"""Begins the entry of a container whose parts have one structure."""

_SAME: Final = object()
_EACH: Final = object()
_PLAIN: Final = object()
_COLUMNS: Final = object()

MANY: Final = 8
"""How many samples are worth a column."""


def column_of(  # noqa: C901 - one case a type
    parts: Sequence[Any],
) -> Column | None:
    """
    Return the form of many values, and columns of their inputs.

    ``None`` says that they have no structure in common, or more columns than pay: then
    each has entries of its own. Either is the same for values of the same entries, so
    that two keys are equal where these are.

    Raises:
        Eager: as :func:`~tapem_dsl.interpreters.compiled.keys.key_of`.

    >>> form, columns = column_of([(1.0, 2)] * 16)
    >>> columns == [(1.0,) * 16, (2,) * 16]
    True
    >>> column_of([1.0, None])
    """
    kinds = set(map(type, parts))
    if len(kinds) > 1:
        return None
    (kind,) = kinds
    if kind is np.ndarray:
        return _arrays(parts)
    if kind is float or kind in SCALARS:
        return (_SAME, kind), [parts]
    if kind is int:
        small = min(parts) > -LARGE and max(parts) < LARGE
        return ((_SAME, int), [parts]) if small else None
    if kind is list or kind is tuple:
        sizes = set(map(len, parts))
        size = sizes.pop()
        if sizes or not _pays(size, parts):
            return None
        return _columns((PARTS, kind, size), zip(*parts, strict=True))
    if kind is dict:
        return _dicts(parts)
    if (record := record_of(kind)) is not None:
        if not _pays(len(record.names), parts):
            return None
        return _columns((PARTS, kind), _fields(record, parts))
    if not is_fixed(parts[0]):
        raise Eager(f"a {kind.__name__} is computed with as it is")
    if kind in PLAIN:
        return (_PLAIN, kind, tuple(parts)), []
    return (_EACH, tuple(map(static_form, parts))), []


def interleaved(columns: list[Sequence[Any]]) -> Iterable[Any]:
    """
    Return the inputs of the first sample, then of the second, and so on.

    >>> list(interleaved([(1, 2), (10, 20)]))
    [1, 10, 2, 20]
    """
    if len(columns) == 1:
        return columns[0]
    return chain.from_iterable(zip(*columns, strict=True))


def expanded(entries: Iterable[Any]) -> Iterator[Any]:
    """
    Return the entries of a key as they are without columns: those of each sample.

    >>> form, _ = column_of([1.0] * 2)
    >>> list(expanded([(ALIKE, list, 2, form)]))[1:]
    [<class 'float'>, <class 'float'>]
    """
    for entry in entries:
        if type(entry) is tuple and entry and entry[0] is ALIKE:
            _, kind, size, form = entry
            yield PARTS, kind, size
            for place in range(size):
                yield from _sample(form, place)
        else:
            yield entry


def _sample(form: tuple[Any, ...], place: int) -> Iterator[Any]:
    marker, *rest = form
    if marker is _SAME:
        yield rest[0]
    elif marker is _EACH:
        yield rest[0][place]
    elif marker is _PLAIN:
        yield static_form(rest[1][place])
    else:
        yield rest[0]
        for column in rest[1:]:
            yield from _sample(column, place)


def _pays(size: int, parts: Sequence[Any]) -> bool:
    """Return whether columns are longer than they are many."""
    return MANY * size <= len(parts)


def _columns(entry: tuple[Any, ...], columns: Iterable[Sequence[Any]]) -> Column | None:
    forms = [_COLUMNS, entry]
    inputs: list[Sequence[Any]] = []
    for column in columns:
        found = column_of(column)
        if found is None:
            return None
        forms.append(found[0])
        inputs += found[1]
    return tuple(forms), inputs


_SHAPE: Final = attrgetter("shape")
_DTYPE: Final = attrgetter("dtype")
_CONTIGUOUS: Final = attrgetter("flags.c_contiguous")
_DICT: Final = attrgetter("__dict__")


def _arrays(parts: Sequence[Any]) -> Column:
    dtypes = set(map(_DTYPE, parts))
    if not (dtypes <= NATIVE and all(map(_CONTIGUOUS, parts))):
        parts = [native(x) for x in parts]
        dtypes = set(map(_DTYPE, parts))
    every = list(map(_SHAPE, parts))
    shapes = set(every)
    form: tuple[Any, ...]
    if len(shapes) == len(dtypes) == 1:
        form = (_SAME, (every[0], parts[0].dtype))
    else:
        form = (_EACH, tuple(zip(every, map(_DTYPE, parts), strict=True)))
    return form, [[x if x.ndim else x[()] for x in parts] if () in shapes else parts]


def _dicts(parts: Sequence[Any]) -> Column | None:
    if not set(map(type, chain.from_iterable(parts))) <= {str}:
        return None  # 1, 1.0 and True are one key of a set
    orders = set(map(tuple, parts))
    names = orders.pop()
    if orders or not _pays(len(names), parts):
        return None
    entry = (PARTS, dict, tuple([(str, name) for name in names]))
    return _columns(entry, (list(map(itemgetter(x), parts)) for x in names))


def _fields(record: Record, parts: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Return the fields of records, each of which holds no more."""
    if record.reads_dict:
        dicts = list(map(_DICT, parts))
        if set(map(len, dicts)) == {len(record.names)}:
            try:
                return [list(map(itemgetter(name), dicts)) for name in record.names]
            except KeyError:
                pass  # a field that was deleted, and something beside
    if record.is_open:
        for x in parts:
            check_attributes(x)
    if record.parts_of is tuple:
        return zip(*parts, strict=True)
    return [list(map(attrgetter(name), parts)) for name in record.names]
