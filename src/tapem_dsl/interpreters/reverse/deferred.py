"""Products that a rule leaves to the sweep, so that many are summed by one."""

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import NUMPY, Array, Namespace, Tracer, namespace_of
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.tape.value import frozen

SMALL: Final = 2**14
"""How many entries may always be pending, however small the parent."""


@final
class Outer:
    """
    The cotangent ``sum_k outer(left[k], right[k])`` of a matrix, not computed yet.

    A rule gives it in place of ``left.T @ right``. Where many nodes contribute to one
    matrix, as the samples of a batch do to a weight, the sweep keeps the operands and
    sums all of them by one matrix product; elsewhere it computes the product at once.

    Like all that a rule gives, both operands become read-only; they must not be
    buffers that the rule uses again.

    Args:
        left: of shape ``(m,)`` or ``(k, m)``.
        right: of shape ``(n,)`` or ``(k, n)``, of the same rank.
        dtype: to which the product is rounded, that of the operands unless given.

    >>> Outer(np.array([1.0, 2.0]), np.array([3.0, 5.0])).computed(NUMPY)
    array([[ 3.,  5.],
           [ 6., 10.]])
    """

    __slots__ = ("dtype", "left", "right")

    # Any: a dtype of any scalar type.
    def __init__(
        self, left: Array, right: Array, dtype: np.dtype[Any] | None = None
    ) -> None:
        self.left = left
        self.right = right
        self.dtype: np.dtype[Any] = left.dtype if dtype is None else dtype

    def astype(self, dtype: np.dtype[Any]) -> "Outer":
        """Round the product to another type, once it has been summed."""
        return Outer(self.left, self.right, dtype)

    def computed(self, xp: Namespace) -> Array:
        """Multiply now."""
        if self.left.ndim == 1:
            product = xp.reshape(self.left, (self.left.shape[0], 1)) * self.right
        else:
            product = xp.matmul(xp.permute_dims(self.left, (1, 0)), self.right)
        return product if product.dtype == self.dtype else product.astype(self.dtype)


@final
class Pending:
    """
    The products that one matrix's cotangent still lacks, in bounded memory.

    Args:
        shape: of the matrix.

    >>> pending = Pending((1, 2))
    >>> for x in (1.0, 2.0):
    ...     _ = pending.keep(Outer(np.array([x]), np.array([x, 10.0])))
    >>> pending.total()
    array([[ 5., 30.]])
    """

    __slots__ = ("dtype", "entries", "lefts", "most", "rights", "shape", "xp")

    dtype: np.dtype[Any]  # Any: as above

    def __init__(self, shape: Shape) -> None:
        m, n = self.shape = shape
        self.xp: Namespace = NUMPY
        self.lefts: list[Array] = []
        self.rights: list[Array] = []
        self.entries = 0
        self.most = max(2 * m * n, SMALL)

    def keep(self, product: Outer) -> bool:
        """Add one, and tell whether there is room for more."""
        left, right, self.dtype = product.left, product.right, product.dtype
        if type(left) is not np.ndarray or type(right) is not np.ndarray:
            self.xp = namespace_of(left, right)
        else:
            frozen(left)
            frozen(right)
        self.lefts.append(left)
        self.rights.append(right)
        self.entries += left.size + right.size
        return self.entries <= self.most or getattr(left, "pends", False)

    def total(self) -> Array:
        """Sum them, in a new array; one alone is computed as if never deferred."""
        if len(self.lefts) == 1:
            return Outer(self.lefts[0], self.rights[0], self.dtype).computed(self.xp)
        total = self.xp.outer_sum(*self.lefts, *self.rights)
        return total if total.dtype == self.dtype else total.astype(self.dtype)


def is_plain(x: Array) -> bool:
    """
    Return whether an array computes numbers: NumPy's, or a tracer of level 0.

    >>> is_plain(np.ones(2)), is_plain(np.float64(1))
    (True, False)
    """
    return type(x) is np.ndarray or (isinstance(x, Tracer) and x.level == 0)


def worth_keeping(product: object, x: NDArray[Any]) -> bool:  # Any: as above
    """
    Return whether a contribution fits the matrix and is smaller than it.

    >>> column, row = np.ones(4), np.ones(3)
    >>> worth_keeping(Outer(column, row), np.ones((4, 3)))
    True
    >>> worth_keeping(Outer(column, row), np.ones((3, 4)))
    False
    >>> worth_keeping(Outer(np.ones((9, 4)), np.ones((9, 3))), np.ones((4, 3)))
    False
    """
    if type(product) is not Outer:
        return False
    left, right = product.left, product.right
    return (
        is_plain(left)
        and is_plain(right)
        and left.dtype is right.dtype
        and product.dtype is x.dtype
        and left.ndim == right.ndim <= 2
        and left.shape[:-1] == right.shape[:-1]
        and left.shape[-1:] + right.shape[-1:] == x.shape
        and left.size + right.size <= x.size > 0
    )
