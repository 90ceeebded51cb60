"""The graph that an export builds: its nodes so far, and the ids that they have."""

from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import NUMPY, Array, widened
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import NotExportable, Refused
from tapem_dsl.ids import NodeId
from tapem_dsl.tape.node import Node

FORMAT: Final = "torchlean.ir.v1"

_DTYPES: Final = (np.float64, np.float32, np.float16)
"""The types whose numbers are numbers of Lean's ``Float``."""


# Any, throughout: nodes of any scalar type, and JSON.
@final
class Graph:
    """
    Nodes of the JSON, and for each node of the tape the id of its counterpart.

    >>> graph = Graph([], 0)
    >>> graph.add("input", [], (2,)), graph.nodes
    (0, [{'id': 0, 'kind': 'input', 'parents': [], 'shape': [2]}])
    """

    def __init__(self, source: list[Node[Any]], input: int) -> None:
        self.source = source
        self.input = input
        self.nodes: list[dict[str, Any]] = []
        self.exported: dict[int, int] = {}

    def add(
        self, kind: str, parents: list[int], shape: Shape, **attributes: Any
    ) -> int:
        """Append a node, and return its id."""
        id = len(self.nodes)
        node = {"id": id, "kind": kind, "parents": parents, "shape": list(shape)}
        self.nodes.append({**node, **attributes})
        return id

    def put(self, index: int, id: int) -> None:
        """Say which node of the graph is the counterpart of a node of the tape."""
        self.exported[index] = id

    def id_of(self, index: int) -> int:
        """Return the id of a counterpart; the first use of a constant appends it."""
        if index not in self.exported:
            value = self.source[index].value
            self.put(index, self.constant(index, value))
        return self.exported[index]

    def constant(self, index: int, value: Array) -> int:
        """Append a constant; ``index`` is the node that needs it."""
        shape = value.shape
        values = self.numbers(index, np.ravel(value))
        return self.add("const", [], shape, value_shape=list(shape), values=values)

    def numbers(self, index: int, value: Array) -> Any:
        """Return an array as nested lists of numbers, or refuse it."""
        self.check_dtype(index, value)
        if not np.isfinite(value).all():
            raise self.refused(index, "JSON has no number for an infinity or NaN")
        return value.astype(np.float64).tolist()

    def literal(self, value: Array, number: Any) -> Array:
        """Return a number in the type that ops of a value's dtype compute in."""
        like = widened(value)
        return np.asarray(NUMPY.literal(like, number), like.dtype)

    def check_dtype(self, index: int, value: Array) -> None:
        """Refuse a node of the tape whose value is of another type than ``Float``."""
        if value.dtype.type not in _DTYPES:
            raise self.refused(index, f"{value.dtype} is no type of Lean's Float")

    def is_constant(self, *indices: int) -> bool:
        """Return whether nodes of the tape are leaves, and not the graph's input."""
        return all(self.source[i].op is None and i != self.input for i in indices)

    def refused(self, index: int, why: str) -> Refused:
        """Refuse a node of the tape."""
        op = self.source[index].op
        kind = "leaf" if op is None else type(op).__name__
        return Refused(NotExportable(FORMAT, id=NodeId(index), kind=kind, why=why))
