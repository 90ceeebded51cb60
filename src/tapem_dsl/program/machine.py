"""Running a program: one loop with an explicit stack, however deep it nests."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import GeneratorType
from typing import Any, Final, Protocol, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.errors import Refused, Swapped, TapeError
from tapem_dsl.messages import no_program, said
from tapem_dsl.program.arguments import name_of
from tapem_dsl.program.instruction import (
    Ap,
    Bind,
    Block,
    Extend,
    FoldM,
    Lash,
    Leaf,
    Map,
    Pure,
    Read,
    Record,
    Throw,
)
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.record import record
from tapem_dsl.tape.tape import Tape, appended, snapshot


class Program(Protocol):
    """Whatever wraps an instruction; the machine needs no more of ``TapeM``."""

    _inner_value: Any  # Any: an instruction, unless the user yielded something else


# A frame of the stack says what to do with the value that the program above it gives: a
# live generator, a Bind, a Map or an Ap as it stands, or one of these three.


@final
class _Folding:
    """The items that a fold has not reached."""

    __slots__ = ("items", "step")

    def __init__(self, instruction: FoldM) -> None:
        self.step: Callable[[Any, Any], Program] = instruction.step
        self.items: Iterator[Any] = iter(instruction.items)


@final
class _Applying:
    """The value that waits for its function."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


@final
class _Catching:
    """The handler of a failure, and the length of the tape that it resumes from."""

    __slots__ = ("handler", "size")

    def __init__(self, instruction: Lash, size: int) -> None:
        self.handler: Callable[[TapeError], Program] = instruction.handler
        self.size = size


_END: Final = object()


# Any, below: programs of any value and scalar pass through one loop.
def execute(
    program: Program, entry: Tape[Any]
) -> Result[tuple[Any, Tape[Any]], TapeError]:
    """
    Run a program from a tape.

    The run works on a copy of the entry's nodes, so that a long-lived tape never holds
    on to what a run appended. NumPy's floating-point warnings are off meanwhile, also
    for the code of do-blocks: an overflow is a documented value.

    Cost:
        Constant Python stack; O(n) once for an entry of n nodes (1 ns each).
    """
    stack: list[Any] = []
    # The state of NumPy is restored last: a block may be inside an errstate of its own.
    with np.errstate(all="ignore"):
        try:
            return _run(program, entry.nodes(), stack)
        except BaseException:
            blocks = ExitStack()  # closes innermost first, each even if another raises
            for frame in stack:
                if type(frame) is GeneratorType:
                    blocks.callback(frame.close)
            blocks.__exit__(*sys.exc_info())
            raise


def swapped(
    entry: Tape[Any], program: Program
) -> Result[tuple[Any, Tape[Any]], TapeError]:
    """
    Run, and exchange success and failure; what was exchanged comes back as it was.

    >>> from tapem_dsl import EMPTY, throw
    >>> swapped(EMPTY, throw("no"))
    <Success: (Thrown(text='no'), <Tape: empty>)>
    """
    match execute(program, entry):
        case Success((TapeError() as error, tape)) if len(tape) == len(entry):
            return Failure(error)
        case Success((value, tape)):
            return Failure(Swapped(value, tape))
        case Failure(Swapped(value, tape)):
            return Success((value, tape))
        case Failure(error):
            return Success((error, entry))
    raise AssertionError("a result is a success or a failure")


