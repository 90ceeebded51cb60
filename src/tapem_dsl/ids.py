"""Node ids: positions on a tape, which type checkers distinguish from numbers."""

from fractions import Fraction
from math import copysign, inf
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, NewType, final

import numpy as np

from tapem_dsl.messages import container_fix, is_program, short_repr

if TYPE_CHECKING:

    @final
    class NodeId:
        """
        The index of a node on its tape, opaque to type checkers.

        At run time an id is a plain ``int``: ``NodeId(3) is 3``. Type checkers reject
        an id used as a number, a number used as an id, and arithmetic on ids. Ids can
        be compared, be keys of a dict and index a list. ``operator.index(id)`` is the
        ``int``.

        Lean: ``Nat``.
        """

        def __new__(cls, index: int, /) -> "NodeId":
            """Convert an int to an id."""
            ...

        def __index__(self) -> int: ...
        def __lt__(self, other: "NodeId", /) -> bool: ...
        def __eq__(self, other: object, /) -> bool: ...
        def __hash__(self) -> int: ...

else:
    NodeId = NewType("NodeId", int)
    """
    The index of a node on its tape: an ``int``, which type checkers keep apart from it.

    Lean: ``Nat``.
    """


def index_of(id: object, of: str = "", instead: str = "") -> int:
    """
    Check that an id is an ``int``, and return it; the tape is not consulted.

    Args:
        id: the argument.
        of: the function and the argument's name, for the message.
        instead: the call to write if it is a number, see :attr:`Op.with_numbers`.

    Raises:
        TypeError: the id is not an ``int``; the message includes the fix.

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
    if is_program(id):
        raise TypeError(
            f"{where}a program was passed where a node id belongs{container_fix(id)}"
        )
    if isinstance(id, slice):
        raise TypeError("a slice of a tape is not a tape; use tape.nodes()[start:stop]")
    fix = container_fix(id)
    if isinstance(id, np.ndarray):
        fix = "; record an array with leaf or const"
    elif isinstance(id, list | tuple):
        fix = "; pass its ids one by one, as in f(*ids)"
    elif not isinstance(id, bool) and isinstance(id, Real):
        ways = [f"write {_with_number(instead, id)}"] if instead and _short(id) else []
        given: object = id
        if isinstance(given, np.integer):
            ways.append(f"write int({id}) if it is an id")
        else:
            ways.append("record it with const")
        fix = f"; {', or '.join(ways)}"
    raise TypeError(
        f"{where}a node id is the int that leaf or an op returned, "
        f"not {type(id).__name__}: {short_repr(id)}{fix}"
    )


# Any, below: a real number of any type.


def _short(number: Any) -> bool:
    """Whether a number has a short text that Python can read; NaN has not."""
    if isinstance(number, Rational):
        parts = int(number.numerator), int(number.denominator)
        return max(part.bit_length() for part in parts) <= 1024
    return bool(number == number)  # noqa: PLR0124 - NaN alone is not itself


def _with_number(instead: str, given: Any) -> str:
    """Insert a number, its negative or its inverse into the text of a call."""
    number = given.item() if isinstance(given, np.generic) else given
    one = Fraction(1) if isinstance(number, Rational) else 1
    inverse = one / number if number else copysign(inf, number)
    return instead.format(
        _written(number), negative=_written(-number), inverse=_written(inverse)
    )


def _written(number: Any) -> str:
    """Write a number so that Python can read it."""
    return f"float('{number}')" if abs(number) == inf else repr(number)
