"""The values and gradients of a run, without the nodes by which it computed them."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from returns.result import Result, Success

from tapem_dsl import tree
from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import TapeError, failed
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse import backward
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.tape import Tape
from tapem_dsl.tape.value import rationals, zeros_like

# Any, throughout: pytrees of ids, and tapes of any scalar type.


@final
@dataclass(frozen=True, slots=True)
class Derivatives:
    """
    The values of the nodes that a run returned, and the gradients of each.

    >>> from tapem_dsl import leaf, mul
    >>> ids, tape = leaf(3.0, name="x").bind(lambda x: mul(x, x)).run().unwrap()
    >>> derivatives_of(0, ids, tape).unwrap().gradients
    {'': {"recorded leaf 0 'x'": np.float64(6.0)}}
    """

    inputs: list[str]
    """The nodes in which gradients are taken: from before the run, then its leaves."""

    values: Any
    """A pytree like the returned one, of arrays."""

    gradients: dict[str, dict[str, Array]]
    """By the path of a returned id, and by input."""


def derivatives_of(
    count: int, ids: Any, tape: Tape[Any]
) -> Result[Derivatives, TapeError]:
    """
    Sweep from each returned node.

    Args:
        count: how many nodes were on the tape before the run.
        ids: what the program returned, a pytree of ids.

    Fails with:
        What :func:`backward` fails with.

    >>> from tapem_dsl import const
    >>> derivatives_of(0, *const(3.0).run().unwrap()).unwrap().values
    np.float64(3.0)
    """
    leaves, structure = tree.flatten(ids)
    for id in leaves:
        if type(id) is not int or not 0 <= id < len(tape):
            raise TypeError(
                'up_to="value_and_gradients" compares programs that return ids of '
                f"their tape, not {short_repr(id)}; compare others up to the tape"
            )
    inputs = _inputs(count, tape)
    gradients: dict[str, dict[str, Array]] = {}
    for path, id in zip(structure.paths(), leaves, strict=True):
        match _gradients(tape, id, inputs):
            case Success(found):
                gradients[path] = found
            case failure:
                return failed(failure.failure())
    values = structure.unflatten(tape[id].value for id in leaves)
    return Success(Derivatives(list(inputs), values, gradients))


def _inputs(count: int, tape: Tape[Any]) -> dict[str, NodeId]:
    """Return the nodes in which to differentiate, each under a text for messages."""
    inputs: dict[str, NodeId] = {}
    recorded = 0
    for id in tape.ids():
        node = tape[id]
        if not node.requires_grad or node.value.dtype.kind in "iub":
            continue
        before = id < NodeId(count)
        if not before and node.op is not None:
            continue
        label = f"node {id}" if before else f"recorded leaf {recorded}"
        recorded += not before
        inputs[label if node.name is None else f"{label} {node.name!r}"] = id
    return inputs


def _gradients(
    tape: Tape[Any], id: NodeId, inputs: dict[str, NodeId]
) -> Result[dict[str, Array], TapeError]:
    """Sweep from one node; zeros where the sweep does not arrive."""
    node = tape[id]
    if not node.requires_grad:
        return Success({name: zeros_like(tape[x].value) for name, x in inputs.items()})
    seed = _unlike_cotangents(node.value.shape, node.value.dtype)
    return backward(tape, id, seed).map(
        lambda slots: {
            name: slots[x] if x in slots else zeros_like(tape[x].value)
            for name, x in inputs.items()
        }
    )


def _unlike_cotangents(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return 1, 2, ... in a shape, so that entries that changed places are noticed."""
    count = int(np.prod(shape, dtype=int))
    numbers = np.arange(1, 1 + count).reshape(shape)
    return rationals(numbers) if dtype.hasobject else numbers.astype(dtype)[()]
