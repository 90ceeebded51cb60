"""Reverse mode with a map of what was reached, and its most common form."""

from collections.abc import Iterable
from typing import Any, TypeAlias, cast, overload

from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl.core.errors import TapeError
from tapem_dsl.core.instruction import Read
from tapem_dsl.core.node import A
from tapem_dsl.core.node_id import NodeId, index_of
from tapem_dsl.core.tape import Tape
from tapem_dsl.core.tapem import TapeM, program
from tapem_dsl.interpreters.reverse.dense import Seed, ids_of, swept
from tapem_dsl.interpreters.reverse.sweep import Slots

Gradients: TypeAlias = dict[NodeId, NDArray[A]]
"""
The cotangents of the nodes that were reached, by id, in increasing order.

Each is a read-only array of its node's shape, a NumPy scalar at shape ``()``.
"""


def backward(
    tape: Tape[A], out: NodeId, seed: Seed, *, wrt: Iterable[NodeId] | None = None
) -> Result[Gradients[A], TapeError]:
    """
    Sweep from one output down, and give the cotangents of what was reached.

    Interior nodes are in the map, not only leaves; frozen nodes are not, unless one is
    the output itself; nor is what the output does not depend on, be it in ``wrt``.

    Fails with:
        As :func:`backward_dense`.

    Source:
        Lean: ``Tape.backward``. PyTorch: ``torch.autograd.grad(out, wrt, seed)``.

    >>> import numpy as np
    >>> from tapem_dsl import leaf, mul
    >>> out, tape = leaf(np.array([2.0, 3.0])).bind(lambda x: mul(x, x)).run().unwrap()
    >>> backward(tape, out, np.array([1.0, 10.0])).unwrap()[tape.ids()[0]].tolist()
    [4.0, 60.0]
    """
    return swept(tape, out, seed, wrt).map(_present)


@overload
def backward_scalar(
    tape: Tape[A], out: NodeId, /, *, wrt: Iterable[NodeId] | None = None
) -> Result[Gradients[A], TapeError]: ...
@overload
def backward_scalar(
    out: NodeId, /, *, wrt: Iterable[NodeId] | None = None
) -> TapeM[dict[NodeId, NDArray[Any]], Any]: ...
def backward_scalar(
    tape: Tape[A] | NodeId,
    out: NodeId | None = None,
    /,
    *,
    wrt: Iterable[NodeId] | None = None,
) -> Result[Gradients[A], TapeError] | TapeM[dict[NodeId, NDArray[Any]], Any]:
    """
    Give the gradient of a scalar node: :func:`backward` with the seed 1.

    ``backward_scalar(tape, out)`` sweeps a tape; ``backward_scalar(out)`` is the
    program that sweeps the tape it is run on, which it does not change. Two calls give
    two independent maps: nothing accumulates between them.

    Fails with:
        As :func:`backward`; :class:`SeedShapeMismatch` if the node is no scalar, be it
        of shape ``(1,)``.

    Source:
        Lean: ``Tape.backwardScalar`` and ``TapeM.backwardScalar``. PyTorch:
        ``loss.backward()``, which accumulates into ``.grad``.

    >>> from tapem_dsl import leaf, mul
    >>> square = leaf(3.0).bind(lambda x: mul(x, x))
    >>> out, tape = square.run().unwrap()
    >>> backward_scalar(tape, out)
    <Success: {0: np.float64(6.0), 1: np.float64(1.0)}>
    >>> square.bind(backward_scalar).eval()
    <Success: {0: np.float64(6.0), 1: np.float64(1.0)}>
    """
    if isinstance(tape, Tape):
        if out is None:
            raise TypeError("backward_scalar(tape, out) needs the id of the output")
        return backward(tape, out, 1, wrt=wrt)
    if out is not None:
        raise TypeError(f"backward_scalar sweeps a Tape, not {tape!r}")
    index_of(tape)
    return program(Read(_backward_scalar, (tape, None if wrt is None else ids_of(wrt))))


# Any: a program's scalar is known where it is run.
def _backward_scalar(
    tape: Tape[Any], out: NodeId, wrt: tuple[NodeId, ...] | None
) -> Result[Gradients[Any], TapeError]:
    return backward(tape, out, 1, wrt=wrt)


def _present(slots: Slots) -> Gradients[Any]:
    reached = {id: g for id, g in enumerate(slots) if g is not None}
    return cast("Gradients[Any]", reached)  # the ids are the indices
