"""Which kind of node an op is in TorchLean's graphs, or which nodes it becomes."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from tapem_dsl import ops
from tapem_dsl.interpreters.torchlean.graph import Graph
from tapem_dsl.tape.op import Op

# Any, throughout: ops of any class.

Lower: TypeAlias = Callable[[Graph, int, Any, list[int]], int]
"""From the graph, a node's index on the tape, its op and its parents' indices there to
the id of the node that is its counterpart."""

KINDS: Final[dict[type[Op], str]] = {
    ops.arithmetic.Add: "add",
    ops.arithmetic.Sub: "sub",
    ops.arithmetic.Mul: "mul_elem",
    ops.arithmetic.Inv: "inv",
    ops.arithmetic.Max: "max_elem",
    ops.arithmetic.Min: "min_elem",
    ops.elementwise.Abs: "abs",
    ops.elementwise.Sqrt: "sqrt",
    ops.elementwise.Exp: "exp",
    ops.elementwise.Log: "log",
    ops.elementwise.Sin: "sin",
    ops.elementwise.Cos: "cos",
    ops.elementwise.Detach: "detach",
    ops.activations.Relu: "relu",
    ops.activations.Tanh: "tanh",
    ops.activations.Sigmoid: "sigmoid",
    ops.activations.Softplus: "softplus",
    ops.reductions.Sum: "sum",
    ops.losses.MseLoss: "mse_loss",
    ops.linalg.Matmul: "matmul",
    ops.linalg.Bmm: "matmul",
    ops.linalg.Dot: "matmul",
}
"""The ops that are one kind without attributes."""

LOWERINGS: Final[dict[type[Op], Lower]] = {}
"""The ops that need attributes, or several nodes."""


def _lowers(*kinds: type[Op]) -> Callable[[Lower], Lower]:
    def enter(lower: Lower) -> Lower:
        LOWERINGS.update(dict.fromkeys(kinds, lower))
        return lower

    return enter


@_lowers(ops.arithmetic.Scale, ops.arithmetic.ShiftBy)
def _with_number(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    """Combine each entry with one number, as an array of it."""
    (x,) = parents
    value = graph.source[x].value
    scales = isinstance(op, ops.arithmetic.Scale)
    number = graph.literal(value, op.factor if scales else op.offset)
    of = graph.constant(index, np.broadcast_to(number, value.shape))
    kind = "mul_elem" if scales else "add"
    return graph.add(kind, [graph.id_of(x), of], value.shape)


@_lowers(ops.elementwise.SafeLog)
def _safe_log(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    (x,) = parents
    value = graph.source[x].value
    epsilon = graph.constant(index, graph.literal(value, op.epsilon))
    return graph.add("safe_log", [graph.id_of(x), epsilon], value.shape)


@_lowers(ops.reductions.ReduceSum, ops.reductions.ReduceMean)
def _reduction(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    (x,) = parents
    extents = graph.source[x].value.shape
    axis = op.axis % len(extents)
    if extents[axis] == 0:
        raise graph.refused(index, f"axis {axis} is empty")
    shape = graph.source[index].value.shape
    return graph.add(op.name, [graph.id_of(x)], shape, axes=[axis], keepdim=False)


@_lowers(ops.activations.Softmax, ops.activations.SoftmaxLast)
def _softmax(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    (x,) = parents
    shape = graph.source[index].value.shape
    if not shape:
        raise graph.refused(index, "a scalar has no axis")
    axis = getattr(op, "axis", -1) % len(shape)
    return graph.add("softmax", [graph.id_of(x)], shape, axis=axis)


@_lowers(ops.slicing.Concat)
def _concat(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    if len(parents) < 2:
        raise graph.refused(index, "concat has two parents or more")
    shape = graph.source[index].value.shape
    ids = [graph.id_of(parent) for parent in parents]
    return graph.add("concat", ids, shape, axis=op.axis % len(shape))


@_lowers(ops.shapes.Reshape)
def _reshape(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    return _move(graph, "reshape", index, parents, "in_shape", "out_shape")


@_lowers(ops.shapes.BroadcastTo)
def _broadcast_to(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    return _move(graph, "broadcast_to", index, parents, "from_shape", "to_shape")


def _move(
    graph: Graph, kind: str, index: int, parents: list[int], before: str, after: str
) -> int:
    (x,) = parents
    shape = graph.source[index].value.shape
    shapes = {before: list(graph.source[x].value.shape), after: list(shape)}
    return graph.add(kind, [graph.id_of(x)], shape, **shapes)


@_lowers(ops.shapes.Flatten)
def _flatten(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    (x,) = parents
    before, after = (graph.source[i].value.shape for i in (x, index))
    return graph.add("flatten", [graph.id_of(x)], after, value_shape=list(before))


@_lowers(
    ops.shapes.Permute,
    ops.shapes.Transpose,
    ops.shapes.SwapAdjacentAtDepth,
)
def _permute(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    """Find the order of axes as the op does: by its shape rule, of their numbers."""
    (x,) = parents
    shape = graph.source[index].value.shape
    perm = list(op.shape(tuple(range(len(shape)))))
    return graph.add("permute", [graph.id_of(x)], shape, perm=perm)


@_lowers(ops.pooling.MaxPool, ops.pooling.AvgPool)
def _pool(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    (x,) = parents
    rank = graph.source[x].value.ndim - 1
    window = {
        name: _each(getattr(op, name), rank) for name in ("kernel", "stride", "padding")
    }
    shape = graph.source[index].value.shape
    return graph.add(op.name, [graph.id_of(x)], shape, spatial_rank=rank, **window)


def _each(extents: Any, rank: int) -> list[int]:
    """Return one extent for each axis."""
    return [extents] * rank if isinstance(extents, int) else list(extents)


@_lowers(ops.linalg.Linear)
def _linear(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    """Make constants the node's parameters, which verifiers look at."""
    w, b, x = parents
    weight, bias = graph.source[w].value, graph.source[b].value
    shape = graph.source[index].value.shape
    if not graph.is_constant(w, b):
        product = graph.add("matmul", [graph.id_of(w), graph.id_of(x)], shape)
        return graph.add("add", [product, graph.id_of(b)], shape)
    out_dim, in_dim = weight.shape
    return graph.add(
        "linear",
        [graph.id_of(x)],
        shape,
        out_dim=out_dim,
        in_dim=in_dim,
        weight=graph.numbers(w, weight),
        bias=graph.numbers(b, bias),
    )


