"""Do-notation: a generator function becomes a function that builds a program."""

from collections.abc import Callable, Generator
from functools import wraps
from inspect import CO_VARARGS, Signature, isgeneratorfunction, signature
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numpy as np
from typing_extensions import TypeAliasType

from tapem_dsl.messages import said
from tapem_dsl.program.instruction import Block
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.node import A

P = ParamSpec("P")
C = TypeVar("C")
D = TypeVar("D")
F = TypeVar("F", bound=np.generic)

Do = TypeAliasType("Do", Generator[TapeM[Any, A], object, D], type_params=(D, A))
"""
What a do-block returns: ``Do[D]`` gives a ``D`` on a float64 tape, ``Do[D,
np.float32]`` on a float32 one.

The send type is ``object``, so that ``x = yield m`` with a forgotten ``from`` leaves
``x`` an ``object``, which the type checker refuses wherever an id is wanted.
"""


def do(
    function: Callable[P, Generator[TapeM[Any, F], object, C]],
) -> Callable[P, TapeM[C, F]]:
    """
    Make a generator function build a program.

    In it ``x = yield from m`` binds the value of a program and ``return`` gives one.
    Calling the result runs nothing but checks the arguments; each run makes the
    generator anew, so a program may be run any number of times. Two calls with equal
    arguments give equal programs; keyword arguments count as the positional ones they
    stand for. A block pickles by the function's name, so not if it is nested in
    another.

    A failure ends the block where it stands: ``with`` and ``finally`` run, ``except``
    does not see it; recover with :meth:`TapeM.lash`. An exception that an inner block
    raises is not seen by an ``except`` around its ``yield from`` either: errors have
    one channel.

    Lean: ``do``.

    Raises:
        TypeError: not a generator function; or, from the result, wrong arguments.

    >>> from tapem_dsl import Do, NodeId, add, leaf, mul
    >>> @do
    ... def square_plus_one(x: float) -> Do[NodeId]:
    ...     a = yield from leaf(x)
    ...     one = yield from leaf(1.0)
    ...     square = yield from mul(a, a)
    ...     return (yield from add(square, one))
    >>> square_plus_one(3.0).exec()
    <Success: <Tape: leaf, leaf, mul(0, 0), add(2, 1)>>
    """
    if not isgeneratorfunction(function):
        raise TypeError(
            f"@do decorates a generator function, and {said(function)} is none; "
            "write `yield from` in it, or `return pure(value)` without @do"
        )
    parameters: Signature | None = None  # found when a keyword is first given: 9 us
    count = _positional(function)

    @wraps(function)
    def block(*args: P.args, **kwargs: P.kwargs) -> TapeM[C, F]:
        nonlocal parameters
        if kwargs:
            if parameters is None:
                parameters = signature(function, follow_wrapped=False)
            bound = parameters.bind(*args, **kwargs)
            return program(Block(block, bound.args, bound.kwargs))
        if len(args) != count:  # one for each parameter is right without a look
            function(
                *args, **kwargs
            ).close()  # Python checks the arguments; no code runs
        return program(Block(block, args, kwargs))

    return block


def _positional(function: object) -> int | None:
    """Count the parameters, if positional arguments can fill exactly these."""
    if type(function) is not FunctionType:
        return None
    code = function.__code__
    more = code.co_kwonlyargcount or code.co_flags & CO_VARARGS
    return None if more else code.co_argcount
