import numpy as np
from numpy.typing import NDArray

class LogisticRegression:
    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    def __init__(
        self,
        *,
        C: float = ...,
        tol: float = ...,
        solver: str = ...,
    ) -> None: ...
    def fit(
        self, X: NDArray[np.float64], y: NDArray[np.float64]
    ) -> LogisticRegression: ...
    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]: ...
