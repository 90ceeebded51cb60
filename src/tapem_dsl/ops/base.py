"""Shape rules of the ops that act entry by entry."""

from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, equal_shapes


class Binary(Op):
    """Two operands of one shape, which is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Both alike."""
        a, b = inputs
        return equal_shapes(self.name, a, b)


class Unary(Op):
    """One operand, whose shape is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the operand's."""
        (x,) = inputs
        return x
