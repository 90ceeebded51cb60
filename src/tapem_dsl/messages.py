"""Texts about a wrong argument, for messages of ``TypeError`` and ``ValueError``."""

import re
import reprlib
import unicodedata
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from types import GeneratorType
from typing import Any, Final, final

import msgspec
from numpy.typing import NDArray
from returns.primitives.container import BaseContainer
from returns.result import Failure, Success


class Description(msgspec.Struct, frozen=True, eq=False):
    """
    The base class of instructions, which a program wraps.

    >>> from tapem_dsl import pure
    >>> isinstance(pure(3)._inner_value, Description)
    True
    """


def is_program(x: object) -> bool:
    """
    Return whether an object is a program, which wraps an instruction.

    >>> from returns.result import Success
    >>> from tapem_dsl import pure
    >>> is_program(pure(1)), is_program(1), is_program(Success(1))
    (True, False, False)
    """
    return isinstance(getattr(x, "_inner_value", None), Description)


def short_repr(x: object) -> str:
    """
    Return the ``repr`` of an object on one printable line of 120 characters at most.

    >>> short_repr([1] * 100_000)
    '[1, 1, 1, 1, 1, 1, ...]'
    >>> short_repr("x" * 1000)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    text = printable(re.sub(r"\s*\n\s*", " ", _SHORT.repr(x)))
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


def written(x: object, write: Callable[[object], str] = repr) -> str:
    """
    Return the ``repr`` of an object, or a short one if a number in it is too long.

    Python writes no int of more than 4,300 digits.

    >>> written([1, 2]), written(10**5000)
    ('[1, 2]', 'an int of 16610 bits')

    Args:
        x: the object.
        write: ``repr``, or ``str``.
    """
    try:
        return write(x)
    except ValueError:
        return short_repr(x)


def printable(text: object) -> str:
    r"""
    Return a text on one line, with control characters written as Python escapes.

    >>> printable("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain
    )


def cell_width(text: str) -> int:
    """
    Return how many cells of a terminal a printable text takes.

    >>> cell_width("abc"), cell_width("日本"), cell_width("e\u0301")
    (3, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def padded(text: str, width: int) -> str:
    """
    Return a text with spaces after it, so that it takes this many cells.

    >>> padded("日", 4)
    '日  '
    """
    return text + " " * (width - cell_width(text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def container_fix(x: object) -> str:
    """
    Return the fix for a program or a ``Result`` passed in place of its value.

    >>> from returns.result import Success
    >>> container_fix(Success(1))
    '; unwrap it, or write `yield from from_result(...)`'
    >>> container_fix(1)
    ''
    """
    if is_program(x):
        return "; did you forget `yield from`?"
    if isinstance(x, Success | Failure):
        return "; unwrap it, or write `yield from from_result(...)`"
    return ""


def no_program(x: object, function: str = "") -> TypeError:
    """
    Return the exception for an object in place of a program, with the fix.

    Args:
        x: the object.
        function: the name of the function that returned it, if one did.

    >>> print(no_program(None, "f"))
    f returned None, which is no program; did you forget `return`?
    """
    fix = "use pure(value) instead"
    if isinstance(x, GeneratorType):
        fix = f"write @do above {x.__name__}"
    elif x is None and function:
        fix = "did you forget `return`?"
    elif isinstance(x, Success | Failure):
        fix = "write from_result(...) around it"
    given = f"{function} returned" if function else "TapeM was given"
    return TypeError(f"{given} {short_repr(x)}, which is no program; {fix}")


# Any, below: any object, and arrays of any scalar type.


class LongNumbers(reprlib.Repr):
    """
    A ``Repr`` that describes numbers which are too long for Python to write.

    >>> LongNumbers().repr({1: [10**5000]})
    '{1: [an int of 16610 bits]}'
    """

    def repr_int(self, x: int, level: int) -> str:
        """Write only the number of bits of an int that is too long."""
        if x.bit_length() > _MOST_BITS:
            return f"an int of {x.bit_length()} bits"
        return super().repr_int(x, level)

    def repr_Fraction(self, x: Fraction, level: int) -> str:  # noqa: N802 - reprlib's
        """Write only the number of bits of a fraction that is too long."""
        bits = x.numerator.bit_length(), x.denominator.bit_length()
        if max(bits) > _MOST_BITS:
            return f"a Fraction of {bits[0]} over {bits[1]} bits"
        return self.repr_instance(x, level)

    def repr_instance(self, x: Any, level: int) -> str:
        """Write a container or a dataclass part by part if it holds such a number."""
        if isinstance(x, BaseContainer) or is_dataclass(x):
            try:
                repr(x)
            except ValueError:
                return self._parts(x, level)
            except Exception:  # noqa: BLE001, S110 - its own fault, told below
                pass
        return super().repr_instance(x, level)

    def _parts(self, x: Any, level: int) -> str:
        kind = type(x).__qualname__
        if level <= 0:
            return f"{kind}(...)"
        if isinstance(x, BaseContainer):
            return f"<{kind}: {self.repr1(x._inner_value, level - 1)}>"  # noqa: SLF001 - any container
        named = ((part.name, getattr(x, part.name)) for part in fields(x))
        given = (f"{name}={self.repr1(part, level - 1)}" for name, part in named)
        return f"{kind}({', '.join(given)})"


@final
class _Short(LongNumbers):
    """A ``Repr`` that goes three levels deep."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 6
        self.maxfrozenset = 6
        self.maxother = self.maxstring = 76

    def repr_ndarray(self, x: NDArray[Any], level: int) -> str:
        """Write only the dtype and shape of a large array."""
        if x.size > self.maxtuple or x.ndim > 1:
            return f"an ndarray of {x.dtype}{list(x.shape)}"
        return self.repr_instance(x, level)


_MOST: Final = 120
_MOST_BITS: Final = 2000
"""How many bits a written integer may have: the least limit of Python is 640 digits."""

_SHORT: Final = _Short()
