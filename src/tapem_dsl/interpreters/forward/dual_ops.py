"""
Entering and leaving a level of duals, as ops: derivatives inside one program.

Their rules are each other's adjoints, so that what a program differentiates it can
differentiate again, by duals or by a sweep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.errors import OutsideDomain, Refused
from tapem_dsl.ids import NodeId, index_of
from tapem_dsl.interpreters.forward.dual import dual_at_level
from tapem_dsl.interpreters.forward.level_ops import AtLevel, Inject, Lift, level_of
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.interpreters.tracer import as_layer, fresh_level, levels_of
from tapem_dsl.ops.base import Binary
from tapem_dsl.program.checks import checked_program, function_argument
from tapem_dsl.program.do import Do, do
from tapem_dsl.program.tapem import TapeM, record_op
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class MakeDual(Binary):
    """``primal + tangent * e``, of a new level."""

    name = "make_dual"

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Draw the level here: the op has none, so that equal programs are equal."""
        primal, tangent = inputs
        return dual_at_level(primal, tangent, fresh_level())


@final
@dataclass(frozen=True, slots=True)
class Primal(AtLevel):
    """The value, without the derivative of a level."""

    name = "primal"
    at = staticmethod(lambda layer, x: as_layer(x, layer).parts()[0])


@final
@dataclass(frozen=True, slots=True)
class Tangent(AtLevel):
    """The derivative of a level; 0 of what does not depend on the level."""

    name = "tangent"
    at = staticmethod(lambda layer, x: as_layer(x, layer).project())


# The sweep drops the level of ``g`` unless it is ambient.
vjp_rules.each(
    MakeDual,
    lambda op, xp, g, a, b, y: g,
    lambda op, xp, g, a, b, y: _times_e(xp, g, y),
)
vjp_rules.each(Lift, lambda op, xp, g, x, of, y: g, None)
vjp_rules.each(Inject, lambda op, xp, g, x, of, y: _times_e(xp, g, y), None)


def _primal(
    op: Primal, xp: Namespace, g: Array, x: Array, of: Array, y: Array
) -> Array:
    """``0 + g * e``; of what does not depend on the level ``g``."""
    if level_of(op, of) not in levels_of(x):
        return g
    _check_left(op, g, of)
    return xp.apply(_INJECT, g, of)


def _tangent(
    op: Tangent, xp: Namespace, g: Array, x: Array, of: Array, y: Array
) -> Array:
    """``g + 0 * e``; of what does not depend on the level 0."""
    if level_of(op, of) not in levels_of(x):
        return xp.zeros_like(g)
    _check_left(op, g, of)
    return xp.apply(_LIFT, g, of)


vjp_rules.each(Primal, _primal, None)
vjp_rules.each(Tangent, _tangent, None)


def _times_e(xp: Namespace, g: Array, of: Array) -> Array:
    """Multiply the value of a cotangent by the ``e`` of a level."""
    return xp.apply(_INJECT, xp.apply(_PRIMAL, g, of), of)


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
_LIFT: Final = Lift()
_INJECT: Final = Inject()


def make_dual(primal: NodeId, tangent: NodeId) -> TapeM[NodeId, Any]:
    """
    Enter a new level of duals: a node that also carries a derivative.

    What is computed from the node carries a derivative too; :func:`tangent` returns it,
    and :func:`primal` returns the value without it. All other nodes are constants.

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
        PyTorch: ``torch.autograd.forward_ad.make_dual``. JAX: an argument of
        ``jax.jvp``.

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
        x: any node; if it does not depend on the level, the result is its value.
        of: the node from :func:`make_dual`, which stands for the level.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        :class:`InvalidNodeId`, :class:`DTypeMismatch`; :class:`OutsideDomain` if ``of``
        is no dual.

    Gradient:
        ``0 + g * e``. A sweep from a node that carries the level fails with
        :class:`OutsideDomain`.

    Source:
        Lean: ``re`` of a ``Dual``. PyTorch: ``torch.autograd.forward_ad.unpack_dual``.
        JAX: the first result of ``jax.jvp``.

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
        x: any node; if it does not depend on the level, the derivative is 0.
        of: the node from :func:`make_dual`, which stands for the level.

    Shapes:
        ``x`` and the result alike.

    Fails with:
        As :func:`primal`.

    Gradient:
        ``g + 0 * e``; fails as that of :func:`primal`.

    Source:
        Lean: ``du`` of a ``Dual``. PyTorch: ``torch.autograd.forward_ad.unpack_dual``.
        JAX: the second result of ``jax.jvp``.

    >>> from tapem_dsl import leaf, mul, value_of
    >>> dual = leaf(3.0).bind(lambda x: make_dual(x, x))
    >>> slope = dual.bind(lambda d: mul(d, d).bind(lambda y: tangent(y, d)))
    >>> slope.bind(value_of).eval()
    <Success: 18.0>
    """
    return record_op(_TANGENT, (x, of))


# Any: a program of any scalar type.
Function: TypeAlias = Callable[[NodeId], TapeM[NodeId, Any]]


def jvp_m(
    function: Function, x: NodeId, along: NodeId
) -> TapeM[tuple[NodeId, NodeId], Any]:
    """
    Return a function's result and its derivative along a direction, as nodes.

    This is :func:`jvp` inside a program: the derivative can be part of a further loss,
    and :func:`jvp_m`, :func:`backward_m` and a sweep differentiate it again.

    Args:
        function: from a node to the program of another; all other nodes are constants
            to it.
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
    y = yield from checked_program(function(dual), function)
    value = yield from primal(y, dual)
    slope = yield from tangent(y, dual)
    return value, slope
