"""Newton's method by Hessian-vector products: logistic regression on real tumours."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from tapem_dsl import (
    Do,
    NodeId,
    add,
    bce_with_logits,
    broadcast_to,
    do,
    dot,
    hvp_params,
    linear,
    scale,
    value_of,
    vjp,
)

Floats = NDArray[np.float64]
PENALTY: Final = 1.0
"""What half the square of the slopes counts beside the sum of the losses."""
SMALL: Final = 1e-12
TOLERANCE: Final = 1e-6


class Line(NamedTuple):
    """Arrays between programs, ids of nodes within one."""

    slopes: Any  # Any: an array or an id
    intercept: Any


class Tumours(NamedTuple):
    """Measurements of cells, a row a tumour, and whether it was benign."""

    cells: Any  # Any: as above
    benign: Any


@do
def loss_of(line: Line, data: Tumours) -> Do[NodeId]:
    """The mean loss, and the penalty's share of it."""
    count = len((yield from value_of(data.benign)))
    start = yield from broadcast_to(line.intercept, (count,))
    logits = yield from linear(data.cells, start, line.slopes)
    fit = yield from bce_with_logits(logits, data.benign)
    size = yield from dot(line.slopes, line.slopes)
    penalty = yield from scale(size, PENALTY / 2 / count)
    return (yield from add(fit, penalty))


def newton(line: Line, data: Tumours) -> Line:
    """Step until the gradient is next to 0; each step solves one linear system."""
    for step in range(20):
        gradient, _ = vjp(loss_of, line, data, 1.0).unwrap()
        slope = joined(gradient)
        print(f"step {step}: the gradient is at most {np.abs(slope).max():.0e}")
        if np.abs(slope).max() < SMALL:
            break

        def curved(direction: Floats, line: Line = line) -> Floats:
            """Multiply by the Hessian, which nobody forms."""
            return joined(hvp_params(loss_of, line, data, apart(direction)).unwrap())

        hessian = LinearOperator((len(slope), len(slope)), matvec=curved, dtype=float)
        direction, _ = cg(hessian, slope, rtol=1e-8)
        line = apart(joined(line) - direction)
    return line


def joined(line: Line) -> Floats:
    return np.append(line.slopes, line.intercept)


def apart(point: Floats) -> Line:
    return Line(point[:-1], point[-1])


def load() -> Tumours:
    """Columns of mean 0 and variance 1."""
    data = load_breast_cancer()
    cells = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return Tumours(cells, data.target.astype(np.float64))


if __name__ == "__main__":
    data = load()
    ours = newton(Line(np.zeros(data.cells.shape[1]), np.float64(0)), data)
    peer = LogisticRegression(C=1 / PENALTY, tol=1e-12, solver="newton-cholesky")
    peer.fit(data.cells, data.benign)
    theirs = np.append(peer.coef_[0], peer.intercept_)
    error = np.abs(joined(ours) - theirs).max()
    right = peer.predict(data.cells) == data.benign
    print(f"at most {error:.0e} from the coefficients of scikit-learn,")
    print(f"which tell {np.mean(right):.1%} of {len(right)} tumours apart")
    assert error < TOLERANCE
