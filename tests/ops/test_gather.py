"""``gather`` and ``index_add``, whose indices are nodes."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike

from tapem_dsl import (
    Array,
    NodeId,
    Shape,
    TapeM,
    apply_op,
    backward,
    const,
    gather,
    index_add,
    index_select,
    leaf,
    map_m,
    rationals,
)
from tapem_dsl.errors import AxisOutOfRange, DTypeMismatch, ShapeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import primal_at
from tapem_dsl.ops.indexing import Gather, IndexAdd
from tests.oracles import (
    assert_fractions,
    both_parts,
    eighths,
    from_eighths,
    inner,
    thorough,
)
from tests.untyped import LOOSE

X, INDICES = NodeId(0), NodeId(1)


# Any: the tape's scalar is the operand's.
def recorded(x: Array, indices: Array, axis: int) -> Any:
    """Record the operands, the entries trainable if they can be, and the op."""
    entries = leaf(x, requires_grad=x.dtype.kind in "fO")
    operands = entries.bind(lambda i: const(indices).map(lambda j: (i, j)))
    return operands.bind(lambda ids: gather(*ids, axis=axis)).run().unwrap()


def value(x: Array, indices: Array, axis: int = 0) -> Array:
    out, tape = recorded(x, indices, axis)
    return tape[out].value


def gradient(x: Array, indices: Array, g: Array, axis: int = 0) -> Array:
    out, tape = recorded(x, indices, axis)
    slots = backward(tape, out, g).unwrap()
    assert INDICES not in slots
    return slots[X]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """Eighths, indices in range and out of it, and an axis."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    dtype = draw(st.sampled_from([np.int64, np.int8, np.int32]))
    numbers = st.integers(-2, 6)
    of = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    indices = draw(hnp.arrays(dtype, of, elements=numbers))[()]
    return draw(eighths(shape)), indices, axis


@thorough
@given(case=cases(), data=st.data())
def test_an_index_out_of_range_gives_0_and_receives_nothing(
    case: Any, data: st.DataObject
) -> None:
    numbers, indices, axis = case
    x = from_eighths(numbers, object)
    front = np.moveaxis(x, axis, 0)
    left = axis % x.ndim
    rows = np.full((*indices.shape, *front.shape[1:]), Fraction(0), object)
    for at in np.ndindex(indices.shape):
        if 0 <= indices[at] < len(front):
            rows[at] = front[indices[at]]
    to = tuple(range(left, left + indices.ndim))
    expected = np.moveaxis(rows, tuple(range(indices.ndim)), to)
    y = value(x, indices, axis)
    assert_fractions(y)
    np.testing.assert_array_equal(y, expected, strict=True)
    floats = value(from_eighths(numbers, np.float64), indices, axis)
    np.testing.assert_array_equal(floats, np.asarray(expected, np.float64)[()])

    # <g, gather(v)> = <gradient, v> for all v of a basis: gather is linear
    g = from_eighths(data.draw(eighths(y.shape)), object)
    v = from_eighths(data.draw(eighths(x.shape)), object)
    back = gradient(x, indices, g, axis)
    assert_fractions(back)
    assert back.shape == x.shape
    assert inner(g, value(v, indices, axis)) == inner(back, v)
    single, of_one = (z.astype(np.float32)[()] for z in (x, g))
    singles = gradient(single, indices, of_one, axis)
    assert singles.dtype == np.float32


def test_repeated_indices_add_up() -> None:
    x, indices = np.array([1.0, 2.0, 3.0]), np.array([2, 0, 2, 2])
    g = np.array([1.0, 10.0, 100.0, 1000.0])
    assert gradient(x, indices, g).tolist() == [10, 0, 1101]


def test_gather_looks_rows_up_and_adds_their_gradients() -> None:
    table, words = np.arange(8.0).reshape(4, 2), np.array([[3, 0], [3, 3]])
    assert value(table, words).tolist() == [[[6, 7], [0, 1]], [[6, 7], [6, 7]]]
    assert gradient(table, words, np.ones((2, 2, 2))).tolist() == [
        *([1, 1], [0, 0], [0, 0], [3, 3])
    ]


@pytest.mark.parametrize("index", [2**64 - 1, 2**63, 2**40])
def test_indices_of_any_size_are_out_of_range(index: int) -> None:
    indices = np.array([index, 1], np.uint64)
    x = np.array([1.0, 2.0])
    assert value(x, indices).tolist() == [0, 2]
    assert gradient(x, indices, np.array([5.0, 7.0])).tolist() == [0, 7]


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_taken_does_not_show(bad: float) -> None:
    x, indices = np.array([bad, 2.0]), np.array([1, -1, 9])
    assert value(x, indices).tolist() == [2, 0, 0]
    g = np.array([1.0, bad, bad])
    assert gradient(x, indices, g).tolist() == [0, 1]


def test_index_select_gives_what_gather_gives() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    static = leaf(x).bind(lambda i: index_select(i, (1, 1, 3), axis=1))
    out, tape = static.run().unwrap()
    np.testing.assert_array_equal(value(x, np.array([1, 1, 3]), 1), tape[out].value)


