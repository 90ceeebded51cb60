"""Runs on packs, directions as levels, and arrays of rows: what derivatives share."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.core.arguments import produced
from tapem_dsl.core.combinators import leaf, map_m
from tapem_dsl.core.errors import InvalidOutputId, Refused, ShapeMismatch, TapeError
from tapem_dsl.core.messages import said
from tapem_dsl.core.namespace import Array, namespace_of
from tapem_dsl.core.node_id import NodeId, index_of
from tapem_dsl.core.pack import flatten
from tapem_dsl.core.tape import Tape
from tapem_dsl.core.tapem import TapeM
from tapem_dsl.core.value import as_value, frozen
from tapem_dsl.interpreters.forward.dual import (
    Dual,
    bottom,
    joined,
    levels_of,
    part_at,
    parts_or_zero,
    zeros,
)
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.reverse.dense import caught, in_scalar_of

P = TypeVar("P")
X = TypeVar("X")

# Any, throughout: packs of ids inside the program, arrays of whatever scalar.
Program: TypeAlias = Callable[[Any, Any], TapeM[NodeId, Any]]
"""From packs of parameters and inputs, both of node ids, to the program of a result."""


def run_on(
    program: Program, parameters: object, inputs: object
) -> Result[tuple[NodeId, Tape[Any]], TapeError]:
    """
    Record parameters, then inputs, then the program; labels are frozen.

    >>> from tapem_dsl import mul
    >>> run_on(mul, np.float64(2), np.float64(3))
    <Success: (2, <Tape: leaf '0', leaf '1', mul(0, 1)>)>
    """
    leaves, structure = flatten((parameters, inputs))
    named = zip(leaves, structure.paths(), strict=True)
    recorded: TapeM[tuple[NodeId, ...], Any] = map_m(_leaf, named)

    def made(ids: tuple[NodeId, ...]) -> TapeM[NodeId, Any]:
        return produced(program(*structure.rebuild(ids)), program)

    return recorded.bind(made).run().bind(lambda pair: _on_the_tape(*pair))


def _leaf(named: tuple[Array, str]) -> TapeM[NodeId, Any]:
    x, path = named
    return leaf(x, name=path, requires_grad=_is_real(x))


def _is_real(x: Array) -> bool:
    """Whether a leaf may have a derivative; conditions and labels have none."""
    return getattr(getattr(x, "dtype", None), "kind", "f") not in "iub"


def _on_the_tape(
    out: NodeId, tape: Tape[Any]
) -> Result[tuple[NodeId, Tape[Any]], TapeError]:
    if not 0 <= index_of(out, "the result of a program") < len(tape):
        return Failure(InvalidOutputId(id=out, size=len(tape)))
    return Success((out, tape))


class Ran(NamedTuple, Generic[P, X]):
    """A tape to sweep from its tangent at some levels, and its first nodes as packs."""

    out: NodeId
    tape: Tape[Any]
    parameters: P
    inputs: X
    levels: Sequence[int]


def ready(
    program: Program,
    parameters: P,
    inputs: X,
    levels: Sequence[int] = (),
    seed: object = None,
) -> Result[Ran[P, X], TapeError]:
    """
    Run so that a sweep gives each leaf all that it receives.

    The levels are those that the derivative itself has drawn. What else was there
    before, and the result or the seed carries, surrounds the derivative: to that it is
    one more function, and what a leaf receives carries it, though the leaf may not. So
    such leaves are raised, and the program runs again.

    >>> from tapem_dsl import mul
    >>> ready(mul, np.float64(2), np.float64(3)).unwrap().tape
    <Tape: leaf '0', leaf '1', mul(0, 1)>
    """
    first = fresh_level()  # of what the program draws itself

    def around(out: NodeId, tape: Tape[Any]) -> Result[Ran[P, X], TapeError]:
        value: Array = tape[out].value
        others = (levels_of(value) | levels_of(seed)) - frozenset(levels)
        others = frozenset(level for level in others if level < first)
        leaves, structure = flatten((parameters, inputs))
        above = [_raised_to(others, x) for x in leaves]
        if all(x is y for x, y in zip(above, leaves, strict=True)):
            return Success(Ran(out, tape, parameters, inputs, levels))
        packs: tuple[P, X] = structure.rebuild(above)
        again = run_on(program, *packs)
        return again.map(lambda ran: Ran(*ran, *packs, levels))

    return run_on(program, parameters, inputs).bind(lambda ran: around(*ran))


def _raised_to(levels: frozenset[int], x: Array) -> Array:
    for level in sorted(levels - levels_of(x)):
        if _is_real(x):
            x = as_value(x)
            x = joined(x, zeros(x), level)
    return x


def swept_back(ran: Ran[P, X], seed: Array | float) -> Result[tuple[P, X], TapeError]:
    """
    Sweep back to both packs; 0 if not reached.

    The seed is the tangent's, at all levels of the derivative: the result that lacks
    one does not depend on it, and receives 0.

    >>> from tapem_dsl import mul
    >>> ran = ready(mul, np.float64(2), np.float64(3)).unwrap()
    >>> swept_back(ran, 1)
    <Success: (np.float64(3.0), np.float64(2.0))>
    """
    leaves, structure = flatten((ran.parameters, ran.inputs))
    ids = [NodeId(id) for id in range(len(leaves))]
    wanted = [id for id in ids if ran.tape[id].requires_grad]

    def seeded() -> Array:
        g = in_scalar_of(ran.tape[ran.out], seed, "seed")
        for level in ran.levels:
            g = joined(g, zeros(g), level)
        return g

    def packed(slots: dict[NodeId, Array]) -> tuple[P, X]:
        found = [slots[id] if id in slots else zeros(ran.tape[id].value) for id in ids]
        both: tuple[P, X] = structure.rebuild(found)
        return both

    swept = caught(seeded).bind(lambda g: backward(ran.tape, ran.out, g, wrt=wanted))
    return swept.map(packed)


def directed(op: str, pack: P, along: P | None, level: int) -> Result[P, TapeError]:
    """
    Make duals of the leaves that have a direction.

    >>> directed("jvp", [np.float64(2), np.float64(3)], [None, np.float64(1)], 7)
    <Success: [np.float64(2.0), Dual(np.float64(3.0), np.float64(1.0), level=7)]>
    """
    if along is None:
        return Success(pack)
    leaves, structure = flatten(pack)
    names = structure.paths()
    rows = list(zip(leaves, structure.leaves_of(along), names, strict=True))

    def duals() -> P:
        made = [
            leaf if direction is None else _dual(op, leaf, direction, level, name)
            for leaf, direction, name in rows
        ]
        directed: P = structure.rebuild(made)
        return directed

    return caught(duals)


def _dual(op: str, leaf: Array, direction: Array, level: int, name: str = "") -> Dual:
    x, v = as_value(leaf), as_value(direction)
    if x.shape != v.shape or x.dtype != v.dtype or not _is_real(x):
        wants = (
            f"a direction of the leaf's type and shape, {x.dtype}{list(x.shape)}, "
            f"not {v.dtype}{list(v.shape)}"
        )
        if not _is_real(x):
            wants = (
                f"None as the direction of a leaf of {x.dtype}: it has no derivative"
            )
        names = (name,) if name else ()
        shapes = (x.shape, v.shape)
        raise Refused(ShapeMismatch(op, shapes=shapes, wants=wants, names=names))
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
    if not isinstance(directions, Sequence):
        raise TypeError(
            f"derivative takes a list of directions, one for each order, "
            f"not {said(directions)}"
        )
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


def tangent_or_all(level: int, slot: Array, leaf: Array) -> Array:
    """
    Give what a leaf received at a level: a plain one has received just that.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> one, two = np.float64(1), np.float64(2)
    >>> tangent_or_all(7, Dual(one, two, 7), Dual(one, one, 7))
    np.float64(2.0)
    >>> tangent_or_all(7, two, one)
    np.float64(2.0)
    """
    return part_at(slot, level, tangent=True) if level in levels_of(leaf) else slot


# -- rows and columns ------------------------------------------------------------------


def basis(like: Array) -> list[Array]:
    """
    Give the arrays of one 1 and zeros, in row-major order.

    >>> [e.tolist() for e in basis(np.zeros(2))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    like = bottom(like)
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
    above = max((x.level for x in (*rows, like) if isinstance(x, Dual)), default=0)
    if above:
        parts = [parts_or_zero(x, above) for x in (*rows, like)]
        primal, tangent = (
            stacked(of_rows, of, of_like, last=last)
            for *of_rows, of_like in zip(*parts, strict=True)
        )
        return joined(primal, tangent, above)
    xp = namespace_of(like)
    none = np.empty((0, *like.shape), like.dtype)
    rows_first = (np.stack(list(rows)) if rows else none).reshape(of.shape + like.shape)
    if last:
        axes = (*range(len(of.shape), rows_first.ndim), *range(len(of.shape)))
        rows_first = rows_first.transpose(axes)
    return frozen(xp.normal(np.array(rows_first)))
