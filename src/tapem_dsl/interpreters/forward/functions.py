"""
Derivatives of programs: along directions, pulled back, and of every order.

A program takes two pytrees of node ids, parameters and inputs, and gives the id of its
result. Integers and truth values in them, such as labels, are constants. Second
derivatives are those of the ordinary sweep over a tape of duals; a derivative of order
n nests n levels. Arrays may be duals of levels around, which results then carry:
derivatives within derivatives. Everything is a ``Result``.
"""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any, TypeVar

from returns.result import Result

from tapem_dsl import tree
from tapem_dsl.arrays import Array
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.forward.dual import part_at
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.forward.runs import (
    Program,
    Ran,
    all_of,
    basis,
    deepest,
    directed,
    nested_along,
    run_on,
    run_on_trees,
    stacked,
    sweep_to_trees,
)
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse.sparse import reduced_first
from tapem_dsl.program.arguments import function_argument
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.value import as_value

P = TypeVar("P")
X = TypeVar("X")


def jvp(
    program: Program,
    parameters: P,
    inputs: X,
    along_parameters: P | None = None,
    along_inputs: X | None = None,
) -> Result[tuple[Array, Array], TapeError]:
    """
    Give a result, and its derivative along a direction.

    Args:
        program: of parameters and inputs.
        parameters: a pytree of arrays.
        inputs: a pytree of arrays.
        along_parameters: a pytree like the parameters; ``None``, in it or for it, is 0.
        along_inputs: a pytree like the inputs; ``None``, in it or for it, is 0.

    Fails with:
        :class:`ShapeMismatch` for a direction of another shape or scalar type; whatever
        the program fails with.

    Cost:
        About two to three runs of the program; no sweep.

    Source:
        Lean: ``jvpLossParams``, ``jvpLossInputs``. JAX: ``jax.jvp``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> jvp(lambda p, x: mul(p, x), np.float64(3), np.float64(2), np.float64(1))
    <Success: (np.float64(6.0), np.float64(2.0))>
    """
    function_argument(program, "jvp", "program")
    level = fresh_level()
    return (
        directed("jvp", parameters, along_parameters, level)
        .bind(
            lambda p: directed("jvp", inputs, along_inputs, level).map(lambda x: (p, x))
        )
        .bind(lambda both: run_on(program, *both))
        .map(lambda ran: ran[1][ran[0]].value)
        .map(
            lambda y: (
                part_at(y, level, tangent=False),
                part_at(y, level, tangent=True),
            )
        )
    )


def vjp(
    program: Program, parameters: P, inputs: X, seed: Array | float
) -> Result[tuple[P, X], TapeError]:
    """
    Give what parameters and inputs receive when the result receives a cotangent.

    Fails with:
        :class:`SeedShapeMismatch`, :class:`GradientDTypeMismatch`; whatever the program
        fails with.

    Source:
        Lean: ``vjp``; for a loss and the seed 1 ``gradients``. JAX: ``jax.vjp``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> vjp(mul, np.float64(3), np.float64(2), 10.0)
    <Success: (np.float64(20.0), np.float64(30.0))>
    """
    function_argument(program, "vjp", "program")
    return run_on_trees(program, parameters, inputs).bind(
        lambda ran: sweep_to_trees(ran, seed)
    )


def hvp_params(
    loss: Program, parameters: P, inputs: object, along: P
) -> Result[P, TapeError]:
    """
    Multiply the Hessian of a loss in its parameters by a direction.

    Args:
        loss: the program of a scalar.
        parameters: a pytree of arrays.
        inputs: a pytree of arrays.
        along: a pytree like the parameters; ``None`` in it is 0.

    Fails with:
        :class:`ShapeMismatch` for another direction; :class:`SeedShapeMismatch` if the
        loss is no scalar; whatever the program fails with.

    Cost:
        One run and one sweep over duals, two to three gradients; no Hessian.

    Source:
        Pearlmutter, Neural Computation 6(1), 1994. Lean: ``hvpParams``. JAX: ``jvp`` of
        ``grad``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> def cube(p: NodeId, x: NodeId) -> TapeM[NodeId]:
    ...     return mul(p, p).bind(lambda square: mul(square, p))
    >>> hvp_params(cube, np.float64(2), np.float64(0), np.float64(1))
    <Success: 12.0>
    """
    function_argument(loss, "hvp_params", "loss")
    level = fresh_level()
    return (
        directed("hvp", parameters, along, level)
        .bind(lambda duals: run_on_trees(loss, duals, inputs))
        .bind(lambda ran: sweep_to_trees(ran, 1))
        .map(lambda slots: tree.map(partial(deepest, levels=[level]), slots[0]))
        .alt(reduced_first)
    )


