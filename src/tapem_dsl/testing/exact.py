"""Exact arrays, for tests that need no tolerance."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.core.namespace import EXACT
from tapem_dsl.core.value import frozen


# Any: numbers, or lists of lists of them; typing has no finite name for that.
def rationals(entries: Any) -> NDArray[np.object_]:
    """
    Make a read-only array of ``Fraction`` from numbers or texts such as ``"1/3"``.

    >>> rationals([1, "1/3", 0.5]).tolist()
    [Fraction(1, 1), Fraction(1, 3), Fraction(1, 2)]
    """
    raw = np.array(entries, dtype=object)
    exact = np.vectorize(Fraction, otypes=[object])(raw) if raw.size else raw
    result: NDArray[np.object_] = frozen(EXACT.normal(exact))
    return result
