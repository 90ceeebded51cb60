"""The mean of a per-sample loss, recorded on one tape."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from returns.result import Result, Success

from tapem_dsl.arguments import check_argument, describe, items_of
from tapem_dsl.arrays import HALF
from tapem_dsl.errors import EmptyDataset, TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.recorded.ops import Narrow, Widen
from tapem_dsl.ops.arithmetic import add, scale
from tapem_dsl.program.checks import returns_program
from tapem_dsl.program.combinators import apply_op, fold_m, throw
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.instruction import Read
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.tape import Tape
from tapem_dsl.train.data.dataset import MAKE_ONE, Dataset

X = TypeVar("X")
F = TypeVar("F", bound=np.generic)


def mean_scalar_over(
    tag: str, xs: Sequence[X], loss_of: Callable[[X], TapeM[NodeId, F]]
) -> TapeM[NodeId, F]:
    """
    Record the mean of a scalar loss over samples: a sum from the left, then a scale.

    The program appends the loss of the first sample; for each later sample its loss and
    an ``add``; then a ``scale`` by 1/N, also for N = 1. It returns the last node's id.
    1/N is ``Fraction(1, N)``: exact over rationals, rounded once over floats. float16
    losses are added in float32 and the mean is rounded once: this also records a
    ``widen`` of each loss and a final ``narrow``.

    Args:
        tag: names the call in errors.
        xs: the samples, in order: a list or tuple, which is not copied.
        loss_of: returns the program of one sample's loss.

    Fails with:
        :class:`EmptyDataset`, before anything is recorded; :class:`ShapeMismatch` in
        the ``add`` if a loss is not a scalar; what a loss fails with.

    Raises:
        TypeError: ``xs`` is not a sequence; for an array, use
            :func:`mean_scalar_over_array`. In a run: a loss is not a program.

    Lean: ``meanScalarOver``. PyTorch: ``torch.stack(losses).mean()``.

    >>> from tapem_dsl import const
    >>> mean_scalar_over("demo", [1.0, 2.0], const).exec()
    <Success: <Tape: leaf, leaf, add(0, 1), scale(2)>>
    >>> mean_scalar_over("demo", [], const).exec()
    <Failure: demo: empty dataset>
    """
    check_argument("mean_scalar_over", "tag", tag, str)
    _listed(xs)
    check_argument("mean_scalar_over", "loss_of", loss_of, Callable)
    return _mean_scalar_over(tag, xs, loss_of)


@do
def _mean_scalar_over(
    tag: str, xs: Sequence[X], loss_of: Callable[[X], TapeM[NodeId, F]]
) -> Do[NodeId, F]:
    loss_of = returns_program(loss_of)
    match _listed(xs):
        case []:
            return (yield from throw(EmptyDataset(tag)))
        case [x0, *xs]:
            first_loss_id = yield from loss_of(x0)
            if (yield from is_float16(first_loss_id)):
                return (yield from _mean_in_float32(first_loss_id, xs, loss_of))

            @do
            def add_loss(acc: NodeId, x: X) -> Do[NodeId, F]:
                loss_id = yield from loss_of(x)
                return (yield from add(acc, loss_id, shape=()))

            sum_loss_id = yield from fold_m(add_loss, first_loss_id, xs)
            n = len(xs) + 1
            inv_n = Fraction(1, n)
            return (yield from scale(sum_loss_id, inv_n, shape=()))
    raise AssertionError("a list is empty or has a head")


@do
def _mean_in_float32(
    first_loss_id: NodeId, xs: list[X], loss_of: Callable[[X], TapeM[NodeId, F]]
) -> Do[NodeId, Any]:
    """Add float16 losses in float32, and round the mean once."""

    @do
    def add_loss(acc: NodeId, x: X) -> Do[NodeId, Any]:
        loss_id = yield from loss_of(x)
        wide_loss_id = yield from apply_op(Widen(), loss_id)
        return (yield from add(acc, wide_loss_id, shape=()))

    wide_loss_id = yield from apply_op(Widen(), first_loss_id)
    sum_loss_id = yield from fold_m(add_loss, wide_loss_id, xs)
    mean_id = yield from scale(sum_loss_id, Fraction(1, len(xs) + 1), shape=())
    return (yield from apply_op(Narrow(), mean_id))


def is_float16(id: NodeId) -> TapeM[bool, Any]:
    """
    Return whether a node's value is float16.

    >>> from tapem_dsl import const
    >>> const(np.float16(1)).bind(is_float16).eval()
    <Success: True>
    """
    return program(Read(_is_half, (id,), values=False))


def _is_half(tape: Tape[Any], id: NodeId) -> Result[bool, TapeError]:
    value = tape.get_value(id)
    return Success(value is not None and value.dtype == HALF)


def mean_scalar_over_array(
    tag: str, xs: Iterable[X], loss_of: Callable[[X], TapeM[NodeId, F]]
) -> TapeM[NodeId, F]:
    """
    Record the mean loss over the rows of an array, or the items of another iterable.

    ``loss_of`` records one scalar loss for each, and ``tag`` names the call in errors.

    Fails with:
        as :func:`mean_scalar_over`; :class:`EmptyDataset` if there are none.

    Laws:
        ``mean_scalar_over_array(tag, xs, f) == mean_scalar_over(tag, list(xs), f)``:
        equal programs, as Lean proves by ``rfl``. Lean's ``xs.toList`` is ``list(xs)``,
        not NumPy's ``xs.tolist()``, which makes Python scalars of the samples.

    Lean: ``meanScalarOverArray``.

    >>> import numpy as np
    >>> from tapem_dsl import const
    >>> mean_scalar_over_array("demo", np.array([1.0, 2.0]), const).exec()
    <Success: <Tape: leaf, leaf, add(0, 1), scale(2)>>
    """
    check_argument("mean_scalar_over_array", "loss_of", loss_of, Callable)
    if isinstance(xs, str | bytes | Mapping):
        raise TypeError(
            "mean_scalar_over_array takes the rows of an array for xs, "
            f"not {describe(xs)}; make a list of samples first"
        )
    rows = items_of("mean_scalar_over_array", "xs", xs)
    return mean_scalar_over(tag, list(rows), loss_of)


def mean_scalar_over_dataset(
    tag: str, xs: Dataset[X], loss_of: Callable[[X], TapeM[NodeId, F]]
) -> TapeM[NodeId, F]:
    """
    Record the mean over a data set in its order.

    Laws:
        ``mean_scalar_over_dataset(tag, xs, f) == mean_scalar_over(tag, xs.to_list(),
        f)``: equal programs, as Lean proves by ``rfl``.

    Lean: ``meanScalarOverDataset``.

    >>> from tapem_dsl import const
    >>> mean_scalar_over_dataset("demo", Dataset.of_list([1.0, 2.0]), const).exec()
    <Success: <Tape: leaf, leaf, add(0, 1), scale(2)>>
    """
    fix = f"{MAKE_ONE}, or use mean_scalar_over for a list"
    check_argument("mean_scalar_over_dataset", "xs", xs, Dataset, fix)
    check_argument("mean_scalar_over_dataset", "loss_of", loss_of, Callable)
    return mean_scalar_over(tag, xs.to_list(), loss_of)


def _listed(xs: Sequence[X]) -> list[X]:
    """Return the samples as a list; they must have a fixed order and length."""
    given: object = xs
    if isinstance(given, Sequence) and not isinstance(given, str | bytes | np.ndarray):
        return list(xs)
    raise TypeError(
        f"mean_scalar_over takes a list of samples for xs, not {describe(xs)}; "
        "use mean_scalar_over_array for an array, mean_scalar_over_dataset for "
        "a Dataset, and list(...) for the rest"
    )
