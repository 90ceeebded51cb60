"""Printing and pickling a program without recursion along its chain of binds."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import Parameter, signature
from math import isfinite
from sys import modules
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapem_dsl.messages import LongNumbers, printable, written
from tapem_dsl.program.instruction import (
    Ap,
    Bind,
    Block,
    Extend,
    FoldM,
    Instruction,
    Lash,
    Leaf,
    Map,
    Pure,
    Read,
    Record,
    Throw,
)
from tapem_dsl.program.machine import swapped
from tapem_dsl.tape.node import summary_of_value

# Any, throughout: programs of any value and scalar type.

_SHOWN = 6  # links of a chain, and items of a collection


def show(program: Any) -> str:
    """
    Return the calls that build a program; long chains and collections are shortened.

    >>> from tapem_dsl import leaf, relu
    >>> show(leaf(1.0, name="x").bind(relu))
    "leaf(1.0, name='x').bind(relu)"
    >>> show(leaf(1.0).map(lambda x: x))
    'leaf(1.0).map(lambda x: ...)'
    """
    return _SHORT.repr(program)


def parameters(op: Any, shown: Callable[[object], str]) -> list[str]:
    """
    List the static parameters of an op as keyword arguments.

    >>> from tapem_dsl.ops.arithmetic import Scale
    >>> parameters(Scale(2), repr)
    ['factor=2']
    """
    if not is_dataclass(op):
        return []
    return [f"{field.name}={shown(getattr(op, field.name))}" for field in fields(op)]


@final
class _Short(LongNumbers):
    """A ``Repr`` of programs, arrays, functions and ops, three levels deep."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = _SHOWN
        self.maxother = self.maxstring = 60

    def repr_TapeM(self, x: Any, level: int) -> str:  # noqa: N802 - reprlib's protocol
        """Write the innermost program, then the methods called on it."""
        if level <= 0:
            return "..."
        links: list[str] = []
        hidden = 0
        code = x._inner_value  # noqa: SLF001 - the instruction
        while (call := _method(code)) is not None:
            program, method, arguments = call
            if len(links) < _SHOWN:
                given = (self.repr1(argument, level - 1) for argument in arguments)
                links.append(f".{method}({', '.join(given)})")
            else:
                hidden += 1
            code = program._inner_value  # noqa: SLF001 - the instruction
        gap = f" ... {hidden} more ... " if hidden else ""
        return f"{self._base(code, level)}{gap}{''.join(reversed(links))}"

    def _base(self, code: Any, level: int) -> str:
        def short(x: object) -> str:
            return self.repr1(x, level - 1)

        match code:
            case Pure(value=value):
                return f"pure({short(value)})"
            case Leaf(value=value, name=name, requires_grad=flag):
                named = "" if name is None else f", name={short(name)}"
                function = "leaf" if flag else "const"
                return f"{function}({_of_leaf(value)}{named})"
            case Record(op=op, ids=ids, shape=shape):
                static = (x.removeprefix("to=") for x in parameters(op, short))
                given = [*map(str, ids), *static]
                given += [] if shape is None else [f"shape={shape}"]
                return f"{printable(op.recorded_by or op.name)}({', '.join(given)})"
            case Throw(error=error):
                return f"throw({short(error)})"
            case FoldM(step=step, init=init, items=items):
                return f"fold_m({short(step)}, {short(init)}, {short(items)})"
            case (
                Read(function=function, args=args)
                | Extend(function=function, args=args)
            ):
                return f"{short(function)}({', '.join(_given(function, args, short))})"
            case Block(function=function, args=args, kwargs=kwargs):
                given = [*map(short, args)]
                given += [f"{name}={short(x)}" for name, x in kwargs.items()]
                return f"{short(function)}({', '.join(given)})"
        return short(code)

    def repr_function(self, x: Any, level: int) -> str:
        """Write a function's name, or the head of a lambda."""
        name: str = x.__qualname__.rpartition("<locals>.")[2]
        if name == "<lambda>":
            return self._lambda(x, level)
        ours = str(_module(x)).startswith("tapem_dsl.")
        return name.lstrip("_") if ours else name

    repr_method = repr_builtin_function_or_method = repr_function

    def _lambda(self, x: Any, level: int) -> str:
        def written(parameter: Parameter) -> Parameter:
            if parameter.default is Parameter.empty:
                return parameter
            default = self.repr1(parameter.default, level - 1)
            return parameter.replace(default=_Text(default))

        known = signature(x, follow_wrapped=False)
        given = known.replace(parameters=[*map(written, known.parameters.values())])
        return f"lambda {str(given)[1:-1]}".rstrip() + ": ..."

    def repr_type(self, x: Any, level: int) -> str:
        """Write the name of a class."""
        return str(x.__qualname__)

    def repr_partial(self, x: Any, level: int) -> str:
        """Write the call that builds a partial application."""
        if type(x) is not partial:
            return self.repr_instance(x, level)
        if level <= 0:
            return "partial(...)"
        given = [self.repr1(part, level - 1) for part in (x.func, *x.args)]
        given += [
            f"{name}={self.repr1(part, level - 1)}" for name, part in x.keywords.items()
        ]
        return f"partial({', '.join(given)})"

    def repr_ndarray(self, x: Any, level: int) -> str:
        """Write the dtype and shape, not the entries."""
        return summary_of_value(x)

    def repr_float(self, x: float, level: int) -> str:
        """Write a number, also one that is not finite, as code."""
        return repr(x) if isfinite(x) else f"float('{x}')"

    def repr_ufunc(self, x: Any, level: int) -> str:
        """Write the name of a NumPy function."""
        return f"np.{x.__name__}"

    def repr_instance(self, x: Any, level: int) -> str:
        """Write a NumPy scalar as code, other objects as ``reprlib`` does."""
        if isinstance(x, np.floating) and not np.isfinite(x):
            return f"np.{type(x).__name__}('{x}')"
        if isinstance(x, type):  # of a metaclass
            return self.repr_type(x, level)
        return printable(super().repr_instance(x, level))


