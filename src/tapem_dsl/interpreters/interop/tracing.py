"""Programs over arrays that JAX traces, with derivatives by our rules."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero

from tapem_dsl.interpreters.compiled.xla.devices import float64
from tapem_dsl.interpreters.compiled.xla.traced import Traced, collecting, raw
from tapem_dsl.interpreters.interop.cotangents import Many, cotangents_of, run_many
from tapem_dsl.program.machine import without_lash

# Any, throughout: arrays of JAX, and programs of any scalar type.


def is_array(x: Any) -> bool:
    """
    Return whether JAX traces an argument.

    >>> is_array(np.ones(2)), is_array(2)
    (True, False)
    """
    return isinstance(x, jax.Array | np.ndarray | np.generic)


def as_array(x: Any) -> jax.Array:
    """
    Return an argument as an array of JAX, as wide as its dtype says.

    >>> print(as_array(2.0))
    2.0
    """
    array = jnp.asarray(x)
    if isinstance(array, Tracer):
        # that of `vmap` may say float32 of NumPy's float64, which a copy converts; in
        # compiled code a copy costs nothing
        return jnp.array(array, copy=True)
    return array


def check_width(x: Any) -> None:
    """
    Refuse what JAX would make float32 of.

    Raises:
        TypeError: float64, which is switched off.

    >>> check_width(np.float32(2))
    """
    dtype = getattr(x, "dtype", None)
    if str(dtype).endswith("float64") and not jax.config.jax_enable_x64:  # type: ignore[attr-defined] # JAX's stub lacks it
        raise TypeError(
            "as_jax: a float64 array would become float32, for jax_enable_x64 is off; "
            "convert it with astype, or switch float64 on: with jax.enable_x64(True)"
        )


def differentiable(program: Many) -> Callable[[list[Any], list[Any]], list[Any]]:
    """
    Make a function of lists of arrays, which JAX differentiates by our rules.

    Its cotangents are those of another such function, and so on.

    >>> from tapem_dsl.program.combinators import pure
    >>> differentiable(lambda ids, _: pure(ids))([jnp.float32(2)], [])
    [Array(2., dtype=float32)]
    """

    @jax.custom_vjp
    def function(arrays: list[Any], inputs: list[Any]) -> list[Any]:
        return _computed(program, arrays, inputs)

    def forward(arrays: Any, inputs: Any) -> tuple[list[Any], Any]:
        if any(x.perturbed for x in inputs):
            raise TypeError(
                "as_jax: a program is differentiated by its first argument only; pass "
                "what else is differentiated there, too"
            )
        values = [x.value for x in arrays], [x.value for x in inputs]
        return function(*values), values

    def backward(values: Any, cotangents: Any) -> tuple[list[Any], None]:
        arrays, inputs = values
        seeds = [*map(_instantiated, cotangents)]
        found = differentiable(cotangents_of(program, len(arrays)))
        return found([*arrays, *seeds], inputs), None

    function.defvjp(forward, backward, symbolic_zeros=True)
    return function


def _instantiated(cotangent: Any) -> Any:
    """Return zeros where JAX knows that a cotangent is zero."""
    if type(cotangent) is not SymbolicZero:
        return cotangent
    dtype: Any = cotangent.dtype
    return jnp.zeros(cotangent.shape, dtype)


def _computed(program: Many, arrays: list[Any], inputs: list[Any]) -> list[Any]:
    """Run a program over arrays that JAX traces."""
    values: list[Any] = [Traced(jnp.asarray(x, x.dtype)) for x in arrays]
    program_of_values = run_many(program, values, [Traced(x) for x in inputs])
    # with this a program of float32 computes sums of integers as it does elsewhere
    with float64(), without_lash(), collecting() as conditions:
        found = [jnp.asarray(raw(x)) for x in program_of_values.eval().unwrap()]
        if not conditions:
            return found
        holds = jnp.all(jnp.stack(conditions))
        return [jnp.where(holds, x, jnp.nan).astype(x.dtype) for x in found]
