"""Samples of different structure: calls of one kind and depth become neighbours."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import (
    Do,
    NodeId,
    const,
    do,
    dot,
    jit,
    log,
    mean_scalar_over,
    mul,
    tanh,
    value_and_grad,
)
from tapem_dsl.interpreters.compiled.plan import Check, Plan
from tapem_dsl.interpreters.compiled.rolling.regroup import by_depth
from tapem_dsl.tape.equality import same
from tests.interpreters.compiled.rolled import assert_rolled

# Any, throughout: arrays of any scalar type.

ONE = np.float64(1)


def test_checks_and_constants_are_kept() -> None:
    plan = Plan()
    x = plan.input(ONE)
    c = plan.constant(np.float64(3))
    firsts = [plan.call("multiply", (x, c), (), ONE) for _ in range(4)]
    found = [plan.call("less", (first, 2), (), np.bool_(True)) for first in firsts]
    plan.checks.append(Check(found[2], expected=True, precondition=True))
    regrouped = by_depth(plan, firsts)
    assert regrouped is not None
    other, outputs = regrouped
    assert [other.calls[slot].function for slot in outputs] == ["multiply"] * 4
    (check,) = other.checks
    assert (check.expected, check.precondition) == (True, True)
    assert other.calls[check.slot].function == "less"
    assert other.inputs == [x]
    assert list(other.constants.values()) == [3]


def test_a_long_sum_is_one_call_unless_a_part_of_it_is_wanted() -> None:
    plan = Plan()
    terms = [plan.input(ONE) for _ in range(20)]
    sums = [plan.call("add", (terms[0], terms[1]), (), ONE)]
    for term in terms[2:]:
        sums.append(plan.call("add", (sums[-1], term), (), ONE))
    regrouped = by_depth(plan, [sums[-1]])
    assert regrouped is not None
    assert [call.function for call in regrouped[0].calls[20:]] == ["sum_of"]
    parts = by_depth(plan, [sums[9], sums[-1]])
    assert parts is None or "add" not in {call.function for call in parts[0].calls}


@do
def uneven(ws: Any, samples: Any) -> Do[NodeId, Any]:
    """Samples of three lengths; of an odd one, something else too."""

    @do
    def of_one(sample: Any) -> Do[NodeId, Any]:
        x = yield from const(sample)
        y = yield from dot(ws[sample.shape[0]], x)
        if sample.shape[0] % 2:
            y = yield from tanh(y)
        y = yield from mul(y, y)
        return (yield from log((yield from mul(y, y))))

    return (yield from mean_scalar_over("uneven", samples, of_one))


@pytest.mark.parametrize("bad", [None, 3, 77])
def test_mixed_samples(bad: int | None) -> None:
    rng = np.random.default_rng(0)
    ws = {n: rng.normal(size=n) for n in (2, 3, 4)}
    samples = [rng.normal(size=n) for n in rng.choice([2, 3, 4], size=120)]
    calls = [(ws, samples), (ws, [2 * x for x in samples])]
    if bad is not None:  # its logarithm is of 0, in a later call
        others = [x * (k != bad) for k, x in enumerate(samples)]
        calls.append((ws, others))
        report = _report_of(calls)
    else:
        report = assert_rolled(value_and_grad(uneven), *calls)
    assert "calls of one kind and depth" in report


def _report_of(calls: list[Any]) -> str:
    function = value_and_grad(uneven)
    step = jit(function, roll=True)
    for call in calls[:-1]:
        step(*call)
    assert same(step(*calls[-1]), function(*calls[-1]))
    report = step.report()
    assert "as it is, 1 time: a precondition failed" in report
    return report
