"""One entry of a tape: a value, the op that computed it, and the op's operands."""

from collections.abc import Callable
from typing import Any, Generic

import msgspec
import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from tapem_dsl.ids import NodeId
from tapem_dsl.messages import printable, short_repr, written
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.value import as_value, frozen

A = TypeVar("A", bound=np.generic, default=np.float64)
"""The NumPy scalar type of a tape."""


def html_of(shown: Any) -> str:  # Any: Node, Tape and other classes
    """
    Return what a notebook shows of a node, a tape, a program or gradients.

    It is the method ``_repr_html_`` of their classes.

    >>> html_of(Node(None, (), np.float64(2)))[:36]
    '<details open><summary>Node</summary'
    """
    from tapem_dsl.interpreters.render import to_html  # noqa: PLC0415 - it imports this

    return to_html(shown)


class Node(
    msgspec.Struct, Generic[A], frozen=True, eq=False, gc=False, repr_omit_defaults=True
):
    """
    An entry of a tape: plain data, so nodes can be compared, pickled and printed.

    The cyclic garbage collector does not track nodes, which saves most of the time that
    a tape of a million nodes would take.

    Args:
        op: the op that computed the value; ``None`` for a leaf.
        parents: the operands of the op, in order. Each id is less than the node's own.
        value: a read-only array, or a NumPy scalar if the shape is ``()``.
        requires_grad: of a leaf, as the user set it; of an op, whether any parent
            requires a gradient.
        name: the name that the user gave to a leaf.

    Lean: ``Node``, which holds a ``backward`` closure instead of the op.

    >>> Node(None, (), np.float64(2), True, "w")
    Node(leaf 'w', value=2.0, requires_grad=True)
    """

    op: Op | None
    parents: tuple[NodeId, ...]
    value: NDArray[A]
    requires_grad: bool = True
    name: str | None = None

    @property
    def label(self) -> str:
        """
        TorchLean's label of the node: the leaf's name, or the op's label.

        >>> Node(None, (), np.float64(2)).label
        'leaf'
        """
        if self.op is not None:
            return self.op.label
        return "leaf" if self.name is None else self.name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        ours = (self.op, self.parents, self.requires_grad, self.name, self.value)
        theirs = (other.op, other.parents, other.requires_grad, other.name, other.value)
        return same(ours, theirs)

    def __hash__(self) -> int:
        """Hash the op's class and the parents, not the value."""
        return hash((type(self.op), self.parents))

    def __repr__(self) -> str:
        return (
            f"Node({summary(self)}, value={summary_of_value(self.value)}, "
            f"requires_grad={short_repr(self.requires_grad)})"
        )

    _repr_html_ = html_of

    # Any: the arguments of the constructor.
    def __reduce__(self) -> tuple[Callable[..., "Node[A]"], tuple[Any, ...]]:
        """Pickle so that the array is read-only again after unpickling or copying."""
        return _restored, (
            self.op,
            self.parents,
            self.value,
            self.requires_grad,
            self.name,
        )


def _restored(
    op: Op | None,
    parents: tuple[NodeId, ...],
    value: NDArray[A],
    requires_grad: bool,  # noqa: FBT001 - pickle passes it by position
    name: str | None,
) -> Node[A]:
    return Node(op, parents, as_value(frozen(value)), requires_grad, name)


def summary(node: Node[Any]) -> str:  # Any: of any scalar type
    """
    Return a short description of a node: the op with its operands, or the leaf.

    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> summary(Node(Mul(), (NodeId(0), NodeId(1)), np.float64(6)))
    'mul(0, 1)'
    """
    if node.op is not None:
        given = [x if type(x) is int else short_repr(x) for x in operands(node)]
        return f"{_label_of(node.op)}({', '.join(map(str, given))})"
    return "leaf" if node.name is None else f"leaf {_name_of(node)}"


# Any, below: whatever a node made by hand holds.


def operands(node: Node[Any]) -> tuple[Any, ...]:
    """
    Return the parents of a node; of one made by hand, what is in their place.

    >>> operands(Node(None, 7, np.float64(1)))
    (7,)
    """
    given: Any = node.parents
    return given if isinstance(given, tuple) else (given,)


def _label_of(op: Any) -> str:
    try:
        return printable(op.label)
    except Exception:  # noqa: BLE001 - what is no op, or a property of a user's
        return short_repr(op)


def _name_of(node: Node[Any]) -> str:
    name: Any = node.name
    return repr(name) if isinstance(name, str) else short_repr(name)


def summary_of_value(value: NDArray[Any]) -> str:  # Any: of any scalar type
    """
    Return a short description of a value: a number, or a dtype and shape.

    >>> summary_of_value(np.zeros((2, 3)))
    'float64[2, 3]'
    """
    if value.shape == ():
        plain = value.dtype == np.float64 or value.dtype.hasobject
        return written(value[()], str) if plain else repr(value)
    return f"{value.dtype}{list(value.shape)}"
