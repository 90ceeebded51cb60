"""Comparisons, logical ops and ``where``: nothing passes back to a condition."""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax import numpy as jnp

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    Tape,
    TapeM,
    apply_op,
    backward,
    backward_scalar,
    broadcast_to,
    const,
    do,
    equal,
    greater,
    greater_equal,
    jvp,
    leaf,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    map_m,
    not_equal,
    rationals,
    sum_,
    where,
)
from tapem_dsl.errors import DTypeMismatch, ShapeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.ops.conditions import Where
from tapem_dsl.tape.equality import same
from tests.oracles import (
    assert_close,
    assert_fractions,
    both_parts,
    from_eighths,
    inner,
    thorough,
)

COMPARISONS = [
    (less, np.less),
    (less_equal, np.less_equal),
    (greater, np.greater),
    (greater_equal, np.greater_equal),
    (equal, np.equal),
    (not_equal, np.not_equal),
]
shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)


def run(op: Any, *xs: Array, flags: tuple[bool, ...] | None = None) -> Tape[Any]:
    wanted = flags or tuple(x.dtype.kind in "fO" for x in xs)
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(
        lambda pair: leaf(pair[0], requires_grad=pair[1]),
        list(zip(xs, wanted, strict=True)),
    )
    return leaves.bind(lambda ids: op(*ids)).exec().unwrap()


def result(op: Any, *xs: Array) -> Array:
    return run(op, *xs).nodes()[-1].value


def applied(op: Any, ids: tuple[NodeId, ...]) -> TapeM[NodeId, Any]:
    program: TapeM[NodeId, Any] = op(*ids)
    return program


# -- comparisons -----------------------------------------------------------------------


@pytest.mark.parametrize(("op", "oracle"), COMPARISONS, ids=lambda f: f.__name__)
@thorough
@given(data=st.data())
def test_comparisons_are_numpys_over_every_scalar(
    op: Any, oracle: Any, data: Any
) -> None:
    shape = data.draw(shapes)
    entries = st.sampled_from([-1.0, -0.0, 0.0, 0.5, np.inf, np.nan])
    a, b = (data.draw(hnp.arrays(np.float64, shape, elements=entries)) for _ in "ab")
    for dtype in (np.float64, np.float32):
        found = result(op, a.astype(dtype)[()], b.astype(dtype)[()])
        assert found.dtype == np.bool_
        np.testing.assert_array_equal(found, oracle(a, b), strict=True)
    halves = hnp.arrays(np.int64, shape, elements=st.integers(-2, 2))
    p, q = (data.draw(halves) for _ in "pq")
    exact = result(op, from_eighths(p, object), from_eighths(q, object))
    assert exact.dtype == np.bool_
    np.testing.assert_array_equal(exact, oracle(p, q))


@pytest.mark.parametrize(("op", "oracle"), COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [np.float64(1), np.ones(2), rationals([1, 2])])
def test_a_condition_is_never_differentiable(op: Any, oracle: Any, x: Array) -> None:
    tape = run(op, x, x)
    assert len(tape) == 3
    assert [node.requires_grad for node in tape] == [True, True, False]
    assert not tape.nodes()[-1].value.flags.writeable
    assert tape.nodes()[-1].label == op.__name__


def test_a_dual_is_compared_by_its_primal() -> None:
    dual = Dual(np.array([1.0, 3.0]), np.array([9.0, -9.0]), 1)
    for op, oracle in COMPARISONS[:4]:
        two = np.array([2.0, 3.0])
        tape = run(op, two, two)
        mixed: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, [dual, two])
        (*_, node) = mixed.bind(partial(applied, op)).exec().unwrap()
        np.testing.assert_array_equal(node.value, oracle(dual.primal, two))
        assert len(tape) == 3


# -- logic -----------------------------------------------------------------------------

TRUTH = np.array([[False, False], [True, True]])
OTHER = TRUTH.T.copy()


def test_logical_ops_follow_their_truth_tables() -> None:
    assert result(logical_and, TRUTH, OTHER).tolist() == [[0, 0], [0, 1]]
    assert result(logical_or, TRUTH, OTHER).tolist() == [[0, 1], [1, 1]]
    assert result(logical_not, TRUTH).tolist() == [[1, 1], [0, 0]]
    for a in (False, True):
        assert result(logical_not, np.bool_(a)) == (not a)
        for b in (False, True):
            assert result(logical_and, np.bool_(a), np.bool_(b)) == (a and b)
            assert result(logical_or, np.bool_(a), np.bool_(b)) == (a or b)


