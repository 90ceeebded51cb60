"""
Derivatives of programs: along directions, by sweeps, and of every order.

All functions here take a program of two pytrees of ids, parameters and inputs (or of
one input), and arrays in these places. They return a ``Result``. Integers and truth
values, such as labels, are constants. Arrays may be duals of levels around the call;
results then carry these levels, so that derivatives nest.
"""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any, TypeAlias, TypeVar

from returns.result import Result

from tapem_dsl import tree
from tapem_dsl.arrays import Array
from tapem_dsl.errors import TapeError
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.forward.dual import primal_at, tangent_at
from tapem_dsl.interpreters.forward.runs import (
    Program,
    Run,
    all_of,
    basis,
    duals_along,
    nested_duals,
    run_on,
    stacked,
    sweep_to_trees,
    tangent_at_all,
    without_newer_levels,
)
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.reverse.sparse import reduced_first
from tapem_dsl.interpreters.tracer import fresh_level
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.value import as_value

P = TypeVar("P")
X = TypeVar("X")

# Any: a program of any scalar type.
Function: TypeAlias = Callable[[NodeId], TapeM[NodeId, Any]]


def jvp(
    program: Program,
    parameters: P,
    inputs: X,
    along_parameters: P | None = None,
    along_inputs: X | None = None,
) -> Result[tuple[Array, Array], TapeError]:
    """
    Return a program's result, and its derivative along a direction.

    Args:
        program: from parameters and inputs, pytrees of arrays, to a result.
        along_parameters: a pytree like the parameters; ``None``, in it or for it, is 0.
        along_inputs: a pytree like the inputs; ``None`` as above.

    Fails with:
        :class:`ShapeMismatch` for a direction of another shape or scalar type; whatever
        the program fails with.

    Cost:
        About two to three runs of the program; no sweep.

    Source:
        Lean: ``jvpLossParams``, ``jvpLossInputs``. JAX: ``jax.jvp``.

    >>> from tapem_dsl import mul
    >>> jvp(lambda p, x: mul(p, x), 3.0, 2.0, 1.0)
    <Success: (np.float64(6.0), np.float64(2.0))>
    """
    function_argument(program, "jvp", "program")
    level = fresh_level()
    return (
        duals_along("jvp", parameters, along_parameters, level)
        .bind(
            lambda p: duals_along("jvp", inputs, along_inputs, level).map(
                lambda x: (p, x)
            )
        )
        .bind(lambda both: run_on(program, *both))
        .map(lambda run: (primal_at(run.value, level), tangent_at(run.value, level)))
    )


def vjp(
    program: Program, parameters: P, inputs: X, seed: Array | float
) -> Result[tuple[P, X], TapeError]:
    """
    Return the gradients of parameters and inputs, given the cotangent of the result.

    Fails with:
        :class:`SeedShapeMismatch`, :class:`GradientDTypeMismatch`; whatever the program
        fails with.

    Source:
        Lean: ``vjp``; for a loss and the seed 1 ``gradients``. JAX: ``jax.vjp``.

    >>> from tapem_dsl import mul
    >>> vjp(mul, 3.0, 2.0, 10.0)
    <Success: (np.float64(20.0), np.float64(30.0))>
    """
    function_argument(program, "vjp", "program")
    return run_on(program, parameters, inputs).bind(
        lambda run: sweep_to_trees(run, seed)
    )


