"""Tapes that random programs leave behind, of several shapes and with mixed flags."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    NodeId,
    Shape,
    Tape,
    TapeM,
    abs_,
    add,
    broadcast_to,
    detach,
    leaf,
    max_,
    mul,
    rationals,
    reduce_sum,
    relu,
    scale,
    sub,
    sum_,
    transpose,
)

EVERY_DTYPE: Final = (
    *(object, np.float16, np.float32, np.float64, np.longdouble),
    *(np.int8, np.int64, np.uint8, np.bool_),
)
"""What a node may hold."""

SHAPES: Final[tuple[Shape, ...]] = ((), (2,), (2, 3), (3, 2), (0, 2))
DTYPES: Final = (object, np.float64, np.float32)
"""Exact rationals, and floats; small integers and halves are exact in all of them."""


def of_dtype(numbers: Any, dtype: Any) -> Array:
    """Give numbers as a tape of a scalar type would hold them."""
    if dtype is object:
        return rationals(numbers)
    return np.array(numbers, dtype)[()]


def arrays(shape: Shape, dtype: Any = object) -> st.SearchStrategy[Array]:
    """Small integers in an array."""
    count = int(np.prod(shape, dtype=int))
    numbers = st.lists(st.integers(-2, 2), min_size=count, max_size=count)
    return numbers.map(
        lambda entries: of_dtype(np.array(entries, int).reshape(shape), dtype)
    )


def zeros_like(x: Array) -> Array:
    """Give zeros of a shape and a scalar type."""
    zeros = np.zeros(x.shape, int)
    return rationals(zeros) if x.dtype == object else zeros.astype(x.dtype)[()]


def applicable(tape: Tape[Any], a: NodeId) -> list[TapeM[NodeId, Any]]:
    """Give every program of one op that goes on from a node."""
    shape = tape[a].value.shape
    alike = [b for b in tape.ids() if tape[b].value.shape == shape]
    found = [relu(a), abs_(a), sum_(a), detach(a)]
    found += [scale(a, factor) for factor in (-1, 2, Fraction(1, 2))]
    if len(shape) < 2:
        found.append(broadcast_to(a, (2, *shape)))
    if shape:
        found.append(reduce_sum(a, axis=0))
    if len(shape) == 2:
        found.append(transpose(a))
    return found + [op(a, b) for b in alike for op in (add, sub, mul, max_)]


@st.composite
def tapes(
    draw: st.DrawFn, dtype: Any = object, shapes: tuple[Shape, ...] = SHAPES
) -> Tape[Any]:
    """A tape of some leaves, trainable and frozen, and of ops of them."""
    tape: Tape[Any] = Tape()
    for _ in range(draw(st.integers(1, 3))):
        value = draw(arrays(draw(st.sampled_from(shapes)), dtype))
        flag = draw(st.sampled_from((True, True, True, False)))
        tape = leaf(value, requires_grad=flag).exec(tape).unwrap()
    # six at most, as float32 ends at 2 ** 128; integers would be drawn small
    for _ in range(draw(st.sampled_from((0, 3, 4, 5, 6)))):
        a = draw(st.sampled_from(tape.ids()))
        program = draw(st.sampled_from(applicable(tape, a)))
        tape = program.exec(tape).unwrap()
    return tape


def ids_of(tape: Tape[Any]) -> st.SearchStrategy[NodeId]:
    """Any node of a tape."""
    return st.sampled_from(tape.ids())
