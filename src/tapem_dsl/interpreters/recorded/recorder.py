"""Recorded arrays: nodes of a tape, to which each computation appends a node."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, final

import numpy as np
from typing_extensions import override

from tapem_dsl.arrays import SINGLE, AnyDType, Array, namespace_of
from tapem_dsl.arrays.shape import Shape, broadcast
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.forward.dual_ops import Tangent
from tapem_dsl.interpreters.forward.level_ops import Inject, Lift
from tapem_dsl.interpreters.recorded.ops import Narrow, Widen
from tapem_dsl.interpreters.tracer import Leveled, fresh_level, layer_at, levels_of
from tapem_dsl.ops.shapes import BroadcastTo
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import record
from tapem_dsl.tape.value import as_value, frozen

NUMBERS: Final = (int, float, Fraction, np.longdouble)
"""The types of constants in rules, and of what ``literal`` returns."""


@final
class Recorder:
    """
    A tape that grows in place: a local builder, as in Lean's ``ST``.

    Args:
        nodes: the tape so far.
        plain: whether no value that the sweep meets is a tracer.

    >>> recorder = Recorder([Node(None, (), np.float64(2))])
    >>> x = recorder.at(NodeId(0))
    >>> (1 - x * x).value, recorder.nodes[1]
    (np.float64(-3.0), Node(mul(0, 0), value=4.0, requires_grad=True))
    """

    __slots__ = ("_casts", "_literals", "_units", "level", "nodes", "plain")

    def __init__(self, nodes: list[Node[Any]], *, plain: bool = False) -> None:
        self.nodes = nodes
        self.level = fresh_level()
        self.plain = plain
        self._units: dict[int, Recorded] = {}  # a node that carries each level
        self._literals: dict[tuple[object, ...], Recorded] = {}
        self._casts: dict[tuple[NodeId, Op], Recorded] = {}

    def at(self, id: NodeId) -> "Recorded":
        """Return a node of the tape as an array."""
        return Recorded(self, id, self.nodes[id].value)

    def node(self, id: NodeId) -> Node[Any]:
        """Return the node that a recorded sweep visits: its value is recorded."""
        node = self.nodes[id]
        value: Array = Recorded(self, id, node.value)
        if not self.plain and (levels := levels_of(node.value)):
            self._units.setdefault(max(levels), value)
        return Node(node.op, node.parents, value, node.requires_grad)

    def record(self, op: Op, *operands: "Recorded") -> "Recorded":
        """Append the node of an op."""
        nodes = self.nodes
        id = len(nodes)
        node = record(op, tuple([x.id for x in operands]), nodes, id)
        nodes.append(node)
        return Recorded(self, NodeId(id), node.value)

    def constant(self, value: Array) -> "Recorded":
        """Append a frozen leaf."""
        nodes = self.nodes
        id = len(nodes)
        nodes.append(Node(None, (), value, requires_grad=False))
        return Recorded(self, NodeId(id), value)

    def literal(self, number: object, like: Array, shape: Shape) -> "Recorded":
        """Return a constant, every entry of which is a number; appended once."""
        key = (type(number), number or repr(number), shape, like.dtype)  # -0.0 is none
        found = self._literals.get(key)
        if found is None:
            entry = namespace_of(like).literal(like, number)
            value = as_value(frozen(np.full(shape, entry, like.dtype)))
            found = self._literals[key] = self.constant(value)
        return found

    def as_node(self, x: Array, like: Array, shape: Shape) -> "Recorded":
        """Return a number, an array or a node as a node of this shape."""
        if type(x) in NUMBERS:
            return self.literal(x, like, shape)
        if not isinstance(x, Recorded):
            wide = x if x.shape == shape else namespace_of(x).broadcast_to(x, shape)
            return self.constant(as_value(wide))
        return x if x.shape == shape else self.record(BroadcastTo(shape), x)

    def unit(self, level: int, like: Array) -> "Recorded":
        """Return a node of a level, for the ops that enter or leave the level."""
        if level not in self._units:
            zero = self.literal(0, like, ()).value
            self._units[level] = self.constant(layer_at(like, level).lift(zero))
        return self._units[level].astype(like.dtype)

    def cast(self, x: "Recorded", op: Narrow | Widen) -> "Recorded":
        """Return a node in another dtype; appended once, and not to undo a cast."""
        made = self.nodes[x.id]
        if type(made.op) is Widen and type(op) is Narrow:
            return self.at(made.parents[0])
        if (x.id, op) not in self._casts:
            self._casts[x.id, op] = self.record(op, x)
        return self._casts[x.id, op]


@final
class Recorded(Leveled):
    """
    A node of a recorder's tape, as an array: operators and functions append ops.

    Operands broadcast as in a derivative rule: where an op would not, ``broadcast_to``
    is recorded first.

    >>> x = Recorder([Node(None, (), np.ones(2))]).at(NodeId(0))
    >>> (x + x.namespace.sum(x)).value
    array([3., 3.])
    """

    __slots__ = ("id", "level", "recorder", "value")

    def __init__(self, recorder: Recorder, id: NodeId, value: Array) -> None:
        self.recorder = recorder
        self.level = recorder.level
        self.id = id
        self.value = value

    @property
    @override
    def shape(self) -> Shape:
        shape: Shape = self.value.shape
        return shape

    @property
    @override
    def dtype(self) -> AnyDType:
        dtype: AnyDType = self.value.dtype
        return dtype

    def __repr__(self) -> str:
        return f"Recorded({self.id}, {self.value!r})"

    @override
    def parts(self) -> tuple[object, ...]:
        return self.id, self.value

    @override
    def astype(self, dtype: AnyDType) -> "Recorded":
        """Record the op that rounds to float16, or widens that to float32."""
        if self.dtype == dtype:
            return self
        return self.recorder.cast(self, _WIDEN if dtype == SINGLE else _NARROW)

    @override
    def levels(self) -> frozenset[int]:
        """Return the levels of the value: a node is a reference, not a layer."""
        return levels_of(self.value)

    @override
    def lift(self, x: Array) -> "Recorded":
        """Record an array as a constant, and add the levels that it lacks."""
        lifted = self.recorder.as_node(x, self.value, x.shape)
        for level in sorted(self.levels() - lifted.levels()):
            lifted = self._record_at(_LIFT, lifted, level)
        return lifted

    @override
    def drop_level(self, level: int) -> "Recorded":
        return self._record_at(_TANGENT, self, level)

    @override
    def add_level(self, cotangent: "Recorded", level: int) -> "Recorded":
        return self._record_at(_INJECT, cotangent, level)

    def _record_at(self, op: Op, x: "Recorded", level: int) -> "Recorded":
        """Record an op that enters or leaves a level of this."""
        return self.recorder.record(op, x, self.recorder.unit(level, self.value))

    @override
    def receives(self, cotangent: "Recorded") -> bool:
        ours, theirs = self.value, cotangent.value
        alike = ours.dtype is theirs.dtype and ours.shape == theirs.shape
        return alike and self.recorder.plain


def common_shape(arrays: Sequence[Array]) -> Shape:
    """
    Return the shape to which arrays broadcast.

    >>> common_shape([np.ones((2, 1)), np.ones(3)])
    (2, 3)
    """
    common: Shape = arrays[0].shape
    for x in arrays[1:]:
        if x.shape != common:
            larger = broadcast(common, x.shape)
            if larger is None:
                raise ValueError(f"shapes {common} and {x.shape} do not broadcast")
            common = larger
    return common


_NARROW, _WIDEN = Narrow(), Widen()
_LIFT, _TANGENT, _INJECT = Lift(), Tangent(), Inject()
