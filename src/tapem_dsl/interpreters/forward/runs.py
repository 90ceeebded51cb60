"""Runs on packs, directions as levels, and arrays of rows: what derivatives share."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.core.combinators import map_m
from tapem_dsl.core.errors import Refused, ShapeMismatch, TapeError
from tapem_dsl.core.namespace import Array, namespace_of
from tapem_dsl.core.node import NodeId
from tapem_dsl.core.pack import flatten, map_pack, named_params
from tapem_dsl.core.tape import Tape
from tapem_dsl.core.tapem import TapeM
from tapem_dsl.core.value import as_value, frozen
from tapem_dsl.interpreters.forward.dual import (
    Dual,
    fresh_level,
    joined,
    part_at,
    zeros,
)
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.reverse.dense import caught

P = TypeVar("P")
X = TypeVar("X")

# Any, throughout: packs of ids inside the program, arrays of whatever scalar.
Program: TypeAlias = Callable[[Any, Any], TapeM[NodeId, Any]]
"""From packs of parameters and inputs, both of node ids, to the program of a result."""


def run_on(
    program: Program, parameters: object, inputs: object
) -> Result[tuple[NodeId, Tape[Any]], TapeError]:
    """
    Record parameters, then inputs, then the program.

    >>> from tapem_dsl import mul
    >>> run_on(mul, np.float64(2), np.float64(3))
    <Success: (2, <Tape: leaf '0', leaf '1', mul(0, 1)>)>
    """
    leaves, structure = flatten((parameters, inputs))
    named = zip(leaves, structure.paths(), strict=True)
    recorded: TapeM[tuple[NodeId, ...], Any] = map_m(named_params, named)
    return recorded.bind(lambda ids: program(*structure.rebuild(ids))).run()


def swept_back(
    out: NodeId, tape: Tape[Any], seed: Array | float, parameters: P, inputs: X
) -> Result[tuple[P, X], TapeError]:
    """
    Sweep back to both packs, which are the tape's first nodes; 0 if not reached.

    >>> from tapem_dsl import mul
    >>> two, three = np.float64(2), np.float64(3)
    >>> out, tape = run_on(mul, two, three).unwrap()
    >>> swept_back(out, tape, 1, two, three)
    <Success: (np.float64(3.0), np.float64(2.0))>
    """
    leaves, structure = flatten((parameters, inputs))
    ids = [NodeId(id) for id in range(len(leaves))]

    def packed(slots: dict[NodeId, Array]) -> tuple[P, X]:
        found = [slots[id] if id in slots else zeros(tape[id].value) for id in ids]
        both: tuple[P, X] = structure.rebuild(found)
        return both

    return backward(tape, out, seed, wrt=ids).map(packed)


def directed(op: str, pack: P, along: P | None, level: int) -> Result[P, TapeError]:
    """
    Make duals of the leaves that have a direction.

    >>> directed("jvp", [np.float64(2), np.float64(3)], [None, np.float64(1)], 7)
    <Success: [np.float64(2.0), Dual(np.float64(3.0), np.float64(1.0), level=7)]>
    """
    if along is None:
        return Success(pack)
    leaves, structure = flatten(pack)
    pairs = list(zip(leaves, structure.leaves_of(along), strict=True))

    def duals() -> P:
        made = [
            leaf if direction is None else _dual(op, leaf, direction, level)
            for leaf, direction in pairs
        ]
        directed: P = structure.rebuild(made)
        return directed

    return caught(duals)


def _dual(op: str, leaf: Array, direction: Array, level: int) -> Dual:
    x, v = as_value(leaf), as_value(direction)
    if x.shape != v.shape or x.dtype != v.dtype:
        wants = f"a direction of {x.dtype}{list(x.shape)}, not {v.dtype}"
        raise Refused(ShapeMismatch(op, shapes=(x.shape, v.shape), wants=wants))
    return joined(x, v, level)


def nested_along(
    x: Array, directions: Sequence[Array]
) -> Result[tuple[Array, list[int]], TapeError]:
    """
    Carry one direction a level, the last one outermost; and give the levels.

    >>> one = np.float64(1)
    >>> nested, levels = nested_along(one, [one, one]).unwrap()
    >>> nested.level == levels[1], nested.primal.level == levels[0]
    (True, True)
    """
    levels = [fresh_level() for _ in directions]

    def nested() -> tuple[Array, list[int]]:
        made = as_value(x)
        for direction, level in zip(directions, levels, strict=True):
            made = _dual("derivative", made, direction, level)
        return made, levels

    return caught(nested)


def deepest(y: Array, levels: Sequence[int]) -> Array:
    """
    Take the tangent at every level, from the outermost in.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> deepest(Dual(np.float64(1), np.float64(2), 7), [7])
    np.float64(2.0)
    """
    for level in reversed(levels):
        y = part_at(y, level, tangent=True)
    return y


def tangents(pack: P, level: int) -> P:
    """
    Give the tangents of a pack's leaves.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> tangents([Dual(np.float64(1), np.float64(2), 7)], 7)
    [np.float64(2.0)]
    """
    return map_pack(lambda slot: part_at(slot, level, tangent=True), pack)


# -- rows and columns ------------------------------------------------------------------


def basis(like: Array) -> list[Array]:
    """
    Give the arrays of one 1 and zeros, in row-major order.

    >>> [e.tolist() for e in basis(np.zeros(2))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    xp = namespace_of(like)
    result = []
    for at in np.ndindex(like.shape):
        one = np.array(xp.zeros_like(like))
        one[at] = np.asarray(xp.ones_like(like))[at]
        result.append(frozen(xp.normal(one)))
    return result


def all_of(results: Sequence[Result[P, TapeError]]) -> Result[list[P], TapeError]:
    """
    Give all values, or the first failure.

    >>> all_of([Success(1), Success(2)])
    <Success: [1, 2]>
    """
    for result in results:
        if isinstance(result, Failure):
            return Failure(result.failure())
    return Success([result.unwrap() for result in results])


def stacked(
    rows: Sequence[Array], of: Array, like: Array, *, last: bool = False
) -> Array:
    """
    Join arrays like one, as many as another has entries, whose axes come first.

    With ``last`` they come last.

    >>> stacked([np.ones(2)] * 3, np.zeros(3), np.zeros(2)).shape
    (3, 2)
    """
    xp = namespace_of(like)
    none = np.empty((0, *like.shape), like.dtype)
    joined = (np.stack(list(rows)) if rows else none).reshape(of.shape + like.shape)
    if last:
        axes = (*range(len(of.shape), joined.ndim), *range(len(of.shape)))
        joined = joined.transpose(axes)
    return frozen(xp.normal(np.array(joined)))
