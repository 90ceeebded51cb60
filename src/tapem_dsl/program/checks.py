"""Checks of arguments: a TypeError names what was given and the fix."""

from collections.abc import Callable
from numbers import Real
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tapem_dsl.messages import container_fix, is_program, no_program, short_repr

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
        raise TypeError(f"{wants}, not {short_repr(function)}")
    return function


def checked_program(program: M, function: object) -> M:
    """
    Check that a function returned a program.

    >>> checked_program(3, str)
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
    return getattr(function, "__qualname__", None) or short_repr(function)


def returns_program(function: Callable[P, M]) -> Callable[P, M]:
    """
    Wrap a function so that it raises ``TypeError`` unless it returns a program.

    >>> from tapem_dsl import pure
    >>> returns_program(pure)(1)
    <TapeM: pure(1)>
    """

    def checked(*args: P.args, **kwargs: P.kwargs) -> M:
        return checked_program(function(*args, **kwargs), function)

    return checked


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
    fix = container_fix(number)
    if nodes and isinstance(number, np.ndarray):
        fix = f"; record it with const and write {nodes}"
    raise TypeError(
        f"{of} takes a real number for {name}, not {short_repr(number)}{fix}"
    )
