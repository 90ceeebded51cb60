"""What a call's arguments have in common with another's: the key of a plan."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

from tapem_dsl import tree
from tapem_dsl.arrays import AnyArray, Tracer
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.value import SCALARS, as_value


class Eager(Exception):
    """There is nothing to compile: the message says why the call runs as it is."""


class Arguments(NamedTuple):
    """The arguments of one call, apart."""

    key: tuple[Any, ...]
    """Structure, shapes, dtypes, and what is static: equal keys may share a plan."""

    inputs: list[AnyArray]
    """The numbers and arrays, which may be others in the next call."""

    python_types: list[type | None]
    """``float`` or ``int`` for each input that is a number of Python."""

    rebuild: Callable[[list[Any]], tuple[tuple[Any, ...], dict[str, Any]]]
    """Put other inputs, in order, in the place of these."""


# Any, throughout: arguments of whatever type.
def taken_apart(
    args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[str]
) -> Arguments:
    """
    Split arguments into inputs and the rest.

    Floats, integers, NumPy scalars and arrays are inputs. Truth values, texts, ``None``
    and functions are static, and so is every argument that ``static`` names.

    Raises:
        Eager: exact rationals, tracers, and what cannot be part of a key.

    >>> apart = taken_apart(({"w": 1.0}, True), {}, frozenset())
    >>> apart.inputs, apart.rebuild([2.0])
    ([np.float64(1.0)], (({'w': 2.0}, True), {}))
    """
    fixed = {name: x for name, x in kwargs.items() if name in static}
    moving = {name: x for name, x in sorted(kwargs.items()) if name not in static}
    leaves, structure = tree.flatten((args, moving))
    places: list[int] = []
    inputs: list[AnyArray] = []
    python_types: list[type | None] = []
    key: list[object] = []
    for place, x in enumerate(leaves):
        if (kind := _kind(x)) is None:
            key.append((type(x), x))
            continue
        value = as_value(np.int64(x) if kind is int else x)
        places.append(place)
        inputs.append(value)
        python_types.append(kind if kind in (int, float) else None)
        key.append((kind, value.shape, value.dtype))
    fixed_items = tuple(sorted(fixed.items()))
    whole = (structure, tuple(key), fixed_items)
    try:
        hash(whole)
    except TypeError as error:
        raise Eager(f"an argument cannot be hashed: {error}") from None

    def rebuild(given: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        filled = list(leaves)
        for place, x in zip(places, given, strict=True):
            filled[place] = x
        positional, named = structure.unflatten(filled)
        return positional, {**named, **fixed}

    return Arguments(whole, inputs, python_types, rebuild)


def _kind(x: object) -> type | None:
    """Tell the type of an input; ``None`` for what is static."""
    kind = type(x)
    if kind is float or kind in SCALARS:
        return kind
    if kind is int:
        if abs(x) >= _LARGE:  # type: ignore[arg-type] # it is an int
            return None
        return int
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fiub":
            raise Eager(f"an array of {x.dtype} is computed with as it is")
        return np.ndarray
    if isinstance(x, Fraction | Tracer):
        raise Eager(f"a {kind.__name__} is computed with as it is")
    return None


_LARGE: Final = 2**53  # integers up to here are exact in every type computed with


def differences(first: Any, second: Any) -> str:
    """
    Say what two keys do not have in common.

    >>> a, b = (taken_apart((n,), {}, frozenset()).key for n in ("x", "y"))
    >>> differences(a, b)
    "leaf '0.0': 'x' and 'y'"
    """
    (structure, ours, fixed), (other, theirs, others) = first, second
    if structure != other:
        return "arguments of another structure"
    for path, a, b in zip(structure.paths(), ours, theirs, strict=True):
        if a != b:
            shown = [
                short_repr(x[1]) if len(x) == 2 else f"{x[2]}{list(x[1])}"
                for x in (a, b)
            ]
            return f"leaf {path!r}: {' and '.join(shown)}"
    return f"static arguments {short_repr(fixed)} and {short_repr(others)}"
