"""What a run keeps, and what it does not copy."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tapem_dsl import (
    Do,
    Node,
    NodeId,
    Tape,
    add,
    backward_scalar,
    const,
    do,
    linear,
    mean_scalar_over,
    mul,
    param,
    sum_,
)

Floats = NDArray[np.float64]


def peak(run: Callable[[], Any]) -> int:
    """Give the most bytes that were alive at a time."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def readonly(*shape: int) -> Floats:
    x = np.ones(shape)
    x.flags.writeable = False
    return x


@do
def chain(ops: int) -> Do[NodeId]:
    x = yield from param(0.5)
    a = yield from param(0.9995)
    for _ in range(ops // 2):
        x = yield from mul(x, a)
        x = yield from add(x, a)
    return x


def test_a_scalar_node_takes_about_180_bytes_and_a_cotangent_120() -> None:
    def forward(ops: int) -> int:
        return peak(lambda: chain(ops).run())

    def both(ops: int) -> int:
        return peak(lambda: chain(ops).bind(backward_scalar).eval())

    assert 150 < (forward(20_000) - forward(10_000)) / 10_000 < 200
    assert 250 < (both(20_000) - both(10_000)) / 10_000 < 400


@pytest.mark.parametrize("view", ["itself", "a row", "a reversed copy"])
def test_a_frozen_array_is_never_copied(view: str) -> None:
    whole = readonly(100, 10_000)
    x = {"itself": whole, "a row": whole[3], "a reversed copy": whole[::-1].copy()}[
        view
    ]
    x.flags.writeable = False
    (node,) = const(x).exec().unwrap()
    assert node.value is x
    again, _ = Tape([node]).append(Node(None, (), x))
    assert again.nodes()[0].value is again.nodes()[1].value is x


def test_a_writeable_array_is_copied_once_and_its_copy_never() -> None:
    x = np.ones(1_000_000)  # 8 MB
    assert 8e6 <= peak(lambda: const(x).run()) < 12e6
    program = const(x)
    (node,) = program.exec().unwrap()
    assert not np.shares_memory(node.value, x)
    assert peak(program.run) < 1e6
    assert program.exec().unwrap().nodes()[0].value is node.value


def test_samples_of_a_frozen_array_are_not_copied() -> None:
    rows, weights, bias = readonly(50, 20_000), readonly(2, 20_000), readonly(2)

    @do
    def mean_loss() -> Do[NodeId]:
        w = yield from param(weights)
        b = yield from param(bias)

        @do
        def loss_of(row: Floats) -> Do[NodeId]:
            x = yield from const(row)
            y = yield from linear(w, b, x)
            return (yield from sum_(y))

        return (yield from mean_scalar_over("rows", list(rows), loss_of))

    assert peak(lambda: mean_loss().run()) < rows.nbytes / 10


def test_pending_products_take_no_more_than_the_weight_twice() -> None:
    """The rows and cotangents of 2,000 samples would take ten times the weight."""
    rows, weights, bias = readonly(2_000, 300), readonly(200, 300), readonly(200)

    @do
    def mean_loss() -> Do[NodeId]:
        w = yield from param(weights)
        b = yield from const(bias)

        @do
        def loss_of(row: Floats) -> Do[NodeId]:
            x = yield from const(row)
            y = yield from linear(w, b, x)
            return (yield from sum_(y))

        return (yield from mean_scalar_over("rows", list(rows), loss_of))

    out, tape = mean_loss().run().unwrap()
    cotangents = 2_000 * 200 * 8
    most = peak(lambda: backward_scalar(tape, out, wrt=(NodeId(0),)).unwrap())
    # pending, copied for the product, the product and the sum: each at most twice w
    assert most < 8 * weights.nbytes
    assert 2_000 * 300 * 8 + cotangents > 16 * weights.nbytes
