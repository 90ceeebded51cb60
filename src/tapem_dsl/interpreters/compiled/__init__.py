"""Compiled plans: ``jit`` notes one run of a function, and runs what it computed."""

from tapem_dsl.interpreters.compiled.jitted import Jitted as Jitted
from tapem_dsl.interpreters.compiled.jitted import jit as jit
