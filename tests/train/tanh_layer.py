"""A layer that is trained by its mean squared error."""

from typing import Any

from tapem_dsl import Array, Do, NodeId, const, do, linear, mse_loss, tanh


@do
def loss_of(layer: Any, x: Array, y: Array) -> Do[NodeId]:
    """Compare ``tanh(w @ x + b)`` with y; the layer has the fields ``w`` and ``b``."""
    inputs = yield from const(x)
    target = yield from const(y)
    hidden = yield from linear(layer.w, layer.b, inputs)
    prediction = yield from tanh(hidden)
    return (yield from mse_loss(prediction, target))
