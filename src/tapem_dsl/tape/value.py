"""How a user's value is converted to a value of a tape, which never changes."""

from fractions import Fraction
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import EXACT, NUMPY, Array, Tracer, namespace_of
from tapem_dsl.messages import container_fix

SCALARS: Final[frozenset[type]] = frozenset(
    kind for kind in np.sctypeDict.values() if np.dtype(kind).kind in "fiub"
)
"""The NumPy scalar types of real numbers and booleans, which a tape holds."""


class JaxArray(Protocol):
    """An array of JAX, to type checkers that need not know JAX."""

    # Any: of JAX
    @property
    def sharding(self) -> Any:
        """How it lies on devices."""


class TorchTensor(Protocol):
    """A tensor of PyTorch, to type checkers that need not know PyTorch."""

    # Any: of PyTorch
    @property
    def requires_grad(self) -> Any:
        """Whether PyTorch differentiates by it."""


ForeignArray: TypeAlias = JaxArray | TorchTensor
"""An array that NumPy reads by DLPack; other such arrays are known at run time only."""


def as_value(x: object) -> Array:
    """
    Convert a user's number or array to a value of a tape.

    Python floats and ints become ``np.float64``, rationals a 0-d object array. Arrays
    become read-only, C-contiguous and of native byte order. An array is copied, unless
    it already is all that and every array that it is a view of is read-only. Arrays of
    other libraries, such as tensors of PyTorch, are copied.

    Raises:
        TypeError: the value is neither a number nor an array of numbers; an array of
            another library that is not in the memory of the CPU, requires a gradient,
            or has no dtype of NumPy.
        Refused: the value is an int that float64 cannot hold.

    >>> as_value(2)
    np.float64(2.0)
    >>> as_value(np.array([1.0, 2.0])).flags.writeable
    False
    >>> as_value([1.0])
    Traceback (most recent call last):
    ...
    TypeError: a list cannot be a value of a tape; wrap it: np.array(...)
    """
    kind = type(x)
    if kind is float:
        return np.float64(x)  # type: ignore[arg-type] # it is a float
    if kind in SCALARS:
        return x
    if kind is np.ndarray and _is_canonical(x):  # type: ignore[arg-type] # it is one
        return x
    if isinstance(x, Tracer):
        return x.as_leaf()
    if isinstance(x, np.ndarray):
        return _as_array(x)
    if kind is int:
        return np.float64(NUMPY.literal(np.float64(0), x))
    if isinstance(x, Fraction):
        return frozen(EXACT.canonical(x))
    if hasattr(x, "__dlpack__") and "Tracer" not in kind.__name__:  # JAX's abstract
        return _as_array(_from_dlpack(x))
    raise TypeError(_advice(x))


# Any: numbers in nested lists, which have no finite type.
def rationals(entries: Any) -> NDArray[np.object_]:
    """
    Make an array of ``Fraction`` from numbers, or strings such as ``"1/3"``.

    Args:
        entries: one of them, or nested lists of them as for ``np.array``.

    >>> rationals([1, "1/3", 0.5]).tolist()
    [Fraction(1, 1), Fraction(1, 3), Fraction(1, 2)]
    """
    raw = np.array(entries, dtype=object)
    exact = np.vectorize(Fraction, otypes=[object])(raw) if raw.size else raw
    result: NDArray[np.object_] = frozen(EXACT.canonical(exact))
    return result


def frozen(x: Array) -> Array:
    """
    Make an array read-only in place; NumPy scalars and tracers always are.

    >>> frozen(np.zeros(2)).flags.writeable
    False
    """
    if type(x) is np.ndarray:
        # by position, for a keyword takes 2.6 times as long
        x.setflags(False)  # type: ignore[call-arg] # noqa: FBT003 - see above
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
        same_dtype = x.view(native)  # an unpickled array has another dtype object
        if _is_canonical(same_dtype):
            return same_dtype
    copy = np.empty(x.shape, native)
    copy[...] = x
    return frozen(copy)


# Any: an array of a library that NumPy can read by DLPack.
def _from_dlpack(x: Any) -> NDArray[np.generic]:
    try:
        array: NDArray[np.generic] = np.from_dlpack(x)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"a {type(x).__name__} cannot be a value of a tape: NumPy cannot read it "
            f"({error}); move it to the CPU, detach it, or convert its dtype"
        ) from error
    return array


def _is_canonical(x: NDArray[Any]) -> bool:  # Any: of any scalar type
    """Whether an array is as a tape holds it, and no array that it views can change."""
    flags = x.flags
    if flags.writeable or not flags.c_contiguous or not x.ndim:
        return False
    if _NATIVE.get(x.dtype) is not x.dtype:
        return False
    owner = x.base
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None


_NATIVE: Final = {np.dtype(kind): np.dtype(kind) for kind in SCALARS}
"""The dtype object of each scalar type that ``record`` compares by ``is``."""


def _advice(x: object) -> str:
    """Return the message for a value that a tape cannot hold, with the fix."""
    name = type(x).__name__
    if isinstance(x, bool):
        return f"{x} cannot be a value of a tape; a condition is np.bool_({x})"
    if isinstance(x, list | tuple):
        return f"a {name} cannot be a value of a tape; wrap it: np.array(...)"
    if name.endswith("Tracer"):
        return f"a {name} cannot be a value of a tape: JAX traces it; use as_jax"
    if fix := container_fix(x):
        return f"a {name} cannot be a value of a tape{fix}"
    return (
        f"a {name} cannot be a value of a tape; "
        "pass a float, a Fraction or a NumPy array"
    )
