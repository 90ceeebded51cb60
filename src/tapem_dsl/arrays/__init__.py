"""One array namespace for every scalar: what ops and derivative rules compute with."""

from tapem_dsl.arrays.base import along as along
from tapem_dsl.arrays.dispatch import NO_OPERATOR as NO_OPERATOR
from tapem_dsl.arrays.dispatch import Tracer as Tracer
from tapem_dsl.arrays.dispatch import explain_type_error as explain_type_error
from tapem_dsl.arrays.dispatch import namespace_of as namespace_of
from tapem_dsl.arrays.exact import EXACT as EXACT
from tapem_dsl.arrays.half import HALF as HALF
from tapem_dsl.arrays.half import SINGLE as SINGLE
from tapem_dsl.arrays.half import narrowed as narrowed
from tapem_dsl.arrays.half import widened as widened
from tapem_dsl.arrays.namespace import AnyArray as AnyArray
from tapem_dsl.arrays.namespace import AnyDType as AnyDType
from tapem_dsl.arrays.namespace import Applicable as Applicable
from tapem_dsl.arrays.namespace import Array as Array
from tapem_dsl.arrays.namespace import Indices as Indices
from tapem_dsl.arrays.namespace import Namespace as Namespace
from tapem_dsl.arrays.namespace import no_function as no_function
from tapem_dsl.arrays.numpy import NUMPY as NUMPY
