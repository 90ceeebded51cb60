"""Texts about a wrong argument, for messages of ``TypeError`` and ``ValueError``."""

import re
import reprlib
from types import GeneratorType
from typing import Any, Final, final

import msgspec
from numpy.typing import NDArray
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


@final
class _Short(reprlib.Repr):
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

    def repr_int(self, x: int, level: int) -> str:
        """Write only the number of bits of an int that is too long for Python."""
        if x.bit_length() > _MOST_BITS:
            return f"an int of {x.bit_length()} bits"
        return super().repr_int(x, level)


_MOST: Final = 120
_MOST_BITS: Final = 4000
_SHORT: Final = _Short()
