"""Arrays that are nodes: what is computed with them is recorded."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, final

import numpy as np

from tapem_dsl.arrays import SINGLE, Array, namespace_of
from tapem_dsl.arrays.shape import Shape, broadcast
from tapem_dsl.ids import NodeId
from tapem_dsl.interpreters.forward.dual import Dual
from tapem_dsl.interpreters.forward.dual_ops import MakeDual, Tangent
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.recorded.ops import Narrow, Widen
from tapem_dsl.interpreters.tracer import Leveled, levels_of
from tapem_dsl.ops.shapes import BroadcastTo
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.record import record
from tapem_dsl.tape.value import as_value, frozen

NUMBERS: Final = (int, float, Fraction, np.longdouble)
"""What a rule writes as a constant, and what ``literal`` gives."""


@final
class Recorder:
    """
    A tape under extension: a local builder, as in Lean's ``ST``.

    Args:
        nodes: the tape so far; it grows in place.
        plain: whether nothing that the sweep meets is a dual.

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
        """Take a node of the tape for an array."""
        return Recorded(self, id, self.nodes[id].value)

    def node(self, id: NodeId) -> Node[Any]:
        """Give a node whose value is itself, as a sweep that is recorded meets it."""
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
        """Give a constant that is one number throughout; appended once."""
        key = (type(number), number or repr(number), shape, like.dtype)  # -0.0 is none
        found = self._literals.get(key)
        if found is None:
            entry = namespace_of(like).literal(like, number)
            value = as_value(frozen(np.full(shape, entry, like.dtype)))
            found = self._literals[key] = self.constant(value)
        return found

    def taken(self, x: Array, like: Array, shape: Shape) -> "Recorded":
        """Bring an operand to a shape: a number, an array or a node."""
        if type(x) in NUMBERS:
            return self.literal(x, like, shape)
        if not isinstance(x, Recorded):
            return self.constant(as_value(frozen(np.broadcast_to(x, shape))))
        return x if x.shape == shape else self.record(BroadcastTo(shape), x)

    def unit(self, level: int, like: Array) -> "Recorded":
        """Give a node that stands for a level; a new one if nothing met does."""
        if level not in self._units:
            zero, one = (self.literal(n, like, ()).value for n in (0, 1))
            self._units[level] = self.constant(Dual(zero, one, level))
        return self._units[level].astype(like.dtype)

    def cast(self, x: "Recorded", op: Narrow | Widen) -> "Recorded":
        """Give a node in another type; appended once, and not to undo the other."""
        made = self.nodes[x.id]
        if type(made.op) is Widen and type(op) is Narrow:
            return self.at(made.parents[0])
        if (x.id, op) not in self._casts:
            self._casts[x.id, op] = self.record(op, x)
        return self._casts[x.id, op]


@final
class Recorded(Leveled):
    """
    A node of a tape under extension; operators and functions append the ops they are.

    Operands broadcast, as a derivative rule may write it; ops do not, so that
    ``broadcast_to`` is recorded where needed.

    Args:
        recorder: of the tape.
        id: of the node.
        value: of the node.

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
    def shape(self) -> Shape:
        """The value's."""
        shape: Shape = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """The value's."""
        return len(self.value.shape)

    @property
    def dtype(self) -> "np.dtype[Any]":  # Any: of whatever scalar
        """The value's."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    def __repr__(self) -> str:
        return f"Recorded({self.id}, {self.value!r})"

    def parts(self) -> tuple[object, ...]:
        """Give id and value."""
        return self.id, self.value

    def astype(self, dtype: "np.dtype[Any]") -> "Recorded":  # Any: as above
        """Record the op that rounds to float16, or widens that to float32."""
        if self.dtype == dtype:
            return self
        return self.recorder.cast(self, _WIDEN if dtype == SINGLE else _NARROW)

    # -- levels: those of the value ----------------------------------------------------

    def levels(self) -> frozenset[int]:
        """Tell those of the value: a node is a reference, not a layer."""
        return levels_of(self.value)

    def lift(self, x: Array) -> "Recorded":
        """Record what a rule gave as a plain array; add levels that it lacks."""
        lifted = self.recorder.taken(x, self.value, x.shape)
        for level in sorted(self.levels() - lifted.levels()):
            of = self.recorder.unit(level, self.value)
            zero = self.recorder.literal(0, self.value, x.shape)
            lifted = self.recorder.record(_MAKE_DUAL, lifted, zero, of)
        return lifted

    def drop_level(self, level: int) -> "Recorded":
        """Record the tangent."""
        of = self.recorder.unit(level, self.value)
        return self.recorder.record(_TANGENT, self, of)

    def add_level(self, cotangent: "Recorded", level: int) -> "Recorded":
        """Record its multiple of ``e``."""
        of = self.recorder.unit(level, self.value)
        zero = self.recorder.literal(0, cotangent.value, cotangent.shape)
        return self.recorder.record(_MAKE_DUAL, zero, cotangent, of)

    def receives(self, cotangent: "Recorded") -> bool:
        """Compare shapes and scalar types, if there are no duals anywhere."""
        ours, theirs = self.value, cotangent.value
        alike = ours.dtype is theirs.dtype and ours.shape == theirs.shape
        return alike and self.recorder.plain


def common_shape(arrays: Sequence[Array]) -> Shape:
    """
    Find the shape to which arrays broadcast.

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
_MAKE_DUAL, _TANGENT = MakeDual(), Tangent()
