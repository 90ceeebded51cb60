"""The monad ``TapeM``: a typed container of an instruction."""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Never, TypeVar, final

from returns.interfaces.failable import DiverseFailable2
from returns.interfaces.specific.reader import Contextable
from returns.primitives.container import BaseContainer
from returns.primitives.hkt import Kind2, SupportsKind2
from returns.result import Failure, Result, Success

from tapem_dsl.arrays.shape import Shape, check_shape
from tapem_dsl.errors import TapeError, Thrown
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.messages import short_repr
from tapem_dsl.program.checks import function_argument
from tapem_dsl.program.instruction import (
    Ap,
    Bind,
    Extend,
    Instruction,
    Lash,
    Leaf,
    Map,
    Pure,
    Record,
    Throw,
)
from tapem_dsl.program.machine import execute, swapped
from tapem_dsl.program.spine import Earlier, Entries, disassemble, show
from tapem_dsl.tape.equality import same
from tapem_dsl.tape.node import A, html_of
from tapem_dsl.tape.op import Op
from tapem_dsl.tape.tape import EMPTY, Tape
from tapem_dsl.tape.value import as_value, frozen

B = TypeVar("B", covariant=True)
C = TypeVar("C")


@final
class TapeM(  # type: ignore[type-var] # B is covariant, as in the containers of returns
    BaseContainer,
    SupportsKind2["TapeM[Any, Any]", B, A],  # pyright: ignore[reportInvalidTypeForm]
    DiverseFailable2[B, A],  # pyright: ignore[reportInvalidTypeForm] # B is covariant
    Contextable["Result[tuple[B, Tape[A]], TapeError]", "Tape[A] | None"],
):
    """
    A program over a tape: it maps a tape to a value and a longer tape, or fails.

    ``B`` is the type of the value. ``A`` is the tape's NumPy scalar type, by default
    ``np.float64``. A program is a **value**: building it runs nothing; it can run any
    number of times, from any tape, in any thread. It has a structural ``==`` (equal
    programs behave alike) and a readable ``repr``, and it pickles if its functions do.
    The arrays of leaves are copied; other arguments are referenced.

    The combinators, the ops and ``@do`` return programs. ``yield from`` in do-blocks
    and the methods below compose them.

    Laws:
        The laws of a functor, an applicative, a monad and of ``returns``'
        ``DiverseFailable2`` hold up to behaviour. The error type is always
        :class:`TapeError`; the second type parameter is the tape's scalar type.

    Lean: ``TapeM A B = StateT (Tape A) (Except String) B``.

    >>> from tapem_dsl import leaf, mul
    >>> square = leaf(3.0).bind(lambda x: mul(x, x))
    >>> square.run()
    <Success: (1, <Tape: leaf, mul(0, 0)>)>
    """

    __slots__ = ()

    # -- running -----------------------------------------------------------------------

    def run(
        self, tape: "Tape[A] | None" = None
    ) -> "Result[tuple[B, Tape[A]], TapeError]":
        """
        Run from a tape, by default the empty one; return the value and the new tape.

        Errors in data are returned as ``Failure``. Exceptions of the user's functions
        propagate. The given tape does not change.

        Cost:
            1 ns for each node of the given tape, and about a microsecond for each op.

        >>> from tapem_dsl import leaf, throw
        >>> leaf(3.0).run()
        <Success: (0, <Tape: leaf>)>
        >>> throw("no").run()
        <Failure: no>
        """
        if tape is None:
            tape = EMPTY
        elif type(tape) is not Tape:
            raise TypeError(f"run starts from a Tape, not a {type(tape).__name__}")
        return execute(self, tape)

    def eval(self, tape: "Tape[A] | None" = None) -> "Result[B, TapeError]":
        """
        Run and return the value only.

        >>> from tapem_dsl import leaf
        >>> leaf(3.0).eval()
        <Success: 0>
        """
        return self.run(tape).map(lambda pair: pair[0])

    def exec(self, tape: "Tape[A] | None" = None) -> "Result[Tape[A], TapeError]":
        """
        Run and return the tape only.

        >>> from tapem_dsl import leaf
        >>> leaf(3.0).exec()
        <Success: <Tape: leaf>>
        """
        return self.run(tape).map(lambda pair: pair[1])

    def __call__(
        self, deps: "Tape[A] | None" = None
    ) -> "Result[tuple[B, Tape[A]], TapeError]":
        """
        Run, as :meth:`run` does: a program is a function of a tape.

        >>> from tapem_dsl import EMPTY, pure
        >>> pure(1)(EMPTY)
        <Success: (1, <Tape: empty>)>
        """
        return self.run(deps)

    # -- composing ---------------------------------------------------------------------

    def map(self, function: Callable[[B], C]) -> "TapeM[C, A]":
        """
        Apply a function to the value of the program.

        >>> from tapem_dsl import pure
        >>> pure(20).map(lambda n: n + 1).eval()
        <Success: 21>
        """
        return program(Map(self, function_argument(function, "map", "function")))

    def bind(  # pyright: ignore[reportIncompatibleMethodOverride] # as in returns
        self, function: Callable[[B], Kind2["TapeM[Any, Any]", C, A]]
    ) -> "TapeM[C, A]":
        """
        Continue with the program that the function returns for the value.

        Lean: ``>>=``; the same as ``x = yield from m`` in a do-block.

        >>> from tapem_dsl import leaf, relu
        >>> leaf(-1.0).bind(relu).exec()
        <Success: <Tape: leaf, relu(0)>>
        """
        return program(Bind(self, function_argument(function, "bind", "function")))

    def apply(  # pyright: ignore[reportIncompatibleMethodOverride] # as in returns
        self, container: Kind2["TapeM[Any, Any]", Callable[[B], C], A]
    ) -> "TapeM[C, A]":
        """
        Apply the function that another program returns.

        This program runs first, then that of the function, as in ``returns``; the first
        failure is the result. Lean's ``<*>`` runs the function's program first.

        >>> from tapem_dsl import pure
        >>> pure(20).apply(pure(lambda n: n + 1)).eval()
        <Success: 21>
        """
        if type(container) is not TapeM:
            raise TypeError(
                f"apply takes a program of a function, not {short_repr(container)}; "
                "map takes the function itself"
            )
        return program(Ap(self, container))

    @classmethod
    def from_value(cls, inner_value: C) -> "TapeM[C, Any]":  # Any: see combinators
        """
        Return a value and leave the tape unchanged.

        Lean: ``pure``.

        >>> TapeM.from_value(1).run()
        <Success: (1, <Tape: empty>)>
        """
        return program(Pure(inner_value))

    @classmethod
    def from_failure(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # the error is a TapeError
        cls, inner_value: TapeError | str
    ) -> "TapeM[Never, Any]":  # Any: see combinators
        """
        Fail, with a :class:`TapeError` or a message of the user's.

        Lean: ``throw``.

        >>> TapeM.from_failure("no labels").run()
        <Failure: no labels>
        """
        return failing(inner_value, "from_failure")

    @classmethod
    def from_result(cls, inner_value: "Result[C, TapeError]") -> "TapeM[C, Any]":
        """
        Return the value of a ``Success``, or fail with the error of a ``Failure``.

        Lean: ``liftExcept``.

        >>> from returns.result import Success
        >>> TapeM.from_result(Success(1)).run()
        <Success: (1, <Tape: empty>)>
        """
        match inner_value:
            case Success(value):
                return program(Pure(value))
            case Failure(error):
                return failing(error, "from_result")
        raise TypeError(f"from_result takes a Result, not {short_repr(inner_value)}")

    def bind_result(
        self, function: Callable[[B], "Result[C, TapeError]"]
    ) -> "TapeM[C, A]":
        """
        Continue with the ``Result`` that the function returns for the value.

        >>> from returns.result import Failure
        >>> from tapem_dsl import errors, pure
        >>> pure(1).bind_result(lambda n: Failure(errors.Thrown(f"no {n}"))).run()
        <Failure: no 1>
        """
        checked = function_argument(function, "bind_result", "function")
        return program(Bind(self, partial(_bind_result, checked)))

    def lash(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # the error is a TapeError
        self, handler: Callable[[TapeError], Kind2["TapeM[Any, Any]", C, A]]
    ) -> "TapeM[B | C, A]":
        """
        Recover from a failure with the program that the handler returns for the error.

        It starts from the tape on which this program started: the nodes of the failed
        program are discarded, as in ``StateT`` over ``Except``.

        Lean: ``tryCatch``.

        >>> from tapem_dsl import leaf, throw
        >>> failing = leaf(1.0).bind(lambda x: throw("no"))
        >>> failing.lash(lambda error: leaf(2.0)).exec()
        <Success: <Tape: leaf>>
        """
        return program(Lash(self, function_argument(handler, "lash", "handler")))

    def alt(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # the error is a TapeError
        self, function: Callable[[TapeError], TapeError]
    ) -> "TapeM[B, A]":
        """
        Replace the error of a failure by the one that the function returns for it.

        >>> from tapem_dsl import errors, throw
        >>> throw("no labels").alt(lambda e: errors.Thrown(f"digits: {e}")).run()
        <Failure: digits: no labels>
        """
        checked = function_argument(function, "alt", "function")
        return program(Lash(self, partial(_alt, checked)))

    def swap(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] # the error is a TapeError
        self,
    ) -> "TapeM[TapeError, A]":
        """
        Exchange success and failure; applied twice, it changes nothing.

        A failure becomes a success, with the error as the value. A success becomes a
        failure with :class:`Swapped`, which contains the value and the tape.

        >>> from tapem_dsl import leaf, throw
        >>> throw("no").swap().run()
        <Success: (Thrown(text='no'), <Tape: empty>)>
        >>> leaf(1.0).swap().swap().run()
        <Success: (0, <Tape: leaf>)>
        """
        return program(Extend(swapped, (self,)))

    def __iter__(self) -> Generator["TapeM[Any, A]", object, B]:
        """
        Bind in a do-block: ``x = yield from m`` has the type of the value of ``m``.

        Outside of a do-block, iteration yields the program itself and runs nothing.

        >>> from tapem_dsl import pure
        >>> list(pure(1))
        [<TapeM: pure(1)>]
        """
        return (yield self)  # type: ignore[return-value] # the machine sends the value

    # -- being a value -----------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        return hash(type(self._inner_value))

    def __repr__(self) -> str:
        return f"<TapeM: {show(self)}>"

    _repr_html_ = html_of

    # A flat list of instructions. Any: pickle does not inspect the arguments.
    def __reduce__(self) -> tuple[Callable[..., "TapeM[Any, Any]"], tuple[Any, ...]]:
        return _assembled, (disassemble(self),)


