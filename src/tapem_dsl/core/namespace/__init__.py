"""One array namespace for every scalar: what ops and derivative rules compute with."""

from tapem_dsl.core.namespace.base import Applicable as Applicable
from tapem_dsl.core.namespace.base import Array as Array
from tapem_dsl.core.namespace.base import Indices as Indices
from tapem_dsl.core.namespace.base import Namespace as Namespace
from tapem_dsl.core.namespace.dispatch import Carrier as Carrier
from tapem_dsl.core.namespace.dispatch import explained as explained
from tapem_dsl.core.namespace.dispatch import namespace_of as namespace_of
from tapem_dsl.core.namespace.exact import EXACT as EXACT
from tapem_dsl.core.namespace.half import HALF as HALF
from tapem_dsl.core.namespace.half import SINGLE as SINGLE
from tapem_dsl.core.namespace.half import narrowed as narrowed
from tapem_dsl.core.namespace.half import widened as widened
from tapem_dsl.core.namespace.numpy import NUMPY as NUMPY
from tapem_dsl.core.namespace.numpy import along as along
