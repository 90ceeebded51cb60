"""Checks of what a training script is made of, where it is written down."""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from numbers import Integral, Real
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import numpy as np
from returns.result import Failure, Success

from tapem_dsl.messages import is_program
from tapem_dsl.messages import said as shortened

T = TypeVar("T")

Range: TypeAlias = Literal[
    "(-inf, inf)",
    "[0, inf)",
    "(0, inf)",
    "[0, inf]",
    "(0, inf]",
    "[0, 1]",
    "[0, 1)",
    "[0, 100]",
]
"""An interval as it is written in mathematics; no NaN is in any."""

_LARGEST: Final = sys.float_info.max  # a Fraction may be finite and yet no double

# Any: a number of whatever type, each of which compares with floats exactly.
_CONTAINS: Final[dict[Range, Callable[[Any], bool]]] = {
    "(-inf, inf)": lambda x: -_LARGEST <= x <= _LARGEST,
    "[0, inf)": lambda x: 0 <= x <= _LARGEST,
    "(0, inf)": lambda x: 0 < x <= _LARGEST,
    "[0, inf]": lambda x: x >= 0,
    "(0, inf]": lambda x: x > 0,
    "[0, 1]": lambda x: 0 <= x <= 1,
    "[0, 1)": lambda x: 0 <= x < 1,
    "[0, 100]": lambda x: 0 <= x <= 100,
}


def check_number(owner: str, name: str, given: object, range: Range) -> None:
    """
    Check that an argument is a real number of a range.

    Args:
        owner: the function or class, for the message.
        name: the argument's name, for the message.
        given: the argument.
        range: where it must lie; a finite number is within double precision.

    Raises:
        TypeError: no real number; a truth value is none.
        ValueError: NaN, or outside of the range.

    >>> check_number("Adam", "beta1", 1.0, "[0, 1)")
    Traceback (most recent call last):
    ...
    ValueError: Adam takes a number in [0, 1) for beta1, not 1.0 (float)
    """
    what = f"{owner} takes a number in {range} for {name}, not {said(given)}"
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(what)
    # a number of Python: a float32 overflows to be compared
    number = getattr(given, "item", lambda: given)()
    if not _CONTAINS[range](number):
        raise ValueError(what)


def check_count(owner: str, name: str, given: object) -> None:
    """
    Check that an argument counts something: an integer that is not negative.

    Raises:
        TypeError: no integer; a truth value is none.
        ValueError: a negative one.

    >>> check_count("Cyclic", "size", 2.5)
    Traceback (most recent call last):
    ...
    TypeError: Cyclic takes a count (0, 1, 2, ...) for size, not 2.5 (float)
    """
    what = f"{owner} takes a count (0, 1, 2, ...) for {name}, not {said(given)}"
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(what)
    if int(given) < 0:
        raise ValueError(what)


def check_choice(
    owner: str, name: str, given: object, choices: Sequence[object]
) -> None:
    """
    Check that an argument is one of a few: words, or truth values.

    Raises:
        TypeError: of another type than any of them.
        ValueError: none of them.

    >>> check_choice("OneCycleLR", "anneal", "CATS", ("cos", "linear"))
    Traceback (most recent call last):
    ...
    ValueError: OneCycleLR takes 'cos' or 'linear' for anneal, not 'CATS' (str)
    """
    words = " or ".join(map(repr, choices))
    what = f"{owner} takes {words} for {name}, not {said(given)}"
    if not isinstance(given, tuple(map(type, choices))):
        raise TypeError(what)
    if given not in choices:
        raise ValueError(what)


def check_type(owner: str, name: str, given: object, kind: Any, fix: str = "") -> None:
    """
    Check that an argument is of a type; an integer and a number may be NumPy's.

    Args:
        owner: the function or class, for the message.
        name: the argument's name, for the message.
        given: the argument; a truth value is no number, and a program only a program.
        kind: a class, or one of ``collections.abc``; no set is iterable in order.
        fix: what to write instead.

    Raises:
        TypeError: it is not, with the fix.

    >>> check_type("Trainer", "step", 3, Callable)
    Traceback (most recent call last):
    ...
    TypeError: Trainer takes a function for step, not 3 (int)
    """
    fits = isinstance(given, Integral if kind is int else kind)
    if kind in (int, Real) and isinstance(given, bool):
        fits = False
    if is_program(given):
        fits, fix = False, "; did you forget `yield from`?"
    if kind is Iterable and isinstance(given, set | frozenset):
        fits, fix = False, ", which has no order; sort it first: sorted(...)"
    if fits:
        return
    words = _WORDS.get(kind)
    if not words:
        words, fix = f"a {kind.__name__}", fix or f"; make one: {kind.__name__}(...)"
    raise TypeError(f"{owner} takes {words} for {name}, not {said(given)}{fix}")


