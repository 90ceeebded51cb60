"""Errors of the reverse sweep."""

from dataclasses import dataclass
from typing import ClassVar, final

from tapem_dsl.errors.base import TapeError
from tapem_dsl.ids import NodeId


@final
@dataclass(frozen=True, slots=True)
class InvalidOutputId(TapeError):
    """
    The tape has no node of the output's id.

    >>> from tapem_dsl import EMPTY, NodeId, backward_scalar
    >>> backward_scalar(EMPTY, NodeId(0))
    <Failure: autograd: invalid output id (id=0, size=0)>
    """

    _text: ClassVar[str] = "autograd: invalid output id"

    id: NodeId
    size: int


@final
@dataclass(frozen=True, slots=True)
class SeedShapeMismatch(TapeError):
    """
    The seed does not have the shape of the output.

    ``backward_scalar`` has no seed argument; there the output is not a scalar, and
    ``fix`` is advice on how to make it one.

    >>> import numpy as np
    >>> from tapem_dsl import backward_scalar, param
    >>> param(np.zeros(3)).bind(backward_scalar).run()
    <Failure: autograd: seed gradient shape mismatch for output (id=0, ...)>
    """

    _text: ClassVar[str] = "autograd: seed gradient shape mismatch for output"

    id: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]
    fix: str = ""


@final
@dataclass(frozen=True, slots=True)
class GradientDTypeMismatch(TapeError):
    """
    A seed, a contribution or a slot does not have the scalar type of its node.

    TorchLean has no such error: the type of a tape fixes one scalar type.

    >>> import numpy as np
    >>> from tapem_dsl import backward, param
    >>> tape, = param(1.0).exec().map(lambda tape: (tape,)).unwrap()
    >>> backward(tape, tape.ids()[0], np.float32(1))
    <Failure: autograd: seed dtype mismatch (id=0, expected='float64', found='float32')>
    """

    _text: ClassVar[str] = "autograd: {what} dtype mismatch"

    what: str
    id: NodeId
    expected: str
    found: str


@final
@dataclass(frozen=True, slots=True)
class InvalidParentId(TapeError):
    """
    A node that no program recorded has a parent that is not on the tape.

    >>> InvalidParentId("add", id=1, parent=9, size=2).message
    'autograd: invalid parent id during backward'
    """

    _text: ClassVar[str] = "autograd: invalid parent id during backward"

    op: str | None
    id: NodeId
    parent: NodeId
    size: int


@final
@dataclass(frozen=True, slots=True)
class ContributionShapeMismatch(TapeError):
    """
    A derivative rule returned a cotangent that does not have the parent's shape.

    >>> ContributionShapeMismatch("f", id=2, parent=0, expected=(3,), found=()).message
    'autograd: gradient contribution has wrong shape for parent'
    """

    _text: ClassVar[str] = "autograd: gradient contribution has wrong shape for parent"

    op: str | None
    id: NodeId | None
    parent: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class UpstreamShapeMismatch(TapeError):
    """
    The cotangent passed to the VJP of a node does not have the node's shape.

    >>> UpstreamShapeMismatch("add", id=2, expected=(), found=(3,)).message
    'autograd: upstream gradient shape mismatch'
    """

    _text: ClassVar[str] = "autograd: upstream gradient shape mismatch"

    op: str | None
    id: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class AccumulationShapeMismatch(TapeError):
    """
    Two cotangents to be added have different shapes.

    >>> AccumulationShapeMismatch(existing=(), contribution=(3,)).message
    'autograd: gradient shape mismatch during accumulation'
    """

    _text: ClassVar[str] = "autograd: gradient shape mismatch during accumulation"

    existing: tuple[int, ...]
    contribution: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class GradientArrayShapeMismatch(TapeError):
    """
    A slot of a total gradient array does not have its node's shape.

    >>> GradientArrayShapeMismatch(id=0, expected=(3,), found=()).message
    'autograd: gradient array has wrong shape for node'
    """

    _text: ClassVar[str] = "autograd: gradient array has wrong shape for node"

    id: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class GradientArrayLengthMismatch(TapeError):
    """
    A total gradient array does not have one slot for each node.

    >>> from tapem_dsl import EMPTY, backward_dense_from
    >>> backward_dense_from(EMPTY, [1.0])
    <Failure: autograd: initial dense gradient array has wrong length (...)>
    """

    _text: ClassVar[str] = "autograd: initial dense gradient array has wrong length"

    expected: int
    found: int


@final
@dataclass(frozen=True, slots=True)
class GradientArrayOutOfBounds(TapeError):
    """
    The gradient array passed to a single step is shorter than the tape.

    >>> GradientArrayOutOfBounds(id=3, length=2).message
    'autograd: internal error (gradient array out of bounds)'
    """

    _text: ClassVar[str] = "autograd: internal error (gradient array out of bounds)"

    id: NodeId
    length: int


@final
@dataclass(frozen=True, slots=True)
class NodeMissing(TapeError):
    """
    The tape has no node of the id that a single step was to visit.

    >>> NodeMissing(id=3, size=2).message
    'autograd: internal error (node missing)'
    """

    _text: ClassVar[str] = "autograd: internal error (node missing)"

    id: NodeId
    size: int


@final
@dataclass(frozen=True, slots=True)
class MissingRule(TapeError):
    """
    The interpreter has no rule for an op.

    TorchLean has no such error: its nodes contain their VJP.

    >>> MissingRule("my_op", interpreter="vjp", id=4).message
    "autograd: no vjp rule for op 'my_op'"
    """

    _text: ClassVar[str] = "autograd: no {interpreter} rule for op '{op}'"

    op: str
    interpreter: str
    id: NodeId
