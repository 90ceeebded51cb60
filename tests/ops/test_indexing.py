"""``select``, ``index_select`` and ``scatter_add``, whose indices are parameters."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tapem_dsl import (
    Array,
    NodeId,
    TapeM,
    backward,
    const,
    index_select,
    leaf,
    map_m,
    rationals,
    scatter_add,
    select,
)
from tapem_dsl.errors import AxisOutOfRange, ShapeMismatch
from tests.oracles import assert_fractions, thorough
from tests.untyped import LOOSE

X = NodeId(0)
arrays = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
    elements=st.integers(-9, 9).map(float),
)


def of(op: Any, *xs: Any) -> Array:
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, xs)
    out, tape = leaves.bind(lambda ids: op(*ids)).run().unwrap()
    return tape[out].value


@thorough
@given(x=arrays, data=st.data())
def test_indexing_is_numpys_along_every_axis(x: Array, data: Any) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    indices = tuple(data.draw(st.lists(st.integers(0, n - 1), max_size=6)))
    taken = of(lambda i: index_select(i, indices, axis=axis), x)
    np.testing.assert_array_equal(taken, np.take(x, np.array(indices, int), axis))
    one = data.draw(st.integers(0, n - 1))
    np.testing.assert_array_equal(
        of(lambda i: select(i, one, axis=axis), x), np.take(x, one, axis)
    )
    total = of(lambda b, s: scatter_add(b, s, indices, axis=axis), x, taken)
    expected = np.moveaxis(x.copy(), axis, 0)
    for index in indices:  # in order, one after the other
        expected[index] += np.moveaxis(x, axis, 0)[index]
    np.testing.assert_array_equal(total, np.moveaxis(expected, 0, axis))


def test_a_repeated_index_receives_all_its_contributions_exactly() -> None:
    x = leaf(rationals(["1/3", "1/7"]))
    out, tape = x.bind(lambda i: index_select(i, (1, 1, 0, 1))).run().unwrap()
    gradient = backward(tape, out, rationals([1, 2, "1/2", 4])).unwrap()[X]
    assert_fractions(gradient)
    assert [str(entry) for entry in gradient] == ["1/2", "7"]


def test_no_index_takes_nothing_and_adds_nothing() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert of(lambda i: index_select(i, (), axis=1), x).shape == (2, 0)
    added = of(lambda b, s: scatter_add(b, s, (), axis=1), x, np.zeros((2, 0)))
    assert added.tolist() == x.tolist()


def test_the_base_stays_as_it_is() -> None:
    x = np.zeros(3)
    of(lambda b, s: scatter_add(b, s, (0, 0)), x, np.ones(2))
    assert x.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("op", "what"),
    [
        (lambda i: select(i, 3), "index 3 of axis 0"),
        (lambda i: select(i, -4), "index -4 of axis 0"),
        (lambda i: index_select(i, (-1, -5)), "index -5 of axis 0"),
        (lambda i: scatter_add(i, i, (0, -4, 1)), "index -4 of axis 0"),
        (lambda i: select(i, 0, axis=1), "axis 1"),
        (lambda i: index_select(i, (0, 5, 7), axis=-1), "index 5 of axis -1"),
        (lambda i: scatter_add(i, i, (0, 1, 3)), "index 3 of axis 0"),
    ],
)
def test_an_index_out_of_range_is_refused(op: Any, what: str) -> None:
    error = const(np.zeros(3)).bind(op).run().failure()
    assert isinstance(error, AxisOutOfRange)
    assert error.what == what


def test_a_source_of_another_shape_is_refused() -> None:
    error = const(np.zeros(3)).bind(lambda i: scatter_add(i, i, (0, 1))).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.wants == "a source of shape (2,)"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: LOOSE.select(X, 1.0), TypeError, "one integer for an index"),
        (lambda: LOOSE.select(X, True), TypeError, "one integer for an index"),
        (lambda: LOOSE.index_select(X, [0]), TypeError, "a tuple of integers"),
        (lambda: LOOSE.index_select(X, 0), TypeError, "a tuple of integers"),
        (lambda: LOOSE.index_select(X, (0,), axis=None), TypeError, "for axis"),
        (lambda: LOOSE.scatter_add(X, X, ("0",)), TypeError, "one integer"),
    ],
)
def test_a_mistake_in_the_text_raises_at_the_call(
    call: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_labels_are_torchleans() -> None:
    def label(op: Any) -> str:
        return const(np.zeros((2, 2))).bind(op).exec().unwrap().nodes()[-1].label

    assert label(lambda i: select(i, 1)) == "select(axis=0, index=1)"
    assert label(lambda i: index_select(i, (0,), axis=1)) == "index_select(axis=1)"
    assert label(lambda i: scatter_add(i, i, (1, 0))) == "scatter_add(axis=0)"
