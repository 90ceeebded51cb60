"""What each test of sweeps starts with."""

import pytest

from tests.interpreters.reverse.probe import SEEN


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()
