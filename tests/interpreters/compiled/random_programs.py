"""Random programs of smooth and piecewise ops, of vectors and scalars."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tapem_dsl import (
    Do,
    NodeId,
    abs_,
    add,
    backward_m,
    broadcast_to,
    concat,
    const,
    cos,
    div,
    do,
    dot,
    exp,
    gelu,
    max_,
    mul,
    outer,
    reduce_mean,
    relu,
    scale,
    shift_by,
    sigmoid,
    slice_,
    softmax_last,
    softplus,
    sub,
    sum_,
    tanh,
)

# Any, throughout: arrays of any scalar type.

UNARY: list[Callable[[NodeId], Any]] = [
    *(tanh, sigmoid, relu, softplus, gelu, cos, abs_, softmax_last),
    lambda x: scale(x, 0.5),
    lambda x: shift_by(x, 1.25),
    lambda x: exp(x).bind(lambda y: shift_by(y, 1.0)),
    lambda x: slice_(x, 1, 2).bind(lambda y: concat(y, x)).bind(_first_four),
]
BINARY: list[Callable[[NodeId, NodeId], Any]] = [
    *(add, sub, mul, max_),
    lambda a, b: softplus(b).bind(lambda d: shift_by(d, 1.0)).bind(lambda d: div(a, d)),
    lambda a, b: dot(a, b).bind(lambda s: broadcast_to(s, (4,))),
    lambda a, b: outer(a, b).bind(lambda m: reduce_mean(m, axis=0)),
]


def _first_four(x: NodeId) -> Any:
    return slice_(x, 0, 4)


@do
def random_loss(seed: int, ids: list[NodeId], x: Any, ops: int) -> Do[NodeId, Any]:
    """A scalar of three vectors of four entries, and a constant one."""
    rng = np.random.default_rng(seed)
    known = [*ids, (yield from const(x))]
    for _ in range(ops):
        if rng.random() < 0.5:
            which = UNARY[rng.integers(len(UNARY))]
            node = yield from which(known[rng.integers(len(known))])
        else:
            both = BINARY[rng.integers(len(BINARY))]
            a, b = (known[i] for i in rng.integers(len(known), size=2))
            node = yield from both(a, b)
        known.append(node)
    total = yield from sum_(known[-1])
    for node in known[-4:-1]:
        total = yield from add(total, (yield from sum_(node)))
    return total


@do
def penalty(seed: int, ids: list[NodeId], x: Any, ops: int) -> Do[NodeId, Any]:
    """The sum of squares of the recorded gradient of a random loss."""
    loss = yield from random_loss(seed, ids, x, ops)
    gradients = yield from backward_m(loss, wrt=ids)
    total = loss
    for id in ids:
        if id in gradients:
            g = gradients[id]
            total = yield from add(total, (yield from dot(g, g)))
    return total


def vectors(seed: int, dtype: Any = np.float64) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(1000 + seed)
    rows = rng.normal(size=(4, 4)).astype(dtype)
    return [*rows[:3].copy()], rows[3].copy()
