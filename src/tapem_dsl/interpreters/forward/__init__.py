"""Forward mode: dual arrays. Importing this package gives duals their namespace."""

from tapem_dsl.interpreters.forward import namespace as namespace
from tapem_dsl.interpreters.forward.dual import Dual as Dual
from tapem_dsl.interpreters.forward.dual_ops import jvp_m as jvp_m
from tapem_dsl.interpreters.forward.dual_ops import make_dual as make_dual
from tapem_dsl.interpreters.forward.dual_ops import primal as primal
from tapem_dsl.interpreters.forward.dual_ops import tangent as tangent
from tapem_dsl.interpreters.forward.functions import derivative as derivative
from tapem_dsl.interpreters.forward.functions import derivative_vjp as derivative_vjp
from tapem_dsl.interpreters.forward.functions import hessian_input as hessian_input
from tapem_dsl.interpreters.forward.functions import hvp_inputs as hvp_inputs
from tapem_dsl.interpreters.forward.functions import hvp_params as hvp_params
from tapem_dsl.interpreters.forward.functions import jacfwd_input as jacfwd_input
from tapem_dsl.interpreters.forward.functions import jacrev_inputs as jacrev_inputs
from tapem_dsl.interpreters.forward.functions import jacrev_params as jacrev_params
from tapem_dsl.interpreters.forward.functions import jvp as jvp
from tapem_dsl.interpreters.forward.functions import vjp as vjp
from tapem_dsl.interpreters.tracer import fresh_level as fresh_level
