"""The vocabulary: what each op means and which shapes it takes; no derivatives."""

from inspect import isabstract
from types import ModuleType
from typing import Final

from tapem_dsl.ops import (
    arithmetic,
    attention,
    comparisons,
    conditions,
    convolution,
    corners,
    elementwise,
    gathering,
    indexing,
    labels,
    linalg,
    losses,
    norms,
    pooling,
    ranges,
    reductions,
    shapes,
    smooth,
    softmax,
    windows,
)
from tapem_dsl.tape.op import Op

FAMILIES: Final = (
    *(arithmetic, elementwise, corners, smooth),
    *(comparisons, conditions),
    *(reductions, losses, labels, softmax),
    *(linalg, attention, convolution, pooling, norms),
    *(shapes, ranges, indexing, gathering, windows),
)
"""The modules, in the order in which ``docs/ops.md`` shows them."""


def ops_of(family: ModuleType) -> list[type[Op]]:
    """
    List the ops that a module defines, in their order there.

    >>> ops_of(conditions)[0].name
    'logical_and'
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