def test_gather_carries_duals() -> None:
    x, v = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    y = value(Dual(x, v, 1), np.array([1, 5, 1]))
    primal, tangent = both_parts(y)
    assert (primal.tolist(), tangent.tolist()) == ([2, 0, 2], [20, 0, 20])
    back = gradient(Dual(x, v, 1), np.array([1, 5, 1]), np.array([1.0, 2.0, 3.0]))
    assert primal_at(back, 1).tolist() == [0, 4]


@pytest.mark.parametrize("trainable", [True, False])
def test_flags_are_those_of_the_entries(trainable: bool) -> None:
    table = leaf(np.ones(2), requires_grad=trainable)
    program = table.bind(lambda i: const(np.int64(1)).bind(lambda j: gather(i, j)))
    out, tape = program.run().unwrap()
    assert len(tape) == 3
    assert tape[out].requires_grad is trainable
    assert tape[out].label == "gather(axis=0)"
    assert tape[out].value == 1.0
    assert isinstance(tape[out].value, np.float64)
    assert gather(X, INDICES, axis=-1) == apply_op(Gather(-1), X, INDICES)


@pytest.mark.parametrize(
    ("x", "indices"),
    [
        (np.float64, np.float64),
        (np.float64, np.bool_),
        (np.int64, np.float64),
        (np.float64, object),
    ],
)
def test_indices_are_integers(x: DTypeLike, indices: DTypeLike) -> None:
    def of(dtype: DTypeLike) -> Array:
        return rationals([1]) if dtype is object else np.ones(1, dtype)

    program = const(of(x)).bind(
        lambda i: const(of(indices)).bind(lambda j: gather(i, j))
    )
    error = program.run().failure()
    assert isinstance(error, DTypeMismatch)
    assert error.wants.startswith("entries and integer indices")


@pytest.mark.parametrize("entries", [[True, False], np.array([7, 9], np.int8)])
def test_conditions_and_labels_are_looked_up_too(entries: Any) -> None:
    table = np.array(entries)
    found = value(table, np.array([[1, 1], [0, 5]]))
    expected = np.array([[table[1]] * 2, [table[0], 0]], table.dtype)
    np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize(("shape", "axis"), [((), 0), ((2,), 1), ((2, 2), -3)])
def test_an_axis_that_is_not_there_is_a_failure(shape: Shape, axis: int) -> None:
    table = const(np.ones(shape)[()])
    program = table.bind(
        lambda i: const(np.int64(0)).bind(lambda j: gather(i, j, axis=axis))
    )
    assert isinstance(program.run().failure(), AxisOutOfRange)


def test_more_axes_than_an_array_can_have_are_a_failure() -> None:
    table, indices = const(np.ones((1,) * 40)), const(np.zeros((1,) * 40, int))
    program = table.bind(lambda i: indices.bind(lambda j: gather(i, j)))
    assert isinstance(program.run().failure(), ShapeMismatch)


def test_the_axis_is_an_integer() -> None:
    with pytest.raises(TypeError, match="gather takes one integer for axis"):
        LOOSE.gather(X, INDICES, axis=[0])


# -- and back --------------------------------------------------------------------------


def added(base: Array, source: Array, indices: Array, axis: int) -> Any:
    """Record the operands, the indices a constant, and the op."""
    pair = leaf(base).bind(lambda i: leaf(source).map(lambda j: (i, j)))
    program = pair.bind(
        lambda ids: const(indices).bind(lambda k: index_add(*ids, k, axis=axis))
    )
    return program.run().unwrap()


@thorough
@given(case=cases(), data=st.data())
def test_adding_is_the_adjoint_of_picking(case: Any, data: st.DataObject) -> None:
    numbers, indices, axis = case
    base = from_eighths(numbers, object)
    shape = Gather(axis).shape(base.shape, indices.shape)
    source = from_eighths(data.draw(eighths(shape)), object)
    out, tape = added(base, source, indices, axis)
    picked = gradient(base, indices, source, axis)
    assert_fractions(tape[out].value)
    assert (tape[out].value == base + picked).all()
    g = from_eighths(data.draw(eighths(base.shape)), object)
    slots = backward(tape, out, g).unwrap()
    assert (slots[X] == g).all()
    assert (slots[NodeId(1)] == value(g, indices, axis)).all()
    assert NodeId(2) not in slots


def test_index_add_refuses_what_does_not_fit() -> None:
    x, i = np.ones(3), np.array([0, 1])
    for base, source, indices, wrong in (
        (x, np.ones(3), i, ShapeMismatch),
        (x, np.ones(2, np.float32), i, DTypeMismatch),
        (x, np.ones(2), np.ones(2), DTypeMismatch),
        (np.float64(1), np.ones(2), i, AxisOutOfRange),
    ):
        program: TapeM[NodeId, Any] = map_m(const, (base, source, indices)).bind(
            lambda ids: index_add(*ids)
        )
        assert isinstance(program.run().failure(), wrong)
    assert index_add(X, X, INDICES, axis=-1) == apply_op(IndexAdd(-1), X, X, INDICES)
    with pytest.raises(TypeError, match="index_add takes one integer for axis"):
        LOOSE.index_add(X, X, INDICES, axis=[0])
