"""Ops that only a recorded sweep needs: what a rule may ask for and a user may not."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from tapem_dsl.arrays import HALF, SINGLE, Array, Namespace
from tapem_dsl.arrays.shape import Shape, operands
from tapem_dsl.interpreters.jacobians import as_column
from tapem_dsl.interpreters.reverse import vjp_rules
from tapem_dsl.ops.base import Binary, Unary, check_with_integers
from tapem_dsl.tape.op import Op


@final
@dataclass(frozen=True, slots=True)
class DetachedMax(Op):
    """Maximum of the last axis, kept as 1: it keeps ``exp`` small, and cancels."""

    name = "detached_max"
    differentiable = False

    def shape(self, *inputs: Shape) -> Shape:
        """Give the last axis one entry."""
        (x,) = operands(self.name, inputs, 1)
        return (*x[:-1], 1)

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.detached_max(x)


@final
@dataclass(frozen=True, slots=True)
class OneHot(Op):
    """Rows like those of the first operand: 1 where the label points, 0 elsewhere."""

    name = "one_hot"
    differentiable = False

    def shape(self, *inputs: Shape) -> Shape:
        """Keep the rows'."""
        rows, _ = operands(self.name, inputs, 2)
        return rows

    def check_dtypes(self, *inputs: np.dtype[Any]) -> None:  # Any: of whatever scalar
        """Take real rows and integer labels."""
        check_with_integers(self.name, inputs, "real rows and integer labels")

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        rows, labels = inputs
        return xp.one_hot(rows, labels)


@final
@dataclass(frozen=True, slots=True)
class Sech2(Unary):
    """Square of the hyperbolic secant."""

    name = "sech2"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.sech2(x)


@final
@dataclass(frozen=True, slots=True)
class MultiplyNoNan(Binary):
    """The product, 0 where the second factor is."""

    name = "multiply_no_nan"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        x, by = inputs
        return xp.multiply_no_nan(x, by)


@final
@dataclass(frozen=True, slots=True)
class LogSumExp(Op):
    """Logarithm of the sum of exponentials along the last axis, which is removed."""

    name = "logsumexp"

    def shape(self, *inputs: Shape) -> Shape:
        """Drop the last axis."""
        (x,) = operands(self.name, inputs, 1)
        return x[:-1]

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.logsumexp(x)


@final
@dataclass(frozen=True, slots=True)
class UncheckedLog(Unary):
    """Natural logarithm of anything: the domain is the rule's to check."""

    name = "log"

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """As the namespace does."""
        (x,) = inputs
        return xp.log(x)


class _Cast(Unary):
    """The operand in another floating-point type."""

    __slots__ = ()

    casts = True
    dtype: ClassVar[np.dtype[Any]]  # Any: one of NumPy's floating types

    def evaluate(self, xp: Namespace, *inputs: Array) -> Array:
        """Round to nearest, or leave as it is."""
        (x,) = inputs
        return x.astype(self.dtype)


@final
@dataclass(frozen=True, slots=True)
class Widen(_Cast):
    """The operand in float32: what is computed with in place of float16."""

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
