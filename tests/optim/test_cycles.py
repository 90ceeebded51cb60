"""Cyclic schedules: their ends and their checks."""

from collections.abc import Callable
from typing import Any

import pytest

from tapem_dsl.optim import Cyclic, OneCycle, OneCycleLR


def test_one_cycle_ends_where_the_newest_torchlean_ends_it() -> None:
    schedule = OneCycle(1.0, 10, 25.0, 0.3, 1e4)
    assert schedule(0) == 0.04
    assert [schedule(k) for k in (10, 11, 100)] == [1 / 25 / 1e4] * 3
    assert schedule(10) == pytest.approx(4e-6, rel=1e-15, abs=0)


@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_after_the_last_step_the_rate_stays(anneal: Any, three_phase: bool) -> None:
    schedule = OneCycleLR(1.0, 10, anneal=anneal, three_phase=three_phase)
    assert schedule(9) == pytest.approx(4e-6, rel=1e-9, abs=0)
    assert [schedule(k) for k in (10, 11, 12, 100)] == [schedule(9)] * 4
    assert schedule(8) > schedule(9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OneCycleLR(1.0, 10, anneal="CATS"),  # type: ignore[arg-type] # the mistake
        lambda: OneCycleLR(1.0, 10, rise=1.1),
        lambda: Cyclic(1, 5, 4, "triangular_2"),  # type: ignore[arg-type] # the mistake
        lambda: Cyclic(1, 0.5, 4),
    ],
)
def test_cycles_that_are_none_are_value_errors(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"(OneCycleLR|Cyclic) takes .*not"):
        make()


def test_the_default_decay_keeps_the_top() -> None:
    schedule = Cyclic(0.0, 1.0, 2, "exp_range")
    assert [schedule(k) for k in (2, 6, 4002)] == [1, 1, 1]
    assert Cyclic(0.0, 1.0, 2, "exp_range", 0.5)(2) == 0.25
