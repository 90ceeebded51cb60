"""Functions of Python in a plan: in JAX where it has them, else called back."""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from tapem_dsl.arrays import AnyArray, AnyDType
from tapem_dsl.interpreters.compiled.plan import Call, SameBits, SameType

# Any, throughout: arrays of JAX, numbers of Python, and their functions.


def called(
    function: Callable[..., Any], given: list[Any], kinds: list[Any], call: Call
) -> Any:
    """
    Call a function of numbers.

    XLA runs a power, an absolute value and a comparison itself. Others run in Python,
    in the middle of the compiled function: a schedule takes some 50 us.

    Args:
        function: pure.
        given: its operands, traced.
        kinds: the dtype of each, or a number of Python of its type.
        call: that the plan has of it.

    >>> found = Call(abs, (), (), (), np.dtype(np.float32))
    >>> called(SameType(abs, float), [jnp.float32(-1)], [1.0], found)
    Array(1., dtype=float32)
    """
    inner = function.function if isinstance(function, SameType) else function
    if inner in _OURS:
        return _OURS[inner](*given)
    if isinstance(inner, partial) and inner.func is pow:
        (base,) = inner.args
        return jnp.power(jnp.asarray(base, call.dtype), jnp.asarray(given[0]))
    if isinstance(inner, SameBits):
        return _is_same(given[0], inner.number)

    def on_host(*values: Any) -> list[Any]:
        numbers = [
            value if isinstance(kind, np.dtype) else type(kind)(value)
            for value, kind in zip(values, kinds, strict=True)
        ]
        return [function(*numbers)]

    return _called_back(on_host, given, [call])[0]


def called_for_arrays(
    function: Callable[..., Any], given: list[Any], entries: Mapping[int, Call]
) -> dict[int, Any]:
    """
    Call a function from arrays to a list of arrays, some of which are wanted.

    >>> wanted = {1: Call("getitem", (), (), (), np.dtype(np.float32))}
    >>> called_for_arrays(lambda x: [x, x + 1], [jnp.float32(1)], wanted)
    {1: Array(2., dtype=float32)}
    """

    def on_host(*values: Any) -> list[Any]:
        found = function(*values)
        return [found[i] for i in entries]

    found = _called_back(on_host, given, list(entries.values()))
    return dict(zip(entries, found, strict=True))


def _called_back(
    function: Callable[..., list[Any]], given: Sequence[Any], calls: Sequence[Call]
) -> list[Any]:
    """
    Call a function of Python on arrays and scalars of NumPy.

    JAX calls it in a thread in which float64 may be off: there it would turn 64-bit
    values into 32-bit ones, so that these travel as pairs of 32-bit integers.
    """
    arrays = [jnp.asarray(x) for x in given]
    dtypes = [np.dtype(x.dtype) for x in arrays]

    def on_host(*halves: Any) -> list[Any]:
        values = [
            _from_halves(np.asarray(x), dtype)
            for x, dtype in zip(halves, dtypes, strict=True)
        ]
        with np.errstate(all="ignore"):
            found = function(*values)
        return [
            _host_halves(np.asarray(x, call.dtype))
            for x, call in zip(found, calls, strict=True)
        ]

    shapes = [
        jax.ShapeDtypeStruct((*x.shape, 2), np.uint32)  # type: ignore[no-untyped-call] # JAX's stub lacks it
        if x.dtype.itemsize == _WIDE
        else jax.ShapeDtypeStruct(x.shape, x.dtype)  # type: ignore[no-untyped-call] # as above
        for x in calls
    ]
    found = jax.pure_callback(on_host, shapes, *map(_halves, arrays))
    return [
        lax.bitcast_convert_type(x, call.dtype) if call.dtype.itemsize == _WIDE else x
        for x, call in zip(found, calls, strict=True)
    ]


_WIDE: Final = 8


def _halves(x: Any) -> Any:
    wide = x.dtype.itemsize == _WIDE
    return lax.bitcast_convert_type(x, np.uint32) if wide else x


def _host_halves(x: AnyArray) -> AnyArray:
    if x.dtype.itemsize != _WIDE:
        return x
    return np.ascontiguousarray(x)[..., None].view(np.uint32).reshape(*x.shape, 2)


def _from_halves(x: AnyArray, dtype: AnyDType) -> Any:
    if dtype.itemsize == _WIDE:
        x = np.ascontiguousarray(x).view(dtype)[..., 0]
    return x[()]


def _is_same(x: Any, number: Any) -> Any:
    """Compare bit for bit; all NaNs are one."""
    if number != number:  # noqa: PLR0124 - NaN
        return jnp.isnan(x)
    if number == 0 and not isinstance(number, int | np.integer | np.bool_):
        return (x == 0) & (jnp.signbit(x) == bool(np.signbit(number)))
    return x == number


_OURS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    abs: jnp.abs,
    operator.abs: jnp.abs,
}
