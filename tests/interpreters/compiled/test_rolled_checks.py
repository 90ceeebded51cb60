"""Checks in loops that are rolled up: of each step that made one, and of no other."""

import warnings
from typing import Any

import numpy as np
import pytest

from tapem_dsl import jit
from tapem_dsl.tape.equality import same
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type.


def decided_by_sums(xs: Any) -> Any:
    """A guard on each partial sum, of which only the last is used otherwise."""
    total, found = xs[0], 0.0
    for x in xs[1:]:
        total = total + x
        found = found + 1.0 if total else found - 100.0
    return total * 1.0, found


@pytest.mark.parametrize("roll", [True, "auto"])
def test_each_partial_sum_is_checked(roll: Any) -> None:
    step = jit(decided_by_sums, guards=True, roll=roll)
    for at in (None, 1, 7, 198):
        xs = np.ones(200)
        if at is not None:
            xs[at] = -at  # the sum before it is `at`
        assert same(step(xs), decided_by_sums(xs))
        assert same(step(xs), decided_by_sums(xs))
    assert is_rolled(step.report())


def test_a_first_term_that_was_not_asked_is_not_checked() -> None:
    noted: list[int] = []

    def function(xs: Any) -> Any:
        noted.append(1)
        total: Any = None
        found, count = [], 0
        for x in xs:
            square = x * x
            if total is None:
                total = square
            else:
                total = total + square
                count += 1 if total else 0
            found.append(total)
        return found, count

    step = jit(function, guards=True, roll=True)
    xs = np.ones(12)
    xs[0] = 0
    for _ in range(5):
        assert same(step(xs)[0], function(xs)[0])
    assert len(noted) == 1 + 5  # of which five are those compared with
    assert is_rolled(step.report())


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_later_step_may_read_the_first(shape: Any) -> None:
    def function(xs: Any, ys: Any) -> Any:
        total: Any = None
        values: list[Any] = []
        for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
            v = (values[0] if k == 3 else y) * x
            values.append(v + x)
            total = values[k] if total is None else total + values[k]
        return total

    rng = np.random.default_rng(0)
    calls: list[Any] = [
        ([*rng.normal(size=(8, *shape))], [*rng.normal(size=(8, *shape))])
        for _ in range(2)
    ]
    if shape == ():
        calls = [tuple([np.float64(x) for x in part] for part in c) for c in calls]
    assert_rolled(function, *calls)


def test_literals_are_rounded_without_a_warning() -> None:
    def function(x: Any) -> Any:
        return [x[k] * (1e300 * (k + 1)) for k in range(6)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = jit(function, roll=True)
        found = step(np.ones(6, np.float32))
    assert np.isinf(found).all()
    assert is_rolled(step.report())
