"""The base class of errors, the errors of users, and the exception of ops."""

import copy
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Never, Self, TypeVar, final

from returns.primitives.exceptions import UnwrapFailedError
from returns.result import Failure
from typing_extensions import override

from tapem_dsl.errors.place import NOWHERE, Place
from tapem_dsl.messages import printable, written


class _Placed:
    """What an error knows beside its fields; no equality and no pickle has it."""

    __slots__ = ("_place",)


@dataclass(frozen=True, slots=True)
class TapeError(_Placed):
    """
    An error that data caused; it is a value and not an exception.

    A run or a sweep returns it in a ``Failure``. The fields describe the error, so that
    a program can ``match`` on them. ``message`` is TorchLean's text (``Except String``
    in Lean), ``str()`` is that text with the fields. The family is closed: users throw
    a :class:`Thrown`.

    >>> from tapem_dsl.errors import InvalidNodeId
    >>> error = InvalidNodeId("add", id=7, size=2)
    >>> error.message
    'autograd: invalid node id'
    >>> str(error)
    "autograd: invalid node id (op='add', id=7, size=2)"
    """

    _text: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Refuse classes from outside, so that a ``match`` can cover all errors."""
        if not cls.__module__.startswith("tapem_dsl.errors."):
            raise TypeError(
                f"{cls.__name__} extends TapeError, which is a closed family; "
                "fail with throw('your message') instead"
            )

    @property
    def message(self) -> str:
        """TorchLean's text for this error, without the fields."""
        return self._text.format_map(self.facts())

    @property
    def place(self) -> Place:
        """
        Where the failure arose: do-blocks, items of folds, nodes, steps of training.

        It is no field: equal errors may have other places, and a pickled error has
        none.

        >>> from tapem_dsl import relu, NodeId, map_m
        >>> map_m(relu, [NodeId(3)]).run().failure().place.chain
        (Item(position=0, count=1, tag=None),)
        """
        place: Place = getattr(self, "_place", NOWHERE)
        return place

    def at(self, place: Place) -> Self:
        """
        Return the same error with a place.

        >>> error = Thrown("no")
        >>> there = error.at(Place(nodes=("0: w",)))
        >>> there == error, there.place.nodes
        (True, ('0: w',))
        """
        found = copy.copy(self)
        object.__setattr__(found, "_place", place)
        return found

    def facts(self) -> dict[str, object]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        known = ", ".join(
            f"{field.name}={written(getattr(self, field.name))}"
            for field in fields(self)
            if f"{{{field.name}}}" not in self._text  # not part of the message already
            and getattr(self, field.name) != field.default
        )
        return f"{self.message} ({printable(known)})" if known else self.message


@final
@dataclass(frozen=True, slots=True)
class Thrown(TapeError):
    """
    An error with a message of the user's.

    Lean: ``throw "text"`` in ``Except String``.

    >>> from tapem_dsl import throw
    >>> throw("the labels are missing").run()
    <Failure: the labels are missing>
    """

    _text: ClassVar[str] = "{text}"

    text: str


# Any: a value of any type, a tape of any scalar type.
@final
@dataclass(frozen=True, slots=True)
class Swapped(TapeError):
    """
    The error that :meth:`TapeM.swap` makes of a success: its value and tape.

    Lean: none. ``returns``: ``swap``.

    >>> from tapem_dsl import leaf
    >>> leaf(1.0).swap().run()
    <Failure: a success was swapped (value=0, tape=<Tape: leaf>)>
    """

    _text: ClassVar[str] = "a success was swapped"

    value: Any
    tape: Any


class Refused(Exception):
    """
    The exception by which an op or a derivative rule refuses its operands.

    An op raises it in ``shape``, ``check_dtypes`` or ``evaluate``. The interpreter that
    called the op returns ``Failure(error)``. Nothing else catches it: raised in a
    do-block, it is an exception like any other.

    Args:
        error: a :class:`TapeError`, or a message.

    >>> from tapem_dsl.errors import ShapeMismatch
    >>> raise Refused(ShapeMismatch("dot", shapes=((2,), (3,)), wants="equal lengths"))
    Traceback (most recent call last):
    ...
    tapem_dsl.errors.base.Refused: autograd: shape mismatch (op='dot', ...)
    """

    def __init__(self, error: TapeError | str) -> None:
        self.error = Thrown(error) if isinstance(error, str) else error
        super().__init__(self.error)


def tag_error(tag: str, message: str) -> str:
    """
    Prefix a message with the tag of the call that failed.

    Lean: ``tagError tag msg``.

    >>> tag_error("digits", "empty dataset")
    'digits: empty dataset'
    """
    return f"{tag}: {message}"


E = TypeVar("E", covariant=True)
X = TypeVar("X")


class _Failure(Failure[E]):  # type: ignore[misc] # final, for types: it is no other one
    """A failure whose ``unwrap`` raises with the error's text and place."""

    __slots__ = ()

    @override
    def unwrap(self) -> Never:
        raised = UnwrapFailedError(self)
        error = self.failure()
        raised.add_note(str(error))
        if isinstance(error, TapeError) and error.place:
            raised.add_note(str(error.place))
        if isinstance(error, BaseException):
            raise raised from error
        raise raised

    # Any: as in Failure, whose stubs say more.
    def alt(self, function: Any) -> Any:
        """Change the error."""
        return _Failure(function(self.failure()))

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and bool(self.failure() == other.failure())

    __hash__ = Failure.__hash__


def failed(error: X) -> Failure[X]:
    """
    Return a failure whose ``unwrap`` says what failed, and where.

    >>> failed(Thrown("no data")) == Failure(Thrown("no data"))
    True
    >>> try:
    ...     failed(Thrown("no data")).unwrap()
    ... except UnwrapFailedError as raised:
    ...     print(raised.__notes__)
    ['no data']
    """
    return _Failure(error)
