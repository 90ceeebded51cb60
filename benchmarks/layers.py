"""Single layers of a network, forward and backward in float32."""

from collections.abc import Callable
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.harness import HAND_WRITTEN, OURS, Contender, Workload
from tapem_dsl import (
    NodeId,
    TapeM,
    attention,
    avg_pool,
    backward,
    conv,
    layer_norm,
    leaf,
    map_m,
    max_pool,
)

HEADS: Final = 8
EPSILON: Final = 1e-5

# -- hand-written: result and gradients from a cotangent and the operands --------------


# Any, throughout: arrays, and another library's tensors.
def windows(x: Any, kernel: int, stride: int, padding: int) -> Any:
    """Return windows of a padded image, (channels, places in a window, *positions)."""
    padded = np.pad(x, [(0, 0), (padding, padding), (padding, padding)])
    slid = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    slid = slid[:, ::stride, ::stride].transpose(0, 3, 4, 1, 2)
    return slid.reshape(len(x), kernel * kernel, *slid.shape[3:])


def folded(parts: Any, shape: Any, kernel: int, stride: int, padding: int) -> Any:
    """Add the entries of windows up where they came from: the adjoint of windows."""
    channels, height, width = shape
    total = np.zeros((channels, height + 2 * padding, width + 2 * padding), parts.dtype)
    rows, columns = parts.shape[2:]
    for at, (i, j) in enumerate(product(range(kernel), repeat=2)):
        down = slice(i, i + stride * rows - stride + 1, stride)
        right = slice(j, j + stride * columns - stride + 1, stride)
        total[:, down, right] += parts[:, at]
    return total[:, padding : padding + height, padding : padding + width]


def conv_by_numpy(g: Any, kernel: Any, bias: Any, x: Any) -> Any:
    k, rows = kernel.reshape(len(kernel), -1), g.reshape(len(g), -1)
    columns = windows(x, 3, 1, 1).reshape(k.shape[1], -1)
    y = (k @ columns + bias[:, None]).reshape(g.shape)
    parts = (k.T @ rows).reshape(len(x), 9, *g.shape[1:])
    dk = (rows @ columns.T).reshape(kernel.shape)
    return y, dk, rows.sum(1), folded(parts, x.shape, 3, 1, 1)


def max_pool_by_numpy(kernel: int, stride: int, padding: int) -> Callable[..., Any]:
    def pool(g: Any, x: Any) -> Any:
        cells = windows(
            x + 100, kernel, stride, padding
        )  # so that no padding is the largest
        first = cells.argmax(axis=1)[:, None]
        y = np.take_along_axis(cells, first, axis=1)[:, 0] - 100
        parts = np.zeros_like(cells)
        np.put_along_axis(parts, first, g[:, None], axis=1)
        return y, folded(parts, x.shape, kernel, stride, padding)

    return pool


def avg_pool_by_numpy(kernel: int, stride: int, padding: int) -> Callable[..., Any]:
    def pool(g: Any, x: Any) -> Any:
        cells = windows(x, kernel, stride, padding)
        share = np.broadcast_to((g / cells.shape[1])[:, None], cells.shape)
        return cells.mean(1), folded(share, x.shape, kernel, stride, padding)

    return pool


def layer_norm_by_numpy(g: Any, x: Any, gamma: Any, beta: Any) -> Any:
    centred = x - x.mean(1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(1, keepdims=True) + EPSILON)
    r, h = centred * inverse, g * gamma
    slope = (h * r).mean(1, keepdims=True)
    dx = inverse * (h - h.mean(1, keepdims=True) - r * slope)
    return r * gamma + beta, dx, (g * r).sum(0), g.sum(0)


