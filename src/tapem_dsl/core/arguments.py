"""Mistakes in the text of a program: arguments of the wrong kind, with the mend."""

from collections.abc import Callable, Iterable
from operator import index
from typing import Any, ParamSpec, TypeVar

from tapem_dsl.core.instruction import Instruction

M = TypeVar("M")
P = ParamSpec("P")


def is_program(x: object) -> bool:
    """
    Tell whether a value is a program: it wraps an instruction.

    >>> from tapem_dsl import pure
    >>> is_program(pure(1)), is_program(1)
    (True, False)
    """
    return isinstance(getattr(x, "_inner_value", None), Instruction)


# Any, below: a function of whatever arguments, items of whatever type.


def function_argument(function: object, method: str) -> Any:
    """
    Refuse what cannot be called, and a program, which can be but is not meant.

    >>> function_argument(str, "map")
    <class 'str'>
    """
    if is_program(function):
        raise TypeError(
            f"{method} takes a function, not a program; "
            "to run one program after another write m.bind(lambda _: other)"
        )
    if not callable(function):
        raise TypeError(f"{method} takes a function, not {function!r}")
    return function


def produced(program: M, function: object) -> M:
    """
    Refuse what is no program, where a function was to give one.

    >>> produced(3, str)
    Traceback (most recent call last):
    ...
    TypeError: str returned 3, which is no program; use pure(value) instead
    """
    if is_program(program):
        return program
    name = getattr(function, "__qualname__", None) or repr(function)
    raise TypeError(
        f"{name} returned {program!r}, which is no program; use pure(value) instead"
    )


def producing(function: Callable[P, M]) -> Callable[P, M]:
    """
    Make a function refuse to give what is no program.

    >>> from tapem_dsl import pure
    >>> producing(pure)(1)
    <TapeM: pure(1)>
    """

    def checked(*args: P.args, **kwargs: P.kwargs) -> M:
        return produced(function(*args, **kwargs), function)

    return checked


def items_argument(items: Any, function: str) -> tuple[Any, ...]:
    """
    Take the items of a collection, in order.

    Raises:
        TypeError: a program, which can be iterated too; a set, which has no order; or
            no collection.

    >>> items_argument([1, 2], "fold_m")
    (1, 2)
    """
    if is_program(items):
        raise TypeError(
            f"{function} goes through a collection, not a program; "
            "did you forget `yield from`?"
        )
    if isinstance(items, set | frozenset):
        raise TypeError(
            f"{function} goes through a collection in order, and {items!r} has none; "
            "sort it first: sorted(...)"
        )
    if not isinstance(items, Iterable) and not hasattr(items, "__getitem__"):
        raise TypeError(f"{function} goes through a collection, not {items!r}")
    return tuple(items)


def int_argument(number: Any, of: str) -> int:
    """
    Take an integer, be it NumPy's; a truth value is none.

    >>> int_argument(2, "lcg_next, state")
    2
    """
    try:
        found = None if isinstance(number, bool) else index(number)
    except TypeError:
        found = None
    if found is None:
        raise TypeError(f"{of}: an integer is wanted, not {number!r}")
    return found


def tag_argument(tag: object, function: str) -> None:
    """
    Refuse a tag that is no text.

    >>> tag_argument("demo", "mean_scalar_over")
    """
    if not isinstance(tag, str):
        raise TypeError(f"{function} takes a text for tag, not {tag!r}")
