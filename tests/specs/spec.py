"""What the tests know of an op, and how they say it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import jax
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import NodeId, Op, Shape, TapeM

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # of jax
# Each function is compiled for a few small arrays: compiling it takes the time.
jax.config.update("jax_disable_most_optimizations", True)  # type: ignore[no-untyped-call] # of jax

Shapes: TypeAlias = tuple[Shape, ...]
Domain: TypeAlias = st.SearchStrategy[int]

# Entries are counted in eighths: every scalar type holds them exactly.
ANY: Final = st.integers(-24, 24)
POSITIVE: Final = st.integers(1, 24)
NONZERO: Final = POSITIVE | st.integers(-24, -1)


@dataclass(frozen=True, eq=False)
class Spec:
    """An op as the tests see it: what it takes, and what JAX makes of that."""

    op: Op
    apply: Callable[..., TapeM[NodeId, Any]]
    oracle: Callable[..., jax.Array]
    shapes: st.SearchStrategy[Shapes]
    few: tuple[Shapes, ...]
    domains: tuple[Domain, ...]
    rational: bool = False
    limit: float = math.inf
    """How large operands may be for digits to remain."""
    long: tuple[tuple[Op, Shapes], ...] = ()
    """The op with parameters that a long axis needs, and operands that have one."""
    cancels: bool = False
    """Whether it subtracts what may be alike, so that digits are lost at extremes."""
    slack: float = 1
    """By how much more it may err in second derivatives, around a flat zero of them."""
    infinite: bool = True
    """Whether a limit at infinity shows: not where it meets 0 in a product inside."""

    @property
    def arity(self) -> int:
        return len(self.domains)

    def __str__(self) -> str:
        return self.op.label


extents: Final = st.integers(0, 4)
any_shape: Final = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
alike: Final[tuple[Shape, ...]] = ((2, 3), (), (1,), (4,), (0, 2))


def unary(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    domain: Domain = ANY,
    *,
    rational: bool = False,
) -> Spec:
    shapes = any_shape.map(lambda x: (x,))
    few = tuple((x,) for x in alike)
    return Spec(op, apply, oracle, shapes, few, (domain,), rational)


def binary(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    second: Domain = ANY,
) -> Spec:
    shapes = any_shape.map(lambda x: (x, x))
    few = tuple((x, x) for x in alike)
    return Spec(op, apply, oracle, shapes, few, (ANY, second), rational=True)


def moved(
    op: Op,
    apply: Callable[..., TapeM[NodeId, Any]],
    oracle: Callable[..., jax.Array],
    shapes: st.SearchStrategy[Shapes],
    *few: Shapes,
    long: tuple[tuple[Op, Shapes], ...] = (),
) -> Spec:
    """An op that only adds and moves entries, of shapes of its own."""
    domains = (ANY,) * len(few[0])
    return Spec(op, apply, oracle, shapes, few, domains, rational=True, long=long)


def of_rank(least: int, most: int, least_side: int = 0) -> st.SearchStrategy[Shapes]:
    shape = hnp.array_shapes(
        min_dims=least, max_dims=most, min_side=least_side, max_side=4
    )
    return shape.map(lambda x: (x,))