def hvp_params(
    loss: Program, parameters: P, inputs: object, along: P
) -> Result[P, TapeError]:
    """
    Multiply the Hessian of a loss in its parameters by a direction.

    Args:
        loss: from parameters and inputs, pytrees of arrays, to a scalar.
        along: a pytree like the parameters; ``None`` in it is 0.

    Fails with:
        As :func:`jvp`; :class:`SeedShapeMismatch` if the loss is no scalar.

    Cost:
        One run and one sweep over duals, two to three gradients; no Hessian.

    Source:
        Pearlmutter, Neural Computation 6(1), 1994. Lean: ``hvpParams``. JAX: ``jvp`` of
        ``grad``.

    >>> from tapem_dsl import mul
    >>> def cube(p: NodeId, x: NodeId) -> TapeM[NodeId]:
    ...     return mul(p, p).bind(lambda square: mul(square, p))
    >>> hvp_params(cube, 2.0, 0.0, 1.0)
    <Success: 12.0>
    """
    function_argument(loss, "hvp_params", "loss")
    level = fresh_level()
    return (
        duals_along("hvp", parameters, along, level)
        .bind(lambda duals: run_on(loss, duals, inputs))
        .bind(lambda run: sweep_to_trees(run, 1))
        .map(lambda slots: tree.map(partial(tangent_at, level=level), slots[0]))
        .alt(reduced_first)
    )


def hvp_inputs(
    loss: Program, parameters: object, inputs: X, along: X
) -> Result[X, TapeError]:
    """
    Multiply the Hessian of a loss in its inputs: :func:`hvp_params`, exchanged.

    Source:
        Lean: ``hvpInputs``. JAX: ``jvp`` of ``grad``.

    >>> from tapem_dsl import mul
    >>> hvp_inputs(lambda p, x: mul(x, x), None, 2.0, 1.0)
    <Success: 2.0>
    """
    function_argument(loss, "hvp_inputs", "loss")
    return hvp_params(_exchanged(loss), inputs, parameters, along)


def jacrev_params(
    program: Program, parameters: P, inputs: object
) -> Result[P, TapeError]:
    """
    Return the Jacobian of a result in the parameters, by a sweep for each entry of it.

    Shapes:
        a pytree like the parameters, each leaf with the result's axes before its own.

    Fails with:
        As :func:`vjp`.

    Source:
        Lean: ``jacrevOutParams``. JAX: ``jax.jacrev``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> jacrev_params(mul, np.ones(2), np.array([2.0, 3.0])).unwrap().tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """

    def rows(run: Run[P, object]) -> Result[P, TapeError]:
        value = run.value
        leaves, structure = tree.flatten(run.parameters)
        swept = all_of([sweep_to_trees(run, seed) for seed in basis(value)])
        found = swept.map(lambda all_: [structure.leaves_of(p) for p, _ in all_])
        return found.map(
            lambda rows: structure.unflatten(
                stacked([row[i] for row in rows], value, as_value(leaf))
                for i, leaf in enumerate(leaves)
            )
        )

    function_argument(program, "jacrev_params", "program")
    return run_on(program, parameters, inputs).bind(rows)


def jacrev_inputs(
    program: Program, parameters: object, inputs: X
) -> Result[X, TapeError]:
    """
    Return the Jacobian of a result in the inputs: :func:`jacrev_params`, exchanged.

    Source:
        Lean: ``jacrevOutInputs``. JAX: ``jax.jacrev``.

    >>> from tapem_dsl import mul
    >>> jacrev_inputs(mul, 5.0, 2.0)
    <Success: 5.0>
    """
    function_argument(program, "jacrev_inputs", "program")
    return jacrev_params(_exchanged(program), inputs, parameters)


def jacfwd_input(program: Function, x: Array) -> Result[Array, TapeError]:
    """
    Return the Jacobian of a result in one input, by a run for each entry of the input.

    Shapes:
        the result's axes, then the input's.

    Fails with:
        As :func:`jvp`; :class:`OutsideDomain` where the result carries a level of duals
        that the program enters.

    Source:
        Lean: ``jacfwdInput``. JAX: ``jax.jacfwd``.

    >>> import numpy as np
    >>> from tapem_dsl import mul
    >>> jacfwd_input(lambda x: mul(x, x), np.array([2.0, 3.0])).unwrap().tolist()
    [[4.0, 0.0], [0.0, 6.0]]
    """
    function_argument(program, "jacfwd_input", "program")
    newer = fresh_level()

    def jacobian(x: Array) -> Result[Array, TapeError]:
        pairs = [jvp(_of_input(program), None, x, None, e) for e in basis(x)]
        columns = [pair.map(lambda both: both[1]) for pair in pairs]
        if not columns:
            plain = run_on(_of_input(program), None, x)
            return plain.map(lambda run: stacked([], x, run.value, last=True))
        return without_newer_levels("jacfwd_input", columns, newer).map(
            lambda found: stacked(found, x, found[0], last=True)
        )

    return as_result(lambda: as_value(x)).bind(jacobian)


