"""The vocabulary: what each op means and which shapes it takes; no derivatives."""

from inspect import isabstract
from typing import Final

from tapem_dsl.core.op import Op
from tapem_dsl.ops import (
    arithmetic,
    attention,
    comparisons,
    conditions,
    convolution,
    corners,
    elementwise,
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

FAMILIES: Final = (
    *(arithmetic, elementwise, corners, smooth),
    *(comparisons, conditions),
    *(reductions, losses, labels, softmax),
    *(linalg, attention, convolution, pooling, norms),
    *(shapes, ranges, indexing, windows),
)
"""The modules, in the order in which ``docs/ops.md`` shows them."""

ALL: Final[tuple[type[Op], ...]] = tuple(
    kind
    for family in FAMILIES
    for kind in vars(family).values()
    if isinstance(kind, type) and issubclass(kind, Op) and not isabstract(kind)
    if kind.__module__ == family.__name__
)
"""
Every op of the package, family by family.

>>> from tapem_dsl import ops
>>> ops.ALL[0].name
'add'
"""
