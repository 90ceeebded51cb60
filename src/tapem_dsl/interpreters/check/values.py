"""Whether a value is in the form that a tape keeps, and cannot change."""

from fractions import Fraction
from typing import Any

import numpy as np

from tapem_dsl.arrays import Tracer
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.value import SCALARS


# Any, throughout: whatever a hand-built node holds.
def wrong_value(value: Any, *, leaf: bool) -> str:
    """
    Say what is wrong with the form of a value; an empty text if nothing is.

    The value of an op may be a view, in any layout, of an array that no one else holds.
    A leaf is C-contiguous, and every array that it is a view of is read-only.

    >>> wrong_value(np.zeros(2), leaf=True)
    'the array can be written to'
    >>> wrong_value(np.float64(2), leaf=True)
    ''
    """
    if type(value) in SCALARS or isinstance(value, Tracer):
        return ""
    if type(value) is not np.ndarray:
        return f"{short_repr(value)} is no NumPy array or scalar of real numbers"
    if value.dtype.hasobject:
        if value.dtype != object or not all(type(x) is Fraction for x in value.flat):
            return "an array of objects holds something other than Fractions"
    elif value.dtype.type not in SCALARS or not value.dtype.isnative:
        return f"{value.dtype} is no dtype of native real numbers or truth values"
    elif value.ndim == 0:
        return f"an array of shape () is kept as a NumPy scalar, np.{value.dtype}"
    if value.flags.writeable:
        return "the array can be written to"
    if leaf and not value.flags.c_contiguous:
        return "the array of a leaf is not C-contiguous"
    if leaf and _base_is_writeable(value):
        return "the array of a leaf is a view of one that can be written to"
    return ""


def _base_is_writeable(value: Any) -> bool:
    base = value.base
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return True
        base = base.base
    return False
