"""Cotangents from outside: what a user hands over, checked against a node."""

from fractions import Fraction
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays import Array, namespace_of
from tapem_dsl.errors import GradientDTypeMismatch, Refused, SeedShapeMismatch
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.value import SCALARS, as_value, frozen

Seed: TypeAlias = float | Fraction | NDArray[Any] | np.generic
"""
A cotangent from outside; Python numbers are rounded into the tape's scalar type.

Any: whether an array has the tape's scalar type is checked when it is used.
"""


def in_scalar_of(node: Node[Any], g: Seed, what: str = "a cotangent") -> Array:
    """
    Return a cotangent from outside; a Python number in a scalar node's own type.

    Raises:
        TypeError: no number or array of numbers.

    >>> in_scalar_of(Node(None, (), np.float32(2)), 0.5)
    np.float32(0.5)
    """
    like = node.value
    if type(g) not in _PYTHON_NUMBERS or like.shape != ():
        try:
            return as_value(g)
        except TypeError as error:
            raise TypeError(f"{what}: {error}") from None
    xp = namespace_of(like)
    if type(like) in SCALARS:
        return type(like)(xp.literal(like, g))
    return frozen(xp.canonical(xp.ones_like(like) * xp.literal(like, g)))


_PYTHON_NUMBERS: Final = (int, float, Fraction)


def check_seed(node: Node[Any], out: NodeId, g: Array) -> None:
    """
    Refuse a cotangent that has not its node's shape and scalar type.

    >>> check_seed(Node(None, (), np.float64(2)), NodeId(0), np.float64(1))
    """
    if g.shape != node.value.shape:
        expected, found = node.value.shape, g.shape
        raise Refused(SeedShapeMismatch(out, expected=expected, found=found))
    check_dtype("seed", node, index_of(out), g)


def check_dtype(what: str, node: Node[Any], id: int, g: Array) -> None:
    """
    Refuse a cotangent that has not its node's scalar type.

    >>> check_dtype("seed", Node(None, (), np.float64(2)), 0, np.float64(1))
    """
    if g.dtype != node.value.dtype:
        expected, found = str(node.value.dtype), str(g.dtype)
        raise Refused(
            GradientDTypeMismatch(what, id=NodeId(id), expected=expected, found=found)
        )
