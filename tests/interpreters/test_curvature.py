"""Hessians of losses of a softmax: ``diag(p) - p p^T``, entry by entry."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from mpmath import mp, mpf  # type: ignore[import-untyped] # it has no types

from tapem_dsl import (
    Array,
    NodeId,
    TapeM,
    const,
    cross_entropy,
    log_softmax,
    log_softmax_last,
    nll,
    reshape,
    scale,
    select,
    smooth_max_pool,
    sum_,
)
from tests.interpreters.compositions import COMPOSITIONS

# Any, throughout: numbers of mpmath, which has no types, and programs of any scalar.
Program = TapeM[NodeId, Any]

DIGITS: Final = 40  # no step of what follows cancels
TOLERANCE: Final[dict[Any, float]] = {np.float64: 1e-12, np.float32: 1e-5}
ROWS: Final = (
    [280.0, 260.0, 182.0, -43.0],  # a label whose weight is nothing beside the others
    [-97.5, 42.5, 43.25, 29.25, 22.25],
    [300.0, -300.0],
    [0.0, 0.0],  # weights of exactly one half
    [0.5, 0.25, -1.0],
    *(
        np.random.default_rng(seed).uniform(-scale, scale, 2 + seed).tolist()
        for seed, scale in enumerate((1, 10, 100, 300))
    ),
)


def of_label(loss: Callable[[NodeId, NodeId], Program], z: NodeId, k: int) -> Program:
    return const(np.int64(k)).bind(lambda label: loss(z, label))


def pooled(z: NodeId, n: int) -> Program:
    row = reshape(z, (1, n))
    return row.bind(lambda x: smooth_max_pool(x, (n,), beta=1)).bind(sum_)


LOSSES: Final[dict[str, Callable[[NodeId, int, int], Program]]] = {
    "cross_entropy": lambda z, k, _: of_label(cross_entropy, z, k),
    "nll of log_softmax_last": lambda z, k, _: log_softmax_last(z).bind(
        lambda rows: of_label(nll, rows, k)
    ),
    "minus an entry of log_softmax": lambda z, k, _: (
        log_softmax(z, axis=0)
        .bind(lambda row: select(row, k))
        .bind(lambda y: scale(y, -1))
    ),
    "smooth_max_pool": lambda z, _, n: pooled(z, n),
}


def hessian(row: Array) -> Array:
    """Give it by sums and products of positive numbers."""
    with mp.workdps(DIGITS):
        powers = [mp.exp(mpf(float(x))) for x in row]
        p = [e / sum(powers) for e in powers]
        others = [sum(p[:i] + p[i + 1 :]) for i in range(len(p))]
        entries = [
            [float(p[i] * (others[i] if i == j else -p[j])) for j in range(len(p))]
            for i in range(len(p))
        ]
    return np.array(entries)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "composition", COMPOSITIONS, ids=lambda composition: composition.__name__
)
def test_no_entry_loses_digits_whatever_the_label(name: str, composition: Any) -> None:
    loss = LOSSES[name]
    for dtype, tolerance in TOLERANCE.items():
        for logits in ROWS:
            x = np.array(logits, dtype)
            n, expected = len(x), hessian(x)
            least = float(np.finfo(dtype).tiny)  # below it floats have fewer digits
            for k in range(n):

                def of_row(z: NodeId, k: int = k, n: int = n) -> Program:
                    return loss(z, k, n)

                units = np.eye(n, dtype=dtype)
                found = np.array([composition(of_row, x, unit) for unit in units])
                error = np.abs(found - expected)
                assert (error <= tolerance * np.abs(expected) + least).all(), k
