"""Checks of arguments: a TypeError names what was given and the fix."""

from collections.abc import Callable
from numbers import Real
from operator import index
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tapem_dsl.messages import container_mend, is_program, no_program, said

M = TypeVar("M")
P = ParamSpec("P")


# Any, below: functions of any arguments, items of any type.


def function_argument(function: object, of: str, name: str = "") -> Any:
    """
    Check that an argument is a function; a program is callable, but refused too.

    Args:
        function: the argument.
        of: the name of the function that takes it.
        name: the argument's name.

    >>> function_argument(str, "map", "function")
    <class 'str'>
    >>> function_argument(3, "map", "function")
    Traceback (most recent call last):
    ...
    TypeError: map takes a function for function, not 3
    """
    wants = f"{of} takes a function{name and f' for {name}'}"
    if is_program(function):
        raise TypeError(
            f"{wants}, not a program; "
            "to run one program after another write m.bind(lambda _: other)"
        )
    if not callable(function):
        raise TypeError(f"{wants}, not {said(function)}")
    return function


def produced(program: M, function: object) -> M:
    """
    Check that a function returned a program.

    >>> produced(3, str)
    Traceback (most recent call last):
    ...
    TypeError: str returned 3, which is no program; use pure(value) instead
    """
    if is_program(program):
        return program
    raise no_program(program, name_of(function))


def name_of(function: object) -> str:
    """
    Return the name of a function for messages.

    >>> name_of(str.upper)
    'str.upper'
    """
    return getattr(function, "__qualname__", None) or said(function)


def producing(function: Callable[P, M]) -> Callable[P, M]:
    """
    Wrap a function so that it raises ``TypeError`` unless it returns a program.

    >>> from tapem_dsl import pure
    >>> producing(pure)(1)
    <TapeM: pure(1)>
    """

    def checked(*args: P.args, **kwargs: P.kwargs) -> M:
        return produced(function(*args, **kwargs), function)

    return checked


def items_argument(items: Any, function: str) -> tuple[Any, ...]:
    """
    Return the items of a collection as a tuple.

    Raises:
        TypeError: the argument is a program, a set (which has no order), or cannot be
            iterated.

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
            f"{function} goes through a collection in order, "
            f"and {said(items)} has none; "
            "sort it first: sorted(...)"
        )
    if isinstance(items, np.ndarray) and not items.ndim:
        raise TypeError(
            f"{function} goes through the rows of an array, and {said(items)} has none"
        )
    try:
        iterator = iter(items)
    except TypeError as error:
        raise TypeError(
            f"{function} goes through a collection, not {said(items)}"
            f"{container_mend(items)}"
        ) from error
    return tuple(iterator)


def int_argument(number: Any, of: str) -> int:
    """
    Return an integer of Python or NumPy as an ``int``; a boolean is refused.

    >>> int_argument(2, "lcg_next, state")
    2
    """
    try:
        found = None if isinstance(number, bool) else index(number)
    except TypeError:
        found = None
    if found is None:
        raise TypeError(f"{of}: expected an integer, not {said(number)}")
    return found


def tag_argument(tag: object, function: str) -> None:
    """
    Check that a tag is a string.

    >>> tag_argument("demo", "mean_scalar_over")
    """
    if not isinstance(tag, str):
        raise TypeError(f"{function} takes a string for tag, not {said(tag)}")


def real_argument(number: object, of: str, name: str, nodes: str = "") -> None:
    """
    Check that an argument is a real number; a boolean is refused.

    Args:
        number: the argument.
        of: the name of the function that takes it.
        name: the argument's name.
        nodes: for an array, the call on recorded nodes to write instead, if any.

    >>> real_argument(2, "scale", "factor")
    >>> real_argument(None, "scale", "factor")
    Traceback (most recent call last):
    ...
    TypeError: scale takes a real number for factor, not None
    """
    if not isinstance(number, bool) and isinstance(number, Real):
        return
    fix = container_mend(number)
    if nodes and isinstance(number, np.ndarray):
        fix = f"; record it with const and write {nodes}"
    raise TypeError(f"{of} takes a real number for {name}, not {said(number)}{fix}")