def hvp_inputs(
    loss: Program, parameters: object, inputs: X, along: X
) -> Result[X, TapeError]:
    """
    Multiply the Hessian of a loss in its inputs by a direction.

    As :func:`hvp_params`, with the sides exchanged.

    Source:
        Lean: ``hvpInputs``. JAX: ``jvp`` of ``grad``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> hvp_inputs(lambda p, x: mul(x, x), None, np.float64(2), np.float64(1))
    <Success: 2.0>
    """
    function_argument(loss, "hvp_inputs", "loss")
    return hvp_params(_exchanged(loss), inputs, parameters, along)


def jacrev_params(
    program: Program, parameters: P, inputs: object
) -> Result[P, TapeError]:
    """
    Give the Jacobian of a result in its parameters, by a sweep for each of its entries.

    Shapes:
        a pytree like the parameters, each leaf with the result's axes before its own.

    Fails with:
        As :func:`vjp`.

    Source:
        Lean: ``jacrevOutParams``. JAX: ``jax.jacrev``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> x = np.array([2.0, 3.0])
    >>> jacrev_params(mul, np.ones(2), x).unwrap().tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """

    def rows(ran: Ran[P, object]) -> Result[P, TapeError]:
        value = ran.tape[ran.out].value
        swept = [sweep_to_trees(ran, seed) for seed in basis(value)]
        leaves, structure = tree.flatten(ran.parameters)
        given = all_of(swept).map(
            lambda all_: [structure.leaves_of(p) for p, _ in all_]
        )
        return given.map(
            lambda found: structure.unflatten(
                stacked([row[i] for row in found], value, as_value(leaf))
                for i, leaf in enumerate(leaves)
            )
        )

    function_argument(program, "jacrev_params", "program")
    return run_on_trees(program, parameters, inputs).bind(rows)


def jacrev_inputs(
    program: Program, parameters: object, inputs: X
) -> Result[X, TapeError]:
    """
    Give the Jacobian of a result in its inputs, by a sweep for each of its entries.

    As :func:`jacrev_params`, with the sides exchanged.

    Source:
        Lean: ``jacrevOutInputs``. JAX: ``jax.jacrev``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> jacrev_inputs(mul, np.float64(5), np.float64(2))
    <Success: 5.0>
    """
    function_argument(program, "jacrev_inputs", "program")
    return jacrev_params(_exchanged(program), inputs, parameters)


def jacfwd_input(
    program: Callable[[NodeId], TapeM[NodeId, Any]], x: Array
) -> Result[Array, TapeError]:
    """
    Give the Jacobian of a result in one input, by a run for each entry of the input.

    Shapes:
        the result's axes, then the input's.

    Fails with:
        As :func:`jvp`.

    Source:
        Lean: ``jacfwdInput``. JAX: ``jax.jacfwd``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> square = lambda x: mul(x, x)
    >>> jacfwd_input(square, np.array([2.0, 3.0])).unwrap().tolist()
    [[4.0, 0.0], [0.0, 6.0]]
    """
    function_argument(program, "jacfwd_input", "program")

    def jacobian(x: Array) -> Result[Array, TapeError]:
        columns = [jvp(_of_input(program), None, x, None, e) for e in basis(x)]
        if not columns:
            plain = run_on(_of_input(program), None, x)
            return plain.map(
                lambda ran: stacked([], x, ran[1][ran[0]].value, last=True)
            )
        return all_of(columns).map(
            lambda found: stacked([dy for _, dy in found], x, found[0][1], last=True)
        )

    return as_result(lambda: as_value(x)).bind(jacobian)


