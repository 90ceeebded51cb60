"""What the derivative functions share: runs on pytrees, duals, rows of Jacobians."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl import tree
from tapem_dsl.arrays import EXACT, NUMPY, Array, namespace_of
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import (
    InvalidOutputId,
    OutsideDomain,
    Refused,
    ShapeMismatch,
    TapeError,
    failed,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.forward.dual import dual_at_level, tangent_at, zeros
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.interpreters.tracer import Layer, as_layer, fresh_level, levels_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.checks import checked_program
from tapem_dsl.program.combinators import leaf, map_m
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import as_value, frozen

P = TypeVar("P")
X = TypeVar("X")

# Any, throughout: pytrees of ids inside the program, arrays of any scalar type.
Program: TypeAlias = Callable[[Any, Any], TapeM[NodeId, Any]]
"""From two pytrees of ids, of parameters and of inputs, to the program of a result."""


class Run(NamedTuple, Generic[P, X]):
    """The result of a run, its tape, and the pytrees of the first nodes."""

    out: NodeId
    tape: Tape[Any]
    parameters: P
    inputs: X

    @property
    def value(self) -> Array:
        """The value of the result."""
        return self.tape[self.out].value


def run_on(program: Program, parameters: P, inputs: X) -> Result[Run[P, X], TapeError]:
    """
    Run a program on leaves for the parameters, then the inputs; labels are frozen.

    >>> from tapem_dsl import mul
    >>> run_on(mul, 2.0, 3.0).unwrap().tape
    <Tape: leaf '0', leaf '1', mul(0, 1)>
    """
    leaves, structure = tree.flatten((parameters, inputs))
    named = zip(leaves, structure.paths(), strict=True)
    recorded: TapeM[tuple[NodeId, ...], Any] = map_m(_leaf, named)

    def result(ids: tuple[NodeId, ...]) -> TapeM[NodeId, Any]:
        return checked_program(program(*structure.unflatten(ids)), program)

    def run(out: NodeId, tape: Tape[Any]) -> Result[Run[P, X], TapeError]:
        if not 0 <= index_of(out, "the result of a program") < len(tape):
            return failed(InvalidOutputId(id=out, size=len(tape)))
        return Success(Run(out, tape, parameters, inputs))

    return recorded.bind(result).run().bind(lambda pair: run(*pair))


def _leaf(named: tuple[Array, str]) -> TapeM[NodeId, Any]:
    x, path = named
    return leaf(x, name=path, requires_grad=_is_real(x))


def _is_real(x: Array) -> bool:
    """Whether a leaf may have a derivative; conditions and labels have none."""
    return getattr(getattr(x, "dtype", None), "kind", "f") not in "iub"


def sweep_to_trees(
    run: Run[P, X], seed: Array | float
) -> Result[tuple[P, X], TapeError]:
    """
    Return the gradients of both pytrees; 0 for what the result does not depend on.

    >>> from tapem_dsl import mul
    >>> run = run_on(mul, 2.0, 3.0).unwrap()
    >>> sweep_to_trees(run, 1)
    <Success: (np.float64(3.0), np.float64(2.0))>
    """
    leaves, structure = tree.flatten((run.parameters, run.inputs))
    ids = [NodeId(id) for id in range(len(leaves))]
    wanted = [id for id in ids if run.tape[id].requires_grad]

    def as_trees(slots: dict[NodeId, Array]) -> tuple[P, X]:
        found = [slots[id] if id in slots else zeros(run.tape[id].value) for id in ids]
        both: tuple[P, X] = structure.unflatten(found)
        return both

    return backward(run.tape, run.out, seed, wrt=wanted).map(as_trees)


def duals_along(
    op: str, pytree: P, along: P | None, level: int
) -> Result[P, TapeError]:
    """
    Make duals of the leaves that have a direction.

    >>> pytree, directions = [np.float64(2), np.float64(3)], [None, np.float64(1)]
    >>> duals_along("jvp", pytree, directions, 7)
    <Success: [np.float64(2.0), Dual(np.float64(3.0), np.float64(1.0), level=7)]>
    """
    if along is None:
        return Success(pytree)
    leaves, structure = tree.flatten(pytree)
    rows = list(zip(leaves, structure.leaves_of(along), structure.paths(), strict=True))

    def duals() -> P:
        found: P = structure.unflatten(
            leaf if direction is None else _dual_along(op, leaf, direction, level, name)
            for leaf, direction, name in rows
        )
        return found

    return as_result(duals)


def _dual_along(
    op: str, leaf: Array, direction: Array, level: int, name: str = ""
) -> Layer:
    x, v = as_value(leaf), as_value(direction)
    if _is_real(x) and x.shape == v.shape and x.dtype == v.dtype:
        return dual_at_level(x, v, level)
    wants = (
        f"a direction of the leaf's type and shape, {x.dtype}{list(x.shape)}, "
        f"not {v.dtype}{list(v.shape)}"
        if _is_real(x)
        else f"None as the direction of a leaf of {x.dtype}: it has no derivative"
    )
    names = (name,) if name else ()
    shapes = (x.shape, v.shape)
    raise Refused(ShapeMismatch(op, shapes=shapes, wants=wants, names=names))


def nested_duals(
    x: Array, directions: Sequence[Array]
) -> Result[tuple[Array, list[int]], TapeError]:
    """
    Make a dual of a new level for each direction, the last outermost; and its levels.

    >>> one = np.float64(1)
    >>> nested, levels = nested_duals(one, [one, one]).unwrap()
    >>> nested.level == levels[1], nested.primal.level == levels[0]
    (True, True)
    """
    if not isinstance(directions, Sequence):
        raise TypeError(
            f"derivative takes a list of directions, one for each order, "
            f"not {short_repr(directions)}"
        )
    levels = [fresh_level() for _ in directions]

    def nested() -> tuple[Array, list[int]]:
        dual = as_value(x)
        for direction, level in zip(directions, levels, strict=True):
            dual = _dual_along("derivative", dual, direction, level)
        return dual, levels

    return as_result(nested)


def tangent_at_all(y: Array, levels: Sequence[int]) -> Array:
    """
    Return the tangent of the tangent, and so on, from the outermost level in.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> tangent_at_all(Dual(np.float64(1), np.float64(2), 7), [7])
    np.float64(2.0)
    """
    for level in reversed(levels):
        y = tangent_at(y, level)
    return y


# -- rows and columns ------------------------------------------------------------------


def basis(like: Array) -> list[Array]:
    """
    Return the arrays like one with an entry 1 and zeros elsewhere, in row-major order.

    >>> [e.tolist() for e in basis(np.zeros(2))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    xp = EXACT if like.dtype.hasobject else NUMPY
    plain = np.empty(like.shape, like.dtype)
    result = []
    for at in np.ndindex(like.shape):
        one = xp.zeros_like(plain)
        one[at] = xp.ones_like(plain)[at]
        result.append(frozen(xp.canonical(one)))
    return result


def all_of(results: Sequence[Result[P, TapeError]]) -> Result[list[P], TapeError]:
    """
    Return all values, or the first failure.

    >>> all_of([Success(1), Success(2)])
    <Success: [1, 2]>
    """
    for result in results:
        if isinstance(result, Failure):
            return failed(result.failure())
    return Success([result.unwrap() for result in results])


def without_newer_levels(
    op: str, results: Sequence[Result[Array, TapeError]], newer: int
) -> Result[list[Array], TapeError]:
    """
    Return arrays of several runs, unless one carries a level as new as the one given.

    Each run of a program that enters a level enters another one: what carries such a
    level goes into no common array.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> one = np.float64(1)
    >>> print(without_newer_levels("jacfwd_input", [Success(Dual(one, one, 7))], 5))
    <Failure: autograd: jacfwd_input: the result carries a level of duals that ...>
    """

    def check(found: list[Array]) -> Result[list[Array], TapeError]:
        if all(level < newer for x in found for level in levels_of(x)):
            return Success(found)
        reason = (
            "the result carries a level of duals that the program enters, another one "
            "in each run; leave it with primal or tangent"
        )
        return failed(OutsideDomain(op, reason))

    return all_of(results).bind(check)


def _level(x: Array) -> int:
    return x.level if isinstance(x, Layer) else 0


def stacked(
    rows: Sequence[Array], of: Array, like: Array, *, last: bool = False
) -> Array:
    """
    Stack arrays like one, as many as another has entries; the axes of that come first.

    With ``last`` they come last.

    >>> stacked([np.ones(2)] * 3, np.zeros(3), np.zeros(2)).shape
    (3, 2)
    """
    top: Layer = max((*rows, like), key=_level)
    if _level(top):
        parts = zip(*(as_layer(x, top).parts() for x in (*rows, like)), strict=True)
        return top.rebuilt(
            *(stacked(of_rows, of, part, last=last) for *of_rows, part in parts)
        )
    shape: Shape = of.shape + like.shape
    if not rows:
        empty = like.shape + of.shape if last else shape
        return as_value(np.empty(empty, like.dtype))
    xp = namespace_of(*rows)
    one_each = [xp.reshape(x, (1, *like.shape)) for x in rows]
    rows_first = xp.reshape(xp.concat(*one_each, axis=0), shape)
    if last:
        axes = (*range(len(of.shape), len(shape)), *range(len(of.shape)))
        rows_first = xp.permute_dims(rows_first, axes)
    return as_value(rows_first)
