"""Errors of what is done with a whole tape: checked, run again, exported."""

from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from tapem_dsl.errors.base import TapeError
from tapem_dsl.ids import NodeId

_SHOWN = 8


@final
@dataclass(frozen=True, slots=True)
class Violation:
    """
    One thing wrong with one node of a tape: the field, and what is wrong with it.

    Args:
        id: the node.
        field: ``node``, ``op``, ``parents``, ``value``, ``dtype``, ``shape``,
            ``requires_grad`` or ``name``.
        what: what is wrong, as a sentence.

    Lean: none, its types rule out most of them. PyTorch: none.

    >>> print(Violation(NodeId(3), "shape", "it is (2,), and the op gives (3,)"))
    node 3, shape: it is (2,), and the op gives (3,)
    """

    id: NodeId
    field: str
    what: str

    def __str__(self) -> str:
        return f"node {self.id}, {self.field}: {self.what}"


@final
@dataclass(frozen=True, slots=True)
class UnsoundTape(TapeError):
    """
    A tape is not one that a program can record; ``violations`` says all that is wrong.

    >>> print(UnsoundTape((Violation(NodeId(0), "name", "1 is no text"),)))
    the tape has 1 violation: node 0, name: 1 is no text
    """

    _text: ClassVar[str] = "the tape has {violations}"

    violations: tuple[Violation, ...]

    @property
    @override
    def message(self) -> str:
        """The number of violations, and the first ones."""
        count = len(self.violations)
        shown = "; ".join(map(str, self.violations[:_SHOWN]))
        more = f"; {count - _SHOWN} more" if count > _SHOWN else ""
        return f"the tape has {count} violation{'s' * (count != 1)}: {shown}{more}"


@final
@dataclass(frozen=True, slots=True)
class ValuesWereRead(TapeError):
    """
    A tape cannot be replayed, because its program read values while it ran.

    >>> from tapem_dsl import const, replay, value_of
    >>> print(replay(const(2.0).bind(value_of).exec().unwrap(), {}).failure())
    replay: the program read values of this tape (value_of, get_tape, a gradient, or a
    handled failure), so its nodes may depend on them; run the program again
    """

    _text: ClassVar[str] = (
        "replay: the program read values of this tape (value_of, get_tape, a gradient, "
        "or a handled failure), so its nodes may depend on them; run the program again"
    )


@final
@dataclass(frozen=True, slots=True)
class NotExportable(TapeError):
    """
    A format has no counterpart of a node; ``kind`` is the op's class, or ``leaf``.

    >>> print(NotExportable("torchlean.ir.v1", id=3, kind="Gelu", why="no such kind"))
    torchlean.ir.v1 cannot hold node 3, Gelu: no such kind
    """

    _text: ClassVar[str] = "{format} cannot hold node {id}, {kind}: {why}"

    format: str
    id: NodeId
    kind: str
    why: str
