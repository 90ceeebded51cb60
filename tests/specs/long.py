"""Every op over 70,000 entries: more than float16 can count, and long to sum."""

from dataclasses import dataclass
from math import inf, prod
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl import Array, Op, Shape
from tapem_dsl.errors import Refused
from tapem_dsl.ops import conditions
from tapem_dsl.ops.elementwise import Detach
from tapem_dsl.ops.indexing import Gather, IndexAdd
from tapem_dsl.ops.losses import CrossEntropy, Nll
from tests.specs.every import ALL
from tests.specs.spec import Shapes, Spec

# Any, throughout: dtypes.

N: Final = 70_000
MOST: Final = 600_000  # entries of one array

Drawn: TypeAlias = type[float] | type[bool] | int
"""Reals, conditions, or labels less than a number."""


@dataclass(frozen=True)
class Long:
    """An op, the shapes of its operands and what they hold."""

    op: Op
    shapes: Shapes
    drawn: tuple[Drawn, ...]
    scale: float = 1

    def operands(self, dtype: Any) -> tuple[Array, ...]:
        """Draw operands, reals of which sums never cancel."""
        rng = np.random.default_rng(7)
        pairs = zip(self.shapes, self.drawn, strict=True)
        return tuple(self._entries(rng, shape, kind, dtype) for shape, kind in pairs)

    def __str__(self) -> str:
        return f"{self.op.label}-{'-'.join('x'.join(map(str, s)) for s in self.shapes)}"

    def entries(self) -> int:
        """Count the entries of the largest array."""
        result = self.op.shape(*self.shapes)
        return max(map(prod, (*self.shapes, result)))

    def _entries(
        self, rng: np.random.Generator, shape: Shape, kind: Drawn, dtype: Any
    ) -> Array:
        if kind is bool:
            return rng.integers(0, 2, shape) > 0
        if isinstance(kind, int):
            return rng.integers(0, kind, shape)
        return (self.scale * rng.uniform(0.25, 1.25, shape)).astype(dtype)


def lengthened(spec: Spec) -> list[Long]:
    """Make each axis of the first shapes long in turn, where op and memory allow it."""
    found = []
    scale = 1 if spec.limit == inf else 1 / 16  # scores of so many would saturate
    for extent in sorted({n for shape in spec.few[0] for n in shape}):
        shapes = tuple(
            tuple(N if n == extent else n for n in shape) for shape in spec.few[0]
        )
        try:
            result = spec.op.shape(*shapes)
        except Refused:
            continue
        if max(map(prod, (*shapes, result))) <= MOST:
            found.append(Long(spec.op, shapes, (float,) * spec.arity, scale))
    return found + [Long(op, shapes, (float,) * spec.arity) for op, shapes in spec.long]


def _alike(*drawn: Drawn) -> tuple[Shapes, tuple[Drawn, ...]]:
    return ((N,),) * len(drawn), drawn


SPECIFIED: Final = {spec: lengthened(spec) for spec in ALL}
REST: Final = (
    Long(Detach(), *_alike(float)),
    *(
        Long(kind(), *_alike(float, float))
        for kind in (
            conditions.Less,
            conditions.LessEqual,
            conditions.Greater,
            conditions.GreaterEqual,
            conditions.Equal,
            conditions.NotEqual,
        )
    ),
    Long(conditions.LogicalAnd(), *_alike(bool, bool)),
    Long(conditions.LogicalOr(), *_alike(bool, bool)),
    Long(conditions.LogicalNot(), *_alike(bool)),
    Long(conditions.Where(), *_alike(bool, float, float)),
    Long(CrossEntropy(), ((N, 3), (N,)), (float, 3)),
    Long(CrossEntropy(), ((2, N), (2,)), (float, N)),
    Long(Nll(), ((N, 3), (N,)), (float, 3)),
    Long(Gather(0), ((3, 2), (N,)), (float, 3)),
    Long(Gather(0), ((N,), (N,)), (float, N)),
    Long(IndexAdd(1), ((2, 3), (2, N), (N,)), (float, float, 3)),
    Long(IndexAdd(0), ((N,), (N,), (N,)), (float, float, N)),
)
LONG: Final = (*(long for found in SPECIFIED.values() for long in found), *REST)
