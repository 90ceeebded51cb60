"""Ops of one level: an array, and another one that stands for the level."""

from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.interpreters.tracer import Layer, below, levels_of
from tapem_dsl.tape.op import Op


class AtLevel(Op):
    """A function of the first operand, at the level of the second."""

    __slots__ = ()

    at: "ClassVar[staticmethod[[Layer, Array], Array]]"
    """The function, for an array of no higher level than the layer."""

    @override
    def shape(self, *inputs: Shape) -> Shape:
        x, _ = operands(self.name, inputs, 2)
        return x

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        x, of = inputs
        return below(x, level_of(self, of), lambda part: self.at(of, part))


class _Entering(AtLevel):
    """An array of a level that the operand lacks."""

    __slots__ = ()

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        x, of = inputs
        if level_of(self, of) in levels_of(x):
            reason = "the first operand already carries the level of the second"
            raise Refused(OutsideDomain(self.name, reason))
        return super().evaluate(xp, x, of)


@final
@dataclass(frozen=True, slots=True)
class Lift(_Entering):
    """``x + 0 * e``: the adjoint of :class:`Tangent`."""

    name = "lift"
    at = staticmethod(lambda layer, x: layer.lift(x))


@final
@dataclass(frozen=True, slots=True)
class Inject(_Entering):
    """``0 + x * e``: the adjoint of :class:`Primal`."""

    name = "inject"
    at = staticmethod(lambda layer, x: layer.inject(x))


def level_of(op: Op, of: Array) -> int:
    """
    Return the level that an operand stands for: its highest.

    >>> from tapem_dsl.interpreters.forward import Dual
    >>> level_of(Lift(), Dual(1.0, 0.0, 7))
    7
    """
    if levels := levels_of(of):
        return max(levels)
    reason = "the last operand has no level; give the node that make_dual gave"
    raise Refused(OutsideDomain(op.name, reason))
