"""The tape's boundary: what a user's value becomes, so that it cannot change."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import EXACT, NUMPY, Array, Tracer, namespace_of
from tapem_dsl.messages import container_mend

SCALARS: Final[frozenset[type]] = frozenset(
    kind for kind in np.sctypeDict.values() if np.dtype(kind).kind in "fiub"
)
"""The NumPy scalar types of real numbers and truth values: kept as they are."""


def as_value(x: object) -> Array:
    """
    Turn what a user hands over into what a tape holds.

    Python floats and ints become ``np.float64``, rationals a 0-d object array, arrays a
    read-only array, C-contiguous and in native byte order. An array that is so already
    is copied unless it and every array it is a view of are read-only.

    Raises:
        TypeError: no number or array of numbers.
        Refused: an integer beyond double precision.

    >>> as_value(2)
    np.float64(2.0)
    >>> as_value(np.array([1.0, 2.0])).flags.writeable
    False
    >>> as_value([1.0])
    Traceback (most recent call last):
    ...
    TypeError: a list is no value of a tape; wrap it: np.array(...)
    """
    kind = type(x)
    if kind is float:
        return np.float64(x)  # type: ignore[arg-type] # a type that mypy does not see
    if kind in SCALARS:
        return x
    if isinstance(x, np.ndarray) and kind is np.ndarray and _is_canonical(x):
        return x
    if isinstance(x, Tracer):
        return x
    if isinstance(x, np.ndarray):
        return _as_array(x)
    if kind is int:
        return np.float64(NUMPY.literal(np.float64(0), x))
    if isinstance(x, Fraction):
        return frozen(EXACT.canonical(x))
    raise TypeError(_advice(x))


# Any: numbers, or lists of lists of them; typing has no finite name for that.
def rationals(entries: Any) -> NDArray[np.object_]:
    """
    Make an exact array from numbers, or texts such as ``"1/3"``, nested as for NumPy.

    >>> rationals([1, "1/3", 0.5]).tolist()
    [Fraction(1, 1), Fraction(1, 3), Fraction(1, 2)]
    """
    raw = np.array(entries, dtype=object)
    exact = np.vectorize(Fraction, otypes=[object])(raw) if raw.size else raw
    result: NDArray[np.object_] = frozen(EXACT.canonical(exact))
    return result


def frozen(x: Array) -> Array:
    """
    Make an array read-only in place; NumPy scalars and tracers are so already.

    >>> frozen(np.zeros(2)).flags.writeable
    False
    """
    if type(x) is np.ndarray:
        x.setflags(write=False)
    return x


def zeros_like(x: Array) -> Array:
    """
    Make read-only zeros of an array's shape and dtype, in the form a tape keeps.

    >>> zeros_like(np.float32(3)), zeros_like(rationals([1]))
    (np.float32(0.0), array([Fraction(0, 1)], dtype=object))
    """
    xp = namespace_of(x)
    return frozen(xp.canonical(xp.zeros_like(x)))


def _as_array(x: NDArray[np.generic]) -> Array:
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            "a masked array would lose its mask; fill it first: x.filled(0.0)"
        )
    if x.dtype.hasobject:
        return frozen(EXACT.canonical(np.array(x)))
    if x.dtype.kind not in "fiub":
        raise TypeError(
            f"a tape holds real numbers, not {x.dtype}; convert with astype"
        )
    native = np.dtype(x.dtype.type)
    if x.ndim == 0:
        return x.astype(native)[()]
    if type(x) is np.ndarray and x.dtype == native:
        same_dtype = x.view(native)  # unpickled arrays have a dtype object of their own
        if _is_canonical(same_dtype):
            return same_dtype
    copy = np.empty(x.shape, native)
    copy[...] = x
    return frozen(copy)


def _is_canonical(x: NDArray[Any]) -> bool:  # Any: of whatever scalar
    """Whether an array is as a tape keeps it, and will stay so."""
    flags = x.flags
    if flags.writeable or not flags.c_contiguous or not x.ndim:
        return False
    if _NATIVE.get(x.dtype) is not x.dtype:
        return False
    owner = x.base
    while isinstance(owner, np.ndarray):  # all that it is a view of
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None


_NATIVE: Final = {np.dtype(kind): np.dtype(kind) for kind in SCALARS}
"""The one object of each dtype, which ``is`` can recognise."""


def _advice(x: object) -> str:
    """Say the fix for a value that is none."""
    name = type(x).__name__
    if isinstance(x, bool):
        return f"{x} is no value of a tape; a condition is np.bool_({x})"
    if isinstance(x, list | tuple):
        return f"a {name} is no value of a tape; wrap it: np.array(...)"
    if fix := container_mend(x):
        return f"a {name} is no value of a tape{fix}"
    return f"a {name} is no value of a tape; pass a float, a Fraction or a NumPy array"
