"""Every op under the derivatives of programs: against its rule and against JAX."""

from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapem_dsl import Do, NodeId, TapeM, const, do, hessian_input, hvp_params, jvp, vjp
from tests.oracles import (
    assert_close,
    brief,
    inner,
    jax_gradient_along,
    real_cotangents,
    real_operands,
    reals,
    sample,
    weighed,
)
from tests.specs.every import each_op, each_operand
from tests.specs.spec import Spec


@cache
def jax_jvp(spec: Spec) -> Any:  # Any: a compiled function
    return jax.jit(lambda xs, vs: jax.jvp(spec.oracle, xs, vs))


@each_op
@brief
@given(data=st.data())
def test_first_derivatives_are_those_of_jax(spec: Spec, data: st.DataObject) -> None:
    xs = data.draw(real_operands(spec, 2))
    vs = tuple(data.draw(reals(x.shape, 2))[()] for x in xs)
    g = data.draw(real_cotangents(spec, xs, 2))

    def program(ids: tuple[NodeId, ...], _: None) -> TapeM[NodeId, Any]:
        return spec.apply(*ids)

    value, tangent = jvp(program, xs, None, vs).unwrap()
    theirs = jax_jvp(spec)(xs, vs)
    assert_close(value, theirs[0])
    assert_close(tangent, theirs[1])
    slots, _ = vjp(program, xs, None, g).unwrap()
    back = sum(inner(slot, v) for slot, v in zip(slots, vs, strict=True))
    assert back == pytest.approx(inner(g, tangent), rel=1e-9, abs=1e-9)


@each_op
@brief
@given(data=st.data())
def test_hessian_vector_products_are_those_of_jax(
    spec: Spec, data: st.DataObject
) -> None:
    xs = data.draw(real_operands(spec, 2))
    vs = tuple(data.draw(reals(x.shape, 2))[()] for x in xs)
    g = data.draw(real_cotangents(spec, xs, 2))
    product = hvp_params(lambda ids, _: weighed(spec, ids, g), xs, None, vs).unwrap()
    for ours, theirs in zip(product, jax_gradient_along(spec)(xs, vs, g), strict=True):
        assert_close(ours, theirs)


@each_operand
def test_hessians_are_those_of_jax(spec: Spec, operand: int) -> None:
    """The Hessian in one operand is JAX's, column by column."""
    xs, _, g = sample(spec, 1 if operand and len(spec.few) > 1 else 0).of(np.float64)
    g = np.asarray(g)[()]
    x = xs[operand]

    @do
    def loss(z: NodeId) -> Do[NodeId, Any]:
        ids = []
        for i, other in enumerate(xs):
            ids.append(z if i == operand else (yield from const(other)))
        return (yield from weighed(spec, tuple(ids), g))

    ours = hessian_input(loss, x).unwrap()
    assert ours.shape == x.shape * 2
    for at in np.ndindex(x.shape):
        vs = [np.zeros(other.shape)[()] for other in xs]
        unit = np.zeros(x.shape)
        unit[at] = 1
        vs[operand] = unit[()]
        row = jax_gradient_along(spec)(xs, tuple(vs), g)[operand]
        np.testing.assert_allclose(ours[at], row, rtol=1e-9, atol=1e-9)