_blank = partial(object.__new__, TapeM)
_set = BaseContainer._inner_value.__set__  # type: ignore[misc] # noqa: SLF001 - a slot's descriptor


# Any, below: the caller's signature states the types of the value and the tape.
def program(instruction: Instruction) -> TapeM[Any, Any]:
    """
    Wrap an instruction; this takes half the time of the constructor.

    >>> program(Pure(1))
    <TapeM: pure(1)>
    """
    wrapped: TapeM[Any, Any] = _blank()
    _set(wrapped, instruction)
    return wrapped


def record_op(
    op: Op, ids: tuple[NodeId, ...], shape: Shape | None = None
) -> TapeM[NodeId, Any]:
    """
    Append the node of an op: ``apply_op`` without the check that it is an op.

    >>> from tapem_dsl.ops.arithmetic import Mul
    >>> record_op(Mul(), (NodeId(0), NodeId(1)))
    <TapeM: mul(0, 1)>
    """
    id: Any  # not checked yet
    for id in ids:
        if type(id) is not int:
            _check_ids(op, ids)
    if shape is not None and (type(shape) is not tuple or shape):
        check_shape(shape)
    wrapped: TapeM[NodeId, Any] = _blank()  # program(...) without the call
    _set(wrapped, Record(op, ids, shape))
    return wrapped


