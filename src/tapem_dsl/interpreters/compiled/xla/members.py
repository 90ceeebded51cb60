"""What the functions of a plan's calls mean in JAX, by name."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

import numpy as np
from jax import Array, lax
from jax import numpy as jnp

from tapem_dsl.arrays import AnyDType
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.xla import indexing, smooth

# Any, throughout: an array of JAX, traced or not, a number, or static arguments.


def promoted(values: Sequence[Any], kinds: Sequence[Any]) -> list[Any]:
    """
    Convert operands to the dtype in which NumPy would compute with them.

    JAX computes with integers beside float32 in float32, where NumPy takes float64.

    Args:
        values: the operands.
        kinds: the dtype of each, or a number of Python that takes the dtype beside it.

    >>> n, x = jnp.arange(2, dtype=np.int32), jnp.float32(0.5)
    >>> promoted([x, 2], [x.dtype, 2])
    [Array(0.5, dtype=float32), 2]
    """
    strong = {kind for kind in kinds if isinstance(kind, np.dtype)}
    if len(strong) == 1:
        (dtype,) = strong
        if dtype.kind == "f" or all(isinstance(kind, np.dtype) for kind in kinds):
            return [_cast(x, dtype) for x in values]
    dtype = np.result_type(*kinds)
    if any(type(kind) is int and not holds(dtype, kind) for kind in kinds):
        dtype = np.dtype(np.float64)  # NumPy compares with such integers exactly
    return [_cast(x, dtype) for x in values]


def holds(dtype: AnyDType, number: int) -> bool:
    """
    Return whether a number of Python is in the range of a dtype.

    >>> holds(np.dtype(np.uint8), 255), holds(np.dtype(np.uint8), -1)
    (True, False)
    """
    if dtype.kind not in "iu":
        return True
    limits = np.iinfo(dtype)
    return int(limits.min) <= number <= int(limits.max)


def _cast(x: Any, dtype: AnyDType) -> Any:
    if isinstance(x, Array) and x.dtype != dtype:
        return lax.convert_element_type(x, dtype)
    return x


PROMOTING: Final = frozenset(
    {
        *("add", "subtract", "multiply", "divide", "less", "less_equal", "greater"),
        *("greater_equal", "equal", "not_equal", "maximum", "minimum", "matmul"),
        *("multiply_no_nan", "concat", "stack", "sum_of", "outer_sum"),
    }
)
"""The functions whose operands NumPy brings to one dtype."""


def _divide(a: Any, b: Any) -> Array:
    """Divide; integers in float64, as NumPy does, where JAX takes float32."""
    if jnp.issubdtype(jnp.result_type(a, b), np.floating):
        return jnp.true_divide(a, b)
    return jnp.true_divide(jnp.asarray(a, np.float64), jnp.asarray(b, np.float64))


def _detached_max(x: Array) -> Array:
    if x.shape[-1] == 0:
        return jnp.zeros((*x.shape[:-1], 1), x.dtype)
    return jnp.max(x, axis=-1, keepdims=True)


def _sum(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Array:
    return jnp.sum(x, axis=axis, keepdims=keepdims)


def _concat(*arrays: Array, axis: int) -> Array:
    return jnp.concatenate(arrays, axis=axis)


def _outer_sum(*operands: Array) -> Array:
    half = len(operands) // 2
    left, right = (
        jnp.concatenate([x.reshape(prod(x.shape[:-1]), x.shape[-1]) for x in side])
        for side in (operands[:half], operands[half:])
    )
    return lax.dot_general(left, right, (((0,), (0,)), ((), ())))


def _sum_of(*terms: Array) -> Array:
    total, *others = terms
    for term in others:
        total = total + term
    return total


def _all_of_each(x: Array) -> Array:
    return jnp.all(x.reshape(len(x), -1), axis=1)


def _stack(*values: Array) -> Array:
    return jnp.stack(values)


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


def _astype(x: Any, dtype: AnyDType) -> Array:
    return jnp.asarray(x, dtype)


def _permute_dims(x: Array, axes: tuple[int, ...]) -> Array:
    return lax.transpose(x, axes)


def _reshape(x: Array, shape: Shape) -> Array:
    return jnp.reshape(x, shape)


def _broadcast_to(x: Array, shape: Shape) -> Array:
    return jnp.broadcast_to(x, shape)


def _argmax(x: Array) -> Array:
    return jnp.argmax(x, axis=-1)


def _accumulate_sum(x: Array) -> Array:
    return jnp.cumsum(x, axis=0, dtype=x.dtype)


def _accumulate_product(x: Array) -> Array:
    return jnp.cumprod(x, axis=0, dtype=x.dtype)


def _sum_of_rows(x: Array) -> Array:
    return jnp.sum(x, axis=0, dtype=x.dtype)


MEMBERS: Final[dict[str, Callable[..., Any]]] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": _divide,
    "negative": jnp.negative,
    "less": jnp.less,
    "less_equal": jnp.less_equal,
    "greater": jnp.greater,
    "greater_equal": jnp.greater_equal,
    "equal": jnp.equal,
    "not_equal": jnp.not_equal,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_not": jnp.logical_not,
    "getitem": _getitem,
    "exp": jnp.exp,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "tanh": jnp.tanh,
    "sech2": smooth.sech2,
    "sigmoid": smooth.sigmoid,
    "softplus": smooth.softplus,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "abs": jnp.abs,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "where": jnp.where,
    "multiply_no_nan": smooth.multiply_no_nan,
    "sum": _sum,
    "detached_max": _detached_max,
    "argmax": _argmax,
    "softmax": smooth.softmax,
    "log_softmax": smooth.log_softmax,
    "logsumexp": smooth.logsumexp,
    "pick": indexing.pick,
    "one_hot": indexing.one_hot,
    "take": indexing.take,
    "index_add": indexing.index_add,
    "windows": indexing.windows,
    "fold": indexing.fold,
    "embed": indexing.embed,
    "matmul": jnp.matmul,
    "outer_sum": _outer_sum,
    "permute_dims": _permute_dims,
    "reshape": _reshape,
    "concat": _concat,
    "broadcast_to": _broadcast_to,
    "zeros_like": jnp.zeros_like,
    "ones_like": jnp.ones_like,
    "all": jnp.all,
    "astype": _astype,
    "accumulate_product": _accumulate_product,
    "accumulate_sum": _accumulate_sum,
    "all_of_each": _all_of_each,
    "stack": _stack,
    "sum_of": _sum_of,
    "sum_of_rows": _sum_of_rows,
}
"""The functions of :data:`FUNCTIONS` that compute, over arrays of JAX."""
