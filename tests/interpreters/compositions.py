"""Random programs of one vector, and every way to their second derivatives."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    backward,
    backward_m,
    broadcast_to,
    const,
    div,
    do,
    dot,
    exp,
    hvp_inputs,
    jvp_m,
    leaf,
    linear,
    matmul,
    mul,
    outer,
    scale,
    shift_by,
    sigmoid,
    sin,
    softmax_last,
    sub,
    sum_,
    tanh,
    value_of,
)
from tapem_dsl.arrays import namespace_of

# Any, throughout: programs of floats and of rationals.
Loss: TypeAlias = Callable[[NodeId], TapeM[NodeId, Any]]
Step: TypeAlias = tuple[str, int, int]

BINARY: Final[dict[str, Callable[..., TapeM[NodeId, Any]]]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
}
UNARY: Final[dict[str, Callable[..., TapeM[NodeId, Any]]]] = {
    "scale": lambda x: scale(x, Fraction(-1, 3)),
    "shift": lambda x: shift_by(x, Fraction(1, 2)),
}
SMOOTH: Final[dict[str, Callable[..., TapeM[NodeId, Any]]]] = {
    "tanh": tanh,
    "sin": sin,
    "sigmoid": sigmoid,
    "softmax": softmax_last,
}


@do
def _over(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
    """``a / (1 + b * b)``: no pole."""
    square = yield from mul(b, b)
    below = yield from shift_by(square, 1)
    return (yield from div(a, below))


@do
def _projected(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
    """``(a b^T) b``, as a product of matrices and of a matrix and a vector."""
    matrix = yield from outer(a, b)
    square = yield from matmul(matrix, matrix)
    return (yield from linear(square, a, b))


@do
def _weighed(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
    """``dot(a, b) * a``."""
    total = yield from dot(a, b)
    wide = yield from broadcast_to(total, (3,))
    return (yield from mul(wide, a))


@do
def _growing(a: NodeId, b: NodeId) -> Do[NodeId, Any]:
    """``exp(tanh(a)) * b``."""
    bounded = yield from tanh(a)
    grown = yield from exp(bounded)
    return (yield from mul(grown, b))


RATIONAL: Final = {
    **BINARY,
    "over": _over,
    "projected": _projected,
    "weighed": _weighed,
}
REAL: Final = {**RATIONAL, "growing": _growing}


def steps(names: list[str]) -> st.SearchStrategy[list[Step]]:
    """Which op is applied to which of the vectors so far, counted from the last."""
    back = st.integers(0, 3)
    return st.lists(st.tuples(st.sampled_from(names), back, back), max_size=5)


rational_steps: Final = steps([*RATIONAL, *UNARY])
real_steps: Final = steps([*REAL, *UNARY, *SMOOTH])


@do
def loss_of(chosen: list[Step], x: NodeId) -> Do[NodeId, Any]:
    """Apply the steps one after the other, and sum the last vector's squares."""
    vectors = [x]
    for name, i, j in chosen:
        a, b = vectors[-1 - i % len(vectors)], vectors[-1 - j % len(vectors)]
        one = UNARY.get(name) or SMOOTH.get(name)
        made = yield from (REAL[name](a, b) if one is None else one(a))
        vectors.append(made)
    squares = yield from mul(vectors[-1], vectors[-1])
    return (yield from sum_(squares))


# -- ways to the product of the Hessian and a direction --------------------------------


def forward_over_reverse(loss: Loss, x: Array, v: Array) -> Array:
    return hvp_inputs(lambda _, z: loss(z), None, x, v).unwrap()


@do
def slope_along(loss: Loss, x: NodeId, v: NodeId) -> Do[NodeId, Any]:
    """The gradient, recorded, times the direction."""
    y = yield from loss(x)
    gradient = yield from backward_m(y, wrt=[x])
    return (yield from dot(gradient[x], v))


def reverse_over_recorded(loss: Loss, x: Array, v: Array) -> Array:
    @do
    def program() -> Do[tuple[NodeId, NodeId], Any]:
        at, along = (yield from leaf(x)), (yield from const(v))
        return at, (yield from slope_along(loss, at, along))

    (at, out), tape = program().run().unwrap()
    return backward(tape, out, 1, wrt=[at]).unwrap().get(at, _nothing(x))


def recorded_over_recorded(loss: Loss, x: Array, v: Array) -> Array:
    @do
    def program() -> Do[Array, Any]:
        at, along = (yield from leaf(x)), (yield from const(v))
        slope = yield from slope_along(loss, at, along)
        product = yield from backward_m(slope, wrt=[at])
        if at not in product:
            return _nothing(x)
        return (yield from value_of(product[at]))

    return program().eval().unwrap()


def forward_over_recorded(loss: Loss, x: Array, v: Array) -> Array:
    @do
    def gradient(at: NodeId) -> Do[NodeId, Any]:
        y = yield from loss(at)
        return (yield from backward_m(y, wrt=[at]))[at]

    @do
    def program() -> Do[Array, Any]:
        at, along = (yield from leaf(x)), (yield from const(v))
        _, product = yield from jvp_m(gradient, at, along)
        return (yield from value_of(product))

    return program().eval().unwrap()


def reverse_over_forward(loss: Loss, x: Array, v: Array) -> Array:
    @do
    def program() -> Do[tuple[NodeId, NodeId], Any]:
        at, along = (yield from leaf(x)), (yield from const(v))
        _, slope = yield from jvp_m(loss, at, along)
        return at, slope

    (at, out), tape = program().run().unwrap()
    return backward(tape, out, 1, wrt=[at]).unwrap()[at]


def recorded_over_forward(loss: Loss, x: Array, v: Array) -> Array:
    @do
    def program() -> Do[Array, Any]:
        at, along = (yield from leaf(x)), (yield from const(v))
        _, slope = yield from jvp_m(loss, at, along)
        product = yield from backward_m(slope, wrt=[at])
        return (yield from value_of(product[at]))

    return program().eval().unwrap()


COMPOSITIONS: Final = (
    forward_over_reverse,
    reverse_over_recorded,
    recorded_over_recorded,
    forward_over_recorded,
    reverse_over_forward,
    recorded_over_forward,
)


def _nothing(x: Array) -> Array:
    """Zeros, also where there is infinity."""
    return namespace_of(x).zeros_like(x)
