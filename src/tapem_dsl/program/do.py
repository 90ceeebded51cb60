"""Do-notation: ``@do`` turns a generator function into a builder of programs."""

from collections.abc import Callable, Generator
from functools import wraps
from inspect import CO_VARARGS, Signature, isgeneratorfunction, signature
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numpy as np
from typing_extensions import TypeAliasType

from tapem_dsl.messages import short_repr
from tapem_dsl.program.instruction import Block
from tapem_dsl.program.tapem import TapeM, program
from tapem_dsl.tape.node import A

P = ParamSpec("P")
C = TypeVar("C")
D = TypeVar("D")
F = TypeVar("F", bound=np.generic)

Do = TypeAliasType("Do", Generator[TapeM[Any, A], object, D], type_params=(D, A))
"""
The return type of a do-block: ``Do[D]`` returns a ``D`` on a float64 tape, ``Do[D,
np.float32]`` on a float32 tape.

The send type is ``object``. If ``from`` is forgotten, as in ``x = yield m``, then ``x``
is an ``object``, and a type checker reports its use as an id.
"""


def do(
    function: Callable[P, Generator[TapeM[Any, F], object, C]],
) -> Callable[P, TapeM[C, F]]:
    """
    Turn a generator function into a function that returns a program.

    In the generator ``x = yield from m`` runs the program ``m`` and binds its value;
    ``return`` sets the value of the whole program. Calling the decorated function only
    checks the arguments. Each run of the program makes a new generator, so it can run
    any number of times. Calls with equal arguments return equal programs, whether an
    argument is passed by position or by keyword. A program pickles if the function is
    at the top level of a module.

    A failure closes the generator (``GeneratorExit``): ``with`` and ``finally`` clauses
    run, ``except Exception`` does not, and a bare ``except:`` runs but cannot recover;
    use :meth:`TapeM.lash` for that. An exception in an inner block ends the run as
    well: an ``except`` around ``yield from`` does not catch it.

    Lean: ``do``.

    Raises:
        TypeError: the argument is not a generator function. The decorated function
            raises it if its arguments do not match the signature.

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
            f"@do decorates a generator function, not {short_repr(function)}; "
            "write `yield from` in it, or `return pure(value)` without @do"
        )
    parameters: Signature | None = None  # made at the first keyword: it takes 9 us
    count = _positional(function)

    @wraps(function)
    def block(*args: P.args, **kwargs: P.kwargs) -> TapeM[C, F]:
        nonlocal parameters
        if kwargs:
            if parameters is None:
                parameters = signature(function, follow_wrapped=False)
            bound = parameters.bind(*args, **kwargs)
            return program(Block(block, bound.args, bound.kwargs))
        if len(args) != count:  # else they match
            # Python checks the arguments; no code of the block runs
            function(*args, **kwargs).close()
        return program(Block(block, args, kwargs))

    return block


def _positional(function: object) -> int | None:
    """Count the parameters, if every one of them can be passed by position."""
    if type(function) is not FunctionType:
        return None
    code = function.__code__
    more = code.co_kwonlyargcount or code.co_flags & CO_VARARGS
    return None if more else code.co_argcount
