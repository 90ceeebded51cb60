"""Under jit a failing input gives the failure that it gives without."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    add,
    backward_m,
    const,
    cross_entropy,
    do,
    gather,
    hessian_input,
    hvp_params,
    jit,
    jvp,
    log,
    mean_scalar_over,
    mul,
    reshape,
    smooth_max_pool,
    sum_,
    throw,
    value_and_grad,
)
from tapem_dsl.tape.equality import same

# Any, throughout: arrays of any scalar type.

ROW = np.array([1.0, 2.0, 3.0])


@do
def logarithms(w: NodeId) -> Do[NodeId, Any]:
    return (yield from sum_((yield from log(w))))


@do
def labelled(w: NodeId, labels: Any) -> Do[NodeId, Any]:
    digits = yield from const(labels)
    return (yield from cross_entropy(w, digits))


@do
def summed_with(w: NodeId, x: Any) -> Do[NodeId, Any]:
    other = yield from const(x)
    return (yield from sum_((yield from add(w, other))))


@do
def of_items(w: NodeId, xs: Any) -> Do[NodeId, Any]:
    return (yield from mean_scalar_over("t", list(xs), lambda x: summed_with(w, x)))


@do
def pooled(w: NodeId) -> Do[NodeId, Any]:
    y = yield from smooth_max_pool(w, kernel=2, beta=1e-60)
    return (yield from sum_(y))


@do
def refused(w: NodeId) -> Do[NodeId, Any]:
    y = yield from mul(w, w)
    yield from throw("no")
    return y


MATRIX = np.arange(6.0).reshape(2, 3)
CASES: dict[str, tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = {
    "not positive": (logarithms, (ROW,), (-ROW,)),
    "zero": (logarithms, (ROW,), (ROW - 1,)),
    "nan": (logarithms, (ROW,), (ROW * np.nan,)),
    "a label": (labelled, (MATRIX, np.array([0, 2])), (MATRIX, np.array([0, 3]))),
    "negative": (labelled, (MATRIX, np.array([0, 2])), (MATRIX, np.array([-1, 0]))),
    "shapes": (summed_with, (ROW, ROW), (ROW, np.ones(2))),
    "dtypes": (summed_with, (ROW, ROW), (ROW, ROW.astype(np.float32))),
    "no items": (of_items, (ROW, [ROW, ROW]), (ROW, [])),
    "an item": (of_items, (ROW, [ROW, ROW]), (ROW, [ROW, np.ones(2)])),
    "thrown": (refused, (ROW,), (ROW,)),
    "no scalar": (lambda w: mul(w, w), (np.float64(1),), (ROW,)),
    "no such shape": (lambda w: reshape(w, (7,)), (np.ones(7),), (ROW,)),
    "beta": (pooled, (np.ones((1, 4), np.float32),), (np.ones((1, 4), np.float32),)),
    "an index": (
        lambda w, at: const(at).bind(lambda i: gather(w, i)).bind(sum_),
        (ROW, np.array([0, 1])),
        (ROW, np.array([0.0, 1.0])),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_failure_is_the_eager_one(name: str) -> None:
    program, good, bad = CASES[name]
    eager: Any = value_and_grad(program)
    step = jit(eager)
    for arguments in (good, bad, good, bad):
        expected = eager(*arguments)
        assert same(step(*arguments), expected)
    assert eager(*bad).failure()


def test_a_failure_at_first_is_no_plan() -> None:
    eager = value_and_grad(logarithms)
    step = jit(eager)
    for x in (-ROW, ROW, -ROW, ROW * 2):
        assert same(step(x), eager(x))
    assert "1 plan, 1 run of a plan" in step.report()
    assert "as it is, 2 times: a precondition failed" in step.report()


@do
def slope_of_log(w: NodeId) -> Do[NodeId, Any]:
    y = yield from sum_((yield from log(w)))
    slopes = yield from backward_m(y, wrt=[w])
    return (yield from sum_((yield from mul(slopes[w], slopes[w]))))


DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "jvp": lambda x: jvp(lambda p, _: log(p).bind(sum_), x, None, x),
    "hvp": lambda x: hvp_params(lambda p, _: log(p).bind(sum_), x, None, x),
    "hessian": lambda x: hessian_input(lambda w: log(w).bind(sum_), x),
    "gradient of a gradient": value_and_grad(slope_of_log),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_precondition_inside_of_a_derivative_is_a_check(name: str) -> None:
    eager = DERIVATIVES[name]
    step = jit(eager)
    for x in (ROW, -ROW, ROW * 2.0, ROW * np.nan):
        assert same(step(x), eager(x))
    assert eager(-ROW).failure()
    assert "1 plan, 1 run of a plan" in step.report()


def test_a_handler_sees_the_failure() -> None:
    def guarded(w: NodeId) -> Any:
        return log(w).lash(lambda error: const(np.float64(len(error.message))))

    eager = value_and_grad(lambda w: guarded(w).bind(lambda y: mul(y, y)))
    step = jit(eager)
    for x in (np.float64(2), np.float64(-2), np.float64(3), np.float64(0)):
        assert same(step(x), eager(x))


def test_what_the_plan_raises_the_function_raises_itself() -> None:
    class Odd(Exception):
        pass

    calls: list[int] = []

    def function(x: Any, callback: Callable[[Any], Any]) -> Any:
        calls.append(1)
        return callback(x) * 2.0

    def callback(x: Any) -> Any:
        raise Odd

    step = jit(function)
    with pytest.raises(Odd):
        step(ROW, callback)
    assert len(calls) == 2  # noted, then as it is
