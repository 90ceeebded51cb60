"""What tests of programs need: equivalence and strategies."""

from tapem_dsl.testing.equivalence import assert_equivalent as assert_equivalent
