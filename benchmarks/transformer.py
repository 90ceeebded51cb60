"""The transformer of the examples, 16 windows of 32 characters, in float32."""

from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.contenders import Engine, compiled, of_jax
from benchmarks.harness import HAND_WRITTEN, JITTED, XLA, Contender, Workload
from examples.transformer import (
    BATCH,
    CAUSAL,
    CONTEXT,
    HEADS,
    WIDTH,
    loss_of,
    network,
)
from tapem_dsl import NodeId, TapeM, mean_scalar_over, tree, value_and_grad

LETTERS: Final = 64


# Any, throughout: arrays of NumPy and JAX.
def data(layers: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    weights: Any = network(rng, LETTERS, layers)
    narrow = tree.map(lambda x: x.astype(np.float32), weights)
    return narrow, rng.integers(0, LETTERS, (BATCH, CONTEXT + 1))


def mean_loss(weights: Any, windows: Any) -> TapeM[NodeId, Any]:
    return mean_scalar_over("text", list(windows), partial(loss_of, weights))


def tapem_dsl_jit(layers: int, engine: Engine = "numpy") -> Contender:
    def gradient(weights: Any, windows: Any) -> Any:
        return value_and_grad(mean_loss)(weights, windows).unwrap()

    return compiled(gradient, *data(layers), read=leaves, engine=engine)


def leaves(result: Any) -> list[Any]:
    """Return the arrays in the order of JAX, which sorts names."""
    import jax

    return jax.tree.leaves(result)


def jax_loss(p: Any, window: Any) -> Any:
    """Return the loss of one window, hand-written."""
    import jax
    from jax import numpy as jnp

    def normal(x: Any, g: Any, b: Any) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / jnp.sqrt(variance + 1e-5) * g + b

    def heads(x: Any) -> Any:
        return x.reshape(CONTEXT, HEADS, WIDTH // HEADS).transpose(1, 0, 2)

    x = p["letters"][window[:-1]] + p["places"]
    for layer in p["layers"]:
        rows = normal(x, layer["g1"], layer["b1"])
        q, k, v = (heads(rows @ layer[name]) for name in "qkv")
        scores = q @ k.transpose(0, 2, 1) / np.float32((WIDTH // HEADS) ** 0.5)
        shares = jax.nn.softmax(jnp.where(CAUSAL, scores, -jnp.inf), -1)
        seen = (shares @ v).transpose(1, 0, 2).reshape(CONTEXT, WIDTH)
        x = x + seen @ layer["o"]
        rows = normal(x, layer["g2"], layer["b2"])
        x = x + jax.nn.gelu(rows @ layer["up"]) @ layer["down"]
    scores = jax.nn.log_softmax(x @ p["head"])
    return -jnp.take_along_axis(scores, window[1:, None], -1).mean()


def jax_vmap(layers: int) -> Contender:
    import jax

    weights, windows = data(layers)
    losses = jax.vmap(jax_loss, (None, 0))
    made = of_jax(lambda p: losses(p, windows).mean(), weights, jit=True)
    return made._replace(read=leaves)


def workload(layers: int) -> Workload:
    makers = {
        HAND_WRITTEN: partial(jax_vmap, layers),
        JITTED: partial(tapem_dsl_jit, layers),
        XLA: partial(tapem_dsl_jit, layers, "xla"),
    }
    title = f"{layers} layers, {BATCH} windows of {CONTEXT}; hand-written in JAX"
    return Workload(title, makers, 1e-4, "arrays")
