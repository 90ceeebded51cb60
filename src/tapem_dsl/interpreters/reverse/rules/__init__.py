"""
One vector-Jacobian product for each op, mirrored by family.

Importing this package fills the table of rules.
"""

from tapem_dsl.interpreters.reverse.rules import activations as activations
from tapem_dsl.interpreters.reverse.rules import arithmetic as arithmetic
from tapem_dsl.interpreters.reverse.rules import attention as attention
from tapem_dsl.interpreters.reverse.rules import conditions as conditions
from tapem_dsl.interpreters.reverse.rules import convolution as convolution
from tapem_dsl.interpreters.reverse.rules import elementwise as elementwise
from tapem_dsl.interpreters.reverse.rules import indexing as indexing
from tapem_dsl.interpreters.reverse.rules import linalg as linalg
from tapem_dsl.interpreters.reverse.rules import losses as losses
from tapem_dsl.interpreters.reverse.rules import norms as norms
from tapem_dsl.interpreters.reverse.rules import pooling as pooling
from tapem_dsl.interpreters.reverse.rules import reductions as reductions
from tapem_dsl.interpreters.reverse.rules import shapes as shapes
from tapem_dsl.interpreters.reverse.rules import slicing as slicing
from tapem_dsl.interpreters.reverse.rules import windows as windows
