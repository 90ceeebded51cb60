"""A reader of ``torchlean.ir.v1``: TorchLean's checks of a graph, and its meaning."""

import json
from math import prod
from typing import Any

import numpy as np

# Any, throughout: JSON.

SAME = {
    *("detach", "abs", "sqrt", "inv", "relu", "tanh", "sigmoid", "softplus", "exp"),
    *("log", "sin", "cos"),
}
PAIRS = {"add", "sub", "mul_elem", "max_elem", "min_elem"}
OTHERS = {
    *("input", "const", "permute", "broadcast_to", "reduce_sum", "reduce_mean", "sum"),
    *("matmul", "linear", "conv", "max_pool", "avg_pool", "safe_log", "softmax"),
    *("layernorm", "reshape", "flatten", "concat", "mse_loss"),
}


def read(text: str) -> dict[str, Any]:
    """Parse a graph, and check it as TorchLean's importer does."""
    graph = json.loads(text, parse_constant=lambda name: 1 / 0)
    assert graph["format"] == "torchlean.ir.v1"
    nodes = graph["nodes"]
    inputs = [node["id"] for node in nodes if node["kind"] == "input"]
    assert inputs == [graph["input_id"]]
    assert graph["output_ids"]
    assert all(0 <= id < len(nodes) for id in graph["output_ids"])
    for at, node in enumerate(nodes):
        assert node["id"] == at
        assert all(naturals(node["parents"]))
        assert all(parent < at for parent in node["parents"])
        assert all(naturals(node["shape"]))
        assert node["kind"] in SAME | PAIRS | OTHERS, node["kind"]
        parents = [nodes[parent]["shape"] for parent in node["parents"]]
        assert inferred(node, parents) == node["shape"], node
    return dict(graph)


def naturals(numbers: list[Any]) -> list[bool]:
    return [type(number) is int and number >= 0 for number in numbers]


def inferred(node: dict[str, Any], parents: list[list[int]]) -> list[int]:
    """Infer a shape as ``NN.IR.Infer`` does; a wrong arity does not unpack."""
    kind, shape = node["kind"], node["shape"]
    if kind == "input":
        assert not parents
        return list(shape)
    if kind == "const":
        assert not parents
        assert len(node["values"]) == prod(shape)
        return list(node["value_shape"])
    if kind in PAIRS | {"mse_loss"}:
        a, b = parents
        assert a == b
        return [] if kind == "mse_loss" else a
    if kind == "matmul":
        a, b = parents
        return list((np.empty(a) @ np.empty(b)).shape)
    if kind == "safe_log":
        x, epsilon = parents
        assert epsilon == []
        return x
    if kind == "concat":
        assert len(parents) >= 2
        arrays = [np.empty(parent) for parent in parents]
        return list(np.concatenate(arrays, axis=node["axis"]).shape)
    (x,) = parents
    return of_one(node, kind, x)


def of_one(  # noqa: C901 - a case for each kind
    node: dict[str, Any], kind: str, x: list[int]
) -> list[int]:
    shape: list[int] = node["shape"]
    if kind in SAME:
        return x
    if kind == "sum":
        return []
    if kind in ("max_pool", "avg_pool", "conv"):
        return of_windows(node, kind, x)
    match kind:
        case "permute":
            assert sorted(node["perm"]) == list(range(len(x)))
            return [x[axis] for axis in node["perm"]]
        case "broadcast_to":
            assert node["from_shape"] == x
            assert list(np.broadcast_shapes(tuple(x), tuple(shape))) == shape
            return list(node["to_shape"])
        case "reduce_sum" | "reduce_mean":
            (axis,) = node["axes"]
            assert node["keepdim"] is False
            assert x[axis] > 0
            return x[:axis] + x[axis + 1 :]
        case "softmax" | "layernorm":
            assert 0 <= node["axis"] < len(x)
            return x
        case "reshape":
            assert node["in_shape"] == x
            assert prod(x) == prod(node["out_shape"])
            return list(node["out_shape"])
        case "flatten":
            assert node["value_shape"] == x
            return [prod(x)]
        case "linear":
            assert x[:-1] == shape[:-1]
            assert np.shape(node["weight"]) == (node["out_dim"], node["in_dim"])
            assert np.shape(node["bias"]) == (node["out_dim"],)
            return shape
    raise AssertionError(kind)


def of_windows(node: dict[str, Any], kind: str, x: list[int]) -> list[int]:
    rank = node["spatial_rank"]
    window = [node[name] for name in ("kernel", "stride", "padding")]
    assert [len(extents) for extents in window] == [rank] * 3
    assert all(naturals([*window[0], *window[1], *window[2]]))
    assert len(x) == rank + 1
    positions = [
        (extent + 2 * pad - size) // stride + 1
        for extent, size, stride, pad in zip(x[1:], *window, strict=True)
    ]
    if kind != "conv":
        return [x[0], *positions]
    assert node["padding_after"] == node["padding"]
    assert node["dilation"] == [1] * rank
    assert (node["groups"], node["channel_axis"]) == (1, 0)
    assert node["in_channels"] == x[0]
    assert node["input_spatial"] == x[1:]
    assert np.shape(node["weight"]) == (node["out_channels"], x[0], *window[0])
    return [node["out_channels"], *positions]