def _given(
    function: Any, args: tuple[Any, ...], shown: Callable[[object], str]
) -> list[str]:
    """List the arguments of a function as the public one of its name takes them."""
    name = function.__name__.lstrip("_")
    public = getattr(modules.get(function.__module__), name, function)
    known = signature(public).parameters
    given = []
    for own, x in zip([*signature(function).parameters][1:], args, strict=False):
        taken = known.get(own)
        if taken is None or taken.kind is not Parameter.KEYWORD_ONLY:
            given.append(shown(x))
        elif x is not taken.default:
            given.append(f"{own}={shown(x)}")
    return given


def _of_leaf(value: Any) -> str:
    """Write a scalar as code, and of an array the dtype and shape."""
    if value.shape == () and value.dtype.hasobject:
        return written(value[()])
    if value.shape == () and value.dtype.kind == "f" and not np.isfinite(value):
        plain = value.dtype == np.float64
        return f"{'float' if plain else f'np.{type(value).__name__}'}('{value}')"
    return summary_of_value(value)


@final
class _Text(str):
    """A text whose ``repr`` is the text."""

    __slots__ = ()

    __repr__ = str.__str__


_TAPEM: Final = "tapem_dsl.program.tapem"
_METHODS: Final[dict[Any, str]] = {Map: "map", Ap: "apply", Bind: "bind", Lash: "lash"}
_SHORT = _Short()


def _method(code: Any) -> tuple[Any, str, tuple[object, ...]] | None:
    """Return the program of a method's call, the method's name and its arguments."""
    kind = type(code)
    if kind is Extend and code.function is swapped:
        return code.args[0], "swap", ()
    if (method := _METHODS.get(kind)) is None:
        return None
    argument = code.handler if kind is Lash else code.function
    if type(argument) is partial and _module(argument.func) == _TAPEM:
        named = argument.func.__name__.lstrip("_")  # it is named as its method
        return code.program, named, argument.args
    return code.program, method, (argument,)


def _module(function: object) -> object:
    return getattr(function, "__module__", None)


# -- pickling --------------------------------------------------------------------------


class Earlier(NamedTuple):
    """A reference to the program that the entry at this position describes."""

    position: int


Entries = list[tuple[type[Instruction], tuple[Any, ...]]]
"""Instructions, each after those of the programs that it holds."""


def disassemble(program: Any) -> Entries:
    """
    Flatten a program into a list of entries; a shared program is one entry.

    >>> from tapem_dsl import pure
    >>> disassemble(pure(1).map(str))
    [(<class '...Pure'>, (1,)), (<class '...Map'>, (Earlier(position=0), <class
    'str'>))]
    """
    entries: Entries = []
    placed: dict[int, Earlier] = {}
    pending = [program]
    kind = type(program)
    while pending:
        code = pending[-1]._inner_value  # noqa: SLF001 - the instruction
        parts = [getattr(code, name) for name in code.__struct_fields__]
        missing = [x for x in parts if type(x) is kind and id(x) not in placed]
        if missing:
            pending += missing
            continue
        done = pending.pop()
        if id(done) not in placed:
            placed[id(done)] = Earlier(len(entries))
            entries.append((type(code), tuple(placed.get(id(x), x) for x in parts)))
    return entries
