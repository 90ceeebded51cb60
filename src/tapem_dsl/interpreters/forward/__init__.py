"""
Forward mode: dual arrays, for tapes that carry a derivative along with every value.

Importing this package tells duals what functions make of them.
"""

from tapem_dsl.interpreters.forward import namespace as namespace
from tapem_dsl.interpreters.forward.dual import Dual as Dual
from tapem_dsl.interpreters.forward.dual import fresh_level as fresh_level
from tapem_dsl.interpreters.forward.dual import parts_at as parts_at
