"""From what an interpreter computes or refuses to a result."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from returns.result import Result, Success

from tapem_dsl.errors import Refused, TapeError, failed
from tapem_dsl.program.place import placed
from tapem_dsl.tape.node import Node

R = TypeVar("R")


# Any: nodes of any scalar type.
def as_result(
    run: Callable[[], R], nodes: Sequence[Node[Any]] = ()
) -> Result[R, TapeError]:
    """
    Compute without NumPy's warnings, and give a refusal as a failure.

    Args:
        run: computes, or refuses.
        nodes: those that a refusal names, to be described in its ``place``.

    >>> as_result(lambda: np.float64(1) / 0)
    <Success: inf>
    """
    try:
        with np.errstate(all="ignore"):
            return Success(run())
    except Refused as refusal:
        return failed(placed(refusal.error, [], nodes))
