"""Running a program: one loop with an explicit stack, however deep it nests."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from types import GeneratorType
from typing import Any, Final, Protocol, TypeAlias, final

import numpy as np
from returns.result import Failure, Result, Success

from tapem_dsl.errors import Place, Refused, Swapped, TapeError, failed
from tapem_dsl.messages import no_program, short_repr
from tapem_dsl.program.checks import name_of
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
from tapem_dsl.program.place import chain_of, loops_of, placed
from tapem_dsl.tape.node import Node
from tapem_dsl.tape.record import record
from tapem_dsl.tape.tape import Tape, appended, snapshot


class Program(Protocol):
    """What the machine needs of ``TapeM``: an object that wraps an instruction."""

    _inner_value: Any  # Any: not an instruction if a user yielded another container


# A frame is what waits on the stack for a value: the generator of a do-block, a Bind, a
# Map or an Ap, or one of the three classes below.


@final
class _Folding:
    """A fold, and an iterator over the items that remain."""

    __slots__ = ("count", "items", "step")

    def __init__(self, instruction: FoldM) -> None:
        self.count = len(instruction.items)
        self.step: Callable[[Any, Any], Program] = instruction.step
        self.items: Iterator[Any] = iter(instruction.items)


@final
class _Applying:
    """A value; the program of the function to apply to it is running."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


REFUSES_LASH: Final[ContextVar[bool]] = ContextVar("refuses_lash", default=False)
"""Whether failures are not seen here, so that none can be caught."""


class LashRefused(TypeError):
    """A program catches failures where none are seen."""

    def __init__(self) -> None:
        super().__init__(
            "lash needs to know whether its program fails, which is not known under "
            "as_jax, nor with checked=False; leave checked=True, or the lash out"
        )


@contextmanager
def without_lash() -> Iterator[None]:
    """
    Refuse ``lash`` for a while.

    >>> with without_lash():
    ...     REFUSES_LASH.get()
    True
    """
    token = REFUSES_LASH.set(True)
    try:
        yield
    finally:
        REFUSES_LASH.reset(token)


@final
class _Catching:
    """The handler of a ``lash``, and the length of the tape when it was entered."""

    __slots__ = ("handler", "size")

    def __init__(self, instruction: Lash, size: int) -> None:
        if REFUSES_LASH.get():
            raise LashRefused
        self.handler: Callable[[TapeError], Program] = instruction.handler
        self.size = size


# Any, below: programs of any value and scalar pass through one loop.
Watch: TypeAlias = Callable[[list[Node[Any]], int, list[Any]], None]
"""Is shown the nodes, how many of them are known already, and the stack."""


