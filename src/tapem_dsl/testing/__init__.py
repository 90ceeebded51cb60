"""What tests of programs need: equivalence, exact arrays, strategies."""

from tapem_dsl.testing.equivalence import assert_equivalent as assert_equivalent
from tapem_dsl.testing.exact import rationals as rationals
