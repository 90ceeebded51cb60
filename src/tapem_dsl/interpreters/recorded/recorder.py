"""Arrays that are nodes: what is computed with them is recorded."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, final

import numpy as np

from tapem_dsl.core.errors import OutsideDomain, Refused
from tapem_dsl.core.namespace import SINGLE, Array, Carrier, namespace_of
from tapem_dsl.core.node import Node
from tapem_dsl.core.node_id import NodeId
from tapem_dsl.core.op import Op
from tapem_dsl.core.record import record
from tapem_dsl.core.shape import Shape, broadcast
from tapem_dsl.core.value import as_value, frozen
from tapem_dsl.interpreters.forward.crossings import MakeDual, Primal, Tangent
from tapem_dsl.interpreters.forward.dual import Dual, levels_of
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.recorded.ops import Narrow, Widen
from tapem_dsl.ops.arithmetic import Add, Div, Mul, Scale, ShiftBy, Sub
from tapem_dsl.ops.comparisons import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    NotEqual,
)
from tapem_dsl.ops.conditions import LogicalAnd, LogicalNot, LogicalOr
from tapem_dsl.ops.indexing import IndexSelect, Select
from tapem_dsl.ops.ranges import Slice
from tapem_dsl.ops.shapes import BroadcastTo

NUMBERS: Final = (int, float, Fraction, np.longdouble)
"""What a rule writes as a constant, and what ``lit`` gives."""

_ADD, _SUB, _MUL, _DIV = Add(), Sub(), Mul(), Div()
_LESS, _LESS_EQUAL, _EQUAL = Less(), LessEqual(), Equal()
_GREATER, _GREATER_EQUAL, _NOT_EQUAL = Greater(), GreaterEqual(), NotEqual()
_AND, _OR, _NOT = LogicalAnd(), LogicalOr(), LogicalNot()


@final
class Recorder:
    """
    A tape under extension: a local builder, as in Lean's ``ST``.

    Args:
        nodes: the tape so far; it grows in place.
        ambient: the levels of duals that surround the sweep; see ``Recorded.within``.
        plain: whether nothing that the sweep meets is a dual.

    >>> recorder = Recorder([Node(None, (), np.float64(2))], frozenset())
    >>> x = recorder.at(NodeId(0))
    >>> (1 - x * x).value, recorder.nodes[1]
    (np.float64(-3.0), Node(mul(0, 0), value=4.0, requires_grad=True))
    """

    __slots__ = ("_casts", "_literals", "ambient", "left", "level", "nodes", "plain")

    def __init__(
        self, nodes: list[Node[Any]], ambient: frozenset[int], *, plain: bool = False
    ) -> None:
        self.nodes = nodes
        self.ambient = ambient
        self.level = fresh_level()
        self.plain = plain
        self.left: dict[int, Recorded] = {}  # which node stands for a level that was
        self._literals: dict[tuple[object, ...], Recorded] = {}
        self._casts: dict[tuple[NodeId, Op], Recorded] = {}

    def at(self, id: NodeId) -> "Recorded":
        """Take a node of the tape for an array."""
        return Recorded(self, id, self.nodes[id].value)

    def node(self, id: NodeId) -> Node[Any]:
        """Give a node whose value is itself, as a sweep that is recorded meets it."""
        node = self.nodes[id]
        value: Array = Recorded(self, id, node.value)
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
            entry = namespace_of(like).lit(like, number)
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
        """Give a node that stands for a level; for an op of one's own a new one."""
        if level not in self.left:
            zero, one = (self.literal(n, like, ()).value for n in (0, 1))
            self.left[level] = self.constant(Dual(zero, one, level))
        return self.left[level].astype(like.dtype)

    def cast(self, x: "Recorded", op: Narrow | Widen) -> "Recorded":
        """Give a node in another type; appended once, and not to undo the other."""
        made = self.nodes[x.id]
        if type(made.op) is Widen and type(op) is Narrow:
            return self.at(made.parents[0])
        if (x.id, op) not in self._casts:
            self._casts[x.id, op] = self.record(op, x)
        return self._casts[x.id, op]


