"""Programs of several results, and the programs of their cotangents."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tapem_dsl import tree
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.recorded import backward_m
from tapem_dsl.ops.arithmetic import add, mul
from tapem_dsl.ops.reductions import sum_
from tapem_dsl.program.checks import checked_program
from tapem_dsl.program.combinators import const, map_m, param, pure, value_of
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.value import zeros_like

# Any, throughout: arrays of other libraries, and programs of any scalar type.

Many: TypeAlias = Callable[[list[NodeId], list[Any]], TapeM[list[NodeId], Any]]
"""From the nodes of arrays, and from inputs, to the nodes of results."""


class Flat:
    """
    A call of a function from pytrees to a program, as one of flat lists.

    Args:
        program_of: of a pytree of node ids, and of inputs, to a program.
        parameters: a pytree of arrays.
        inputs: pytrees; their arrays move, all else is static.
        is_array: tells arrays.

    >>> import numpy as np
    >>> call = Flat(lambda ids, k: pure(ids["x"]), {"x": 1.0}, (3,), np.isscalar)
    >>> call.arrays, call.inputs
    ([1.0], [3])
    """

    def __init__(
        self,
        program_of: Callable[..., TapeM[NodeId, Any]],
        parameters: Any,
        inputs: tuple[Any, ...],
        is_array: Callable[[Any], bool],
    ) -> None:
        self._program_of = program_of
        self.arrays, self._structure = tree.flatten(parameters)
        leaves, self._around = tree.flatten(inputs)
        self._static = [_MOVING if is_array(x) else x for x in leaves]
        self.inputs = [x for x in leaves if is_array(x)]

    @do
    def program(self, ids: list[NodeId], inputs: list[Any]) -> Do[list[NodeId], Any]:
        """Return the program of the one result."""
        moving = iter(inputs)
        leaves = [next(moving) if x is _MOVING else x for x in self._static]
        nodes = self._structure.unflatten(ids)
        made = self._program_of(nodes, *self._around.unflatten(leaves))
        return [(yield from checked_program(made, self._program_of))]


_MOVING: Final = object()


@do
def run_many(program: Many, arrays: list[Any], inputs: list[Any]) -> Do[list[Any], Any]:
    """
    Run a program over parameters of these values, and return those of its results.

    >>> run_many(lambda ids, _: pure(ids), [2.0], []).eval()
    <Success: [np.float64(2.0)]>
    """
    ids = yield from map_m(param, arrays)
    results = yield from program(list(ids), inputs)
    return list((yield from map_m(value_of, results)))


def cotangents_of(program: Many, count: int) -> Many:
    """
    Return the program of the cotangents of its arrays, whose seeds follow them.

    Args:
        program: of ``count`` arrays.
        count: how many there are.

    >>> square = cotangents_of(lambda ids, _: map_m(lambda x: mul(x, x), ids), 1)
    >>> run_many(square, [3.0, 1.0], []).eval()
    <Success: [np.float64(6.0)]>
    """

    @do
    def cotangents(ids: list[NodeId], inputs: list[Any]) -> Do[list[NodeId], Any]:
        arrays, seeds = ids[:count], ids[count:]
        total, *others = yield from map_m(
            _weighted, zip((yield from program(arrays, inputs)), seeds, strict=True)
        )
        for other in others:
            total = yield from add(total, other)
        found = yield from backward_m(total, wrt=arrays)
        return list((yield from map_m(lambda x: _or_zeros(found.get(x), x), arrays)))

    return cotangents


def _or_zeros(found: NodeId | None, of: NodeId) -> TapeM[NodeId, Any]:
    if found is not None:
        return pure(found)
    return value_of(of).bind(lambda value: const(zeros_like(value)))


@do
def _weighted(pair: tuple[NodeId, NodeId]) -> Do[NodeId, Any]:
    """Sum the entries of a result times its seed."""
    return (yield from sum_((yield from mul(*pair))))
