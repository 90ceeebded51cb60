"""Where two values differ first: the parts that lead there, and both sides."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from types import MethodType
from typing import Any, Final, NamedTuple, final

import msgspec
from returns.result import Failure, Success

from tapem_dsl.arrays import Tracer
from tapem_dsl.messages import short_repr
from tapem_dsl.program.instruction import Ap, Bind, Lash, Map
from tapem_dsl.program.tapem import TapeM
from tapem_dsl.tape.equality import comparing, levels_correspond, taking_apart
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.tape import Tape

# Any, throughout: programs, tapes and their parts, of any type.


@final
class Nothing:
    """
    What stands for the part that the shorter of two values lacks.

    >>> Nothing()
    nothing
    """

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = Nothing()


class Call(NamedTuple):
    """
    One method call of a program, such as ``.bind(relu)``.

    >>> Call("bind", abs).method
    'bind'
    """

    method: str
    argument: Any


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """
    The first place where two values differ.

    Args:
        path: the names of the parts, from the whole value to the place.
        ancestors: the pairs of values that lead there, the whole values first.
        left: the part of the one value, ``NOTHING`` if it has none there.
        right: the part of the other.

    >>> first_difference([1, (2, 3)], [1, (2, 4)]).where
    '[1][1]'
    """

    path: tuple[str, ...]
    ancestors: tuple[tuple[Any, Any], ...]
    left: Any
    right: Any

    @property
    def where(self) -> str:
        """The path as text, such as ``node 2, op, factor``."""
        text = ""
        for name in self.path:
            joint = ", " if text and name[0] not in "[." else ""
            text += joint + name
        return text.removeprefix(".")


class _Path(NamedTuple):
    before: "_Path | None"
    name: str
    of: tuple[Any, Any]


def first_difference(a: object, b: object) -> Difference | None:
    """
    Return the first place where two values differ, or ``None`` if they are the same.

    The result is ``None`` exactly if :func:`tapem_dsl.tape.equality.same` is true.
    Programs are compared instruction by instruction in the order in which they run,
    tapes node by node.

    Cost:
        One loop without recursion, linear in the size of the smaller value.

    >>> from tapem_dsl import leaf, scale
    >>> found = first_difference(
    ...     leaf(1.0).bind(abs), leaf(1.0, name="x").bind(abs)
    ... )
    >>> found.where, found.left, found.right
    ('instruction 1, name', None, 'x')
    """
    pending: list[tuple[object, object, _Path | None]] = [(a, b, None)]
    seen: dict[tuple[int, int], tuple[object, object]] = {}  # keeps the objects alive
    levels: dict[int, int] = {}
    back: dict[int, int] = {}
    while pending:
        a, b, path = pending.pop()
        if a is b:
            continue
        if type(a) is not type(b):
            return _found(path, a, b)
        if _is_atomic(a):
            if not comparing(type(a))(a, b):  # type: ignore[arg-type] # a class is hashable
                return _found(path, a, b)
            continue
        if (id(a), id(b)) in seen:
            continue
        seen[id(a), id(b)] = a, b
        if isinstance(a, Tracer) and not levels_correspond(a, b, levels, back):
            return _found(path, a, b)
        ours, theirs = _named_parts(a), _named_parts(b)
        both = []
        for index in range(max(len(ours), len(theirs))):
            name, left = ours[index] if index < len(ours) else ("", NOTHING)
            name, right = theirs[index] if index < len(theirs) else (name, NOTHING)
            both.append((left, right, _Path(path, name, (a, b))))
        pending.extend(reversed(both))
    return None


def _is_atomic(x: object) -> bool:
    kind: Any = type(x)
    return kind not in (TapeM, Tape, Call) and taking_apart(kind) is None


def _found(path: _Path | None, a: object, b: object) -> Difference:
    steps: list[_Path] = []
    while path is not None:
        steps.append(path)
        path = path.before
    steps.reverse()
    names, ancestors = [step.name for step in steps], [step.of for step in steps]
    return Difference(tuple(names), tuple(ancestors), a, b)


def _named_parts(x: Any) -> list[tuple[str, object]]:
    """Return the parts of a value that ``same`` compares, each with its name."""
    kind: Any = type(x)
    if kind is TapeM:
        return [(f"instruction {n}", part) for n, part in enumerate(_calls(x), 1)]
    if kind is Tape:
        return [(f"node {id}", node) for id, node in enumerate(x)]
    parts_of: Any = tuple if kind is Call else taking_apart(kind)
    parts = parts_of(x)
    if _is_state_of_slots(x, parts):
        names = [*(field.name for field in fields(x)), "attributes"]
        return list(zip(names, [*parts[0], parts[1]], strict=True))
    return list(zip(_names(x, len(parts)), parts, strict=True))


def _is_state_of_slots(x: Any, parts: Any) -> bool:
    """Whether the parts are the fields of a dataclass in one list, and ``__dict__``."""
    return (
        is_dataclass(x)
        and len(parts) == 2
        and type(parts[0]) is list
        and len(parts[0]) == len(fields(x))
        and parts[1] is None
    )


def _calls(program: Any) -> list[object]:
    """Return the instruction with which a program begins, and the calls upon it."""
    calls: list[object] = []
    code = program._inner_value  # noqa: SLF001 - the instruction
    while (method := _METHODS.get(type(code))) is not None:
        argument = code.handler if type(code) is Lash else code.function
        calls.append(Call(method, argument))
        code = code.program._inner_value  # noqa: SLF001 - the instruction
    return [code, *reversed(calls)]


_METHODS: Final[dict[Any, str]] = {Map: "map", Ap: "apply", Bind: "bind", Lash: "lash"}


def _names(x: Any, count: int) -> list[str]:
    """Return a name for each part that ``taking_apart`` lists."""
    kind = type(x)
    if kind in (list, tuple):
        return [f"[{index}]" for index in range(count)]
    if kind is dict:
        return list(_names_of_items(x))
    if kind is Success or kind is Failure:
        return [".value" if kind is Success else ".error"]
    if isinstance(x, msgspec.Struct):
        return list(kind.__struct_fields__)
    if isinstance(x, partial):
        return ["function", "arguments", "keywords", "attributes"]
    if kind is MethodType:
        return ["function", "object"]
    if isinstance(x, Op):
        return ["attributes"] * count
    if is_dataclass(x) and len(fields(x)) == count:
        return [field.name for field in fields(x)]
    if isinstance(x, Call):
        return ["method", "argument"]
    return [f"part {index}" for index in range(count)]


def _names_of_items(x: dict[object, object]) -> Iterator[str]:
    for key in x:
        yield f"key {short_repr(key)}"
        yield f"[{short_repr(key)}]"
