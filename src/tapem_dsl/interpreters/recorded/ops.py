"""Ops that only a recorded sweep records: rules compute with them, users have none."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

from typing_extensions import override

from tapem_dsl.arrays import HALF, SINGLE, AnyDType, Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands
from tapem_dsl.interpreters.jacobians import as_column
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.ops.base import Binary, Unary, check_with_integers
from tapem_dsl.tape.op import Op


class _OfNamespace(Op):
    """An op that is the function of the namespace that has its name."""

    __slots__ = ()

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        return getattr(xp, self.name)(*inputs)


@final
@dataclass(frozen=True, slots=True)
class DetachedMax(_OfNamespace):
    """Maximum of the last axis, kept as 1: a constant that keeps ``exp`` small."""

    name = "detached_max"
    differentiable = False

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        return (*x[:-1], 1)


@final
@dataclass(frozen=True, slots=True)
class OneHot(_OfNamespace):
    """Rows like those of the first operand: 1 where the label points, 0 elsewhere."""

    name = "one_hot"
    differentiable = False

    @override
    def shape(self, *inputs: Shape) -> Shape:
        rows, _ = operands(self.name, inputs, 2)
        return rows

    @override
    def check_dtypes(self, *inputs: AnyDType) -> None:
        check_with_integers(self.name, inputs, "real rows and integer labels")


@final
@dataclass(frozen=True, slots=True)
class Sech2(_OfNamespace, Unary):
    """Square of the hyperbolic secant."""

    name = "sech2"


@final
@dataclass(frozen=True, slots=True)
class MultiplyNoNan(_OfNamespace, Binary):
    """The product; 0 where the second factor is 0."""

    name = "multiply_no_nan"


@final
@dataclass(frozen=True, slots=True)
class LogSumExp(_OfNamespace):
    """Logarithm of the sum of exponentials along the last axis, which is removed."""

    name = "logsumexp"

    @override
    def shape(self, *inputs: Shape) -> Shape:
        (x,) = operands(self.name, inputs, 1)
        return x[:-1]


@final
@dataclass(frozen=True, slots=True)
class UncheckedLog(_OfNamespace, Unary):
    """Natural logarithm of anything: the rule checks the domain."""

    name = "log"


class _Cast(Unary):
    """The operand in another floating-point type."""

    __slots__ = ()

    casts = True
    dtype: ClassVar[AnyDType]

    @override
    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        (x,) = inputs
        return x.astype(self.dtype)


@final
@dataclass(frozen=True, slots=True)
class Widen(_Cast):
    """The operand in float32, the type that ops on float16 compute in."""

    name = "widen"
    dtype = SINGLE


@final
@dataclass(frozen=True, slots=True)
class Narrow(_Cast):
    """The operand rounded to float16."""

    name = "narrow"
    dtype = HALF


vjp_rules.each(UncheckedLog, lambda op, xp, g, x, y: 1 / x * g)
vjp_rules.each(
    MultiplyNoNan,
    lambda op, xp, g, a, b, y: g * b,
    lambda op, xp, g, a, b, y: g * a,
)
vjp_rules.each(Sech2, lambda op, xp, g, x, y: -2 * xp.tanh(x) * y * g)
vjp_rules.each(LogSumExp, lambda op, xp, g, x, y: xp.softmax(x) * as_column(xp, g, x))
vjp_rules.each(Widen, lambda op, xp, g, x, y: g.astype(x.dtype))
vjp_rules.each(Narrow, lambda op, xp, g, x, y: g.astype(x.dtype))
vjp_rules.each(DetachedMax, None)
vjp_rules.each(OneHot, None, None)

RECORDED: Final[tuple[type[Op], ...]] = (
    *(DetachedMax, OneHot, Sech2, MultiplyNoNan, LogSumExp, UncheckedLog),
    *(Widen, Narrow),
)
"""Every op of this module."""
