"""
What tests of programs need: equations between programs, and checks of gradients.

``tapem_dsl.testing.strategies`` has Hypothesis strategies of shapes, tensors, tapes and
programs; it needs the extra ``testing``, the rest does not.
"""

from tapem_dsl.testing.equivalence import assert_equivalent as assert_equivalent
from tapem_dsl.testing.explanation import explain_difference as explain_difference
from tapem_dsl.testing.gradients import check_gradients as check_gradients
from tapem_dsl.testing.gradients import check_op as check_op
from tapem_dsl.testing.report import GradientReport as GradientReport
from tapem_dsl.testing.report import LeafCheck as LeafCheck
