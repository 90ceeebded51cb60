"""``value_and_grad`` and ``grad``: from a program to a function of arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from typing import (
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

import numpy as np
from numpy.typing import NDArray
from returns.result import Result

from tapem_dsl import tree
from tapem_dsl.arrays import namespace_of
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse.sparse import backward_scalar
from tapem_dsl.program.arguments import function_argument, produced
from tapem_dsl.program.combinators import map_m, value_of
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.value import frozen
from tapem_dsl.tree import Structure

Q = TypeVar("Q")
K = TypeVar("K")
F = TypeVar("F", bound=np.generic)
Inputs = ParamSpec("Inputs")


class DataClass(Protocol):
    """A dataclass, to type checkers: of whatever fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # Any: as typeshed has it


# Any, in all: leaves and parts of whatever type.
Leaf: TypeAlias = float | Fraction | np.generic | NDArray[Any]
Record: TypeAlias = DataClass | tuple[Any, ...]
L = TypeVar("L", bound=Leaf)
X = TypeVar("X", bound=Leaf | Record | list[Any] | dict[Any, Any] | None)
P = TypeVar("P", bound=Record)
R = TypeVar("R", bound=Record)


@final
@dataclass(frozen=True, slots=True)
class ValueAndGrad(Generic[Q, Inputs, F]):
    """
    A function of parameters and inputs, made by :func:`value_and_grad`.

    Type checkers want an array where the program takes one id, a list or dict where it
    takes one of ids, and a tuple, NamedTuple or dataclass where it takes one of these;
    whether that is the same one they cannot say. The gradients have the type of the
    parameters.

    >>> ValueAndGrad(print)
    ValueAndGrad(program_of=<built-in function print>)
    """

    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]]

    def __post_init__(self) -> None:
        """Check that it is a function."""
        function_argument(self.program_of, "value_and_grad", "program_of")

    @overload
    def __call__(
        self: "ValueAndGrad[NodeId, Inputs, F]",
        parameters: L,
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[tuple[F, L], TapeError]": ...
    @overload
    def __call__(
        self: "ValueAndGrad[list[Any], Inputs, F]",
        parameters: list[X],
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[tuple[F, list[X]], TapeError]": ...
    @overload
    def __call__(
        self: "ValueAndGrad[dict[K, Any], Inputs, F]",
        parameters: dict[K, X],
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[tuple[F, dict[K, X]], TapeError]": ...
    @overload
    def __call__(
        self: "ValueAndGrad[R, Inputs, F]",
        parameters: P,
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[tuple[F, P], TapeError]": ...
    def __call__(
        self, parameters: Any, /, *inputs: Inputs.args, **options: Inputs.kwargs
    ) -> Result[tuple[F, Any], TapeError]:
        """Run the program on parameters, and sweep its tape."""
        leaves, structure = tree.flatten(parameters)
        return _valued(self.program_of, leaves, structure, inputs, options).eval()


@final
@dataclass(frozen=True, slots=True)
class Grad(Generic[Q, Inputs, F]):
    """
    A function of parameters and inputs, made by :func:`grad`.

    Typed as :class:`ValueAndGrad`.

    >>> Grad(print)
    Grad(program_of=<built-in function print>)
    """

    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]]

    def __post_init__(self) -> None:
        """Check that it is a function."""
        function_argument(self.program_of, "grad", "program_of")

    @overload
    def __call__(
        self: "Grad[NodeId, Inputs, F]",
        parameters: L,
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[L, TapeError]": ...
    @overload
    def __call__(
        self: "Grad[list[Any], Inputs, F]",
        parameters: list[X],
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[list[X], TapeError]": ...
    @overload
    def __call__(
        self: "Grad[dict[K, Any], Inputs, F]",
        parameters: dict[K, X],
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[dict[K, X], TapeError]": ...
    @overload
    def __call__(
        self: "Grad[R, Inputs, F]",
        parameters: P,
        /,
        *inputs: Inputs.args,
        **options: Inputs.kwargs,
    ) -> "Result[P, TapeError]": ...
    def __call__(
        self, parameters: Any, /, *inputs: Inputs.args, **options: Inputs.kwargs
    ) -> Result[Any, TapeError]:
        """Run the program on parameters, and sweep its tape."""
        leaves, structure = tree.flatten(parameters)
        valued = _valued(self.program_of, leaves, structure, inputs, options).eval()
        return valued.map(itemgetter(1))


def value_and_grad(
    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]],
) -> ValueAndGrad[Q, Inputs, F]:
    """
    Turn a program of parameters into a function of arrays.

    Args:
        program_of: from a pytree of node ids, and inputs, to the program of a scalar
            loss.

    Returns:
        A function from a pytree of arrays, and the inputs, to a ``Result`` of the loss
        and a pytree of gradients of the same type. A parameter that the loss does not
        depend on has the gradient 0. Errors name leaves by their paths in the pytree.

    Fails with:
        Whatever the program fails with; :class:`DTypeMismatch` for a leaf of labels or
        conditions; :class:`SeedShapeMismatch` if the loss is no scalar.

    Raises:
        TypeError: ``program_of`` is no function or, in a call, gives no program; a leaf
            that is no number, named by its path.

    Gradient:
        As :func:`backward_scalar` has it. Inside another derivative, where the program
        uses duals of levels around it, gradients carry these levels, as ``jax.grad``
        does inside ``jax.jvp``.

    Source:
        Lean: ``backwardScalar`` after ``param`` for each. JAX: ``jax.value_and_grad``.

    >>> from tapem_dsl import mul
    >>> def squared(p: dict[str, NodeId]) -> TapeM[NodeId]:
    ...     return mul(p["x"], p["x"])
    >>> value_and_grad(squared)({"x": np.float64(3.0), "y": np.float64(1.0)})
    <Success: (np.float64(9.0), {'x': np.float64(6.0), 'y': np.float64(0.0)})>
    """
    return ValueAndGrad(program_of)


def grad(
    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]],
) -> Grad[Q, Inputs, F]:
    """
    Turn a program of parameters into the function of its gradients.

    Args, failures, gradient:
        As :func:`value_and_grad`, without the value.

    Source:
        Lean: ``gradients``. JAX: ``jax.grad``. PyTorch: ``torch.func.grad``.

    >>> from tapem_dsl import mul
    >>> grad(lambda x: mul(x, x))(np.float64(3.0))
    <Success: 6.0>
    """
    return Grad(program_of)


# Any: the pytree of ids, the program's inputs, and its scalar.
@do
def _valued(
    program_of: Callable[..., TapeM[NodeId, Any]],
    leaves: list[Any],
    structure: Structure,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
) -> Do[tuple[Any, Any], Any]:
    ids = yield from map_m(
        tree.named_param, zip(leaves, structure.paths(), strict=True)
    )
    made = program_of(structure.unflatten(ids), *inputs, **options)
    loss = yield from produced(made, program_of)
    gradients = yield from backward_scalar(loss, wrt=ids)
    value = yield from value_of(loss)
    values = yield from map_m(value_of, ids)
    pairs = zip(ids, values, strict=True)
    found = [gradients[id] if id in gradients else _zeros(x) for id, x in pairs]
    return value, structure.unflatten(found)


def _zeros(x: Any) -> Any:  # Any: an array of whatever scalar
    xp = namespace_of(x)
    return frozen(xp.canonical(xp.zeros_like(x)))
