"""Failures of the training layer; each carries the tag of the call that failed."""

from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from tapem_dsl.errors.base import TapeError, tag_error
from tapem_dsl.ids import NodeId


@final
@dataclass(frozen=True, slots=True)
class EmptyDataset(TapeError):
    """
    A mean over no samples.

    >>> EmptyDataset("digits").message
    'digits: empty dataset'
    """

    _text: ClassVar[str] = tag_error("{tag}", "empty dataset")

    tag: str


@final
@dataclass(frozen=True, slots=True)
class BatchSizeNotPositive(TapeError):
    """
    Batches of no samples, or of fewer than none.

    >>> BatchSizeNotPositive("digits", batch_size=0).message
    'digits: batchSize must be > 0'
    """

    _text: ClassVar[str] = tag_error("{tag}", "batchSize must be > 0")

    tag: str
    batch_size: int


@final
@dataclass(frozen=True, slots=True)
class MissingGradient(TapeError):
    """
    The gradient map has no entry for a node: frozen, or not on the loss's path.

    >>> MissingGradient("sgd", id=3).message
    'sgd: missing gradient for node id 3'
    """

    _text: ClassVar[str] = tag_error("{tag}", "missing gradient for node id {id}")

    tag: str
    id: NodeId


@final
@dataclass(frozen=True, slots=True)
class GradientShapeMismatch(TapeError):
    """
    The gradient map's entry does not have the shape asked for.

    >>> GradientShapeMismatch("sgd", id=3, expected=(2,), found=()).message
    'sgd: gradient shape mismatch for node id 3'
    """

    _text: ClassVar[str] = tag_error(
        "{tag}", "gradient shape mismatch for node id {id}"
    )

    tag: str
    id: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class MissingValue(TapeError):
    """
    The tape has no such node.

    >>> MissingValue("report", id=3).message
    'report: missing value for node id 3'
    """

    _text: ClassVar[str] = tag_error("{tag}", "missing value for node id {id}")

    tag: str
    id: NodeId


@final
@dataclass(frozen=True, slots=True)
class ValueShapeMismatch(TapeError):
    """
    The node's value does not have the shape asked for.

    >>> ValueShapeMismatch("report", id=3, expected=(), found=(2,)).message
    'report: value shape mismatch for node id 3'
    """

    _text: ClassVar[str] = tag_error("{tag}", "value shape mismatch for node id {id}")

    tag: str
    id: NodeId
    expected: tuple[int, ...]
    found: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class EmptyBatches(TapeError):
    """
    No batches where some are needed, or one without samples.

    Lean: ``evalBatches``.

    >>> print(EmptyBatches("test", what="batch list").message)
    test: empty batch list
    """

    _text: ClassVar[str] = tag_error("{tag}", "empty {what}")

    tag: str
    what: str


@final
@dataclass(frozen=True, slots=True)
class MetricMismatch(TapeError):
    """
    Reports whose metrics do not go together; ``names`` are those that differ.

    Lean: ``addMetrics``.

    >>> print(MetricMismatch("test", what="length mismatch").message)
    test: metric length mismatch
    """

    _text: ClassVar[str] = tag_error("{tag}", "metric {what}")

    tag: str
    what: str
    names: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class ParameterError(TapeError):
    """
    A parameter table, its groups or its gradients that do not go together.

    Lean: ``ParamTable`` and ``Optim.step``.

    >>> print(ParameterError("optim", what="duplicate parameter id 3", id=3).message)
    optim: duplicate parameter id 3
    """

    _text: ClassVar[str] = tag_error("{tag}", "{what}")

    tag: str
    what: str
    id: NodeId


@final
@dataclass(frozen=True, slots=True)
class LoadError(TapeError):
    """
    Data that a loader refuses; ``row`` and ``column`` count from 1 where they apply.

    The rows of a text are those after its header, blank lines included.

    Lean: ``TensorLoader`` and ``IoLoader``.

    >>> print(LoadError("npy", text=": file too small").message)
    npy: file too small
    """

    _text: ClassVar[str] = "{tag}{text}"

    tag: str
    text: str
    row: int | None = None
    column: int | None = None


@final
@dataclass(frozen=True, slots=True)
class CheckpointError(TapeError):
    """
    A checkpoint that cannot be read back whole; ``path`` is the file, if there is one.

    >>> print(CheckpointError("resume", what="the file is truncated", path="a").message)
    resume: a: the file is truncated
    >>> print(CheckpointError("resume", what="another loader").message)
    resume: another loader
    """

    _text: ClassVar[str] = tag_error("{tag}", "{path}: {what}")

    tag: str
    what: str
    path: str = ""

    @property
    @override
    def message(self) -> str:
        """What is wrong, and with which file."""
        about = f"{self.path}: {self.what}" if self.path else self.what
        return tag_error(self.tag, about)
