"""Parts of duals: their form, their shape and their namespace."""

from fractions import Fraction
from typing import Final

import numpy as np

from tapem_dsl.arrays import EXACT, Array, Namespace, Tracer, namespace_of
from tapem_dsl.tape.value import SCALARS, frozen

LITERALS: Final = (int, float, Fraction)
"""Python's numbers, which are constants at every level."""


def canonical(x: Array) -> Array:
    """
    Return an array in the form in which a tape keeps it, read-only.

    >>> canonical(Fraction(1, 2))
    array(Fraction(1, 2), dtype=object)
    """
    kind = type(x)
    if kind is np.ndarray:
        if x.ndim and not x.dtype.hasobject:
            x.setflags(write=False)
            return x
    elif kind in SCALARS or isinstance(x, Tracer):
        return x
    return frozen((EXACT if isinstance(x, Fraction) else namespace_of(x)).canonical(x))


def broadcast_tangent(tangent: Array, result: Array) -> Array:
    """
    Broadcast a tangent to the shape of its primal.

    >>> broadcast_tangent(np.ones(1), np.zeros((2, 1))).shape
    (2, 1)
    """
    tangent, result = canonical(tangent), canonical(result)
    if tangent.shape == result.shape:
        return tangent
    return namespace_of(tangent).broadcast_to(tangent, result.shape)


def xp_of(*operands: Array) -> Namespace:
    """
    Return the namespace of operands, some of which may be literals.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> xp_of(0, np.float64(1)) is NUMPY
    True
    """
    for x in operands:
        if type(x) in LITERALS:
            return namespace_of(*[x for x in operands if type(x) not in LITERALS])
    return namespace_of(*operands)
