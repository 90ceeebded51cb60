"""Cross-entropy on logits, whose labels are nodes of an integer type."""

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
    NodeId,
    TapeM,
    apply_op,
    backward,
    const,
    cross_entropy,
    leaf,
    rationals,
)
from tapem_dsl.arrays import EXACT, NUMPY
from tapem_dsl.errors import DTypeMismatch, OutsideDomain, ShapeMismatch
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import tangent_at
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.ops.losses import CrossEntropy
from tests.oracles import assert_close, thorough


def loss(logits: Array, labels: Array, *, flag: bool = True) -> TapeM[NodeId, Any]:
    rows: TapeM[NodeId, Any] = leaf(logits, requires_grad=flag)
    return rows.bind(lambda x: const(labels).bind(lambda y: cross_entropy(x, y)))


def value_and_gradient(logits: Array, labels: Array, g: Array) -> tuple[Array, Array]:
    out, tape = loss(logits, labels).run().unwrap()
    return tape[out].value, backward(tape, out, g).unwrap()[NodeId(0)]


def oracle(logits: Array, labels: Array) -> jax.Array:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1)
    return -jnp.mean(chosen)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Array, Array]:
    rows = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    classes = draw(st.sampled_from([1, 2, 5]))
    reals = st.floats(-30, 30, allow_subnormal=False)
    logits = draw(hnp.arrays(np.float64, (*rows, classes), elements=reals))
    kind = draw(st.sampled_from([np.int64, np.int32, np.uint8]))
    labels = draw(hnp.arrays(kind, rows, elements=st.integers(0, classes - 1)))
    return logits, labels[()]


@thorough
@given(batch=batches(), g=st.floats(-4, 4, allow_subnormal=False))
def test_value_and_gradient_are_those_of_jax(
    batch: tuple[Array, Array], g: float
) -> None:
    logits, labels = batch
    ours, gradient = value_and_gradient(logits, labels, g)
    theirs, pull = jax.vjp(lambda x: oracle(x, np.asarray(labels)), logits)
    assert_close(np.asarray(ours), theirs)
    assert_close(gradient, pull(jnp.asarray(g, theirs.dtype))[0])


def assert_adjoint(logits: Array, labels: Array, v: Array, gradient: Array) -> None:
    out, tape = loss(Dual(logits, v, 1), labels).run().unwrap()
    along = tangent_at(tape[out].value, 1)
    assert abs(along - np.sum(gradient * v)) <= 1e-13 * (1 + np.sum(np.abs(v)))


@thorough
@given(batch=batches(), data=st.data())
def test_the_rule_is_the_adjoint_of_the_derivative(
    batch: tuple[Array, Array], data: Any
) -> None:
    logits, labels = batch
    v = data.draw(hnp.arrays(np.float64, logits.shape, elements=st.floats(-2, 2)))
    _, gradient = value_and_gradient(logits, labels, 1.0)
    assert_adjoint(logits, labels, v, gradient)


def test_the_adjoint_test_notices_a_gradient_that_is_off_by_a_thousandth() -> None:
    logits, labels, v = np.array([0.5, -1.0]), np.int64(1), np.array([1.0, 0.25])
    _, gradient = value_and_gradient(logits, labels, 1.0)
    assert_adjoint(logits, labels, v, gradient)
    with pytest.raises(AssertionError):
        assert_adjoint(logits, labels, v, gradient * 1.001)


@pytest.mark.parametrize("rows", [(), (3,)])
def test_float32_stays_float32(rows: tuple[int, ...]) -> None:
    logits = np.ones((*rows, 4), np.float32)
    labels = np.zeros(rows, np.int64)[()]
    value, gradient = value_and_gradient(logits, labels, np.float32(1))
    assert value.dtype == gradient.dtype == np.float32


def test_labels_have_no_gradient_and_frozen_logits_run_no_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits, label = np.array([1.0, 2.0]), np.int64(0)
    out, tape = loss(logits, label).run().unwrap()
    assert [node.requires_grad for node in tape] == [True, False, True]
    assert set(backward(tape, out, 1.0).unwrap()) == {0, 2}
    rules: dict[Any, Any] = vjp_rules._rules  # Any: whatever stands for a rule
    monkeypatch.setitem(rules, CrossEntropy, pytest.fail)
    out, tape = loss(logits, label, flag=False).run().unwrap()
    assert not tape[out].requires_grad
    assert set(backward(tape, out, 1.0).unwrap()) == {out}


