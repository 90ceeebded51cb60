"""
Entering and leaving a level of duals, as ops: derivatives inside one program.

Their rules are each other's adjoints, so that what a program differentiates it can
differentiate again, by duals or by a sweep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.arrays.shape import Shape, equal_shapes, operands
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.forward.dual import joined, part_at
from tapem_dsl.interpreters.forward.levels import fresh_level
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands
from tapem_dsl.interpreters.tracer import levels_of
from tapem_dsl.program.arguments import function_argument, produced
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class MakeDual(Op):
    """``primal + tangent * e``, of a new level, or of that of a third operand."""

    name = "make_dual"

    def shape(self, *inputs: Shape) -> Shape:
        """Primal, tangent and result alike; of the third operand any."""
        if len(inputs) == 3:
            inputs = inputs[:2]
        primal, tangent = operands(self.name, inputs, 2)
        return equal_shapes(self.name, primal, tangent)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Draw the level here: the op has none, so that equal programs are equal."""
        primal, tangent, *of = inputs
        level = level_of(self, of[0]) if of else fresh_level()
        if level in levels_of(primal) | levels_of(tangent):
            reason = "a part already carries the level of the third operand"
            raise Refused(OutsideDomain(self.name, reason))
        return joined(primal, tangent, level)


class _Part(Op):
    """A part of the first operand, at the level of the second."""

    __slots__ = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the first operand's."""
        x, _ = operands(self.name, inputs, 2)
        return x


@final
@dataclass(frozen=True, slots=True)
class Primal(_Part):
    """The value, without the derivative of a level."""

    name = "primal"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Take it wherever the level is."""
        x, of = inputs
        return part_at(x, level_of(self, of), tangent=False)


@final
@dataclass(frozen=True, slots=True)
class Tangent(_Part):
    """The derivative of a level."""

    name = "tangent"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Take it wherever the level is; 0 if it is nowhere."""
        x, of = inputs
        return part_at(x, level_of(self, of), tangent=True)


def level_of(op: Op, of: Array) -> int:
    """
    Find the level that an operand stands for.

    >>> import numpy as np
    >>> from tapem_dsl.interpreters.forward import Dual
    >>> level_of(Primal(), Dual(np.float64(1), np.float64(0), 7))
    7
    """
    if levels := levels_of(of):
        return max(levels)
    reason = "the last operand has no level; give the node that make_dual gave"
    raise Refused(OutsideDomain(op.name, reason))


