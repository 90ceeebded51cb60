"""All ops, as the tests see them."""

from typing import Final

from tests.specs.attention import ATTENTION
from tests.specs.convolution import CONVOLUTION
from tests.specs.elementwise import ELEMENTWISE
from tests.specs.indexing import INDEXING
from tests.specs.linalg import LINALG
from tests.specs.losses import LOSSES
from tests.specs.norms import NORMS
from tests.specs.pooling import POOLING
from tests.specs.ranges import RANGES
from tests.specs.reductions import REDUCTIONS
from tests.specs.shapes import SHAPES
from tests.specs.softmax import SOFTMAX, SOFTMAX_OF_AXES
from tests.specs.spec import Spec
from tests.specs.windows import WINDOWS

ALL: Final = (
    *ELEMENTWISE,
    *REDUCTIONS,
    *SHAPES,
    *RANGES,
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


def named(name: str) -> Spec:
    """Find an op by TorchLean's name of its node; the first, if there are several."""
    return next(spec for spec in ALL if spec.op.label == name)
