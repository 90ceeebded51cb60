"""Reverse mode with a map of what was reached, and its most common form."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Never, TypeAlias, TypeVar, cast, overload

from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl.arrays import Array
from tapem_dsl.arrays.shape import REDUCE
from tapem_dsl.errors import SeedShapeMismatch, TapeError
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.reverse.accumulate import Slots
from tapem_dsl.interpreters.reverse.run import run_sweep
from tapem_dsl.interpreters.reverse.seeds import Seed
from tapem_dsl.interpreters.reverse.wanted import ids_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.instruction import Read
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.node import A, html_of
from tapem_dsl.tape.tape import Tape

Gradients: TypeAlias = dict[NodeId, NDArray[A]]
"""
The cotangents of the nodes that were reached, by id, in increasing order.

Each is a read-only array of its node's shape, a NumPy scalar at shape ``()``.
"""


V = TypeVar("V")


class Reached(dict[NodeId, V]):
    """
    What a sweep gives, by id; a plain dict but for what it says of an id it lacks.

    >>> Reached({NodeId(0): 1.0})[NodeId(7)]
    Traceback (most recent call last):
    ...
    KeyError: 'no gradient for node 7: it is frozen, the output does not depend on it,
    or wrt leaves it out'
    """

    __slots__ = ()

    def __missing__(self, id: object) -> Never:
        """Say why a node may have no gradient; a key that is no id is a mistake."""
        index_of(id, "a gradient's key")
        raise KeyError(
            f"no gradient for node {id}: it is frozen, the output does not depend on "
            "it, or wrt leaves it out"
        )

    _repr_html_ = html_of


def backward(
    tape: Tape[A], out: NodeId, seed: Seed, *, wrt: Iterable[NodeId] | None = None
) -> Result[Gradients[A], TapeError]:
    """
    Sweep from one output down, and give the cotangents of what was reached.

    Interior nodes are in the map, not only leaves; frozen nodes are not, unless one is
    the output itself. A node that the output does not depend on is in no map, also if
    ``wrt`` names it.

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
    return run_sweep(tape, out, seed, wrt).map(_present)


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
    Return the gradient of a scalar node: :func:`backward` with the seed 1.

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
        return _backward_scalar(tape, out, wrt)
    if out is not None:
        raise TypeError(f"backward_scalar sweeps a Tape, not {short_repr(tape)}")
    index_of(tape, "backward_scalar")
    return program(Read(_backward_scalar, (tape, None if wrt is None else ids_of(wrt))))


# Any: a program's scalar is known where it is run.
def _backward_scalar(
    tape: Tape[Any], out: NodeId, wrt: Iterable[NodeId] | None
) -> Result[Gradients[Any], TapeError]:
    return backward(tape, out, 1, wrt=wrt).alt(reduced_first)


def reduced_first(error: TapeError) -> TapeError:
    """
    Say what to do with an output that is no scalar, where nobody gave a seed.

    >>> print(reduced_first(SeedShapeMismatch(0, expected=(3,), found=())))
    autograd: seed gradient shape mismatch for output (id=0, expected=(3,), found=(),
    fix='reduce it first, with sum_ or reduce_mean')
    """
    if isinstance(error, SeedShapeMismatch):
        return replace(error, fix=REDUCE).at(error.place)
    return error


def _present(slots: Slots) -> Gradients[Any]:
    pairs = cast("Iterable[tuple[NodeId, Array | None]]", enumerate(slots))
    return Reached({id: g for id, g in pairs if g is not None})
