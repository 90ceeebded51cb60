"""What the two namespaces of plain arrays share: of NumPy floats and of rationals."""

# pyright: reportAssignmentType=false
# Python's operators take more than Namespace promises; pyright cannot match overloads.

import operator
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import indexing, windows
from tapem_dsl.arrays.namespace import AnyArray, Array, Indices, Namespace
from tapem_dsl.arrays.shape import Shape


class Base(Namespace):
    """
    The functions that are the same for floats and objects but for the entry 0.

    >>> Base.add(2, 3)
    5
    """

    __slots__ = ()

    zero: ClassVar[object]
    """The entry 0."""

    add = staticmethod(operator.add)
    subtract = staticmethod(operator.sub)
    multiply = staticmethod(operator.mul)
    divide = staticmethod(operator.truediv)
    negative = staticmethod(operator.neg)
    less = staticmethod(operator.lt)
    less_equal = staticmethod(operator.le)
    greater = staticmethod(operator.gt)
    greater_equal = staticmethod(operator.ge)
    equal = staticmethod(operator.eq)
    not_equal = staticmethod(operator.ne)
    logical_and = staticmethod(operator.and_)
    logical_or = staticmethod(operator.or_)
    logical_not = staticmethod(operator.invert)
    getitem = staticmethod(operator.getitem)
    index_add = staticmethod(indexing.index_add)

    @override
    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        return indexing.take(x, self.zero, indices, axis)

    @override
    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        return windows.windows(x, self.zero, kernel, stride, padding)

    @override
    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        return windows.fold(x, self.zero, spatial, stride, padding)

    @override
    def concat(self, *arrays: Array, axis: int) -> Array:
        return np.concatenate(arrays, axis=axis)

    @override
    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        result = np.full(shape, self.zero, x.dtype)
        result[along(axis, start, x.shape[axis])] = x
        return result

    @override
    def constant(self, x: Array, /) -> Array:
        return x

    @override
    def argmax(self, x: Array, /) -> Array:
        return x.argmax(-1)

    @override
    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        found = predicate(*arrays)
        return bool(found.all() if isinstance(found, np.ndarray) else found)

    @override
    def concrete(self, x: Array, /) -> AnyArray | None:
        return np.asarray(x)


def along(axis: int, start: int, length: int) -> tuple[slice, ...]:
    """
    Return the index of a range of one axis.

    >>> along(1, 2, 3)
    (slice(None, None, None), slice(2, 5, None))
    """
    return (slice(None),) * axis + (slice(start, start + length),)
