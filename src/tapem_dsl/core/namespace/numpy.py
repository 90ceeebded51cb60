"""The base namespace of floating-point arrays: NumPy's own functions."""

# pyright: reportAssignmentType=false
# NumPy's functions take more than Namespace promises; pyright cannot match overloads.

from numbers import Real
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.core.errors import OutsideDomain, Refused
from tapem_dsl.core.namespace.base import Array, Namespace
from tapem_dsl.core.shape import Shape


@final
class NumpyNamespace(Namespace):
    """
    NumPy float64, float32 and the other floating types; also bool and integer arrays.

    A scalar is a NumPy scalar (``np.float64``), never a 0-d array: it is immutable and
    several times cheaper.

    >>> NUMPY.normal(np.array(2.0))
    np.float64(2.0)
    """

    __slots__ = ()

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    tanh = staticmethod(np.tanh)
    abs = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    where = staticmethod(np.where)
    matmul = staticmethod(np.matmul)
    permute_dims = staticmethod(np.transpose)
    broadcast_to = staticmethod(np.broadcast_to)
    zeros_like = staticmethod(np.zeros_like)
    ones_like = staticmethod(np.ones_like)

    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        """Sum by pairs, as NumPy does: the last digits may differ from a left fold."""
        total: Array = np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload] # stubs want a literal
        return total

    def shift(self, x: Array, /) -> Array:
        """Take the maximum of each row; 0 for rows without entries."""
        if x.shape[-1] == 0:
            return np.zeros_like(x, shape=(*x.shape[:-1], 1))
        return np.maximum.reduce(x, axis=-1, keepdims=True)

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Call the method: a third of the function's cost."""
        return x.reshape(shape)

    def lit(self, x: Array, constant: object, /) -> Array:
        """Round once, to double; a Python float never widens a float32 array."""
        return python_float(constant)

    def concrete(self, x: Array, /) -> NDArray[Any] | None:
        """Give the array itself, if only a scalar."""
        return np.asarray(x)

    def normal(self, x: Array, /) -> Array:
        """Give NumPy scalars at shape ``()``, plain arrays elsewhere."""
        if isinstance(x, np.generic):
            return x
        if isinstance(x, np.ndarray):
            return x[()] if x.ndim == 0 else np.asarray(x)
        raise TypeError(
            f"expected a NumPy array or scalar, got {type(x).__name__}; "
            "compute with the operands and the namespace that evaluate was given"
        )


def python_float(constant: object) -> float:
    """
    Round a real constant to double.

    >>> from fractions import Fraction
    >>> python_float(Fraction(1, 4))
    0.25
    """
    if type(constant) is float:
        return constant
    if not isinstance(constant, Real):
        raise TypeError(f"a constant is a real number, not {constant!r}")
    try:
        return float(constant)
    except OverflowError:
        raise Refused(
            OutsideDomain("lit", "the constant is beyond double precision")
        ) from None


NUMPY: Final = NumpyNamespace()