@final
class Recorded(Carrier):
    """
    A node of a tape under extension; operators and functions append the ops they are.

    Operands broadcast, as a derivative rule may write it; ops do not, so that
    ``broadcast_to`` is recorded where needed.

    Args:
        recorder: of the tape.
        id: of the node.
        value: of the node.

    >>> x = Recorder([Node(None, (), np.ones(2))], frozenset()).at(NodeId(0))
    >>> (x + x.namespace.sum(x)).value
    array([3., 3.])
    """

    __slots__ = ("id", "level", "recorder", "value")

    __array_ufunc__ = None  # so that an array to the left leaves the work to us
    __hash__ = None  # type: ignore[assignment] # == is entry by entry

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

    # -- operators; Any: an operand of whatever kind, or an index ----------------------

    def __add__(self, other: Any) -> "Recorded":
        if type(other) in NUMBERS:
            return self.recorder.record(ShiftBy(other), self)
        return self._with(_ADD, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Recorded":
        if type(other) in NUMBERS:
            return self.recorder.record(ShiftBy(-other), self)
        return self._with(_SUB, other)

    def __rsub__(self, other: Any) -> "Recorded":
        return self._after(_SUB, other)

    def __mul__(self, other: Any) -> "Recorded":
        if type(other) in NUMBERS:
            return self.recorder.record(Scale(other), self)
        return self._with(_MUL, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Recorded":
        return self._with(_DIV, other)

    def __rtruediv__(self, other: Any) -> "Recorded":
        return self._after(_DIV, other)

    def __neg__(self) -> "Recorded":
        return self.recorder.record(Scale(-1), self)

    def __lt__(self, other: Any) -> "Recorded":
        return self._with(_LESS, other)

    def __le__(self, other: Any) -> "Recorded":
        return self._with(_LESS_EQUAL, other)

    def __gt__(self, other: Any) -> "Recorded":
        return self._with(_GREATER, other)

    def __ge__(self, other: Any) -> "Recorded":
        return self._with(_GREATER_EQUAL, other)

    def __eq__(self, other: object) -> Any:
        return self._with(_EQUAL, other)

    def __ne__(self, other: object) -> Any:
        return self._with(_NOT_EQUAL, other)

    def __and__(self, other: Any) -> "Recorded":
        return self._with(_AND, other)

    def __or__(self, other: Any) -> "Recorded":
        return self._with(_OR, other)

    def __invert__(self) -> "Recorded":
        return self.recorder.record(_NOT, self)

    def __getitem__(self, index: Any) -> "Recorded":
        items = index if isinstance(index, tuple) else (index,)
        if Ellipsis in items:
            at = items.index(Ellipsis)
            rest = (slice(None),) * (self.ndim - len(items) + 1)
            items = (*items[:at], *rest, *items[at + 1 :])
        result, axis = self, 0
        for item in items:
            if isinstance(item, int):
                extent = result.shape[axis]
                if not -extent <= item < extent:
                    raise IndexError(f"no entry {item} of {extent}")
                op: Op = Select(item % extent, axis)
                result = self.recorder.record(op, result)
                continue
            start, stop, step = item.indices(result.shape[axis])
            chosen = range(start, stop, step)
            if step != 1:
                op = IndexSelect(tuple(chosen), axis)
                result = self.recorder.record(op, result)
            elif len(chosen) < result.shape[axis]:
                op = Slice(start, len(chosen), axis)
                result = self.recorder.record(op, result)
            axis += 1
        return result

    def _with(self, op: Op, other: Any) -> "Recorded":
        """Record an op of this and another operand."""
        if type(other) is Recorded and other.value.shape == self.value.shape:
            return self.recorder.record(op, self, other)
        return self.recorder.record(op, *self._alike(self, other))

    def _after(self, op: Op, other: Any) -> "Recorded":
        """Record an op of another operand and this."""
        return self.recorder.record(op, *self._alike(other, self))

    def _alike(self, *operands: Any) -> list["Recorded"]:
        """Bring operands to one shape."""
        shape = common_shape([x for x in operands if type(x) not in NUMBERS])
        return [self.recorder.taken(x, self.value, shape) for x in operands]

    # -- a cotangent lives at its node's levels, but for those around the sweep --------

    def receives(self, cotangent: "Recorded") -> bool:
        """Compare shapes and scalar types, if there are no duals anywhere."""
        ours, theirs = self.value, cotangent.value
        alike = ours.dtype is theirs.dtype and ours.shape == theirs.shape
        return alike and self.recorder.plain

    def project(self) -> Array:
        """Never asked: no node of a tape is without its recorder in a sweep."""
        raise TypeError("a recorded value was used outside the sweep that recorded it")

    def lift(self, cotangent: Array) -> "Recorded":
        """Record what a rule gave as a plain array."""
        return self.recorder.taken(cotangent, self.value, cotangent.shape)

    def within(self, cotangent: "Recorded") -> "Recorded":
        """
        Bring a cotangent to this node's levels of duals.

        Levels that surround the sweep stay: to them the whole sweep is one more
        function, and its gradient carries their derivative. Of a level that was entered
        and left within the loss, what this node lacks is projected away, as in a sweep
        from outside. What the cotangent lacks it may: it is a constant there.
        """
        value, carried = self.value, cotangent.value
        if type(value) is not Dual is not type(carried):
            return cotangent
        ours, theirs = levels_of(value), levels_of(carried)
        recorder = self.recorder
        for level in sorted(theirs - ours - recorder.ambient, reverse=True):
            of = recorder.unit(level, carried)
            cotangent = recorder.record(_TANGENT, cotangent, of)
        return cotangent

    # -- through the making of a dual and its taking apart -----------------------------

    def to_primal(self, cotangent: "Recorded") -> "Recorded":
        """Give the tangent; the cotangent itself if the level surrounds the sweep."""
        if self._surrounds():
            return cotangent
        return self.recorder.record(_TANGENT, cotangent, self)

    def to_tangent(self, cotangent: "Recorded") -> "Recorded":
        """Give the primal; ``c * e`` if the level surrounds the sweep."""
        g = self.recorder.record(_PRIMAL, cotangent, self)
        return self._dual(_zero(g), g) if self._surrounds() else g

    def from_primal(self, cotangent: "Recorded") -> "Recorded":
        """Give ``0 + g * e``."""
        self._check_left()
        return self._dual(_zero(cotangent), cotangent)

    def from_tangent(self, cotangent: "Recorded") -> "Recorded":
        """Give ``g + 0 * e``."""
        self._check_left()
        return self._dual(cotangent, _zero(cotangent))

    def _surrounds(self) -> bool:
        return self.value.level in self.recorder.ambient

    def _dual(self, primal: "Recorded", tangent: "Recorded") -> "Recorded":
        """Go back into this level, for which this node stands from now on."""
        self.recorder.left[self.value.level] = self
        return self.recorder.record(_MAKE_DUAL, primal, tangent, self)

    def _check_left(self) -> None:
        """Refuse to go back out of a level that the result is still in."""
        if self._surrounds():
            reason = (
                "the output or its seed carries the level that is left here; "
                "sweep from its primal or its tangent"
            )
            raise Refused(OutsideDomain("backward_m", reason))


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


def _zero(x: Recorded) -> Recorded:
    return x.recorder.literal(0, x.value, x.shape)


_NARROW, _WIDEN = Narrow(), Widen()
_MAKE_DUAL, _PRIMAL, _TANGENT = MakeDual(), Primal(), Tangent()
