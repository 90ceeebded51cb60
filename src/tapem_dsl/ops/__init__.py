"""
The vocabulary: what each op computes and which shapes it takes; no derivatives.

What holds for every op is said here, once.

**Scalar types**, or dtypes. All ops take float64, float32, float16 and long doubles.
They take exact rationals if their formula is rational; the others fail with
:class:`OutsideDomain` "over rationals". Ops "of any scalar type" only move entries, and
also take conditions (arrays of booleans) and labels (arrays of integers). A "scalar" by
itself is an array of shape ``()``.

**Shapes.** The operands and the result of an *elementwise* op have the same shape:
it broadcasts nothing, and :func:`broadcast_to` is the op that does. An argument
``shape`` is the shape that the result must have. An axis, a start or a static index
that is negative counts from the end.

**Fails with.** "As every op" is: :class:`InvalidNodeId` for an id that is not on the
tape; :class:`DTypeMismatch` for operands that are not of one scalar type, or not of a
type that the op takes; :class:`ShapeMismatch` for other shapes than those listed. A
constant is "beyond double precision" if it is too large for float64.

**Raises.** An argument of a wrong type raises :class:`TypeError`, and a wrong value
:class:`ValueError`, where the function is called.

**Gradient.** ``g`` is the cotangent of the result, ``y`` the result, and ``N`` the
number of entries, or of rows, that a mean is over.
"""

from inspect import isabstract
from types import ModuleType
from typing import Final

from tapem_dsl.ops import (
    activations,
    arithmetic,
    attention,
    conditions,
    convolution,
    elementwise,
    indexing,
    linalg,
    losses,
    norms,
    pooling,
    reductions,
    shapes,
    slicing,
    windows,
)
from tapem_dsl.tape.op import Op

__all__ = ("ALL", "FAMILIES", "ops_of")

FAMILIES: Final = (
    *(arithmetic, elementwise, activations, conditions),
    *(reductions, losses, linalg, attention, norms),
    *(shapes, slicing, indexing, windows, convolution, pooling),
)
"""The modules, in the order in which ``docs/ops.md`` shows them."""


def ops_of(family: ModuleType) -> list[type[Op]]:
    """
    List the ops that a module defines, in their order there.

    >>> ops_of(conditions)[0].name
    'less'
    """
    return [
        kind
        for kind in vars(family).values()
        if isinstance(kind, type) and issubclass(kind, Op) and not isabstract(kind)
        if kind.__module__ == family.__name__
    ]


ALL: Final = tuple(kind for family in FAMILIES for kind in ops_of(family))
"""
Every op of the vocabulary, family by family.

>>> from tapem_dsl import ops
>>> ops.ALL[0].name
'add'
"""
