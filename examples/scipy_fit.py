"""Minimise a program with SciPy: least squares on the diabetes data, by L-BFGS."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes

from tapem_dsl import (
    Do,
    NodeId,
    add,
    broadcast_to,
    const,
    do,
    matmul,
    mse_loss,
    reshape,
    tree,
    value_and_grad,
)

Floats = NDArray[np.float64]


class Line(NamedTuple):
    """Weights: arrays outside a program, ids of nodes inside."""

    slopes: Any  # Any: an array or an id
    intercept: Any


@do
def loss_of(line: Line, x: Floats, y: Floats) -> Do[NodeId]:
    inputs = yield from const(x)
    target = yield from const(y)
    column = yield from reshape(line.slopes, (x.shape[1], 1))
    product = yield from matmul(inputs, column)
    heights = yield from reshape(product, (len(x),))
    start = yield from broadcast_to(line.intercept, (len(x),))
    prediction = yield from add(heights, start)
    return (yield from mse_loss(prediction, target))


def fit(x: Floats, y: Floats) -> Line:
    leaves, structure = tree.flatten(Line(np.zeros(x.shape[1]), np.float64(0)))
    sizes = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]
    gradient = value_and_grad(loss_of)

    def line_at(point: Floats) -> Line:
        parts = np.split(point, sizes)
        shaped = [
            p.reshape(np.shape(leaf))[()] for p, leaf in zip(parts, leaves, strict=True)
        ]
        line: Line = structure.unflatten(shaped)
        return line

    def loss_and_gradient(point: Floats) -> tuple[float, Floats]:
        loss, slope = gradient(line_at(point), x, y).unwrap()
        return float(loss), np.concatenate([np.ravel(part) for part in slope])

    found = minimize(
        loss_and_gradient,
        np.zeros(x.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "ftol": 0.0, "gtol": 1e-12},
    )
    return line_at(found.x)


def closed_form(x: Floats, y: Floats) -> Line:
    ones = np.column_stack([x, np.ones(len(x))])
    *slopes, intercept = np.linalg.lstsq(ones, y, rcond=None)[0]
    return Line(np.array(slopes), intercept)


def load() -> tuple[Floats, Floats]:
    """Return columns and a target, each of mean 0 and variance 1."""
    data = load_diabetes()
    x = data.data / data.data.std(axis=0)
    return x, (data.target - data.target.mean()) / data.target.std()


TOLERANCE: Final = 1e-8

if __name__ == "__main__":
    x, y = load()
    ours, exact = fit(x, y), closed_form(x, y)
    print("slopes   ", np.round(ours.slopes, 4))
    print("intercept", round(float(ours.intercept), 4))
    error = max(float(np.max(np.abs(a - b))) for a, b in zip(ours, exact, strict=True))
    print(f"at most {error:.0e} from the closed form")
    assert error < TOLERANCE
