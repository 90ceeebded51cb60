"""Helpers for tests of programs: equivalence, and Hypothesis strategies."""

from tapem_dsl.testing.equivalence import assert_equivalent as assert_equivalent