@_lowers(ops.norms.LayerNorm)
def _layer_norm(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    x, gamma, beta = parents
    if not graph.is_constant(gamma, beta):
        raise graph.refused(index, "gamma and beta are not constants")
    value = graph.source[x].value
    return graph.add(
        "layernorm",
        [graph.id_of(x)],
        value.shape,
        axis=value.ndim - 1,
        gamma=graph.numbers(gamma, graph.source[gamma].value),
        beta=graph.numbers(beta, graph.source[beta].value),
        eps=graph.numbers(index, graph.literal(value, op.epsilon)),
    )


@_lowers(ops.convolution.Conv)
def _conv(graph: Graph, index: int, op: Any, parents: list[int]) -> int:
    kernel, bias, x = parents
    if not graph.is_constant(kernel, bias):
        raise graph.refused(index, "kernel and bias are not constants")
    weight = graph.source[kernel].value
    out_channels, in_channels, *window = weight.shape
    if not in_channels:
        raise graph.refused(index, "there are no input channels")
    rank, padding = len(window), _each(op.padding, len(window))
    return graph.add(
        "conv",
        [graph.id_of(x)],
        graph.source[index].value.shape,
        spatial_rank=rank,
        kernel=window,
        stride=_each(op.stride, rank),
        padding=padding,
        padding_after=padding,
        dilation=[1] * rank,
        groups=1,
        channel_axis=0,
        in_channels=in_channels,
        out_channels=out_channels,
        input_spatial=list(graph.source[x].value.shape[1:]),
        weight=graph.numbers(kernel, weight),
        bias=graph.numbers(bias, graph.source[bias].value),
    )
