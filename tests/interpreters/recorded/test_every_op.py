"""Every op under recorded sweeps: the same numbers, as nodes that have derivatives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import (
    Array,
    Do,
    NodeId,
    TapeM,
    add,
    backward,
    backward_m,
    const,
    do,
    leaf,
    map_m,
    mul,
    scale,
    sum_,
    value_of,
)
from tapem_dsl.interpreters.forward import Dual
from tapem_dsl.interpreters.forward.dual import tangent_at
from tests.oracles import (
    assert_fractions,
    brief,
    cases,
    gradient,
    jax_gradient_along,
    real_cotangents,
    real_operands,
    reals,
    recorded_gradient,
    sample,
    weighed,
)
from tests.specs.every import each_op, each_rational_op
from tests.specs.spec import Spec


@do
def product(ids: tuple[NodeId, ...], vs: tuple[Array, ...]) -> Do[NodeId, Any]:
    """The gradients times directions, summed."""
    total = yield from sum_(ids[0])
    total = yield from scale(total, 0)
    for id, v in zip(ids, vs, strict=True):
        direction = yield from const(v)
        products = yield from mul(id, direction)
        part = yield from sum_(products)
        total = yield from add(total, part)
    return total


def along(
    spec: Spec, xs: tuple[Array, ...], vs: tuple[Array, ...], g: Array
) -> list[Array]:
    """Differentiate the gradient along directions, by a sweep over the recorded one."""
    ids, tape = recorded_gradient(spec, xs, g)
    out, tape = product(ids, vs).run(tape).unwrap()
    slots = backward(tape, out, 1).unwrap()
    return [np.asarray(slots.get(NodeId(i), 0 * x)) for i, x in enumerate(xs)]


# -- every op --------------------------------------------------------------------------


@each_op
@brief
@given(data=st.data())
def test_recorded_gradients_are_the_numeric_ones_to_the_last_bit(
    spec: Spec, data: st.DataObject
) -> None:
    case = data.draw(cases(spec))
    for dtype in (np.float64, np.float32, *[object] * spec.rational):
        xs, _, g = case.of(dtype)
        ids, tape = recorded_gradient(spec, xs, g)
        for id, numeric in zip(ids, gradient(spec, xs, g), strict=True):
            value = tape[id].value
            np.testing.assert_array_equal(value, numeric, strict=True)
            assert not value.flags.writeable
            if dtype is object:
                assert_fractions(value)


@each_op
@brief
@given(data=st.data())
def test_derivatives_of_recorded_gradients_are_those_of_jax(
    spec: Spec, data: st.DataObject
) -> None:
    xs = data.draw(real_operands(spec, 2))
    vs = tuple(data.draw(reals(x.shape, 2))[()] for x in xs)
    g = data.draw(real_cotangents(spec, xs, 2))
    theirs = jax_gradient_along(spec)(xs, vs, g)
    for ours, their in zip(along(spec, xs, vs, g), theirs, strict=True):
        np.testing.assert_allclose(ours, their, rtol=1e-9, atol=1e-9)


@each_rational_op
@brief
@given(data=st.data())
def test_over_rationals_recorded_sweeps_and_duals_agree(
    spec: Spec, data: st.DataObject
) -> None:
    xs, vs, g = data.draw(cases(spec)).of(object)
    duals = tuple(Dual(x, v, 1) for x, v in zip(xs, vs, strict=True))
    by_duals = [tangent_at(slot, 1) for slot in gradient(spec, duals, g)]
    for ours, theirs in zip(along(spec, xs, vs, g), by_duals, strict=True):
        assert ours.tolist() == theirs.tolist()


@each_op
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_recorded_node_has_the_scalar_type(spec: Spec, dtype: Any) -> None:
    xs, _, g = sample(spec).of(dtype)
    _, tape = recorded_gradient(spec, xs, g)
    assert {node.value.dtype for node in tape} <= {
        *map(np.dtype, (dtype, np.bool_, np.int64))
    }


@each_op
def test_three_nested_sweeps_agree_with_three_levels_of_duals(spec: Spec) -> None:
    """The third derivative is that of three sweeps, each over the one before."""
    xs, vs, g = sample(spec).of(np.float64)
    g = np.asarray(g)[()]

    @do
    def slope(ids: tuple[NodeId, ...], order: int) -> Do[NodeId, Any]:
        if not order:
            return (yield from weighed(spec, ids, g))
        inner = yield from slope(ids, order - 1)
        found = yield from backward_m(inner, wrt=ids)
        parts = tuple(found[id] for id in ids if id in found)
        if not parts:
            return (yield from scale(inner, 0))
        there = tuple(v for id, v in zip(ids, vs, strict=True) if id in found)
        return (yield from product(parts, there))

    leaves: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, xs)
    third = leaves.bind(lambda ids: slope(ids, 3)).bind(value_of).eval().unwrap()
    nested = xs
    for level in (1, 2, 3):
        nested = tuple(Dual(x, v, level) for x, v in zip(nested, vs, strict=True))
    of_duals: TapeM[tuple[NodeId, ...], Any] = map_m(leaf, nested)
    value = of_duals.bind(lambda ids: weighed(spec, ids, g)).bind(value_of)
    expected: Any = value.eval().unwrap()
    for level in (3, 2, 1):
        expected = tangent_at(expected, level)
    assert third == pytest.approx(float(expected), rel=1e-9, abs=1e-9)
