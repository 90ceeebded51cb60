"""What names a node: a position on a tape, which checkers do not take for a number."""

from fractions import Fraction
from math import copysign, inf
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, NewType, final

import numpy as np

from tapem_dsl.messages import container_mend, is_program, said

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
        instead: what to write for a number, as :attr:`Op.with_numbers` says.

    Raises:
        TypeError: not an ``int``, with the fix.

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
            f"{where}a program was passed where a node id belongs{container_mend(id)}"
        )
    if isinstance(id, slice):
        raise TypeError("a slice of a tape is no tape; use tape.nodes()[start:stop]")
    fix = container_mend(id)
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
        f"not {type(id).__name__}: {said(id)}{fix}"
    )


# Any, below: a real number of whatever type.


def _short(number: Any) -> bool:
    """Whether a number can be written and read; NaN is none."""
    if isinstance(number, Rational):
        parts = int(number.numerator), int(number.denominator)
        return max(part.bit_length() for part in parts) <= 1024
    return bool(number == number)  # noqa: PLR0124 - NaN alone is not itself


def _with_number(instead: str, given: Any) -> str:
    """Fill a number in, where its negative or inverse stands, too."""
    number = given.item() if isinstance(given, np.generic) else given
    one = Fraction(1) if isinstance(number, Rational) else 1
    inverse = one / number if number else copysign(inf, number)
    return instead.format(
        _written(number), negative=_written(-number), inverse=_written(inverse)
    )


def _written(number: Any) -> str:
    """Write a number as Python reads it."""
    return f"float('{number}')" if abs(number) == inf else repr(number)
