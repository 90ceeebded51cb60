"""The NumPy engine: what it leaves out, joins and reads, and large plans."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import Do, NodeId, add, do, jit, mul, param, value_and_grad
from tapem_dsl.interpreters.compiled import lowering
from tapem_dsl.interpreters.compiled.functions import FUNCTIONS
from tapem_dsl.tape.equality import same

# Any, throughout: arrays of any scalar type.

ROW = np.arange(3.0)


def test_equal_calls_are_made_once_and_dead_ones_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str] = []

    def counting(x: Any) -> Any:
        counted.append("exp")
        return np.exp(x)

    monkeypatch.setitem(FUNCTIONS, "exp", counting)

    def function(x: Any) -> Any:
        xp = x.namespace if not isinstance(x, np.ndarray) else np
        xp.exp(x * 7.0)  # nobody needs it
        return xp.exp(x) + xp.exp(x)

    step = jit(function)
    step(ROW)
    counted.clear()
    assert same(step(ROW), np.exp(ROW) + np.exp(ROW))
    assert counted == ["exp"]


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_literals_that_only_compare_equal_are_two(zero: float) -> None:
    step = jit(lambda x: (x * 0.0, x * -0.0, x * zero, x + 1, x + 1.0, x * 1))
    for x in (ROW, ROW + 1, np.float64(2), np.float64(-3)):
        expected = (x * 0.0, x * -0.0, x * zero, x + 1, x + 1.0, x * 1)
        for _ in range(2):
            assert same(step(x), expected)


SCALARS = [0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e308, 5e-324]


@pytest.mark.parametrize("x", SCALARS)
@pytest.mark.parametrize("y", SCALARS)
def test_arithmetic_of_scalars_is_numpys(x: float, y: float) -> None:
    def function(x: Any, y: Any) -> Any:
        return x + y, x - y, x * y, x / y, -x, x / 3, 3 / x, x * 2**60, x < y, 1 - x

    step = jit(function)
    step(np.float64(1), np.float64(2))
    with np.errstate(all="ignore"):
        expected = function(np.float64(x), np.float64(y))
    assert same(step(np.float64(x), np.float64(y)), expected)


@do
def chain(w: NodeId, count: int) -> Do[NodeId]:
    x, b = w, (yield from param(0.25))
    for _ in range(count):
        x = yield from mul(x, w)
        x = yield from add(x, b)
    return x


@pytest.mark.parametrize("most", [10, 10**9])
def test_a_large_plan_is_interpreted(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lowering, "MOST", most)
    eager = value_and_grad(lambda w: chain(w, 50))
    step = jit(eager)
    for w in (np.float64(0.5), np.float64(-0.75), np.float64(1.5)):
        assert same(step(w), eager(w))
    assert "as it is" not in step.report()


def test_a_large_plan_checks_what_is_given_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lowering, "MOST", 0)
    step = jit(lambda p, x: x * 2.0 if p else x * 3.0, guards=True)
    for p in (np.bool_(True), np.bool_(False), np.bool_(True)):
        assert same(step(p, ROW), ROW * (2.0 if p else 3.0))
    assert "2 plans, 1 run of a plan" in step.report()


def test_values_are_freed_while_a_large_plan_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lowering, "MOST", 0)
    step = jit(lambda x: ((x * 2.0) * 3.0) * 4.0)
    assert same(step(ROW), ROW * 2.0 * 3.0 * 4.0)
    assert same(step(ROW + 1), (ROW + 1) * 2.0 * 3.0 * 4.0)
