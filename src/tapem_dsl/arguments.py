"""Checks of arguments at the call, with messages that say what to write instead."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sized
from functools import cache
from inspect import get_annotations
from numbers import Integral, Real
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

import numpy as np
from returns.result import Failure, Success

from tapem_dsl.messages import is_program, short_repr

# Any, throughout: values and types of every sort.

T = TypeVar("T")

_LARGEST: Final = sys.float_info.max  # a Fraction may be finite and yet no double

_CONTAINS: Final[dict[str, Callable[[Any], bool]]] = {
    "count": lambda x: x >= 0,
    "(-inf, inf)": lambda x: -_LARGEST <= x <= _LARGEST,
    "[0, inf)": lambda x: 0 <= x <= _LARGEST,
    "(0, inf)": lambda x: 0 < x <= _LARGEST,
    "[0, inf]": lambda x: x >= 0,
    "(0, inf]": lambda x: x > 0,
    "[0, 1]": lambda x: 0 <= x <= 1,
    "[0, 1)": lambda x: 0 <= x < 1,
    "[0, 100]": lambda x: 0 <= x <= 100,
}
"""Intervals as mathematics writes them. A finite bound of infinity is float64's largest
number, and NaN is in none."""

_WORDS: Final[dict[Any, str]] = {
    "count": "a count (0, 1, 2, ...)",
    str: "a text",
    int: "an integer",
    Real: "a real number",
    Callable: "a function",
    Iterable: "a collection",
    dict: "a dict",
    Mapping: "a mapping",
    range: "a range",
    Sized: "a collection",
    np.ndarray: "an array",
    logging.Logger: "a logger",
}
"""The words of messages for a kind; for other types, their names."""


def check_argument(
    owner: str, name: str, given: object, kind: Any, fix: str = ""
) -> None:
    """
    Check one argument of a call.

    Args:
        owner: the function or class, for the message.
        name: the argument's name, for the message.
        given: the argument.
        kind: ``"count"``, an interval such as ``"[0, inf)"``, a tuple of the choices,
            or a type. NumPy's numbers pass as numbers; truth values do not. A program
            passes as no other type. As an ``Iterable``, a ``Result`` does not pass, nor
            does a set, which has no order.
        fix: the end of the message, which says what to write instead.

    Raises:
        TypeError: ``given`` has another type.
        ValueError: ``given`` is outside of the interval, or none of the choices.

    >>> check_argument("Adam", "beta1", 1.0, "[0, 1)")
    Traceback (most recent call last):
    ...
    ValueError: Adam takes a number in [0, 1) for beta1, not 1.0 (float)
    >>> check_argument("Trainer", "step", 3, Callable)
    Traceback (most recent call last):
    ...
    TypeError: Trainer takes a function for step, not 3 (int)
    """
    if isinstance(kind, tuple):
        right_type = isinstance(given, tuple(map(type, kind)))
        right = right_type and given in kind
    elif isinstance(kind, str):
        right_type = _has_type(given, int if kind == "count" else Real)
        # float32 would overflow in a comparison with a large float
        right = right_type and _CONTAINS[kind](getattr(given, "item", lambda: given)())
    else:
        right = right_type = _has_type(given, kind)
    if right:
        return
    message = f"{owner} takes {_words(kind)} for {name}, not {describe(given)}"
    error = ValueError if right_type else TypeError
    raise error(message + _fix(given, kind, fix))


def _has_type(given: object, kind: Any) -> bool:
    if kind in (int, Real):
        number = Integral if kind is int else Real
        return isinstance(given, number) and not isinstance(given, bool)
    if is_program(given):
        return False
    if kind is Iterable:
        excluded = isinstance(given, set | frozenset | Success | Failure)
        return not excluded and _iterates(given)
    return isinstance(given, kind)


def _iterates(given: Any) -> bool:
    try:
        iter(given)
    except TypeError:
        return False
    return True


def _words(kind: Any) -> str:
    if isinstance(kind, tuple):
        return " or ".join(map(repr, kind))
    if kind in _WORDS:
        return _WORDS[kind]
    return f"a number in {kind}" if isinstance(kind, str) else f"a {kind.__name__}"


def _fix(given: object, kind: Any, fix: str) -> str:
    if is_program(given):
        return "; did you forget `yield from`?"
    if isinstance(given, Success | Failure):
        return "; unwrap it: .unwrap()"
    if kind is Iterable and isinstance(given, set | frozenset):
        return ", which has no order; sort it first: sorted(...)"
    one = isinstance(given, bool | np.bool | np.ndarray) and not np.ndim(given)
    if kind is Real and one:
        return "; convert it: float(...)"
    if isinstance(kind, type) and kind not in _WORDS:
        return fix or f"; make one: {kind.__name__}(...)"
    return fix


def check_path(owner: str, path: object) -> None:
    """
    Check that an argument is the path of a file: a text, or a ``PathLike`` of one.

    Raises:
        TypeError: it is not.

    >>> check_path("load_csv", b"data.csv")
    Traceback (most recent call last):
    ...
    TypeError: load_csv takes a text or a Path for path, not b'data.csv' (bytes)
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        what = f"{owner} takes a text or a Path for path, not {describe(path)}"
        raise TypeError(what)


