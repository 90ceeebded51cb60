"""Rolling up: repetitions of a plan are computed at once, or in short loops."""

from tapem_dsl.interpreters.compiled.rolling.roll import Rolled as Rolled
from tapem_dsl.interpreters.compiled.rolling.roll import rolled as rolled
