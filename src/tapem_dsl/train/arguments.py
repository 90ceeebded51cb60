"""Checks of what a training script is made of, where it is written down."""

import sys
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from returns.result import Failure, Success

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
    ValueError: Adam takes a number in [0, 1) as beta1, not 1.0 (float)
    """
    what = f"{owner} takes a number in {range} as {name}, not {said(given)}"
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
    TypeError: Cyclic takes a count (0, 1, 2, ...) as size, not 2.5 (float)
    """
    what = f"{owner} takes a count (0, 1, 2, ...) as {name}, not {said(given)}"
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
    ValueError: OneCycleLR takes 'cos' or 'linear' as anneal, not 'CATS' (str)
    """
    words = " or ".join(map(repr, choices))
    what = f"{owner} takes {words} as {name}, not {said(given)}"
    if not isinstance(given, tuple(map(type, choices))):
        raise TypeError(what)
    if given not in choices:
        raise ValueError(what)


def check_fields(record: object, **kinds: Range | tuple[object, ...] | None) -> None:
    """
    Check the fields of a record when it is made.

    Args:
        record: whose class is named in messages.
        kinds: by the field's name, the range of a number, the choices there are, or
            ``None`` for a count.

    Raises:
        TypeError, ValueError: as the other checks of this module.

    >>> from tapem_dsl.train import OneCycleLR
    >>> OneCycleLR(1.0, 10, rise=1.1)
    Traceback (most recent call last):
    ...
    ValueError: OneCycleLR takes a number in [0, 1] as rise, not 1.1 (float)
    """
    owner = type(record).__name__
    for name, kind in kinds.items():
        given = getattr(record, name)
        if kind is None:
            check_count(owner, name, given)
        elif isinstance(kind, tuple):
            check_choice(owner, name, given, kind)
        else:
            check_number(owner, name, given, kind)


def check_callable(owner: str, name: str, given: object) -> None:
    """
    Check that an argument is a function.

    Raises:
        TypeError: it is not.

    >>> check_callable("Trainer", "step", 3)
    Traceback (most recent call last):
    ...
    TypeError: Trainer takes a function as step, not 3 (int)
    """
    if not callable(given):
        raise TypeError(f"{owner} takes a function as {name}, not {said(given)}")


# Any: of whatever content; a Result of its type was promised.
def checked_result(function: str, given: Any) -> Any:
    """
    Give a result back, if it is one.

    Raises:
        TypeError: it is none, with the mend.

    >>> checked_result("the step of run_steps", (1, 2))
    Traceback (most recent call last):
    ...
    TypeError: the step of run_steps gives a Result, not (1, 2) (tuple); wrap it: \
Success(...)
    """
    if isinstance(given, Success | Failure):
        return given
    mend = "wrap it: Success(...)"
    if hasattr(given, "_inner_value"):  # a program
        mend = "run it: .eval()"
    if given is None:
        mend = "did you forget `return`?"
    raise TypeError(f"{function} gives a Result, not {said(given)}; {mend}")


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
    if isinstance(given, np.ndarray):
        return f"an array of {given.dtype}{list(given.shape)}"
    if isinstance(given, type):
        return f"the class {given.__name__}"
    text = repr(given)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return f"{text} ({type(given).__name__})"