_WORDS: Final[dict[Any, str]] = {
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
"""What else than by its name a type is called."""


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
        check_type(owner, name, given, np.ndarray, "; make one: np.asarray(...)")


# Any: a type of whatever sort.
def check_argument(owner: str, name: str, given: object, kind: Any) -> None:
    """
    Check an argument by a range, by the choices there are, as a count or by its type.

    Raises:
        TypeError, ValueError: as the other checks of this module.

    >>> check_argument("vector_of_list", "n", -1, None)
    Traceback (most recent call last):
    ...
    ValueError: vector_of_list takes a count (0, 1, 2, ...) for n, not -1 (int)
    """
    if kind is None:
        check_count(owner, name, given)
    elif isinstance(kind, tuple):
        check_choice(owner, name, given, kind)
    elif isinstance(kind, str):
        check_number(owner, name, given, cast("Range", kind))
    else:
        check_type(owner, name, given, kind)


# Any: types of whatever sort.
def check_fields(record: object, **kinds: Any) -> None:
    """
    Check the fields of a record when it is made.

    Args:
        record: whose class is named in messages.
        kinds: by the field's name, the range of a number, the choices there are, a
            type, or ``None`` for a count.

    Raises:
        TypeError, ValueError: as the other checks of this module.

    >>> from tapem_dsl.optim import OneCycleLR
    >>> OneCycleLR(1.0, 10, rise=1.1)
    Traceback (most recent call last):
    ...
    ValueError: OneCycleLR takes a number in [0, 1] for rise, not 1.1 (float)
    """
    for name, kind in kinds.items():
        check_argument(type(record).__name__, name, getattr(record, name), kind)


def items_of(owner: str, name: str, given: Iterable[T], kind: Any) -> tuple[T, ...]:
    """
    Take the items of a collection, each of which is of a type.

    Raises:
        TypeError: no collection, or an item of another type.

    >>> items_of("scale_metrics", "metrics", [1.0], str)
    Traceback (most recent call last):
    ...
    TypeError: scale_metrics takes a text for metrics[0], not 1.0 (float)
    """
    alone = kind is not object and isinstance(given, kind)
    fix = "; put it in a tuple: (...,)" if alone else ""
    check_type(owner, name, given, Iterable, fix)
    items = tuple(given)
    for at, item in enumerate(items):
        check_type(owner, f"{name}[{at}]", item, kind)
    return items


# Any: of whatever content; a Result of its type was promised.
def checked_result(function: str, given: Any) -> Any:
    """
    Give a result back, if it is one.

    Raises:
        TypeError: it is none, with the fix.

    >>> checked_result("the step of run_steps", (1, 2))
    Traceback (most recent call last):
    ...
    TypeError: the step of run_steps gives a Result, not (1, 2) (tuple); wrap it: \
Success(...)
    """
    if isinstance(given, Success | Failure):
        return given
    fix = "wrap it: Success(...)"
    if is_program(given):
        fix = "run it: .eval()"
    if given is None:
        fix = "did you forget `return`?"
    raise TypeError(f"{function} gives a Result, not {said(given)}; {fix}")


def checked_pair(function: str, given: object) -> tuple[Any, Any]:
    """
    Give the two values back that a step gives, if they are two.

    Raises:
        TypeError: it is no pair.

    >>> checked_pair("the step of run_steps", (1, 2))
    (1, 2)
    """
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise TypeError(
        f"{function} gives a pair, the next state and an output, not {said(given)}"
    )


def said(given: object) -> str:
    """
    Write a value on one line, and its type.

    >>> said("x")
    "'x' (str)"
    """
    if isinstance(given, type):
        return f"the class {given.__name__}"
    return f"{shortened(given)} ({type(given).__name__})"
