"""Errors of the training functions; each has the tag of the call that failed."""

from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from tapem_dsl.errors.base import TapeError, tag_error
from tapem_dsl.ids import NodeId


@final
@dataclass(frozen=True, slots=True)
class EmptyDataset(TapeError):
    """
    There are no samples to take the mean of.

    >>> EmptyDataset("digits").message
    'digits: empty dataset'
    """

    _text: ClassVar[str] = tag_error("{tag}", "empty dataset")

    tag: str


@final
@dataclass(frozen=True, slots=True)
class BatchSizeNotPositive(TapeError):
    """
    The batch size is 0 or negative.

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
    The gradient map has no entry for a node: it is frozen, or the loss does not use it.

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
    The entry of the gradient map does not have the expected shape.

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
    The tape has no node of this id.

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
    The value of the node does not have the expected shape.

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
    There are no batches, or a batch has no samples.

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
    Reports have different metrics; ``names`` are the metrics that differ.

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
    A parameter table does not match its groups or gradients.

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
    A loader cannot read the data; ``row`` and ``column`` count from 1.

    In a text file, rows are counted after the header, and blank lines count.

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
    A checkpoint cannot be read completely; ``path`` is its file, if it has one.

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
        """The path of the file, if there is one, and what is wrong."""
        about = f"{self.path}: {self.what}" if self.path else self.what
        return tag_error(self.tag, about)
