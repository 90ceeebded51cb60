"""Is a tape one that a program can record? All violations in one report."""

from tapem_dsl.interpreters.check.check import check as check
from tapem_dsl.interpreters.check.check import checked as checked
