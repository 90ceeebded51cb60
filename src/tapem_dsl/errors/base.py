"""The base class of errors, the errors of users, and the exception of ops."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, final


@dataclass(frozen=True, slots=True)
class TapeError:
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

    def facts(self) -> dict[str, object]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        known = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if f"{{{field.name}}}" not in self._text  # not part of the message already
            and getattr(self, field.name) != field.default
        )
        return f"{self.message} ({known})" if known else self.message


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
