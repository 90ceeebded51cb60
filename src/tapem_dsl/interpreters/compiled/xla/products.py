"""Products of matrices some of which a plan transposes before."""

from typing import Any, NamedTuple

from jax import Array, lax
from jax import numpy as jnp

from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.compiled.plan import Call, Plan, Slot


class Factor(NamedTuple):
    """A matrix, or a stack of them, or what it is the transpose of."""

    slot: Slot
    is_transposed: bool


def factors(plan: Plan, call: Call) -> tuple[Factor, Factor] | None:
    """
    Return the factors of a product that XLA computes without transposing any.

    XLA's CPU copies a transposed matrix, and contracts any axis without that.

    >>> import numpy as np
    >>> plan = Plan()
    >>> a = plan.input(np.ones((2, 3)))
    >>> b = plan.call("permute_dims", (a, (1, 0)), (), np.ones((3, 2)))
    >>> c = plan.call("matmul", (a, b), (), np.ones((2, 2)))
    >>> factors(plan, plan.calls[c])
    (Factor(slot=%0, is_transposed=False), Factor(slot=%0, is_transposed=True))
    """
    if not all(type(x) is Slot for x in call.arguments):
        return None
    found = [_factor(plan, x) for x in call.arguments]
    if not any(x.is_transposed for x in found):
        return None
    first, second = (plan.calls[x.slot].shape for x in found)
    if len(first) != len(second) or first[:-2] != second[:-2]:
        return None
    return found[0], found[1]


def factor_of_ones(plan: Plan, call: Call) -> int | None:
    """
    Return which factor of a product is a constant of ones, so that it is a sum.

    >>> import numpy as np
    >>> plan = Plan()
    >>> x, ones = plan.input(np.ones((3, 2))), plan.constant(np.ones((1, 3)))
    >>> y = plan.call("matmul", (ones, x), (), np.ones((1, 2)))
    >>> factor_of_ones(plan, plan.calls[y])
    0
    """
    if any(plan.calls[x].dtype != call.dtype for x in call.slots()):
        return None
    for i, x in enumerate(call.arguments):
        value = plan.constants.get(x) if type(x) is Slot else None
        if value is not None and 1 <= value.ndim <= 2 and (value == 1).all():
            return i
    return None


def sum_by_ones(x: Any, shape: Shape, which: int) -> Array:
    """
    Return the product with a constant of ones, on the left (0) or right (1), as a sum.

    >>> from jax import numpy as jnp
    >>> sum_by_ones(jnp.ones((3, 2)), (4, 2), 0)[0].tolist()
    [3.0, 3.0]
    """
    axis = -2 if which == 0 and x.ndim > 1 else -1
    total = jnp.sum(x, axis=axis, dtype=x.dtype)
    if total.ndim == len(shape):
        return jnp.broadcast_to(total, shape)
    return jnp.broadcast_to(jnp.expand_dims(total, axis), shape)


def _factor(plan: Plan, slot: Slot) -> Factor:
    call = plan.calls[slot]
    rank = len(call.shape)
    if call.function == "permute_dims" and rank > 1:
        of, axes = call.arguments
        if tuple(axes) == (*range(rank - 2), rank - 1, rank - 2):
            return Factor(of, is_transposed=True)
    return Factor(slot, is_transposed=False)


# Any: arrays of JAX.
def product(a: Any, b: Any, *, first: bool, second: bool) -> Array:
    """
    Multiply matrices, each transposed before or not.

    >>> from jax import numpy as jnp
    >>> a = jnp.arange(6.0).reshape(2, 3)
    >>> bool((product(a, a, first=True, second=False) == a.T @ a).all())
    True
    """
    stack = tuple(range(a.ndim - 2))
    left, right = a.ndim - (2 if first else 1), b.ndim - (1 if second else 2)
    return lax.dot_general(a, b, (((left,), (right,)), (stack, stack)))
