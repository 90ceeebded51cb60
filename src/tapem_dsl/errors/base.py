"""The base of every failure, the user's own failure, and how an op refuses."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, final


@dataclass(frozen=True, slots=True)
class TapeError:
    """
    A failure that data caused: a value, never an exception.

    Every run and every sweep returns ``Failure(TapeError)`` when it meets one. The
    records hold the facts, so that a program can ``match`` on them; ``message`` is
    TorchLean's text to the letter (``Except String`` in Lean) and ``str()`` adds the
    facts to it. The family is closed: a failure of your own is :class:`Thrown`.

    >>> from tapem_dsl.errors import InvalidNodeId
    >>> error = InvalidNodeId("add", id=7, size=2)
    >>> error.message
    'autograd: invalid node id'
    >>> str(error)
    "autograd: invalid node id (op='add', id=7, size=2)"
    """

    _text: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Keep the family closed, so that a match over it can be complete."""
        if not cls.__module__.startswith("tapem_dsl.errors."):
            raise TypeError(
                f"{cls.__name__} extends TapeError, which is a closed family; "
                "fail with throw('your message') instead"
            )

    @property
    def message(self) -> str:
        """TorchLean's text for this failure, without the facts."""
        return self._text.format_map(self.facts())

    def facts(self) -> dict[str, object]:
        """Everything the record knows, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        known = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if f"{{{field.name}}}" not in self._text  # the message says it
            and getattr(self, field.name) != field.default
        )
        return f"{self.message} ({known})" if known else self.message


@final
@dataclass(frozen=True, slots=True)
class Thrown(TapeError):
    """
    A failure of the user's own, with a text of the user's own.

    Lean: ``throw "text"`` in ``Except String``.

    >>> from tapem_dsl import throw
    >>> throw("the labels are missing").run()
    <Failure: the labels are missing>
    """

    _text: ClassVar[str] = "{text}"

    text: str


# Any: what a program of any value and scalar gave.
@final
@dataclass(frozen=True, slots=True)
class Swapped(TapeError):
    """
    A success taken for a failure: the value that was given, and the tape.

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
    How an op's ``shape`` or ``evaluate``, or a derivative rule, refuses its operands.

    Args:
        error: a record of the family, or a text of your own.

    The interpreter that called the op turns it into ``Failure(error)``; it is caught
    nowhere else, so raising it in a do-block is an exception like any other.

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
    Prefix an error text with the tag of the call that failed.

    Lean: ``tagError tag msg``.

    >>> tag_error("digits", "empty dataset")
    'digits: empty dataset'
    """
    return f"{tag}: {message}"
