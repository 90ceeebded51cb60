"""Exporting what JAX traces."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import export

from tapem_dsl import tree
from tapem_dsl.arrays.shape import EXTENTS
from tapem_dsl.interpreters.compiled.xla.devices import float64
from tapem_dsl.interpreters.interop.as_jax import as_jax
from tapem_dsl.interpreters.interop.tracing import is_array

# Any, throughout: pytrees of arrays, and programs of any scalar type.


def exported(
    program_of: Callable[..., Any],
    parameters: Any,
    inputs: tuple[Any, ...],
    platforms: Sequence[str],
    batch: str | None,
) -> bytes:
    """
    Export a program as a function of the leaves of its arguments.

    >>> from tapem_dsl import mul
    >>> len(exported(lambda x: mul(x, x), 2.0, (), ["cpu"], None)) > 100
    True
    """
    leaves, structure = tree.flatten((parameters, inputs))
    count = tree.flatten(parameters)[1].size()
    moves = [i < count or is_array(x) for i, x in enumerate(leaves)]

    def function(*arrays: Any) -> jax.Array:
        moving = iter(arrays)
        whole = [
            next(moving) if is_moving else x
            for is_moving, x in zip(moves, leaves, strict=True)
        ]
        given, rest = structure.unflatten(whole)
        result: jax.Array = as_jax(program_of)(given, *rest)
        return result

    with float64():
        scope = export.SymbolicScope()
        specs = [
            _spec(x, batch if i >= count else None, scope)
            for i, x in enumerate(leaves)
            if moves[i]
        ]
        made = export.export(jax.jit(function), platforms=platforms)(*specs)
        return bytes(made.serialize())


def _spec(x: Any, batch: str | None, scope: Any) -> jax.ShapeDtypeStruct:
    array = np.asarray(x)
    shape: Any = array.shape
    if batch is not None and shape:
        (first,) = export.symbolic_shape(batch, scope=scope)
        EXTENTS.add(type(first))
        shape = (first, *shape[1:])
    return jax.ShapeDtypeStruct(shape, array.dtype)  # type: ignore[no-untyped-call] # JAX's stub lacks it
