"""The tape: an immutable sequence of nodes with constant-time append."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, final

from numpy.typing import NDArray
from returns.result import Result, Success

from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.errors import InvalidNodeId, ShapeMismatch, TapeError, failed
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import short_repr
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.node import A, Node, html_of, summary
from tapem_dsl.tape.value import as_value

_SHOWN: Final = 6


@final
class Tape(Generic[A]):
    """
    An immutable sequence of nodes; the id of a node is its index.

    ``append`` returns a longer tape and does not change this one. The two share a
    buffer, and each has its own length. Appending to a tape that has already been
    extended copies its nodes into a new buffer first, so any number of threads may
    append to one tape.

    ``==`` compares ops, parents, flags, names, and values by dtype, shape and bits.
    Pickling and copying include the nodes of this tape only.

    Cost:
        ``append``, ``len`` and indexing take constant time; the first append that
        copies takes O(n). A scalar node takes about 180 bytes.

    Lean: ``Tape``; PyTorch has none, its graph is reached from the output.

    >>> import numpy as np
    >>> empty = Tape()
    >>> tape, x = empty.append(Node(None, (), np.float64(2)))
    >>> tape[x], len(tape), len(empty)
    (Node(leaf, value=2.0, requires_grad=True), 1, 0)
    """

    __slots__ = ("_buffer", "_read", "_size")

    _buffer: list[Node[A]]
    _read: bool
    _size: int

    def __init__(self, nodes: Iterable[Node[A]] | None = None) -> None:
        """Make a tape of these nodes, in a new buffer."""
        buffer = [] if nodes is None else [_checked(node) for node in nodes]
        object.__setattr__(self, "_buffer", buffer)
        object.__setattr__(self, "_size", len(buffer))
        object.__setattr__(self, "_read", False)

    def append(self, node: Node[A]) -> tuple["Tape[A]", NodeId]:
        """
        Return the tape with one more node, and the id of that node.

        A writeable value is copied. The parents are not checked; a program only makes
        nodes whose parents precede them.

        Lean: ``addNode``.

        >>> import numpy as np
        >>> Tape().append(Node(None, (), np.float64(2)))
        (<Tape: leaf>, 0)
        """
        size = self._size
        buffer = appended(self._buffer, size, _checked(node))
        return snapshot(buffer, size + 1, self._read), NodeId(size)

    @property
    def values_read(self) -> bool:
        """
        Whether the program read values, so that its nodes may depend on them.

        True if it called ``get_tape``, ``value_of`` or a gradient, or if it handled a
        failure. ``==`` does not compare it.

        Lean: none. JAX: an error, for values of tracers cannot be read.

        >>> from tapem_dsl import const, value_of
        >>> const(2.0).exec().unwrap().values_read
        False
        >>> const(2.0).bind(value_of).exec().unwrap().values_read
        True
        """
        return self._read

    def ids(self) -> Sequence[NodeId]:
        """
        Return all ids in order.

        >>> list(Tape().ids())
        []
        """
        return range(self._size)  # type: ignore[return-value] # the ids are the indices

    def nodes(self) -> list[Node[A]]:
        """
        Return all nodes in order, in a new list; this takes 1 ns a node.

        >>> Tape().nodes()
        []
        """
        return self._buffer[: self._size]

    def get_node(self, id: NodeId) -> Node[A] | None:
        """
        Return a node, or ``None`` if this tape has no node of that id.

        Lean: ``getNode?``.

        >>> Tape().get_node(NodeId(0)) is None
        True
        """
        return self._buffer[id] if 0 <= index_of(id) < self._size else None

    def get_value(self, id: NodeId) -> NDArray[A] | None:
        """
        Return a node's value, or ``None`` if this tape has no node of that id.

        Lean: ``getValue?``.

        >>> Tape().get_value(NodeId(0)) is None
        True
        """
        node = self.get_node(id)
        return None if node is None else node.value

    def require_value(
        self, id: NodeId, shape: Shape | None = None
    ) -> Result[NDArray[A], TapeError]:
        """
        Return a node's value; if a shape is given, the value must have it.

        Lean: ``requireValue``.

        Fails with:
            :class:`InvalidNodeId`, :class:`ShapeMismatch`.

        >>> Tape().require_value(NodeId(0))
        <Failure: autograd: invalid node id (op='require_value', id=0, size=0)>
        """
        if shape is not None:
            check_shape(shape)
        node = self.get_node(id)
        if node is None:
            return failed(InvalidNodeId("require_value", id=id, size=self._size))
        if shape is not None and node.value.shape != shape:
            return failed(
                ShapeMismatch(
                    "require_value",
                    shapes=(node.value.shape,),
                    wants=str(shape),
                    ids=(id,),
                    names=(node.name,),
                )
            )
        return Success(node.value)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, id: NodeId) -> Node[A]:
        """
        Return a node; an id outside the tape, or negative, raises ``IndexError``.

        >>> import numpy as np
        >>> Tape([Node(None, (), np.float64(2))])[-1]
        Traceback (most recent call last):
        ...
        IndexError: no node -1 on a tape of 1
        """
        node = self.get_node(id)
        if node is None:
            raise IndexError(f"no node {id} on a tape of {self._size}")
        return node

    def __iter__(self) -> Iterator[Node[A]]:
        buffer = self._buffer
        for index in range(self._size):
            yield buffer[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tape):
            return NotImplemented
        return self._size == other._size and (
            self._buffer is other._buffer or same(self.nodes(), other.nodes())
        )

    def __hash__(self) -> int:
        """Hash the length only."""
        return hash((Tape, self._size))

    def __repr__(self) -> str:
        if self._size <= _SHOWN:
            return f"<Tape: {', '.join(map(summary, self)) or 'empty'}>"
        shown = [summary(self._buffer[index]) for index in range(_SHOWN - 2)]
        last = summary(self._buffer[self._size - 1])
        hidden = self._size - len(shown) - 1
        return f"<Tape: {', '.join(shown)}, ... {hidden} more ..., {last}>"

    _repr_html_ = html_of

    if not TYPE_CHECKING:  # with these two, a type checker would accept any attribute

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"a tape is immutable; cannot set {name!r}")

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"a tape is immutable; cannot delete {name!r}")

    def __reduce__(self) -> tuple[Callable[..., "Tape[A]"], tuple[list[Node[A]], bool]]:
        """Pickle and copy the nodes of this tape, not the rest of a shared buffer."""
        return tape_of, (self.nodes(), self._read)


def _checked(node: Node[A]) -> Node[A]:
    """Check that an object is a node, and make its value read-only."""
    if not isinstance(node, Node):
        raise TypeError(
            f"a tape holds nodes, not {short_repr(node)}; record values with leaf"
        )
    value = as_value(node.value)
    if value is node.value:
        return node
    return Node(node.op, node.parents, value, node.requires_grad, node.name)


_new = object.__new__
_set_buffer = Tape._buffer.__set__  # type: ignore[attr-defined, misc] # noqa: SLF001 - a slot's descriptor
_set_size = Tape._size.__set__  # type: ignore[attr-defined, misc] # noqa: SLF001 - a slot's descriptor
_set_read = Tape._read.__set__  # type: ignore[attr-defined, misc] # noqa: SLF001 - a slot's descriptor


# Any: nodes of any scalar type.
def appended(buffer: list[Node[Any]], size: int, node: Node[Any]) -> list[Node[Any]]:
    """
    Return a buffer of the first ``size`` nodes of this one, and then the node.

    It is the same buffer if that has no more than ``size`` nodes, otherwise a copy; any
    number of threads may call this at once. With ``size`` 0 it is always a copy, so
    that the buffer of the empty tape stays empty.

    >>> appended([], 0, "a"), appended(["a", "b"], 1, "c")
    (['a'], ['a', 'c'])
    """
    if size and len(buffer) == size:
        buffer.append(node)
        if buffer[size] is node:  # else another thread appended first
            return buffer
    return [*buffer[:size], node]


def snapshot(
    buffer: list[Node[Any]],
    size: int,
    read: bool = False,  # noqa: FBT001, FBT002 - by keyword it takes longer
) -> Tape[Any]:
    """
    Return the first ``size`` nodes of a buffer as a tape, without a copy.

    ``read`` is whether the program read values.

    >>> snapshot([], 0)
    <Tape: empty>
    """
    tape: Tape[Any] = _new(Tape)
    _set_buffer(tape, buffer)
    _set_size(tape, size)
    _set_read(tape, read)
    return tape


def tape_of(nodes: Iterable[Node[Any]], read: bool) -> Tape[Any]:  # noqa: FBT001 - pickle passes it by position
    """
    Return a tape of checked nodes; ``read`` is whether a program read their values.

    >>> tape_of([], True).values_read
    True
    """
    buffer = [_checked(node) for node in nodes]
    return snapshot(buffer, len(buffer), read)


EMPTY: Final[Tape[Any]] = Tape()  # Any: of any scalar type
"""
The tape without nodes, from which programs run by default.

Lean: ``Tape.empty``.
"""
