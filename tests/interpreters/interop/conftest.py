"""JAX as its users find it: float64 is off, though the tests' oracle switches it on."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def _float64_is_off() -> Iterator[None]:
    with jax.enable_x64(False):
        yield
