"""The smallest program: the mean of a loss over four samples, in exact rationals."""

import sys
from functools import partial

import numpy as np
from returns.result import Failure, Success

from tapem_dsl import (
    Do,
    NodeId,
    backward_scalar,
    const,
    do,
    get_tape,
    linear,
    mean_scalar_over,
    mse_loss,
    param,
    rationals,
)


@do
def mean_loss(samples: list[tuple[int, int]]) -> Do[NodeId, np.object_]:
    w = yield from param(rationals([["3/2"]]), name="w")
    b = yield from param(rationals(["1/3"]), name="b")

    @do
    def loss_of(sample: tuple[int, int]) -> Do[NodeId, np.object_]:
        x = yield from const(rationals([sample[0]]), name="x")
        y = yield from const(rationals([sample[1]]), name="y")
        prediction = yield from linear(w, b, x)
        return (yield from mse_loss(prediction, y))

    return (yield from mean_scalar_over("lean_mean", samples, loss_of))


@do
def report() -> Do[str, np.object_]:
    loss = yield from mean_loss([(1, 2), (2, 3), (3, 5), (4, 8)])
    gradients = yield from backward_scalar(loss)
    tape = yield from get_tape()
    show = partial(np.array2string, formatter={"all": str})  # 1/3 for Fraction(1, 3)
    row = "{:>2}  {:<10}{!s:<12}{:<10}{!s:<15}{}".format
    lines = [row("id", "label", "parents", "value", "requires_grad", "gradient")]
    for id, node in zip(tape.ids(), tape, strict=True):
        gradient = show(gradients[id]) if id in gradients else "-"
        entry = (id, node.label, node.parents, show(node.value), node.requires_grad)
        lines.append(row(*entry, gradient))
    return "\n".join([*lines, f"\nloss = {show(tape[loss].value)}"])


if __name__ == "__main__":
    match report().eval():
        case Success(text):
            print(text)
        case Failure(error):
            sys.exit(str(error))
