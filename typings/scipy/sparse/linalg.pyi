from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

class LinearOperator:
    def __init__(
        self,
        shape: tuple[int, int],
        matvec: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        dtype: type,
    ) -> None: ...

def cg(
    A: LinearOperator, b: NDArray[np.float64], *, rtol: float = ...
) -> tuple[NDArray[np.float64], int]: ...
