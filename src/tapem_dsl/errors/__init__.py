"""The errors that data can cause: a closed family of frozen dataclasses."""

from tapem_dsl.errors.base import Refused as Refused
from tapem_dsl.errors.base import Swapped as Swapped
from tapem_dsl.errors.base import TapeError as TapeError
from tapem_dsl.errors.base import Thrown as Thrown
from tapem_dsl.errors.base import failed as failed
from tapem_dsl.errors.base import tag_error as tag_error
from tapem_dsl.errors.checks import WrongGradient as WrongGradient
from tapem_dsl.errors.place import Item as Item
from tapem_dsl.errors.place import Line as Line
from tapem_dsl.errors.place import Place as Place
from tapem_dsl.errors.place import Skipped as Skipped
from tapem_dsl.errors.place import Step as Step
from tapem_dsl.errors.recording import AxisOutOfRange as AxisOutOfRange
from tapem_dsl.errors.recording import DTypeMismatch as DTypeMismatch
from tapem_dsl.errors.recording import EmptyAxis as EmptyAxis
from tapem_dsl.errors.recording import InvalidNodeId as InvalidNodeId
from tapem_dsl.errors.recording import OpError as OpError
from tapem_dsl.errors.recording import OutsideDomain as OutsideDomain
from tapem_dsl.errors.recording import RequirementNotMet as RequirementNotMet
from tapem_dsl.errors.recording import ShapeMismatch as ShapeMismatch
from tapem_dsl.errors.reverse import (
    AccumulationShapeMismatch as AccumulationShapeMismatch,
)
from tapem_dsl.errors.reverse import (
    ContributionShapeMismatch as ContributionShapeMismatch,
)
from tapem_dsl.errors.reverse import (
    GradientArrayLengthMismatch as GradientArrayLengthMismatch,
)
from tapem_dsl.errors.reverse import (
    GradientArrayOutOfBounds as GradientArrayOutOfBounds,
)
from tapem_dsl.errors.reverse import (
    GradientArrayShapeMismatch as GradientArrayShapeMismatch,
)
from tapem_dsl.errors.reverse import (
    GradientDTypeMismatch as GradientDTypeMismatch,
)
from tapem_dsl.errors.reverse import InvalidOutputId as InvalidOutputId
from tapem_dsl.errors.reverse import InvalidParentId as InvalidParentId
from tapem_dsl.errors.reverse import MissingRule as MissingRule
from tapem_dsl.errors.reverse import NodeMissing as NodeMissing
from tapem_dsl.errors.reverse import SeedShapeMismatch as SeedShapeMismatch
from tapem_dsl.errors.reverse import UpstreamShapeMismatch as UpstreamShapeMismatch
from tapem_dsl.errors.tapes import NotExportable as NotExportable
from tapem_dsl.errors.tapes import UnsoundTape as UnsoundTape
from tapem_dsl.errors.tapes import ValuesWereRead as ValuesWereRead
from tapem_dsl.errors.tapes import Violation as Violation
from tapem_dsl.errors.training import BatchSizeNotPositive as BatchSizeNotPositive
from tapem_dsl.errors.training import CheckpointError as CheckpointError
from tapem_dsl.errors.training import EmptyBatches as EmptyBatches
from tapem_dsl.errors.training import EmptyDataset as EmptyDataset
from tapem_dsl.errors.training import (
    GradientShapeMismatch as GradientShapeMismatch,
)
from tapem_dsl.errors.training import LoadError as LoadError
from tapem_dsl.errors.training import MetricMismatch as MetricMismatch
from tapem_dsl.errors.training import MissingGradient as MissingGradient
from tapem_dsl.errors.training import MissingValue as MissingValue
from tapem_dsl.errors.training import ParameterError as ParameterError
from tapem_dsl.errors.training import ValueShapeMismatch as ValueShapeMismatch
