"""What a noted run returns: its leaves, and how a result is made of other ones."""

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from returns.result import Failure, Success

from tapem_dsl import tree
from tapem_dsl.interpreters.compiled.keys import Eager, check_containers, is_fixed
from tapem_dsl.interpreters.compiled.noting import FOREIGN, Noted, ValueKept
from tapem_dsl.interpreters.compiled.plan import Plan

# Any, throughout: results of whatever function is compiled.


def apart(result: Any, plan: Plan) -> tuple[list[Any], tree.Structure, bool]:
    """
    Split a result into its leaves and its structure; tell whether it is a success.

    Raises:
        Eager: a failure, and a leaf that is no number, array, text, function, truth
            value or ``None``: it may hide noted values, or be another one each time.
        ValueKept: a value that another call kept.

    >>> leaves, structure, succeeded = apart(Success([1.0]), Plan())
    >>> leaves, succeeded
    ([1.0], True)
    """
    if isinstance(result, Failure):
        raise Eager("the program failed")
    succeeded = isinstance(result, Success)
    value = result.unwrap() if succeeded else result
    check_containers(value)
    leaves, structure = tree.flatten(value)
    for x in leaves:
        if type(x) is Noted:
            if x.plan is not plan:
                raise ValueKept if x.plan.closed else Eager(FOREIGN)
        elif not (_is_the_same(x) or isinstance(x, np.generic) or _is_plain_array(x)):
            raise Eager(f"it returns a {type(x).__name__}")
    return leaves, structure, succeeded


def rebuilding(
    leaves: list[Any], structure: tree.Structure, *, succeeded: bool
) -> Callable[[list[Any]], Any]:
    """
    Make the function from the outputs of a run to the result of the function.

    >>> leaves, structure, succeeded = apart(Success([1.0]), Plan())
    >>> rebuilding(leaves, structure, succeeded=succeeded)([])
    <Success: [1.0]>
    """
    places = [i for i, x in enumerate(leaves) if type(x) is Noted]
    kept = [None if type(x) is Noted else _kept(x) for x in leaves]
    is_all = len(places) == len(leaves)

    def rebuild(found: list[Any]) -> Any:
        filled = found if is_all else list(kept)
        if not is_all:
            for i, x in zip(places, found, strict=True):
                filled[i] = x
        value = structure.filled(iter(filled))
        return Success(value) if succeeded else value

    return rebuild


def _kept(x: Any) -> Any:
    """Return what a result that is no output is each time: an array is a copy."""
    if isinstance(x, np.ndarray):
        x = x.copy()
        x.setflags(write=False)
    return x


def _is_the_same(x: object) -> bool:
    """Return whether a result is static, and holds no values of the call."""
    if isinstance(x, FunctionType):
        return not (x.__closure__ or x.__defaults__ or x.__kwdefaults__)
    return is_fixed(x) and type(x) is not partial


def _is_plain_array(x: object) -> bool:
    return type(x) is np.ndarray and not x.dtype.hasobject
