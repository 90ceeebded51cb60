"""One step of training on a batch, of the loss of one sample."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar, final

from returns.result import Result

from tapem_dsl import tree
from tapem_dsl.arguments import check_argument, check_fields, describe
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse import value_and_grad
from tapem_dsl.optim import Transform
from tapem_dsl.program.checks import checked_program, function_argument
from tapem_dsl.program.combinators import map_m, value_of
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.train.data.dataset import Batched
from tapem_dsl.train.data.loader import DataLoader
from tapem_dsl.train.loop.mean_loss import mean_scalar_over
from tapem_dsl.train.loop.reports import Number

# Any, throughout: pytrees of ids, scalar types, and losses, which jit may note.

X = TypeVar("X")
P = TypeVar("P")
S = TypeVar("S")

Program: TypeAlias = Callable[[Any, X], TapeM[NodeId, Any]]
"""The loss of one sample: takes a pytree of ids of parameters, and the sample."""


@final
@dataclass(frozen=True, slots=True)
class TrainingStep(Generic[X, S]):
    """
    The function of parameters, state and batch that :func:`step_of` returns.

    >>> from tapem_dsl import mse_loss
    >>> from tapem_dsl.optim import sgd
    >>> TrainingStep(mse_loss, sgd(0.1)).tag
    'step'
    """

    program: Program[X]
    optimiser: Transform[S]
    tag: str = "step"

    def __post_init__(self) -> None:
        check_program_and_optimiser("step_of", self.program, self.optimiser)
        check_fields(self)

    def __call__(
        self, params: P, state: S, batch: list[X] | X
    ) -> Result[tuple[Any, P, S], TapeError]:
        """Return the mean loss before the step, and what is after it."""
        mean = partial(_mean_over, self.program, self.tag)
        function: Any = value_and_grad(mean)  # Any: of pytrees of every type
        found: Result[tuple[Any, Any], TapeError] = function(params, batch)

        def moved(pair: tuple[Any, Any]) -> tuple[Any, P, S]:
            loss, gradients = pair
            return (loss, *self.optimiser.move(gradients, state, params))

        return found.map(moved)


def step_of(
    program: Program[X], optimiser: Transform[S], *, tag: str = "step"
) -> TrainingStep[X, S]:
    """
    Return a function that takes one step of an optimiser: for loops that you write.

    The program is the loss of one sample, as in :func:`mean_scalar_over`; the step
    descends the mean over a batch. Under :func:`~tapem_dsl.jit` it costs what a loss
    written for whole batches costs.

    Args:
        program: takes a pytree of ids of the parameters, and one sample; returns the
            program of its scalar loss.
        optimiser: a transform, such as ``optim.adam(1e-3)``.
        tag: names the step in errors.

    Returns:
        A function ``(params, state, batch) -> Result[(loss, params, state)]``. The loss
        is that before the step. ``optimiser.init(params)`` is the first state. A list
        is a batch of samples. Any other pytree of arrays is a batch of as many samples
        as its arrays have rows, and a sample is a pytree of rows. It changes none of
        its arguments, and both engines of ``jit`` compile it.

    Laws:
        ``step_of(f, o) == step_of(f, o)``; it pickles if ``f`` does.

    Fails with:
        What :func:`value_and_grad` fails with; :class:`EmptyDataset` for an empty
        batch.

    Raises:
        TypeError: the program is not a function, or the optimiser not a transform; in a
            step, a batch is neither a list nor rows of arrays.

    Gradient:
        As :func:`value_and_grad` of :func:`mean_scalar_over`.

    Source:
        JAX: the ``train_step`` of Flax and optax. PyTorch Lightning:
        ``training_step``, with ``backward`` and ``step``. Lean: a step of ``Trainer``.

    >>> from tapem_dsl import const, jit, sub, mul
    >>> from tapem_dsl.optim import sgd
    >>> @do
    ... def loss_of(w, target):
    ...     error = yield from sub(w, (yield from const(target)))
    ...     return (yield from mul(error, error))
    >>> optimiser = sgd(0.25)
    >>> import numpy as np
    >>> step, w = jit(step_of(loss_of, optimiser)), np.float64(0)
    >>> step(w, optimiser.init(w), [1.0, 3.0]).map(lambda after: after[:2])
    <Success: (np.float64(5.0), np.float64(1.0))>
    """
    return TrainingStep(program, optimiser, tag)


def check_program_and_optimiser(owner: str, program: object, optimiser: object) -> None:
    """
    Check the two arguments that every training takes.

    Raises:
        TypeError: not a function, or not a transform.

    >>> check_program_and_optimiser("fit", print, 0.1)
    Traceback (most recent call last):
    ...
    TypeError: fit takes a Transform for optimiser, not 0.1 (float); such as \
