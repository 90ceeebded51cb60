"""``value_and_grad`` and ``grad``: functions of arrays, made of a program."""

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
from returns.result import Result

from tapem_dsl import tree
from tapem_dsl.arrays import AnyArray
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.reverse.sparse import backward_scalar
from tapem_dsl.program.checks import checked_program, function_argument
from tapem_dsl.program.combinators import map_m, value_of
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.value import ForeignArray, zeros_like

Q = TypeVar("Q")
K = TypeVar("K")
F = TypeVar("F", bound=np.generic)
Inputs = ParamSpec("Inputs")


# Any, throughout: pytrees of any structure, and leaves of any type.


class DataClass(Protocol):
    """Any dataclass, as typeshed describes it to type checkers."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Leaf: TypeAlias = float | Fraction | np.generic | AnyArray | ForeignArray
Record: TypeAlias = DataClass | tuple[Any, ...]
L = TypeVar("L", bound=Leaf)
X = TypeVar("X", bound=Leaf | Record | list[Any] | dict[Any, Any] | None)
P = TypeVar("P", bound=Record)
R = TypeVar("R", bound=Record)


@final
@dataclass(frozen=True, slots=True)
class ValueAndGrad(Generic[Q, Inputs, F]):
    """
    The function of parameters and inputs that :func:`value_and_grad` returns.

    Type checkers accept an array if the program takes one id, a list or dict if it
    takes a list or dict of ids, and any tuple, NamedTuple or dataclass if it takes one
    of these: they cannot compare the classes. The gradients have the type of the
    parameters.

    >>> ValueAndGrad(print)
    ValueAndGrad(program_of=<built-in function print>)
    """

    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]]

    def __post_init__(self) -> None:
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
        """Run the program and reverse mode on its tape."""
        return _value_and_grad(self.program_of, parameters, inputs, options).eval()


@final
@dataclass(frozen=True, slots=True)
class Grad(Generic[Q, Inputs, F]):
    """
    The function that :func:`grad` returns, typed as :class:`ValueAndGrad`.

    >>> Grad(print)
    Grad(program_of=<built-in function print>)
    """

    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]]

    def __post_init__(self) -> None:
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
        """Run the program and reverse mode on its tape."""
        both = _value_and_grad(self.program_of, parameters, inputs, options)
        return both.eval().map(itemgetter(1))


def value_and_grad(
    program_of: Callable[Concatenate[Q, Inputs], TapeM[NodeId, F]],
) -> ValueAndGrad[Q, Inputs, F]:
    """
    Return the function that computes a program's scalar loss and its gradients.

    Args:
        program_of: takes a pytree of node ids, and inputs, and returns the program of
            the loss.

    Returns:
        A function that takes a pytree of arrays, and the inputs, and returns a
        ``Result`` of the loss and a pytree of gradients of the same type. A parameter
        that the loss does not depend on has the gradient 0. Errors name leaves by their
        paths in the pytree.

    Fails with:
        What the program fails with; :class:`DTypeMismatch` for a leaf of integers or
        truth values; :class:`SeedShapeMismatch` if the loss is not a scalar.

    Raises:
        TypeError: ``program_of`` is not a function or, in a call, does not return a
            program; a leaf that is not a number, named by its path.

    Gradient:
        As :func:`backward_scalar`. Inside another derivative, where the program uses
        duals of outer levels, gradients carry these levels, as ``jax.grad`` does inside
        ``jax.jvp``.

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
    Return the function that computes the gradients of a program's scalar loss.

    Args, failures, gradient:
        As :func:`value_and_grad`, without the value.

    Source:
        Lean: ``gradients``. JAX: ``jax.grad``. PyTorch: ``torch.func.grad``.

    >>> from tapem_dsl import mul
    >>> def square(x: NodeId) -> TapeM[NodeId]:
    ...     return mul(x, x)
    >>> grad(square)(np.float64(3.0))
    <Success: 6.0>
    """
    return Grad(program_of)


@do
def _value_and_grad(
    program_of: Callable[..., TapeM[NodeId, Any]],
    parameters: Any,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
) -> Do[tuple[Any, Any], Any]:
    leaves, structure = tree.flatten(parameters)
    ids = yield from map_m(
        tree.named_param, zip(leaves, structure.paths(), strict=True)
    )
    made = program_of(structure.unflatten(ids), *inputs, **options)
    loss = yield from checked_program(made, program_of)
    gradients = yield from backward_scalar(loss, wrt=ids)
    value = yield from value_of(loss)
    values = yield from map_m(value_of, ids)
    found = [
        gradients[id] if id in gradients else zeros_like(x)
        for id, x in zip(ids, values, strict=True)
    ]
    return value, structure.unflatten(found)
