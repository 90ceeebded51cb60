"""From a tape to the object of TorchLean's ``torchlean.ir.v1`` JSON."""

from collections.abc import Iterable
from typing import Any

from returns.result import Failure, Result

from tapem_dsl.arguments import check_argument, items_of
from tapem_dsl.errors import (
    InvalidNodeId,
    InvalidOutputId,
    TapeError,
    failed,
)
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.check import checked
from tapem_dsl.interpreters.results import as_result
from tapem_dsl.interpreters.torchlean.graph import FORMAT, Graph
from tapem_dsl.interpreters.torchlean.kinds import KINDS, LOWERINGS
from tapem_dsl.tape.ancestors import with_ancestors
from tapem_dsl.tape.tape import Tape


# Any, throughout: tapes of any scalar type, and JSON.
def to_torchlean(
    tape: Tape[Any], outputs: Iterable[NodeId], *, input: NodeId
) -> Result[dict[str, Any], TapeError]:
    """
    Return a tape as the JSON object that TorchLean's importer takes.

    The object has ``format``, ``input_id``, ``output_ids`` and ``nodes``; each node has
    ``id``, ``kind``, ``parents``, ``shape`` and the attributes of its kind. One leaf
    is the graph's input, and the other leaves are constants with their values. Only
    nodes that the outputs depend on are exported, and they get new ids.

    =================================================  =================================
    ops                                                kinds
    =================================================  =================================
    ``add sub abs_ sqrt inv relu tanh sigmoid``        of the same name
    ``softplus exp log sin cos detach sum_ mse_loss``
    ``mul max_ min_``                                  ``mul_elem max_elem min_elem``
    ``matmul bmm dot``                                 ``matmul``
    ``linear conv layer_norm`` with parameters that    ``linear conv layernorm``
    are constants
    ``linear`` with other parameters                   ``matmul`` and ``add``
    ``scale``, ``shift_by``                            ``const`` and ``mul_elem``,
                                                       ``const`` and ``add``
    ``safe_log``                                       ``const`` and ``safe_log``
    ``reduce_sum reduce_mean softmax softmax_last``    ``reduce_sum reduce_mean``
    ``concat``                                         ``softmax concat``
    ``reshape flatten permute transpose``              ``reshape flatten permute``
    ``swap_adjacent_at_depth broadcast_to``            ``broadcast_to``
    ``max_pool avg_pool``                              the same
    =================================================  =================================

    Each is exact: the graph computes the same numbers but for the order of sums. Other
    ops are refused, also those that a formula of these kinds would round otherwise:
    ``div``, for one, is not bit for bit a product with ``inv``.

    Args:
        tape: a tape of float64, float32 or float16.
        outputs: the outputs, at least one.
        input: the leaf that is the graph's input.

    Fails with:
        :class:`NotExportable`: an op has no kind, or a constant is not finite or of
        another dtype;
        :class:`InvalidNodeId`, :class:`InvalidOutputId`: an id is not on the tape;
        :class:`UnsoundTape`: the tape was not made by a run.

    Raises:
        ValueError: there are no outputs, or ``input`` is no leaf that they depend on.

    Lean: the graph that ``Import.PyTorch.TorchExport.parseGraph`` accepts. PyTorch:
    ``torch.export.export``.

    >>> import json
    >>> from tapem_dsl import leaf, relu
    >>> out, tape = leaf(3.0, "x").bind(relu).run().unwrap()
    >>> print(json.dumps(to_torchlean(tape, [out], input=tape.ids()[0]).unwrap()))
    {"format": "torchlean.ir.v1", "input_id": 0, "output_ids": [1],
    "nodes": [{"id": 0, "kind": "input", "parents": [], "shape": []},
    {"id": 1, "kind": "relu", "parents": [0], "shape": []}]}
    """
    check_argument("to_torchlean", "tape", tape, Tape)
    given = items_of("to_torchlean", "outputs", outputs)
    tops = [index_of(id, "to_torchlean, outputs") for id in given]
    if not tops:
        raise ValueError("to_torchlean takes at least one output")
    start, size = index_of(input, "to_torchlean, input"), len(tape)
    if not 0 <= start < size:
        return failed(InvalidNodeId("to_torchlean", id=input, size=size))
    for top in tops:
        if not 0 <= top < size:
            return failed(InvalidOutputId(id=NodeId(top), size=size))
    sound = checked(tape)
    if isinstance(sound, Failure):
        return failed(sound.failure())
    graph = Graph(tape.nodes(), start)
    live = with_ancestors(graph.source, tops)
    if graph.source[start].op is not None or start not in live:
        raise ValueError(
            f"to_torchlean takes a leaf for input that the outputs depend on, "
            f"and node {start} is {_what(graph, start)}"
        )

    def export() -> dict[str, Any]:
        for index in live:
            _export(graph, index)
        return {
            "format": FORMAT,
            "input_id": graph.exported[start],
            "output_ids": [graph.exported[top] for top in tops],
            "nodes": graph.nodes,
        }

    return as_result(export, graph.source)


def _what(graph: Graph, index: int) -> str:
    op = graph.source[index].op
    return "one that they do not depend on" if op is None else op.label


def _export(graph: Graph, index: int) -> None:
    node = graph.source[index]
    parents = list(map(index_of, node.parents))
    if node.op is None:
        if index == graph.input:
            graph.check_dtype(index, node.value)
            graph.put(index, graph.add("input", [], node.value.shape))
        return  # a constant is added where it is a parent, and not a parameter
    kind, lower = KINDS.get(type(node.op)), LOWERINGS.get(type(node.op))
    if kind is not None or lower is not None:
        graph.check_dtype(index, node.value)
    if kind is not None:
        ids = [graph.id_of(parent) for parent in parents]
        graph.put(index, graph.add(kind, ids, node.value.shape))
    elif lower is not None:
        graph.put(index, lower(graph, index, node.op, parents))
    else:
        raise graph.refused(index, "there is no kind that computes the same")
