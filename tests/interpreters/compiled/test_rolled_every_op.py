"""Every op in loops that are rolled up: in means, in chains, and in nested loops."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    broadcast_to,
    const,
    do,
    map_m,
    mean_scalar_over,
    mul,
    scale,
    shift_by,
    sigmoid,
    sum_,
    value_and_grad,
)
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled
from tests.interpreters.compiled.test_every_op import operands
from tests.specs.every import each_op
from tests.specs.spec import Spec

# Any, throughout: arrays of any scalar type, and nodes of them.

SAMPLES, STEPS = 6, 5
WHICH = ["all", "first", "last"]


def chosen(spec: Spec, which: str) -> list[int]:
    """Which operands each sample has its own of."""
    every = list(range(spec.arity))
    return {"all": every, "first": every[:1], "last": every[-1:]}[which]


def drawn(spec: Spec, shapes: Any, own: list[int], seed: int, dtype: Any) -> Any:
    """Shared operands and weights, and samples that are scaled by a bit each."""
    shared = operands(spec, shapes, seed, dtype)
    shape = spec.op.shape(*shapes)
    weights = np.random.default_rng(9 + seed).normal(size=shape).astype(dtype)[()]
    samples = [
        [(shared[i] * (1 + k / 16)).astype(dtype)[()] for i in own]
        for k in range(SAMPLES)
    ]
    return shared, weights, samples


def beside(
    shared: list[NodeId], own: list[int], ours: Sequence[NodeId]
) -> list[NodeId]:
    places = dict(zip(own, ours, strict=True))
    return [places.get(i, id) for i, id in enumerate(shared)]


@do
def weighted(spec: Spec, ids: list[NodeId], w: NodeId) -> Do[NodeId, Any]:
    y = yield from spec.apply(*ids)
    return (yield from sum_((yield from mul(y, w))))


@do
def mean_of(spec: Spec, own: list[int], p: Any, samples: Any) -> Do[NodeId, Any]:
    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        ours = yield from map_m(const, sample)
        return (yield from weighted(spec, beside(p[0], own, ours), p[1]))

    return (yield from mean_scalar_over("t", samples, loss_of))


@do
def mean_of_parameters(spec: Spec, own: list[int], p: Any) -> Do[NodeId, Any]:
    """The same, and each sample has gradients."""
    return (
        yield from mean_scalar_over(
            "t", p[2], lambda ours: weighted(spec, beside(p[0], own, ours), p[1])
        )
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("which", WHICH)
@each_op
def test_means(spec: Spec, which: str, dtype: Any) -> None:
    own = chosen(spec, which)
    for shapes in spec.few[:2] if which == "first" else spec.few[:1]:
        calls = [drawn(spec, shapes, own, seed, dtype) for seed in range(3)]
        report = assert_rolled(
            value_and_grad(lambda p, xs: mean_of(spec, own, p, xs)),
            *[(call[:2], call[2]) for call in calls],
        )
        assert is_rolled(report)
        report = assert_rolled(
            value_and_grad(lambda p: mean_of_parameters(spec, own, p)),
            *[(call,) for call in calls],
        )
        assert is_rolled(report)


@do
def squashed(y: NodeId, shape: Any, *, is_alike: bool) -> Do[NodeId, Any]:
    """Between 1/2 and 3/2, which every op takes."""
    if not is_alike:
        y = yield from broadcast_to((yield from sum_(y)), shape)
    return (yield from shift_by((yield from sigmoid((yield from scale(y, 0.5)))), 0.5))


@do
def chained(spec: Spec, i: int, shapes: Any, p: Any, times: int) -> Do[NodeId, Any]:
    """The operand that is carried through steps, each of which applies the op to it."""
    is_alike = spec.op.shape(*shapes) == shapes[i]
    ids = list(p)
    for _ in range(times):
        y = yield from spec.apply(*ids)
        ids[i] = yield from squashed(y, shapes[i], is_alike=is_alike)
    return (yield from sum_(ids[i]))


@each_op
def test_chains(spec: Spec) -> None:
    shapes = spec.few[0]
    for i in range(spec.arity):
        for dtype in [np.float64, np.float32][: 2 - i]:
            report = assert_rolled(
                value_and_grad(lambda p, i=i: chained(spec, i, shapes, p, 9)),
                *[(operands(spec, shapes, seed, dtype),) for seed in range(3)],
            )
            assert is_rolled(report)


@do
def nested(spec: Spec, own: list[int], p: Any, samples: Any) -> Do[NodeId, Any]:
    """Steps in each sample; what is carried scales the weights."""

    @do
    def loss_of(sample: Any) -> Do[NodeId, Any]:
        ours = yield from map_m(const, sample)
        ids, w = beside(p[0], own, ours), p[1]
        total = yield from weighted(spec, ids, w)
        for _ in range(STEPS):
            w = yield from squashed(w, (), is_alike=True)
            total = yield from add(total, (yield from weighted(spec, ids, w)))
        return total

    return (yield from mean_scalar_over("t", samples, loss_of))


@each_op
def test_nested(spec: Spec) -> None:
    own = chosen(spec, "first")
    calls = [drawn(spec, spec.few[0], own, seed, np.float64) for seed in range(2)]
    report = assert_rolled(
        value_and_grad(lambda p, xs: nested(spec, own, p, xs)),
        *[(call[:2], call[2][:STEPS]) for call in calls],
    )
    assert is_rolled(report)
