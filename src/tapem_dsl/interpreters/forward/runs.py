"""Runs on pytrees, directions as levels, and arrays of rows: what derivatives share."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl import tree
from tapem_dsl.arrays import Array, namespace_of
from tapem_dsl.errors import InvalidOutputId, Refused, ShapeMismatch, TapeError
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.forward.dual import (
    bottom,
    joined,
    part_at,
    zeros,
)
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.tracer import Layer, parts_at
from tapem_dsl.messages import said
from tapem_dsl.program.arguments import produced
from tapem_dsl.program.combinators import leaf, map_m
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import as_value, frozen

P = TypeVar("P")
X = TypeVar("X")

# Any, throughout: pytrees of ids inside the program, arrays of whatever scalar.
Program: TypeAlias = Callable[[Any, Any], TapeM[NodeId, Any]]
"""From the ids of parameters and of inputs, two pytrees, to a program of a result."""


def run_on(
    program: Program, parameters: object, inputs: object
) -> Result[tuple[NodeId, Tape[Any]], TapeError]:
    """
    Record parameters, then inputs, then the program; labels are frozen.

    >>> from tapem_dsl import mul
    >>> run_on(mul, np.float64(2), np.float64(3))
    <Success: (2, <Tape: leaf '0', leaf '1', mul(0, 1)>)>
    """
    leaves, structure = tree.flatten((parameters, inputs))
    named = zip(leaves, structure.paths(), strict=True)
    recorded: TapeM[tuple[NodeId, ...], Any] = map_m(_leaf, named)

    def made(ids: tuple[NodeId, ...]) -> TapeM[NodeId, Any]:
        return produced(program(*structure.unflatten(ids)), program)

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
    """A tape to sweep, and the pytrees that are its first nodes."""

    out: NodeId
    tape: Tape[Any]
    parameters: P
    inputs: X


def run_on_trees(
    program: Program, parameters: P, inputs: X
) -> Result[Ran[P, X], TapeError]:
    """
    Run on two pytrees, and remember them.

    >>> from tapem_dsl import mul
    >>> run_on_trees(mul, np.float64(2), np.float64(3)).unwrap().tape
    <Tape: leaf '0', leaf '1', mul(0, 1)>
    """
    ran = run_on(program, parameters, inputs)
    return ran.map(lambda pair: Ran(*pair, parameters, inputs))


def sweep_to_trees(
    ran: Ran[P, X], seed: Array | float
) -> Result[tuple[P, X], TapeError]:
    """
    Sweep back to both pytrees; 0 if not reached.

    >>> from tapem_dsl import mul
    >>> ran = run_on_trees(mul, np.float64(2), np.float64(3)).unwrap()
    >>> sweep_to_trees(ran, 1)
    <Success: (np.float64(3.0), np.float64(2.0))>
    """
    leaves, structure = tree.flatten((ran.parameters, ran.inputs))
    ids = [NodeId(id) for id in range(len(leaves))]
    wanted = [id for id in ids if ran.tape[id].requires_grad]

    def packed(slots: dict[NodeId, Array]) -> tuple[P, X]:
        found = [slots[id] if id in slots else zeros(ran.tape[id].value) for id in ids]
        both: tuple[P, X] = structure.unflatten(found)
        return both

    return backward(ran.tape, ran.out, seed, wrt=wanted).map(packed)


def directed(op: str, pytree: P, along: P | None, level: int) -> Result[P, TapeError]:
    """
    Make duals of the leaves that have a direction.

    >>> directed("jvp", [np.float64(2), np.float64(3)], [None, np.float64(1)], 7)
    <Success: [np.float64(2.0), Dual(np.float64(3.0), np.float64(1.0), level=7)]>
    """
    if along is None:
        return Success(pytree)
    leaves, structure = tree.flatten(pytree)
    names = structure.paths()
    rows = list(zip(leaves, structure.leaves_of(along), names, strict=True))

    def duals() -> P:
        made = [
            leaf if direction is None else _dual(op, leaf, direction, level, name)
            for leaf, direction, name in rows
        ]
        directed: P = structure.unflatten(made)
        return directed

    return as_result(duals)


def _dual(op: str, leaf: Array, direction: Array, level: int, name: str = "") -> Layer:
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

    return as_result(nested)


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
        result.append(frozen(xp.canonical(one)))
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


def _level(x: Array) -> int:
    return x.level if isinstance(x, Layer) else 0


def stacked(
    rows: Sequence[Array], of: Array, like: Array, *, last: bool = False
) -> Array:
    """
    Join arrays like one, as many as another has entries, whose axes come first.

    With ``last`` they come last.

    >>> stacked([np.ones(2)] * 3, np.zeros(3), np.zeros(2)).shape
    (3, 2)
    """
    above: Layer = max((*rows, like), key=_level)
    if _level(above):
        parts = [parts_at(x, above) for x in (*rows, like)]
        return above.rebuilt(
            *(
                stacked(of_rows, of, of_like, last=last)
                for *of_rows, of_like in zip(*parts, strict=True)
            )
        )
    xp = namespace_of(like)
    none = np.empty((0, *like.shape), like.dtype)
    rows_first = (np.stack(list(rows)) if rows else none).reshape(of.shape + like.shape)
    if last:
        axes = (*range(len(of.shape), rows_first.ndim), *range(len(of.shape)))
        rows_first = rows_first.transpose(axes)
    return frozen(xp.canonical(np.array(rows_first)))
