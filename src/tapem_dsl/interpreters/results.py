"""From what an interpreter computes or refuses to a result."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from returns.result import Result, Success

from tapem_dsl.errors import Refused, TapeError, failed

R = TypeVar("R")


def as_result(run: Callable[[], R]) -> Result[R, TapeError]:
    """
    Compute without NumPy's warnings, and give a refusal as a failure.

    >>> as_result(lambda: np.float64(1) / 0)
    <Success: inf>
    """
    try:
        with np.errstate(all="ignore"):
            return Success(run())
    except Refused as refusal:
        return failed(refusal.error)
