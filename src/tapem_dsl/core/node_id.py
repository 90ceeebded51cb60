"""What names a node: a position on a tape, which checkers do not take for a number."""

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:

    @final
    class NodeId:
        """
        The index of a node in its tape, opaque to type checkers.

        At run time an id is a plain ``int``: ``NodeId(3) is 3``, and nothing can tell
        an id from a number there. The checkers refuse an id where a number belongs, a
        number where an id belongs, and arithmetic on ids. An id can be compared with
        another, be a key and index a list; ``operator.index(id)`` is its number.

        Lean: ``Nat``.
        """

        def __new__(cls, index: int, /) -> "NodeId":
            """Take an int for an id."""
            ...

        def __index__(self) -> int: ...
        def __lt__(self, other: "NodeId", /) -> bool: ...
        def __eq__(self, other: object, /) -> bool: ...
        def __hash__(self) -> int: ...

else:
    NodeId = int


def index_of(id: object) -> int:
    """
    Check that a value can be an id at all; whether it is one, only a tape can tell.

    Raises:
        TypeError: not an ``int``, with the mend.

    >>> index_of(True)
    Traceback (most recent call last):
    ...
    TypeError: a node id is the int that leaf or an op returned, not bool: True
    """
    if type(id) is int:
        return id
    if hasattr(id, "_inner_value"):
        raise TypeError(
            "a program was passed where a node id belongs; did you forget `yield from`?"
        )
    if isinstance(id, slice):
        raise TypeError("a slice of a tape is no tape; use tape.nodes()[start:stop]")
    raise TypeError(
        "a node id is the int that leaf or an op returned, "
        f"not {type(id).__name__}: {id!r}"
    )
