"""A program as a differentiable function of JAX."""

from collections.abc import Callable
from typing import Any

from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.compiled.engines import check_jax
from tapem_dsl.interpreters.interop.cotangents import Flat
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.tapem import TapeM

# Any, throughout: pytrees of arrays of JAX, and programs of any scalar type.


def as_jax(program_of: Callable[..., TapeM[NodeId, Any]]) -> Callable[..., Any]:
    """
    Make a function of JAX from a program, for ``jax.jit``, ``vmap`` and ``grad``.

    JAX differentiates it by our reverse rules, at each order, so that gradients at
    corners (``relu`` at 0) are those of :func:`backward`.

    Args:
        program_of: as :func:`value_and_grad` takes it: of a pytree of node ids, and of
            inputs, to the program of a result.

    Returns:
        A function of a pytree of arrays, and of inputs, to an array.

    Fails with:
        Nothing: where a precondition of an op fails, the result is NaN, for JAX cannot
        raise what depends on values.

    Raises:
        TypeError: the derivative by an input is asked for: pass it among the
            parameters; Python code reads a value; a program with ``lash``, which needs
            to know whether another one fails.
        UnwrapFailedError: what the program fails with that does not depend on values,
            such as a shape.

    Rounding:
        Without ``jax_enable_x64`` JAX has no float64, and an array of it raises
        ``TypeError``. The arrays that ``jax.grad`` differentiates and ``jax.vmap`` maps
        over become float32 before, as in all functions of JAX.

    Gradient:
        As :func:`backward`. Where an op chooses its formula by values, in
        ``layer_norm`` and ``batch_norm`` of rows that are almost constant and in
        ``safe_log`` far to the left, the ordinary formula is taken.

    Source:
        Lean: none. JAX: ``jax.custom_vjp``.

    >>> import jax
    >>> from tapem_dsl import mul
    >>> cube = as_jax(lambda x: mul(x, x).bind(lambda square: mul(square, x)))
    >>> print(jax.grad(jax.grad(cube))(5.0))
    30.0
    """
    function_argument(program_of, "as_jax", "program_of")

    check_jax("as_jax")
    from tapem_dsl.interpreters.interop import tracing  # noqa: PLC0415 - an extra

    def function(parameters: Any, /, *inputs: Any) -> Any:
        call = Flat(program_of, parameters, inputs, tracing.is_array)
        arrays, moving = call.arrays, call.inputs
        del call.arrays, call.inputs  # JAX keeps the program, which may keep no tracers
        for x in (*arrays, *moving):
            tracing.check_width(x)
        step = tracing.differentiable(call.program)
        (result,) = step(*([*map(tracing.as_array, x)] for x in (arrays, moving)))
        return result

    function.__name__ = getattr(program_of, "__name__", "as_jax")
    return function