@pytest.mark.parametrize("x", [np.ones((2, 2)), np.ones((2, 2), np.int64)])
def test_numbers_are_no_truth_values(x: Array) -> None:
    for op in (logical_and, logical_or):
        both: TapeM[tuple[NodeId, ...], Any] = map_m(const, [TRUTH, x])
        error = both.bind(partial(applied, op)).run().failure()
        assert isinstance(error, DTypeMismatch)
    assert isinstance(const(x).bind(logical_not).run().failure(), DTypeMismatch)
    compared = const(TRUTH).bind(lambda a: less(a, a)).run().failure()
    assert isinstance(compared, DTypeMismatch)


# -- the choice ------------------------------------------------------------------------


def chosen(condition: Array, a: Array, b: Array, g: Array) -> tuple[Array, ...]:
    tape = run(where, condition, a, b)
    slots = backward(tape, NodeId(3), g).unwrap()
    assert set(slots) == {1, 2, 3}
    return tape.nodes()[3].value, slots[NodeId(1)], slots[NodeId(2)]


@thorough
@given(data=st.data())
def test_the_choice_and_its_gradients_are_those_of_jax(data: Any) -> None:
    shape = data.draw(st.sampled_from([(), (3,), (2, 0), (2, 3)]))
    reals = hnp.arrays(np.float64, shape, elements=st.floats(-9, 9, width=32))
    condition = data.draw(hnp.arrays(np.bool_, shape))
    a, b, g = (data.draw(reals) for _ in "abg")
    y, to_a, to_b = chosen(condition[()], a[()], b[()], g[()])
    theirs, pull = jax.vjp(partial(jnp.where, condition), a, b)
    assert_close(np.asarray(y), theirs)
    for ours, their in zip((to_a, to_b), pull(jnp.asarray(g)), strict=True):
        assert_close(np.asarray(ours), their)


@thorough
@given(data=st.data())
def test_the_choice_is_exact_and_its_rule_the_adjoint(data: Any) -> None:
    shape = data.draw(shapes)
    integers = hnp.arrays(np.int64, shape, elements=st.integers(-9, 9))
    condition = data.draw(hnp.arrays(np.bool_, shape))
    a, b, v, w, g = (from_eighths(data.draw(integers), object) for _ in range(5))
    y, to_a, to_b = chosen(condition[()], a, b, g)
    for array in (y, to_a, to_b):
        assert_fractions(array)
    duals: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, [Dual(a, v, 1), Dual(b, w, 1)])
    program = const(condition[()]).bind(
        lambda c: duals.bind(lambda ids: where(c, *ids))
    )
    out, tape = program.run().unwrap()
    primal, along = both_parts(tape[out].value)
    assert primal.tolist() == y.tolist()
    assert inner(g, along) == inner(to_a, v) + inner(to_b, w)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(), (3,), (5000,)])
def test_what_is_not_chosen_has_no_gradient_even_of_inf(
    dtype: type, shape: tuple[int, ...]
) -> None:
    yes: Array = np.ones(shape, np.bool_)[()]
    ones: Array = np.ones(shape, dtype)[()]
    _, to_a, to_b = chosen(yes, ones, ones, np.full(shape, np.inf, dtype)[()])
    assert to_a.dtype == to_b.dtype == dtype
    assert np.isinf(to_a).all()
    assert (to_b == 0).all()


@pytest.mark.parametrize("flags", [(False, True), (True, False), (False, False)])
def test_where_requires_a_gradient_where_a_choice_does(
    flags: tuple[bool, bool],
) -> None:
    ones = np.ones(2)
    tape = run(where, np.array([True, False]), ones, ones, flags=(False, *flags))
    assert tape.nodes()[3].requires_grad == any(flags)
    slots = backward(tape, NodeId(3), ones).unwrap()
    assert set(slots) == {i + 1 for i in (0, 1) if flags[i]} | {3}