optim.adam(1e-3)
    """
    function_argument(program, owner, "program")
    fix = "; such as optim.adam(1e-3)"
    check_argument(owner, "optimiser", optimiser, Transform, fix)


def mean_loss(
    program: Program[X], tag: str, params: Any, batch: list[X] | X
) -> Result[Any, TapeError]:
    """
    Return the mean loss of a batch, without gradients.

    >>> from tapem_dsl import const, mse_loss
    >>> import numpy as np
    >>> square = lambda w, x: const(x).bind(lambda x: mse_loss(w, x))
    >>> mean_loss(square, "demo", np.float64(0), [1.0, 3.0])
    <Success: 5.0>
    """
    return _mean_loss(program, tag, params, batch).eval()


@do
def _mean_loss(
    program: Program[X], tag: str, params: Any, batch: list[X] | X
) -> Do[Any, Any]:
    ids = yield from tree.const(params, type(params))
    loss = yield from _mean_over(program, tag, ids, batch)
    return (yield from value_of(loss))


def _mean_over(
    program: Program[X], tag: str, ids: Any, batch: list[X] | X
) -> TapeM[NodeId, Any]:
    def loss_of(sample: X) -> TapeM[NodeId, Any]:
        return checked_program(program(ids, sample), program)

    return mean_scalar_over(tag, samples_of(batch), loss_of)


def samples_of(batch: list[X] | X) -> list[X]:
    """
    Return the samples of a batch: those in a list, or the rows of arrays.

    Raises:
        TypeError: neither, or arrays with different numbers of rows.

    >>> import numpy as np
    >>> samples_of({"x": np.array([1.0, 2.0]), "y": np.array([3, 4])})[0]
    {'x': np.float64(1.0), 'y': np.int64(3)}
    >>> samples_of(3.0)
    Traceback (most recent call last):
    ...
    TypeError: a batch is a list of samples, or a pytree of arrays with equally many \
rows, not 3.0 (float)
    """
    if isinstance(batch, list):
        return batch
    if isinstance(batch, Batched):
        raise _no_batch(batch, "; take one of its batches: .batches(tag, batch_size)")
    if isinstance(batch, DataLoader):
        raise _no_batch(batch, "; take one of its batches: .epoch(tag), or a Stream")
    arrays, structure = tree.flatten(batch)
    if not arrays or not all(len(getattr(x, "shape", ())) for x in arrays):
        raise _no_batch(batch)
    if len({x.shape[0] for x in arrays}) > 1:
        raise _no_batch(batch)
    return [structure.unflatten(row) for row in zip(*arrays, strict=True)]


def _no_batch(given: object, fix: str = "") -> TypeError:
    what = "a batch is a list of samples, or a pytree of arrays with equally many rows"
    return TypeError(f"{what}, not {describe(given)}{fix}")


def values_of(params: P) -> Result[P, TapeError]:
    """
    Return parameters as a tape holds them: read-only arrays and NumPy scalars.

    Fails with:
        :class:`DTypeMismatch` for a leaf of integers, as :func:`value_and_grad`.

    >>> values_of({"w": 1.0})
    <Success: {'w': np.float64(1.0)}>
    """
    return _values_of(params).eval()


@do
def _values_of(params: P) -> Do[P, Any]:
    leaves, structure = tree.flatten(params)
    named = zip(leaves, structure.paths(), strict=True)
    ids = yield from map_m(tree.named_param, named)
    values: P = structure.unflatten((yield from map_m(value_of, ids)))
    return values


def plain(number: Any) -> Number:
    """
    Return a number of NumPy or JAX as a ``float``; a ``Fraction`` stays one.

    >>> import numpy as np
    >>> plain(np.float32(0.5)), plain(np.array(Fraction(1, 3)))
    (0.5, Fraction(1, 3))
    """
    entry = number.item() if hasattr(number, "item") else number
    return entry if isinstance(entry, Fraction) else float(entry)
