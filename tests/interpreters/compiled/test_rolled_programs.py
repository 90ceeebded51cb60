"""Random programs with loops: rolled up they are the eager ones, but for rounding."""

import pytest

from tests.interpreters.compiled.looped_programs import check


@pytest.mark.parametrize("seed", range(150))
def test_random_loops(seed: int) -> None:
    check(seed)


def test_most_are_rolled_up() -> None:
    assert sum("steps of" in check(seed) for seed in range(150, 190)) > 30