def execute(
    program: Program, entry: Tape[Any], watch: Watch | None = None
) -> Result[tuple[Any, Tape[Any]], TapeError]:
    """
    Run a program from a tape.

    The run copies the nodes of the entry tape, so that this tape does not keep alive
    what the run appends. ``watch`` is called after each append,
    and after a ``lash`` discarded nodes.

    NumPy's floating-point warnings are off during the run, also in the code of
    do-blocks: an overflow is an inf, as documented.

    Cost:
        A constant depth of the Python stack; the copy takes 1 ns a node.
    """
    stack: list[Any] = []
    # The blocks are closed within errstate: a block may restore an errstate of its own.
    with np.errstate(all="ignore"):
        try:
            return _run(program, entry.nodes(), stack, entry.values_read, watch)
        except BaseException as raised:
            chain = (*loops_of(raised.__traceback__), *chain_of(stack))
            if chain:  # the traceback has the lines of the innermost block only
                raised.add_note(str(Place(chain)))
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
    Run a program, and exchange success and failure; twice is the identity.

    >>> from tapem_dsl import EMPTY, throw
    >>> swapped(EMPTY, throw("no"))
    <Success: (Thrown(text='no'), <Tape: empty>)>
    """
    match execute(program, entry):
        case Success((TapeError() as error, tape)) if len(tape) == len(entry):
            return failed(error)
        case Success((value, tape)):
            return failed(Swapped(value, tape))
        case Failure(Swapped(value, tape)):
            return Success((value, tape))
        case Failure(error):
            return Success((error, entry))
    raise AssertionError("a result is a success or a failure")


def _run(  # noqa: C901, PLR0912, PLR0915 - one loop; a call an instruction costs a third
    program: Program,
    nodes: list[Node[Any]],
    stack: list[Any],
    read: bool,  # noqa: FBT001 - whether values were read
    watch: Watch | None,
) -> Result[tuple[Any, Tape[Any]], TapeError]:
    size = len(nodes)
    shared = False  # whether a tape outside this run has the same buffer
    value: Any = None
    source: Any = None  # the frame that returned the program
    send: Any = None  # the ``send`` of the top frame; None: not yet looked up, or none
    run = object()  # known by the places of its failures
    while True:
        error: TapeError | None = None
        code: Any  # an instruction
        try:
            code = program._inner_value  # noqa: SLF001 - the instruction
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
                if watch is not None:
                    watch(nodes, value, stack)
            except Refused as refusal:
                error = refusal.error
        elif kind is Block:
            block = code.function.__wrapped__
            stack.append(
                block(*code.args, **code.kwargs) if code.kwargs else block(*code.args)
            )
            value = send = None
        elif kind is Bind or kind is Map or kind is Ap:
            stack.append(code)
            send = None
            program = code.program
            continue
        elif kind is Pure:
            value = code.value
        elif kind is FoldM:
            stack.append(_Folding(code))
            send = None
            value = code.init
        elif kind is Read or kind is Extend:
            tape = snapshot(nodes, size, read)
            read = read or kind is Extend or code.values
            match code.function(tape, *code.args):
                case Failure(error):
                    pass
                case Success(value) if kind is Read:
                    shared = shared or value is tape
                case Success((value, longer)):
                    nodes, shared = longer.nodes(), False
                    if watch is not None:
                        watch(nodes, size, stack)
                    size = len(longer)
        elif kind is Throw:
            error = code.error
        elif kind is Lash:
            stack.append(_Catching(code, size))
            send = None
            program = code.program
            continue
        else:
            if type(source) is not GeneratorType:
                raise _no_program(program, source)
            try:  # thrown, so that the traceback ends at the block's yield
                program = source.throw(_no_program(program, source))
                continue
            except StopIteration as stop:
                stack.pop()
                value, send = stop.value, None

        # A failure resumes the nearest handler, on the tape as it was at its lash.
        if error is not None:
            if error.place.run is not run:  # no handler passes it on
                error = placed(error, stack, nodes, run)
            source = _unwind(stack)
            if source is None:
                return failed(error)
            size, send, read = source.size, None, True
            if shared:
                nodes, shared = nodes[:size], False
            else:
                del nodes[size:]
            if watch is not None:
                watch(nodes, size, stack)
            program = source.handler(error)
            continue

        # A value resumes the top frame.
        while True:
            if send is None:
                if not stack:
                    return Success((value, snapshot(nodes, size, read)))
                source = stack[-1]
                if type(source) is not GeneratorType:
                    is_next, result = _resume(stack, value)
                    if is_next:
                        program = result
                        break
                    value = result
                    continue
                send = source.send
            try:
                program = send(value)
                break
            except StopIteration as stop:
                stack.pop()
                value, send = stop.value, None
            except AttributeError as missing:
                # `yield from [m1, m2]` yields m1, and a list iterator has no `send`
                if missing.name != "send" or not isinstance(missing.obj, Iterator):
                    raise
                raise TypeError(
                    f"`yield from` was given a {type(missing.obj).__name__}; "
                    "run the programs of a collection with map_m or for_m"
                ) from missing


def _resume(stack: list[Any], value: Any) -> tuple[bool, Any]:
    """
    Pass a value to the top frame, which is no do-block.

    Returns whether a program comes next, and that program, or else the frame's value.
    """
    frame = stack[-1]
    kind = type(frame)
    if kind is _Folding:
        for item in frame.items:
            return True, frame.step(value, item)
    stack.pop()
    if kind is Bind:
        return True, frame.function(value)
    if kind is Map:
        return False, frame.function(value)
    if kind is Ap:
        stack.append(_Applying(value))
        return True, frame.function
    if kind is _Applying:
        if not callable(value):
            raise TypeError(
                "apply takes a program that returns a function, "
                f"and it returned {short_repr(value)}"
            )
        return False, value(frame.value)
    return False, value


def _unwind(stack: list[Any]) -> _Catching | None:
    """Pop frames down to the nearest handler; close the do-blocks among them."""
    while stack:
        frame = stack.pop()
        if type(frame) is GeneratorType:
            frame.close()
        elif type(frame) is _Catching:
            return frame
    return None


def _no_program(program: object, source: object) -> TypeError:
    """Name the object that is no program, and the function that returned it."""
    if type(source) is GeneratorType:
        return TypeError(
            f"{source.__qualname__} yielded {short_repr(program)}, which is no "
            "program; write `yield from m` for a program m, "
            "and m = pure(value) for a value"
        )
    names = ("function", "step", "handler")
    functions = [getattr(source, name) for name in names if hasattr(source, name)]
    return no_program(program, *map(name_of, functions))
