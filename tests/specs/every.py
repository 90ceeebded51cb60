"""All ops, as the tests see them, and tests of each."""

from typing import Final

import numpy as np
import pytest

from tests.specs.attention import ATTENTION
from tests.specs.convolution import CONVOLUTION
from tests.specs.elementwise import ELEMENTWISE
from tests.specs.indexing import INDEXING
from tests.specs.linalg import LINALG
from tests.specs.losses import LOSSES
from tests.specs.norms import NORMS
from tests.specs.pooling import POOLING
from tests.specs.reductions import REDUCTIONS
from tests.specs.shapes import SHAPES
from tests.specs.slicing import SLICING
from tests.specs.softmax import SOFTMAX, SOFTMAX_OF_AXES
from tests.specs.spec import Spec
from tests.specs.windows import WINDOWS

ALL: Final = (
    *ELEMENTWISE,
    *REDUCTIONS,
    *SHAPES,
    *SLICING,
    *INDEXING,
    *LOSSES,
    *SOFTMAX,
    *SOFTMAX_OF_AXES,
    *LINALG,
    *WINDOWS,
    *CONVOLUTION,
    *POOLING,
    *NORMS,
    *ATTENTION,
)
RATIONAL: Final = tuple(spec for spec in ALL if spec.rational)
OPERANDS: Final = tuple((spec, i) for spec in ALL for i in range(spec.arity))
FLAGGINGS: Final = tuple(
    (spec, flags) for spec in ALL for flags in np.ndindex((2,) * spec.arity)
)


each_op: Final = pytest.mark.parametrize("spec", ALL, ids=str)
each_rational_op: Final = pytest.mark.parametrize("spec", RATIONAL, ids=str)
each_operand: Final = pytest.mark.parametrize(
    ("spec", "operand"), OPERANDS, ids=[f"{spec}-{i}" for spec, i in OPERANDS]
)
each_flagging: Final = pytest.mark.parametrize(
    ("spec", "flags"), FLAGGINGS, ids=[f"{spec}-{flags}" for spec, flags in FLAGGINGS]
)
both_samples: Final = pytest.mark.parametrize("which", [0, 1])


def named(name: str) -> Spec:
    """Find an op by TorchLean's name of its node; the first, if there are several."""
    return next(spec for spec in ALL if spec.op.label == name)
