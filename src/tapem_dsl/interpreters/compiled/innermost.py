"""What namespaces share whose arrays are inside of all duals and recorded values."""

from typing import Any

from tapem_dsl.arrays import Array


class Innermost:
    """
    Functions of tracers of level 0, whose values an op may not read.

    >>> Innermost().concrete(3.0) is None
    True
    """

    def constant(self, x: Array, /) -> Array:
        """Return the array: it carries no tangents."""
        return x

    def canonical(self, x: Array, /) -> Array:
        """Return the array: a tape keeps it as it is."""
        return x

    def concrete(self, x: Array, /) -> None:
        """Return ``None``: the values are those of one call."""

    # Any: an op of whatever class
    def apply(self, op: Any, /, *operands: Array) -> Array:
        """Evaluate an op."""
        return op.evaluate(self, *operands)