def check_array(owner: str, name: str, given: object) -> None:
    """
    Check that an argument is an array, or a NumPy scalar.

    Raises:
        TypeError: neither.

    >>> check_array("ParamEntry", "value", 1.0)
    Traceback (most recent call last):
    ...
    TypeError: ParamEntry takes an array for value, not 1.0 (float); make one: \
np.asarray(...)
    """
    if not isinstance(given, np.generic):
        check_argument(owner, name, given, np.ndarray, "; make one: np.asarray(...)")


def check_fields(record: object, **kinds: Any) -> None:
    """
    Check the fields of a record when it is made.

    Annotations decide: ``str``, ``int``, ``bool``, ``Literal[...]`` and
    ``Annotated[type, kind]`` are checked; other fields only if named in ``kinds``.

    Args:
        record: an instance of the class that messages name.
        kinds: by field, as in :func:`check_argument`; they win over annotations.

    Raises:
        TypeError, ValueError: as :func:`check_argument`.

    >>> from tapem_dsl.optim import OneCycleLR
    >>> OneCycleLR(1.0, 10, rise=1.1)
    Traceback (most recent call last):
    ...
    ValueError: OneCycleLR takes a number in [0, 1] for rise, not 1.1 (float)
    """
    owner: Any = type(record)
    for name, kind in (_annotated_kinds(owner) | kinds).items():
        check_argument(owner.__name__, name, getattr(record, name), kind)


@cache
def _annotated_kinds(owner: Any) -> dict[str, Any]:
    """Return the kinds of a class's fields, by their annotations, bases first."""
    return {
        name: kind
        for base in reversed(owner.__mro__)
        for name, hint in get_annotations(base).items()
        if (kind := _annotated_kind(hint)) is not None
    }


def _annotated_kind(hint: Any) -> Any:
    if hint is bool:
        return (False, True)
    if hint in (str, int):
        return hint
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)
    return get_args(hint)[1] if origin is Annotated else None


def items_of(
    owner: str, name: str, given: Iterable[T], kind: Any = object
) -> tuple[T, ...]:
    """
    Return the items of a collection, each of which must have a type.

    Raises:
        TypeError: not a collection, or an item of another type.

    >>> items_of("scale_metrics", "metrics", [1.0], str)
    Traceback (most recent call last):
    ...
    TypeError: scale_metrics takes a text for metrics[0], not 1.0 (float)
    """
    alone = kind is not object and isinstance(given, kind)
    fix = "; put it in a tuple: (...,)" if alone else ""
    check_argument(owner, name, given, Iterable, fix)
    items = tuple(given)
    if kind is not object:
        for at, item in enumerate(items):
            check_argument(owner, f"{name}[{at}]", item, kind)
    return items


def wrong_return(function: str, words: str, given: object, fix: str = "") -> TypeError:
    """
    Return the error of a user's function that returned a value of the wrong type.

    >>> print(wrong_return("the step of Trainer", "a StepReport", 0.5))
    the step of Trainer must return a StepReport, not 0.5 (float)
    """
    return TypeError(f"{function} must return {words}, not {describe(given)}{fix}")


def checked_result(function: str, given: Any) -> Any:
    """
    Return what a user's function returned, if it is a ``Result``.

    Raises:
        TypeError: it is not a ``Result``.

    >>> checked_result("the step of run_steps", (1, 2))
    Traceback (most recent call last):
    ...
    TypeError: the step of run_steps must return a Result, not (1, 2) (tuple); \
wrap it: Success(...)
    """
    if isinstance(given, Success | Failure):
        return given
    fix = "; wrap it: Success(...)"
    if is_program(given):
        fix = "; run it: .eval()"
    if given is None:
        fix = "; did you forget `return`?"
    raise wrong_return(function, "a Result", given, fix)


def checked_pair(function: str, given: object) -> tuple[Any, Any]:
    """
    Return what a user's step returned, if it is a pair.

    Raises:
        TypeError: it is not a pair.
    """
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise wrong_return(function, "a pair, the next state and an output", given)


def describe(given: object) -> str:
    """
    Return a value's repr, shortened to one line, and its type.

    >>> describe("x")
    "'x' (str)"
    """
    if isinstance(given, type):
        return f"the class {given.__name__}"
    return f"{short_repr(given)} ({type(given).__name__})"
