"""Shape rules of the ops that act entry by entry."""

from tapem_dsl.core.op import Op
from tapem_dsl.core.shape import Shape, equal_shapes, operands


class Binary(Op):
    """Two operands of one shape, which is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Both alike."""
        if len(inputs) == 2 and inputs[0] == inputs[1]:
            return inputs[0]  # what follows only says what is wrong
        a, b = operands(self.name, inputs, 2)
        return equal_shapes(self.name, a, b)


class Unary(Op):
    """One operand, whose shape is the result's."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the operand's."""
        if len(inputs) == 1:
            return inputs[0]
        (x,) = operands(self.name, inputs, 1)
        return x
