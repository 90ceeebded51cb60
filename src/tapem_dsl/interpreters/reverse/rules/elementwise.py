"""Vector-Jacobian products of the functions applied entry by entry."""

from tapem_dsl.arrays import Array, Namespace
from tapem_dsl.interpreters.reverse.table import Cotangents, Need, Operands, vjp_rules
from tapem_dsl.ops.activations import Relu, Sigmoid, Tanh
from tapem_dsl.ops.elementwise import Cos, Detach, Exp, Log, Sin


@vjp_rules.define(Relu)
def _relu(
    op: Relu, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``g`` where ``x > 0``; elsewhere 0, even if ``g`` is inf."""
    (x,) = xs
    return (xp.where(x > 0, g, 0),)


@vjp_rules.define(Tanh)
def _tanh(
    op: Tanh, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sech2(x) * g``: ``1 - y * y``, also where ``y`` rounds to 1."""
    (x,) = xs
    return (xp.sech2(x) * g,)


@vjp_rules.define(Sigmoid)
def _sigmoid(
    op: Sigmoid, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``sech2(x / 2) / 4 * g``: ``y * (1 - y)``, also where ``y`` rounds to 1."""
    (x,) = xs
    return (xp.sech2(x / 2) / 4 * g,)


@vjp_rules.define(Exp)
def _exp(
    op: Exp, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``y * g``."""
    return (y * g,)


@vjp_rules.define(Log)
def _log(
    op: Log, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``(1 / x) * g``."""
    (x,) = xs
    return (1 / x * g,)


@vjp_rules.define(Sin)
def _sin(
    op: Sin, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``cos(x) * g``."""
    (x,) = xs
    return (xp.cos(x) * g,)


@vjp_rules.define(Cos)
def _cos(
    op: Cos, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """``-(sin(x) * g)``."""
    (x,) = xs
    return (-(xp.sin(x) * g),)


@vjp_rules.define(Detach)
def _detach(
    op: Detach, xp: Namespace, g: Array, xs: Operands, y: Array, need: Need
) -> Cotangents:
    """Nothing, even if a hand-made node is flagged."""
    return (None,)
