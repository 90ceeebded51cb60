"""
Reverse mode as a program: a sweep over arrays that record what is done with them.

Importing this package tells recorded arrays what functions make of them.
"""

from tapem_dsl.interpreters.recorded import namespace as namespace
from tapem_dsl.interpreters.recorded.program import GradientIds as GradientIds
from tapem_dsl.interpreters.recorded.program import backward_m as backward_m
