"""Recorded sweeps. Importing this package gives recorded arrays their namespace."""

from tapem_dsl.interpreters.recorded import namespace as namespace
from tapem_dsl.interpreters.recorded.program import GradientIds as GradientIds
from tapem_dsl.interpreters.recorded.program import backward_m as backward_m