def hessian_input(
    loss: Callable[[NodeId], TapeM[NodeId, Any]], x: Array
) -> Result[Array, TapeError]:
    """
    Give the Hessian of a loss in one input, by a product for each of its entries.

    Shapes:
        the input's axes, twice.

    Fails with:
        As :func:`hvp_inputs`.

    Source:
        Lean: ``hessianInput``. JAX: ``jax.hessian``.

    >>> import numpy as np
    >>> from tapem_dsl import dot
    >>> hessian_input(lambda x: dot(x, x), np.array([1.0, 2.0])).unwrap().tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    function_argument(loss, "hessian_input", "loss")

    def hessian(x: Array) -> Result[Array, TapeError]:
        rows = [hvp_inputs(_of_input(loss), None, x, e) for e in basis(x)]
        return all_of(rows).map(lambda found: stacked(found, x, x))

    return as_result(lambda: as_value(x)).bind(hessian)


def derivative(
    program: Program, parameters: object, x: Array, directions: Sequence[Array]
) -> Result[Array, TapeError]:
    """
    Differentiate a result in one input, along one direction after the other.

    With n directions it is the mixed derivative of order n.

    Args:
        program: of parameters and one input.
        parameters: a pytree of arrays.
        x: where to differentiate.
        directions: arrays like ``x``; none give the result itself.

    Fails with:
        :class:`ShapeMismatch` for another direction; whatever the program fails with.

    Cost:
        ``2**n`` to ``3**n`` runs of the program for ``n`` directions.

    Source:
        Lean: ``autograd.model.derivative``. JAX: nested ``jax.jvp``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> def cube(p: None, x: NodeId) -> TapeM[NodeId]:
    ...     return mul(x, x).bind(lambda square: mul(square, x))
    >>> one = np.float64(1)
    >>> derivative(cube, None, np.float64(5), [one, one, one])
    <Success: 6.0>
    """
    function_argument(program, "derivative", "program")
    return nested_along(x, directions).bind(
        lambda nested: run_on(program, parameters, nested[0]).map(
            lambda ran: deepest(ran[1][ran[0]].value, nested[1])
        )
    )


def derivative_vjp(
    program: Program,
    parameters: P,
    x: Array,
    directions: Sequence[Array],
    seed: Array | float,
) -> Result[tuple[P, Array], TapeError]:
    """
    Pull a cotangent back through :func:`derivative`, to the parameters and to ``x``.

    Fails with:
        As :func:`derivative` and :func:`vjp`.

    Source:
        Lean: ``derivativeVjp``. JAX: ``jax.vjp`` of nested ``jax.jvp``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> square = lambda p, x: mul(x, x).bind(lambda y: mul(p, y))
    >>> two, one = np.float64(2), np.float64(1)
    >>> derivative_vjp(square, two, np.float64(5), [one], 1.0)
    <Success: (np.float64(10.0), np.float64(4.0))>
    """
    function_argument(program, "derivative_vjp", "program")
    return nested_along(x, directions).bind(
        lambda nested: (
            run_on_trees(program, parameters, nested[0])
            .bind(lambda ran: sweep_to_trees(ran, seed))
            .map(lambda slots: tree.map(partial(deepest, levels=nested[1]), slots))
        )
    )


def _of_input(program: Callable[[NodeId], TapeM[NodeId, Any]]) -> Program:
    return _named(lambda _, x: program(x), program)


def _exchanged(program: Program) -> Program:
    return _named(lambda x, p: program(p, x), program)


# Any: a function of whatever arguments.
def _named(function: Program, program: Callable[..., Any]) -> Program:
    """Give a function of ours the name of the user's, for what errors say."""
    return update_wrapper(function, program)
