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
"""The weight of half the squared slopes, beside the sum of the losses."""
GRADIENT_TOLERANCE: Final = 1e-12
TOLERANCE: Final = 1e-6


class Line(NamedTuple):
    """Weights: arrays outside a program, ids of nodes inside."""

    slopes: Any  # Any: an array or an id
    intercept: Any


class Tumours(NamedTuple):
    """Measurements of the cells of a tumour in each row, and whether it was benign."""

    cells: Any  # Any: as above
    benign: Any


@do
def loss_of(line: Line, data: Tumours) -> Do[NodeId]:
    """Record the mean loss plus the penalty per sample."""
    count = len((yield from value_of(data.benign)))
    start = yield from broadcast_to(line.intercept, (count,))
    logits = yield from linear(data.cells, start, line.slopes)
    fit = yield from bce_with_logits(logits, data.benign)
    size = yield from dot(line.slopes, line.slopes)
    penalty = yield from scale(size, PENALTY / 2 / count)
    return (yield from add(fit, penalty))


def newton(line: Line, data: Tumours) -> Line:
    """Step until the gradient is almost 0; each step solves one linear system."""
    for step in range(20):
        gradient, _ = vjp(loss_of, line, data, 1.0).unwrap()
        slope = to_vector(gradient)
        print(f"step {step}: the gradient is at most {np.abs(slope).max():.0e}")
        if np.abs(slope).max() < GRADIENT_TOLERANCE:
            break

        def times_hessian(direction: Floats, line: Line = line) -> Floats:
            """Multiply by the Hessian, which is never formed."""
            return to_vector(
                hvp_params(loss_of, line, data, to_line(direction)).unwrap()
            )

        hessian = LinearOperator(
            (len(slope), len(slope)), matvec=times_hessian, dtype=float
        )
        direction, _ = cg(hessian, slope, rtol=1e-8)
        line = to_line(to_vector(line) - direction)
    return line


def to_vector(line: Line) -> Floats:
    return np.append(line.slopes, line.intercept)


def to_line(point: Floats) -> Line:
    return Line(point[:-1], point[-1])


def load() -> Tumours:
    """Return columns of mean 0 and variance 1, and the classes."""
    data = load_breast_cancer()
    cells = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return Tumours(cells, data.target.astype(np.float64))


if __name__ == "__main__":
    data = load()
    ours = newton(Line(np.zeros(data.cells.shape[1]), np.float64(0)), data)
    peer = LogisticRegression(C=1 / PENALTY, tol=1e-12, solver="newton-cholesky")
    peer.fit(data.cells, data.benign)
    theirs = np.append(peer.coef_[0], peer.intercept_)
    error = np.abs(to_vector(ours) - theirs).max()
    right = peer.predict(data.cells) == data.benign
    print(f"at most {error:.0e} from the coefficients of scikit-learn,")
    print(f"which tell {np.mean(right):.1%} of {len(right)} tumours apart")
    assert error < TOLERANCE
