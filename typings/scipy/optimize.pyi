from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

class OptimizeResult:
    x: NDArray[np.float64]

# Any: each method has options of its own
def minimize(
    fun: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    x0: NDArray[np.float64],
    *,
    jac: Literal[True],
    method: str,
    options: dict[str, Any] | None = ...,
) -> OptimizeResult: ...