@vjp_rules.define(MakeDual)
def _make_dual(
    op: MakeDual, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g``; ``g * e``. The sweep drops the level unless it is ambient."""
    of = xs[2] if len(xs) == 3 else y
    return (g, _times_e(xp, g, of) if need[1] else None) + (None,) * len(xs[2:])


def _primal(
    op: Primal, xp: Namespace, g: Array, x: Array, of: Array, y: Array
) -> Array:
    """``0 + g * e``; of what does not depend on the level ``g``."""
    if level_of(op, of) not in levels_of(x):
        return g
    _check_left(op, g, of)
    return _times_e(xp, g, of)


def _tangent(
    op: Tangent, xp: Namespace, g: Array, x: Array, of: Array, y: Array
) -> Array:
    """``g + 0 * e``; of what does not depend on the level 0."""
    if level_of(op, of) not in levels_of(x):
        return xp.zeros_like(g)
    _check_left(op, g, of)
    return xp.apply(_MAKE_DUAL, g, xp.zeros_like(g), of)


vjp_rules.each(Primal, _primal, None)
vjp_rules.each(Tangent, _tangent, None)


def _times_e(xp: Namespace, g: Array, of: Array) -> Array:
    """Multiply the value of a cotangent by the ``e`` of a level."""
    value = xp.apply(_PRIMAL, g, of)
    return xp.apply(_MAKE_DUAL, xp.zeros_like(value), value, of)


def _check_left(op: Op, g: Array, of: Array) -> None:
    """Refuse to go back out of a level that the output is still in."""
    if level_of(op, of) in levels_of(g):
        reason = (
            "the output or its seed carries the level that is left here; "
            "sweep from its primal or its tangent"
        )
        raise Refused(OutsideDomain(op.name, reason))


_MAKE_DUAL: Final = MakeDual()
_PRIMAL: Final = Primal()
_TANGENT: Final = Tangent()


def make_dual(primal: NodeId, tangent: NodeId) -> TapeM[NodeId, Any]:
    """
    Enter a new level of duals: a node that also carries a derivative.

    What is computed from it carries its own, to be read with :func:`tangent` and left
    behind with :func:`primal`. All other nodes are constants at this level.

    Shapes:
        primal, tangent and result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`, :class:`ShapeMismatch`.

    Gradient:
        of the cotangent ``c``, itself a dual: its tangent to the primal, its primal to
        the tangent. Of an output that carries this level: ``c`` to the primal,
        ``c * e`` to the tangent.

    Source:
        Lean: a ``Dual``; TorchLean has no such node, its duals surround whole tapes.
        JAX: ``jax.jvp``. PyTorch: ``torch.autograd.forward_ad.make_dual``.

    >>> from tapem_dsl import const, do, leaf, mul, value_of
    >>> @do
    ... def slope_of_square(at):
    ...     x = yield from leaf(at)
    ...     one = yield from const(1.0)
    ...     dual = yield from make_dual(x, one)
    ...     square = yield from mul(dual, dual)
    ...     slope = yield from tangent(square, dual)
    ...     return (yield from value_of(slope))
    >>> slope_of_square(3.0).eval()
    <Success: 6.0>
    """
    return record_op(_MAKE_DUAL, (primal, tangent))


def primal(x: NodeId, of: NodeId) -> TapeM[NodeId, Any]:
    """
    Leave a level of duals: the value without its derivative.

    Args:
        x: any node; one that does not depend on the level is its own primal.
        of: the node that :func:`make_dual` gave, which says the level.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` if ``of``
        is no dual.

    Gradient:
        ``0 + g * e``. A sweep from a node that carries the level fails with
        :class:`OutsideDomain`: it cannot go back out.

    Source:
        Lean: ``re`` of a ``Dual``. PyTorch: ``torch.autograd.forward_ad.unpack_dual``.

    >>> from tapem_dsl import leaf, value_of
    >>> three = leaf(3.0).bind(lambda x: make_dual(x, x).bind(lambda d: primal(d, d)))
    >>> three.bind(value_of).eval()
    <Success: 3.0>
    """
    return record_op(_PRIMAL, (x, of))


def tangent(x: NodeId, of: NodeId) -> TapeM[NodeId, Any]:
    """
    Leave a level of duals: the derivative.

    Args:
        x: any node; the derivative of one that does not depend on the level is 0.
        of: the node that :func:`make_dual` gave, which says the level.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` if ``of``
        is no dual.

    Gradient:
        ``g + 0 * e``. A sweep from a node that carries the level fails with
        :class:`OutsideDomain`: it cannot go back out.

    Source:
        Lean: ``du`` of a ``Dual``. PyTorch: ``torch.autograd.forward_ad.unpack_dual``.

    >>> from tapem_dsl import leaf, mul, value_of
    >>> dual = leaf(3.0).bind(lambda x: make_dual(x, x))
    >>> slope = dual.bind(lambda d: mul(d, d).bind(lambda y: tangent(y, d)))
    >>> slope.bind(value_of).eval()
    <Success: 18.0>
    """
    return record_op(_TANGENT, (x, of))


# Any: a program of whatever scalar.
Function: TypeAlias = Callable[[NodeId], TapeM[NodeId, Any]]


def jvp_m(
    function: Function, x: NodeId, along: NodeId
) -> TapeM[tuple[NodeId, NodeId], Any]:
    """
    Give a function's result and its derivative along a direction, as nodes.

    :func:`jvp` inside a program: the derivative can be used in a further loss, and
    differentiated again by this, by :func:`backward_m` or by a sweep.

    Args:
        function: from a node to the program of another; it may use any other nodes,
            which are constants to it.
        x: where to differentiate.
        along: of the shape of ``x``.

    Fails with:
        As :func:`make_dual`; whatever the function fails with.

    Cost:
        Two to three times the function's; of the ``n``-th derivative ``2**n`` to
        ``3**n`` times.

    Source:
        Lean: ``derivative``. JAX: ``jax.jvp``. PyTorch: ``torch.func.jvp``.

    >>> from tapem_dsl import leaf, mul, value_of
    >>> both = leaf(3.0).bind(lambda x: jvp_m(lambda y: mul(y, y), x, x))
    >>> both.bind(lambda ids: value_of(ids[1])).eval()
    <Success: 18.0>
    """
    index_of(x, "jvp_m, x")
    index_of(along, "jvp_m, along")
    return _jvp_m(function_argument(function, "jvp_m", "function"), x, along)


@do
def _jvp_m(
    function: Function, x: NodeId, along: NodeId
) -> Do[tuple[NodeId, NodeId], Any]:
    dual = yield from make_dual(x, along)
    y = yield from produced(function(dual), function)
    value = yield from primal(y, dual)
    slope = yield from tangent(y, dual)
    return value, slope
