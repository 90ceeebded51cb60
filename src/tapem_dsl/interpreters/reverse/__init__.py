"""
Reverse mode: the sweep over a tape, and one rule for each op, mirrored by family.

Importing this package fills the table of rules.
"""

from tapem_dsl.interpreters.reverse import arithmetic as arithmetic
from tapem_dsl.interpreters.reverse import attention as attention
from tapem_dsl.interpreters.reverse import conditions as conditions
from tapem_dsl.interpreters.reverse import convolution as convolution
from tapem_dsl.interpreters.reverse import corners as corners
from tapem_dsl.interpreters.reverse import elementwise as elementwise
from tapem_dsl.interpreters.reverse import gathering as gathering
from tapem_dsl.interpreters.reverse import indexing as indexing
from tapem_dsl.interpreters.reverse import labels as labels
from tapem_dsl.interpreters.reverse import linalg as linalg
from tapem_dsl.interpreters.reverse import losses as losses
from tapem_dsl.interpreters.reverse import norms as norms
from tapem_dsl.interpreters.reverse import pooling as pooling
from tapem_dsl.interpreters.reverse import ranges as ranges
from tapem_dsl.interpreters.reverse import reductions as reductions
from tapem_dsl.interpreters.reverse import shapes as shapes
from tapem_dsl.interpreters.reverse import smooth as smooth
from tapem_dsl.interpreters.reverse import softmax as softmax
from tapem_dsl.interpreters.reverse import windows as windows
from tapem_dsl.interpreters.reverse.deferred import Outer as Outer
from tapem_dsl.interpreters.reverse.dense import backward_dense as backward_dense
from tapem_dsl.interpreters.reverse.dense import (
    backward_dense_all as backward_dense_all,
)
from tapem_dsl.interpreters.reverse.dense import (
    backward_dense_from as backward_dense_from,
)
from tapem_dsl.interpreters.reverse.dense import (
    backward_dense_step as backward_dense_step,
)
from tapem_dsl.interpreters.reverse.sparse import Gradients as Gradients
from tapem_dsl.interpreters.reverse.sparse import backward as backward
from tapem_dsl.interpreters.reverse.sparse import backward_scalar as backward_scalar
from tapem_dsl.interpreters.reverse.table import vjp as vjp
