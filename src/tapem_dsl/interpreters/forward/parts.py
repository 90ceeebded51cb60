"""What a dual is made of: arrays in the form in which a tape keeps them."""

from fractions import Fraction
from typing import Final

import numpy as np

from tapem_dsl.arrays import EXACT, Array, Namespace, Tracer, namespace_of
from tapem_dsl.tape.value import SCALARS, frozen

LITERALS: Final = (int, float, Fraction)
"""Python's numbers, which are constants at every level."""


def settled(x: Array) -> Array:
    """
    Give an array in the form in which a tape keeps it, read-only.

    >>> settled(Fraction(1, 2))
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


def spread(tangent: Array, result: Array) -> Array:
    """
    Repeat a tangent where the other operand's shape has made the result larger.

    >>> spread(np.ones(1), np.zeros((2, 1))).shape
    (2, 1)
    """
    tangent, result = settled(tangent), settled(result)
    if tangent.shape == result.shape:
        return tangent
    return namespace_of(tangent).broadcast_to(tangent, result.shape)


def space_of(*operands: Array) -> Namespace:
    """
    Find the namespace of what is carried; literals do not count.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import NUMPY
    >>> space_of(0, np.float64(1)) is NUMPY
    True
    """
    for x in operands:
        if type(x) in LITERALS:
            return namespace_of(*[x for x in operands if type(x) not in LITERALS])
    return namespace_of(*operands)