def attention_by_numpy(g: Any, wq: Any, wk: Any, wv: Any, wo: Any, x: Any) -> Any:
    n, columns = len(x), wq.shape[1]
    root = (columns // HEADS) ** 0.5

    def split(z: Any) -> Any:
        return z.reshape(n, HEADS, -1).transpose(1, 0, 2)

    def merged(z: Any) -> Any:
        return z.transpose(1, 0, 2).reshape(n, columns)

    q, k, v = split(x @ wq) / root, split(x @ wk), split(x @ wv)
    scores = q @ k.transpose(0, 2, 1)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    mixed = merged(p @ v)
    back = split(g @ wo.T)
    dp = back @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    dq, dk = merged(ds @ k / root), merged(ds.transpose(0, 2, 1) @ q)
    dv = merged(p.transpose(0, 2, 1) @ back)
    dx = dq @ wq.T + dk @ wk.T + dv @ wv.T
    return mixed @ wo, x.T @ dq, x.T @ dk, x.T @ dv, mixed.T @ g, dx


# -- PyTorch ---------------------------------------------------------------------------


def conv_by_torch(kernel: Any, bias: Any, x: Any) -> Any:
    from torch.nn import functional

    return functional.conv2d(x[None], kernel, bias, padding=1)[0]


def pool_by_torch(name: str, *geometry: int) -> Callable[[Any], Any]:
    def pool(x: Any) -> Any:
        from torch.nn import functional

        return getattr(functional, name)(x, *geometry)

    return pool


def layer_norm_by_torch(x: Any, gamma: Any, beta: Any) -> Any:
    from torch.nn import functional

    return functional.layer_norm(x, gamma.shape, gamma, beta, EPSILON)


def attention_by_torch(wq: Any, wk: Any, wv: Any, wo: Any, x: Any) -> Any:
    from torch.nn import functional

    q, k, v = ((x @ w).view(len(x), HEADS, -1).transpose(0, 1) for w in (wq, wk, wv))
    mixed = functional.scaled_dot_product_attention(q, k, v)
    return mixed.transpose(0, 1).reshape(len(x), -1) @ wo


# -- the workloads ---------------------------------------------------------------------


def layer(
    title: str,
    op: Callable[..., TapeM[NodeId, Any]],
    by_numpy: Callable[..., Any],
    by_torch: Callable[..., Any],
    *xs: Any,
) -> Workload:
    """Compute one layer, and its gradients for a fixed cotangent."""
    rng = np.random.default_rng(7)
    for x in xs:
        x.flags.writeable = False
    out, tape = map_m(leaf, xs).bind(lambda ids: op(*ids)).run().unwrap()
    g = rng.standard_normal(tape[out].value.shape, dtype=np.float32)
    g.flags.writeable = False

    def tapem_dsl() -> Contender:
        def run() -> Any:
            out, tape = map_m(leaf, xs).bind(lambda ids: op(*ids)).run().unwrap()
            slots = backward(tape, out, g).unwrap()
            return tape[out].value, *(slots[NodeId(i)] for i in range(len(xs)))

        return Contender(run)

    def torch() -> Contender:
        import torch

        leaves = [torch.tensor(x).requires_grad_(True) for x in xs]
        seed = torch.tensor(g)

        def run() -> Any:
            y = by_torch(*leaves)
            return y, *torch.autograd.grad([y], leaves, [seed])

        return Contender(run)

    contenders = {
        HAND_WRITTEN: lambda: Contender(lambda: by_numpy(g, *xs)),
        OURS: tapem_dsl,
        "PyTorch": torch,
    }
    return Workload(title, contenders, tolerance=1e-4, calibration="arrays")


def normal(*shape: int, scale: float = 1) -> Any:
    rng = np.random.default_rng(sum(shape))
    return np.float32(scale) * rng.standard_normal(shape, dtype=np.float32)


def pool(name: str, op: Any, by_numpy: Any, geometry: tuple[int, int, int]) -> Workload:
    kernel, stride, padding = geometry
    return layer(
        f"16 channels, 32x32, {kernel}x{kernel}, stride {stride}, padding {padding}",
        lambda x: op(x, kernel, stride=stride, padding=padding),
        by_numpy(*geometry),
        pool_by_torch(name, *geometry),
        normal(16, 32, 32),
    )


DISJOINT: Final = (2, 2, 0)
OVERLAPPING: Final = (3, 2, 1)

WORKLOADS: Final = {
    "convolution": layer(
        "16 to 32 channels, 32x32, kernel 3x3, padding 1",
        lambda kernel, bias, x: conv(kernel, bias, x, padding=1),
        conv_by_numpy,
        conv_by_torch,
        normal(32, 16, 3, 3),
        normal(32),
        normal(16, 32, 32),
    ),
    "max pool": pool("max_pool2d", max_pool, max_pool_by_numpy, DISJOINT),
    "max pool, overlapping": pool(
        "max_pool2d", max_pool, max_pool_by_numpy, OVERLAPPING
    ),
    "average pool": pool("avg_pool2d", avg_pool, avg_pool_by_numpy, DISJOINT),
    "average pool, overlapping": pool(
        "avg_pool2d", avg_pool, avg_pool_by_numpy, OVERLAPPING
    ),
    "layer norm": layer(
        "128 rows of 512",
        lambda *ids: layer_norm(*ids, epsilon=EPSILON),
        layer_norm_by_numpy,
        layer_norm_by_torch,
        normal(128, 512),
        normal(512),
        normal(512, scale=2),
    ),
    "attention": layer(
        "64 tokens of width 256, 8 heads",
        lambda *ids: attention(*ids, heads=HEADS),
        attention_by_numpy,
        attention_by_torch,
        *(normal(256, 256, scale=1 / 16) for _ in range(4)),
        normal(64, 256),
    ),
}
