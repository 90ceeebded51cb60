"""
Reverse mode: the sweep over a tape, and one rule for each op, mirrored by family.

Importing this package fills the table of rules.
"""

from tapem_dsl.interpreters.reverse import rules as rules
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
from tapem_dsl.interpreters.reverse.gradient import grad as grad
from tapem_dsl.interpreters.reverse.gradient import value_and_grad as value_and_grad
from tapem_dsl.interpreters.reverse.sparse import Gradients as Gradients
from tapem_dsl.interpreters.reverse.sparse import backward as backward
from tapem_dsl.interpreters.reverse.sparse import backward_scalar as backward_scalar
from tapem_dsl.interpreters.reverse.table import vjp_rules as vjp_rules
