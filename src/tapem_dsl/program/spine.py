"""Printing and pickling a program without recursion along its chain of binds."""

import reprlib
from dataclasses import fields, is_dataclass
from typing import Any, Final, NamedTuple, final

import numpy as np

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
from tapem_dsl.tape.node import summary_of_value

# Any, throughout: programs of any value and scalar type.

_SHOWN = 6  # links of a chain, and items of a collection


def show(program: Any) -> str:
    """
    Return the calls that build a program; long chains and collections are shortened.

    >>> from tapem_dsl import leaf, relu
    >>> show(leaf(1.0, name="x").bind(relu))
    "leaf(1.0, name='x').bind(relu)"
    """
    return _SHORT.repr(program).removeprefix("<TapeM: ").removesuffix(">")


@final
class _Short(reprlib.Repr):
    """A ``Repr`` of programs, arrays, functions and ops, three levels deep."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = _SHOWN
        self.maxother = self.maxstring = 60

    def repr_TapeM(self, x: Any, level: int) -> str:  # noqa: N802 - reprlib's protocol
        """Write the innermost program, then the methods called on it."""
        if level <= 0:
            return "<TapeM: ...>"
        links: list[str] = []
        hidden = 0
        code = x._inner_value  # noqa: SLF001 - the instruction
        while (method := _METHODS.get(type(code))) is not None:
            if len(links) < _SHOWN:
                links.append(f".{method}({self.repr1(_argument(code), level - 1)})")
            else:
                hidden += 1
            code = code.program._inner_value  # noqa: SLF001 - the instruction
        gap = f" ... {hidden} more ... " if hidden else ""
        return f"<TapeM: {self._base(code, level)}{gap}{''.join(reversed(links))}>"

    def _base(self, code: Any, level: int) -> str:
        def short(x: object) -> str:
            return self.repr1(x, level - 1)

        match code:
            case Pure(value=value):
                return f"pure({short(value)})"
            case Leaf(value=value, name=name, requires_grad=flag):
                named = "" if name is None else f", name={name!r}"
                function = "leaf" if flag else "const"
                return f"{function}({summary_of_value(value)}{named})"
            case Record(op=op, ids=ids, shape=shape):
                given = [*map(str, ids), *_parameters(op)]
                given += [] if shape is None else [f"shape={shape}"]
                return f"{op.name}({', '.join(given)})"
            case Throw(error=error):
                return f"throw({short(error)})"
            case FoldM(step=step, init=init, items=items):
                return f"fold_m({short(step)}, {short(init)}, {short(items)})"
            case (
                Read(function=function, args=args)
                | Extend(function=function, args=args)
            ):
                return f"{short(function)}({', '.join(map(short, args))})"
            case Block(function=function, args=args, kwargs=kwargs):
                given = [*map(short, args)]
                given += [f"{name}={short(x)}" for name, x in kwargs.items()]
                return f"{short(function)}({', '.join(given)})"
        return short(code)

    def repr_function(self, x: Any, level: int) -> str:
        """Write a function's name without that of the function around it."""
        return str(x.__qualname__.rpartition("<locals>.")[2]).lstrip("_")

    repr_method = repr_builtin_function_or_method = repr_function

    def repr_ndarray(self, x: Any, level: int) -> str:
        """Write the dtype and shape, not the entries."""
        return summary_of_value(x)

    def repr_instance(self, x: Any, level: int) -> str:
        """Write a NumPy scalar as a number, other objects as ``reprlib`` does."""
        if isinstance(x, np.generic):
            return str(x)
        return super().repr_instance(x, level)


_METHODS: Final[dict[Any, str]] = {Map: "map", Ap: "apply", Bind: "bind", Lash: "lash"}
_SHORT = _Short()


def _argument(code: Any) -> object:
    return code.handler if type(code) is Lash else code.function


def _parameters(op: Any) -> list[str]:
    if not is_dataclass(op):
        return []
    return [f"{field.name}={getattr(op, field.name)!r}" for field in fields(op)]


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