def _run(  # noqa: C901, PLR0912, PLR0915 - one loop; a call an instruction costs a third
    program: Program, nodes: list[Node[Any]], stack: list[Any]
) -> Result[tuple[Any, Tape[Any]], TapeError]:
    size = len(nodes)
    shared = False  # whether someone else may append to our buffer
    value: Any = None
    source: Any = None  # the frame whose program this is
    while True:
        # What does the program say? It gives a value, goes on to another, or fails.
        error: TapeError | None = None
        code: Any  # an instruction
        try:
            code = program._inner_value  # noqa: SLF001 - what the machine is for
        except AttributeError:
            code = None
        kind = type(code)
        if kind is Record or kind is Leaf:
            try:
                if kind is Record:
                    node = record(code.op, code.ids, nodes, size, code.shape)
                else:
                    node = Node(None, (), code.value, code.requires_grad, code.name)
                if shared:
                    nodes = appended(nodes, size, node)
                else:
                    nodes.append(node)
                value = size
                size += 1
            except Refused as refusal:
                error = refusal.error
        elif kind is Block:
            block = code.function.__wrapped__
            stack.append(
                block(*code.args, **code.kwargs) if code.kwargs else block(*code.args)
            )
            value = None
        elif kind is Bind or kind is Map or kind is Ap:
            stack.append(code)
            program = code.program
            continue
        elif kind is Pure:
            value = code.value
        elif kind is FoldM:
            stack.append(_Folding(code))
            value = code.init
        elif kind is Read:
            tape = snapshot(nodes, size)
            match code.function(tape, *code.args):
                case Success(value):
                    shared = shared or value is tape
                case Failure(error):
                    pass
        elif kind is Extend:
            match code.function(snapshot(nodes, size), *code.args):
                case Success((value, longer)):
                    nodes, size, shared = longer.nodes(), len(longer), False
                case Failure(error):
                    pass
        elif kind is Throw:
            error = code.error
        elif kind is Lash:
            stack.append(_Catching(code, size))
            program = code.program
            continue
        else:
            if type(source) is not GeneratorType:
                raise _no_program(program, source)
            try:  # so that the traceback ends at the block's yield
                program = source.throw(_no_program(program, source))
                continue
            except StopIteration as stop:
                stack.pop()
                value = stop.value

        # A failure unwinds to the nearest handler, which resumes from its own entry.
        if error is not None:
            source = _unwound(stack)
            if source is None:
                return Failure(error)
            size = source.size
            if shared:
                nodes, shared = nodes[:size], False
            else:
                del nodes[size:]
            program = source.handler(error)
            continue

        # A value goes to the frame that waits for it.
        while stack:
            source = frame = stack[-1]
            kind = type(frame)
            if kind is GeneratorType:
                try:
                    program = frame.send(value)
                except StopIteration as stop:
                    stack.pop()
                    value = stop.value
                    continue
                except AttributeError as slip:
                    # of `yield from [m1, m2]`, which runs m1 and cannot take its value
                    if slip.name != "send" or not isinstance(slip.obj, Iterator):
                        raise
                    raise TypeError(
                        f"`yield from` was given a {type(slip.obj).__name__}; "
                        "run the programs of a collection with map_m or for_m"
                    ) from slip
                break
            if kind is _Folding:
                item = next(frame.items, _END)
                if item is _END:
                    stack.pop()
                    continue
                program = frame.step(value, item)
                break
            stack.pop()
            if kind is Bind:
                program = frame.function(value)
                break
            if kind is Map:
                value = frame.function(value)
            elif kind is Ap:
                stack.append(_Applying(value))
                program = frame.function
                break
            elif kind is _Applying:
                if not callable(value):
                    raise TypeError(
                        "apply takes a program that gives a function, "
                        f"and it gave {said(value)}"
                    )
                value = value(frame.value)
        else:
            return Success((value, snapshot(nodes, size)))


def _unwound(stack: list[Any]) -> _Catching | None:
    """Pop down to the nearest handler, closing the do-blocks on the way."""
    while stack:
        frame = stack.pop()
        if type(frame) is GeneratorType:
            frame.close()
        elif type(frame) is _Catching:
            return frame
    return None


def _no_program(program: object, source: object) -> TypeError:
    """Say what stands where a program belongs, and who put it there."""
    if type(source) is GeneratorType:
        return TypeError(
            f"{source.__qualname__} yielded {said(program)}, which is no program; "
            "write `yield from m` for a program m, and m = pure(value) for a value"
        )
    names = ("function", "step", "handler")
    functions = [getattr(source, name) for name in names if hasattr(source, name)]
    return no_program(program, *map(name_of, functions))
