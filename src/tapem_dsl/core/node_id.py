"""What names a node: a position on a tape, which checkers do not take for a number."""

from numbers import Real
from typing import TYPE_CHECKING, NewType, final

import numpy as np

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
    NodeId = NewType("NodeId", int)


def index_of(id: object, of: str = "", instead: str = "") -> int:
    """
    Check that a value can be an id at all; whether it is one, only a tape can tell.

    Args:
        id: what was given.
        of: which argument of what it was.
        instead: what to write for a number, with ``{}`` where it stands.

    Raises:
        TypeError: not an ``int``, with the mend.

    >>> index_of(True)
    Traceback (most recent call last):
    ...
    TypeError: a node id is the int that leaf or an op returned, not bool: True
    >>> index_of(2.0, "mul, operand 2", "scale(x, {})")
    Traceback (most recent call last):
    ...
    TypeError: mul, operand 2: a node id is the int that leaf or an op returned, not
    float: 2.0; write scale(x, 2.0), or record it with const
    """
    if type(id) is int:
        return id
    where = f"{of}: " if of else ""
    if hasattr(id, "_inner_value"):
        raise TypeError(
            f"{where}a program was passed where a node id belongs; "
            "did you forget `yield from`?"
        )
    if isinstance(id, slice):
        raise TypeError("a slice of a tape is no tape; use tape.nodes()[start:stop]")
    mend = ""
    if isinstance(id, np.integer):
        mend = f"; write int({id})"
    elif isinstance(id, np.ndarray):
        mend = "; record an array with leaf or const"
    elif not isinstance(id, bool) and isinstance(id, Real):
        write = f"write {instead.format(id)}, or " if instead else ""
        mend = f"; {write}record it with const"
    raise TypeError(
        f"{where}a node id is the int that leaf or an op returned, "
        f"not {type(id).__name__}: {id!r}{mend}"
    )
