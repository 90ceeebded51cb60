"""Which namespace computes with these operands."""

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import numpy as np

from tapem_dsl.core.namespace.base import Array, Namespace
from tapem_dsl.core.namespace.exact import EXACT
from tapem_dsl.core.namespace.numpy import NUMPY


class Carrier:
    """
    Base of arrays that carry other arrays: duals, lanes, recorded values.

    A carrier has a ``level``, fresh at each introduction and higher than the levels it
    carries, and a ``namespace`` that computes with it. Where operands of different
    carriers meet, the highest level computes and treats the others as constants. It
    also offers the operators, ``shape`` (without what it hides), ``ndim`` and
    ``dtype``.

    >>> class Traced(Carrier):
    ...     def __init__(self, level: int) -> None:
    ...         self.level = level
    ...         self.namespace = NUMPY
    >>> namespace_of(Traced(1)) is CARRIED
    True
    """

    level: int
    namespace: Namespace


_BASES: Final[dict[type, Namespace]] = {
    kind: NUMPY for kind in set(np.sctypeDict.values()) if kind is not np.object_
}


def namespace_of(*operands: Array) -> Namespace:
    """
    Find the namespace that computes with all of these operands.

    Among plain operands one exact array makes the computation exact: a condition beside
    it is of truth values. A carrier gives the dispatching namespace, whose every
    function looks at its own operands.

    Cost:
        A look-up by type, some 50 ns an operand.

    Raises:
        TypeError: an operand that no namespace knows.

    >>> namespace_of(np.float64(1), np.zeros(3)) is NUMPY
    True
    """
    found: Namespace = NUMPY
    for x in operands:
        if isinstance(x, Carrier):
            return CARRIED
        base = _base_of(x)
        if base is None:
            raise TypeError(
                f"no array namespace computes with {type(x).__name__}; "
                "use NumPy arrays or scalars, or object arrays of Fraction"
            )
        if base is EXACT:
            found = EXACT
    return found


def _base_of(x: object) -> Namespace | None:
    """Give the base of a plain array; ``None`` for literals and strangers."""
    base = _BASES.get(type(x))
    if base is None and isinstance(x, np.ndarray):
        return EXACT if x.dtype.hasobject else NUMPY
    return base


def _highest(operands: Iterable[object]) -> Namespace:
    """Find the namespace of the highest carrier, or that of the plain operands."""
    carriers = [x for x in operands if isinstance(x, Carrier)]
    if carriers:
        return max(carriers, key=lambda carrier: carrier.level).namespace
    exact = any(_base_of(x) is EXACT for x in operands)
    return EXACT if exact else NUMPY


class _Carried:
    """Send each call to the namespace of its highest operand."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*operands: Array, **options: object) -> Array:
            return getattr(_highest(operands), name)(*operands, **options)

        return call


CARRIED: Final = cast(Namespace, _Carried())