def test_a_choice_before_the_op_keeps_it_from_failing() -> None:
    """``log`` refuses what is not positive, unless ``where`` replaces it before."""

    @do
    def safe() -> Do[NodeId]:
        x = yield from leaf(np.array([-1.0, np.e]))
        zeros = yield from const(np.zeros(2))
        ones = yield from const(np.ones(2))
        positive = yield from greater(x, zeros)
        harmless = yield from where(positive, x, ones)
        logarithm = yield from log(harmless)
        return (yield from where(positive, logarithm, zeros))

    y, tape = safe().bind(sum_).run().unwrap()
    assert tape[y].value == 1
    gradient = backward_scalar(tape, y).unwrap()[NodeId(0)]
    assert gradient.tolist() == [0, 1 / np.e]


@pytest.mark.parametrize(
    ("condition", "a", "b", "kind"),
    [
        (np.True_, np.ones(2), np.ones(2), ShapeMismatch),
        (TRUTH, np.ones((2, 2)), np.ones((2, 1)), ShapeMismatch),
        (np.ones(2), np.ones(2), np.ones(2), DTypeMismatch),
        (TRUTH, TRUTH, np.ones((2, 2)), DTypeMismatch),
        (TRUTH, np.ones((2, 2), int), np.ones((2, 2)), DTypeMismatch),
        (TRUTH, np.ones((2, 2)), np.ones((2, 2), np.float32), DTypeMismatch),
        (TRUTH, np.ones((2, 2)), rationals([[1, 1], [1, 1]]), DTypeMismatch),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    condition: Array, a: Array, b: Array, kind: type
) -> None:
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(const, [condition, a, b])
    error = leaves.bind(lambda ids: where(*ids)).run().failure()
    assert isinstance(error, kind)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int64, np.uint16])
def test_conditions_and_labels_are_chosen_too(dtype: type[np.generic]) -> None:
    a, b = np.array([[1, 0], [1, 0]], dtype), np.array([[0, 1], [1, 0]], dtype)
    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(const, [TRUTH, a, b])
    out, tape = leaves.bind(lambda ids: where(*ids)).run().unwrap()
    np.testing.assert_array_equal(tape[out].value, np.where(TRUTH, a, b), strict=True)
    assert not tape[out].requires_grad


def test_a_condition_is_broadcast_on_the_tape() -> None:
    @do
    def masked(row: Array, x: Array) -> Do[NodeId]:
        few = yield from const(row)
        condition = yield from broadcast_to(few, x.shape)
        entries = yield from leaf(x)
        zeros = yield from const(np.zeros(x.shape))
        chosen = yield from where(condition, entries, zeros)
        return (yield from sum_(chosen))

    x = np.arange(6.0).reshape(3, 2)
    out, tape = masked(np.array([True, False]), x).run().unwrap()
    assert tape[out].value == x[:, 0].sum()
    gradient = next(iter(backward_scalar(tape, out, wrt=[NodeId(2)]).unwrap().values()))
    assert gradient.tolist() == [[1, 0]] * 3


@pytest.mark.parametrize("number", [0.0, np.inf, np.nan])
def test_the_tangent_of_a_constant_that_is_chosen_is_exactly_0(number: float) -> None:
    def chosen(_: None, x: NodeId) -> TapeM[NodeId, Any]:
        both: TapeM[tuple[NodeId, ...], Any] = map_m(
            const, [np.array([True, False]), np.full(2, number)]
        )
        return both.bind(lambda ids: where(ids[0], x, ids[1]))

    x = np.array([1.0, 2.0])
    _, tangent = jvp(chosen, None, x, None, np.array([5.0, np.inf])).unwrap()
    assert same(tangent, np.array([5.0, 0.0]))

    def other(_: None, x: NodeId) -> TapeM[NodeId, Any]:
        both: TapeM[tuple[NodeId, ...], Any] = map_m(
            const, [np.array([True, False]), np.full(2, number)]
        )
        return both.bind(lambda ids: where(ids[0], ids[1], x))

    _, tangent = jvp(other, None, x, None, np.array([np.nan, 5.0])).unwrap()
    assert same(tangent, np.array([0.0, 5.0]))


def test_a_wrong_number_of_operands_is_a_mistake_in_the_text() -> None:
    program = const(TRUTH).bind(lambda c: apply_op(Where(), c, c))
    with pytest.raises(TypeError, match="where takes 3 operands, not 2"):
        program.run()