def hessian_input(loss: Function, x: Array) -> Result[Array, TapeError]:
    """
    Return the Hessian of a loss in one input, by a product for each entry of the input.

    Shapes:
        the input's axes, twice.

    Fails with:
        As :func:`hvp_inputs`; :class:`OutsideDomain` as :func:`jacfwd_input`.

    Source:
        Lean: ``hessianInput``. JAX: ``jax.hessian``.

    >>> import numpy as np
    >>> from tapem_dsl import dot
    >>> hessian_input(lambda x: dot(x, x), np.array([1.0, 2.0])).unwrap().tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    function_argument(loss, "hessian_input", "loss")
    newer = fresh_level()

    def hessian(x: Array) -> Result[Array, TapeError]:
        rows = [hvp_inputs(_of_input(loss), None, x, e) for e in basis(x)]
        return without_newer_levels("hessian_input", rows, newer).map(
            lambda found: stacked(found, x, x)
        )

    return as_result(lambda: as_value(x)).bind(hessian)


def derivative(
    program: Program, parameters: object, x: Array, directions: Sequence[Array]
) -> Result[Array, TapeError]:
    """
    Return the mixed derivative of a result in one input, along n directions.

    Args:
        program: from parameters and one input, ``x``, to a result.
        directions: arrays like ``x``; without any, the derivative is the result.

    Fails with:
        As :func:`jvp`.

    Cost:
        ``2**n`` to ``3**n`` runs of the program for ``n`` directions.

    Source:
        Lean: ``autograd.model.derivative``. JAX: nested ``jax.jvp``.

    >>> from tapem_dsl import mul
    >>> def cube(p: None, x: NodeId) -> TapeM[NodeId]:
    ...     return mul(x, x).bind(lambda square: mul(square, x))
    >>> derivative(cube, None, 5.0, [1.0, 1.0, 1.0])
    <Success: 6.0>
    """
    function_argument(program, "derivative", "program")
    return nested_duals(x, directions).bind(
        lambda nested: run_on(program, parameters, nested[0]).map(
            lambda run: tangent_at_all(run.value, nested[1])
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
    Return the gradients of a :func:`derivative` in the parameters and ``x``.

    Args:
        seed: the cotangent of the derivative; the others as for :func:`derivative`.

    Fails with:
        As :func:`derivative` and :func:`vjp`.

    Source:
        Lean: ``derivativeVjp``. JAX: ``jax.vjp`` of nested ``jax.jvp``.

    >>> from tapem_dsl import mul
    >>> square = lambda p, x: mul(x, x).bind(lambda y: mul(p, y))
    >>> derivative_vjp(square, 2.0, 5.0, [1.0], 1.0)
    <Success: (np.float64(10.0), np.float64(4.0))>
    """
    function_argument(program, "derivative_vjp", "program")
    return nested_duals(x, directions).bind(
        lambda nested: (
            run_on(program, parameters, nested[0])
            .bind(lambda run: sweep_to_trees(run, seed))
            .map(partial(tree.map, partial(tangent_at_all, levels=nested[1])))
        )
    )


def _of_input(program: Function) -> Program:
    return _named_as(program, lambda _, x: program(x))


def _exchanged(program: Program) -> Program:
    return _named_as(program, lambda x, p: program(p, x))


# Any: a function of any arguments.
def _named_as(program: Callable[..., Any], function: Program) -> Program:
    """Return a function the name of the user's program, for error messages."""
    return update_wrapper(function, program)