def _check_ids(op: Op, ids: tuple[object, ...]) -> None:
    """Raise ``TypeError`` for the first operand that is not an id."""
    for place, id in enumerate(ids):
        instead = op.with_numbers[place] if place < len(op.with_numbers) else ""
        index_of(id, f"{op.name}, operand {place + 1}", instead)


def failing(error: object, function: str) -> TapeM[Never, Any]:
    """
    Fail with a :class:`TapeError` or a message; any other argument is refused.

    >>> failing("no labels", "throw")
    <TapeM: throw(Thrown(text='no labels'))>
    """
    if isinstance(error, str):
        error = Thrown(error)
    if not isinstance(error, TapeError):
        raise TypeError(
            f"{function} takes a string or a TapeError, not {short_repr(error)}"
        )
    return program(Throw(error))


def _bind_result(
    function: Callable[[Any], Result[Any, TapeError]], value: object
) -> TapeM[Any, Any]:
    return TapeM.from_result(function(value))


def _alt(
    function: Callable[[TapeError], TapeError], error: TapeError
) -> TapeM[Any, Any]:
    return failing(function(error), "alt")


def _assembled(entries: Entries) -> TapeM[Any, Any]:
    """Undo :func:`disassemble`, and make unpickled arrays read-only again."""
    programs: list[TapeM[Any, Any]] = []
    for kind, fields in entries:
        parts: list[Any] = [
            programs[x.position] if type(x) is Earlier else x for x in fields
        ]
        if kind is Leaf:
            parts[0] = as_value(frozen(parts[0]))
        programs.append(program(kind(*parts)))
    return programs[-1]
