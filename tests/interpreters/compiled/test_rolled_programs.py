"""Random programs with loops: rolled up they are the eager ones, but for rounding."""

from typing import Any

import numpy as np
import pytest

from tapem_dsl import Do, NodeId, add, const, do, mul, value_and_grad
from tests.interpreters.compiled.looped_programs import check
from tests.interpreters.compiled.rolled import assert_rolled, is_rolled

# Any, throughout: arrays of any scalar type, and records of their nodes.


@pytest.mark.parametrize("seed", range(150))
def test_random_loops(seed: int) -> None:
    check(seed)


def test_most_are_rolled_up() -> None:
    assert sum(is_rolled(check(seed)) for seed in range(150, 190)) > 30


@do
def exchanged(p: Any, xs: Any) -> Do[NodeId, Any]:
    """Two sums whose places change after each step: one cycle, but no sum."""
    c, d = p
    for x in xs:
        y = yield from const(x)
        c, d = (yield from add(d, y)), (yield from add(c, y))
    return (yield from mul(c, d))


def test_sums_that_change_places_are_two() -> None:
    rng = np.random.default_rng(1)
    for count in (4, 5, 9):
        calls = [(tuple(rng.normal(size=2)), list(rng.normal(size=count)))] * 2
        assert_rolled(value_and_grad(exchanged), *calls)