@pytest.mark.parametrize("top", [1e4, 1e300])
def test_large_logits_do_not_overflow(top: float) -> None:
    value, gradient = value_and_gradient(np.array([top, 0.0]), np.int64(1), 1.0)
    assert value == top
    assert gradient.tolist() == [1.0, -1.0]
    value, gradient = value_and_gradient(np.array([top, 0.0]), np.int64(0), 1.0)
    assert value == 0
    assert gradient.tolist() == [0.0, 0.0]


def test_a_nan_shows_and_no_rows_give_zero() -> None:
    value, gradient = value_and_gradient(np.array([np.nan, 0.0]), np.int64(0), 1.0)
    assert np.isnan(value)
    assert np.isnan(gradient).all()
    none = np.zeros((0, 3)), np.zeros((0,), np.int64)
    value, gradient = value_and_gradient(*none, 1.0)
    assert value == 0
    assert gradient.shape == (0, 3)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros(3), np.zeros(3, np.int64)),
        (np.zeros((2, 3)), np.int64(0)),
        (np.zeros((2, 3)), np.zeros(3, np.int64)),
        (np.zeros((2, 0)), np.zeros(2, np.int64)),
        (np.float64(1), np.int64(0)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(logits: Array, labels: Array) -> None:
    error = loss(logits, labels).run().failure()
    assert isinstance(error, ShapeMismatch)
    assert error.message == "autograd: shape mismatch"


@pytest.mark.parametrize("label", [1.0, np.bool_(1), np.float32(1), rationals(1)])
def test_labels_that_are_no_integers_are_refused(label: Array) -> None:
    error = loss(np.zeros(3), label).run().failure()
    assert isinstance(error, DTypeMismatch)
    assert "const(np.int64(3))" in str(error)


def test_logits_that_are_integers_are_refused() -> None:
    error = loss(np.zeros(3, np.int64), np.int64(1), flag=False).run().failure()
    assert isinstance(error, DTypeMismatch)


@pytest.mark.parametrize(
    ("logits", "labels", "entry", "index"),
    [
        (np.zeros(3), np.int64(3), "3", ()),
        (np.zeros(3), np.int8(-1), "-1", ()),
        (np.zeros((2, 3)), np.array([2, 3]), "3", (1,)),
        (np.zeros((2, 3)), np.array([-1, 7]), "-1", (0,)),
    ],
)
def test_labels_that_count_to_no_class_are_refused(
    logits: Array, labels: Array, entry: str, index: tuple[int, ...]
) -> None:
    error = loss(logits, labels).run().failure()
    assert isinstance(error, OutsideDomain)
    assert (error.entry, error.index) == (entry, index)
    assert "a label is outside 0 to 2" in error.message


def test_cross_entropy_over_rationals_is_refused() -> None:
    error = loss(rationals([1, 2]), np.int64(0)).run().failure()
    assert isinstance(error, OutsideDomain)


def test_rows_and_labels_are_the_same_in_both_bases() -> None:
    x, labels = np.arange(6.0).reshape(2, 3), np.array([2, 0])
    exact = rationals(x.astype(int))
    assert (
        EXACT.pick(exact, labels).tolist() == NUMPY.pick(x, labels).tolist() == [2, 3]
    )
    ones = NUMPY.one_hot(x, labels).tolist()
    assert EXACT.one_hot(exact, labels).tolist() == ones == [[0, 0, 1], [1, 0, 0]]
    assert (
        EXACT.canonical(EXACT.pick(exact[0], np.int64(2))) == NUMPY.pick(x[0], 2) == 2
    )


def test_a_wrong_number_of_operands_is_a_mistake_in_the_text() -> None:
    alone = leaf(np.zeros(3)).bind(lambda x: apply_op(CrossEntropy(), x))
    with pytest.raises(TypeError, match="takes 2 operands, not 1"):
        alone.run()
