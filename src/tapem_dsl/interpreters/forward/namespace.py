"""The functions of dual numbers: each with its derivative, stated once."""

# pyright: reportAssignmentType=false
# members made by one function for many names do not repeat the signatures

import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

from typing_extensions import override

from tapem_dsl.arrays import (
    Applicable,
    Array,
    Indices,
    Namespace,
    Tracer,
    namespace_of,
)
from tapem_dsl.interpreters.forward.dual import Dual, new_dual, parts_of_both, zeros
from tapem_dsl.interpreters.forward.parts import (
    LITERALS,
    broadcast_tangent,
    canonical,
    xp_of,
)
from tapem_dsl.interpreters.forward.tangents import divided, product_tangent, scaled
from tapem_dsl.interpreters.jacobians import from_mean, softmax_product
from tapem_dsl.interpreters.tracer import as_layer

# Any, below: the arguments beside the operand, such as axes, shapes and labels.
Member: TypeAlias = "staticmethod[..., Array]"
Slope: TypeAlias = Callable[[Namespace, Array, Array, Array], Array]
"""From a namespace, a primal, a tangent and the result to the result's tangent."""


def _call(name: str, x: Array, *more: Any, **options: Any) -> Array:
    """Call a function where the array computes, or a tracer among the arguments."""
    tracers = [y for y in (*more, *options.values()) if isinstance(y, Tracer)]
    return getattr(namespace_of(x, *tracers), name)(x, *more, **options)


def _linear(name: str) -> Member:
    """Make a function that is linear: it applies to both parts."""

    def function(x: Dual, /, *more: Any, **options: Any) -> Dual:
        primal = _call(name, x.primal, *more, **options)
        return new_dual(primal, _call(name, x.tangent, *more, **options), x.level)

    return staticmethod(function)


def _smooth(name: str, slope: Slope) -> Member:
    """Make a function of one operand from its tangent."""

    def function(x: Dual, /) -> Dual:
        xp = namespace_of(x.primal)
        y = getattr(xp, name)(x.primal)
        return new_dual(y, slope(xp, x.primal, x.tangent, y), x.level)

    return staticmethod(function)


def _constant(name: str) -> Member:
    """Make a function that looks at the primal only: its result has no tangent."""

    def function(x: Dual, /, *more: Any) -> Array:
        return _call(name, x.primal, *more)

    return staticmethod(function)


def _comparison(compare: Callable[[Any, Any], Any]) -> Member:
    """Make a comparison of primals."""

    def function(a: Array, b: Array, /) -> Array:
        _, p, _, q, _ = parts_of_both(a, b)
        return compare(p, q)

    return staticmethod(function)


@final
class Duals(Namespace):
    """
    The functions of dual numbers; comparisons and choices look at primals.

    At a kink the derivative is TorchLean's: half of each side where two are equal, 0
    for the absolute value at 0, and 0 for the square root of what is not positive.

    Source:
        Lean: the rules of ``Dual``, of the last generation.

    >>> import numpy as np
    >>> x = Dual(np.float64(0.0), np.float64(2.0), 1)
    >>> DUALS.exp(x)
    Dual(np.float64(1.0), np.float64(2.0), level=1)
    """

    __slots__ = ()

    less = _comparison(operator.lt)
    less_equal = _comparison(operator.le)
    greater = _comparison(operator.gt)
    greater_equal = _comparison(operator.ge)
    equal = _comparison(operator.eq)
    not_equal = _comparison(operator.ne)

    exp = _smooth("exp", lambda xp, x, dx, y: scaled(dx, y))
    log = _smooth("log", lambda xp, x, dx, y: dx / x)
    log1p = _smooth("log1p", lambda xp, x, dx, y: dx / (1 + x))
    sqrt = _smooth("sqrt", lambda xp, x, dx, y: xp.where(x > 0, dx / (2 * y), 0))
    tanh = _smooth("tanh", lambda xp, x, dx, y: scaled(dx, xp.sech2(x)))
    sech2 = _smooth("sech2", lambda xp, x, dx, y: scaled(dx, -2 * xp.tanh(x) * y))
    sigmoid = _smooth("sigmoid", lambda xp, x, dx, y: scaled(dx, xp.sech2(x / 2) / 4))
    softplus = _smooth("softplus", lambda xp, x, dx, y: scaled(dx, xp.sigmoid(x)))
    sin = _smooth("sin", lambda xp, x, dx, y: scaled(dx, xp.cos(x)))
    cos = _smooth("cos", lambda xp, x, dx, y: scaled(dx, -xp.sin(x)))
    abs = _smooth(
        "abs", lambda xp, x, dx, y: xp.where(x > 0, dx, xp.where(x < 0, -dx, 0))
    )
    softmax = _smooth(
        "softmax", lambda xp, x, dx, y: softmax_product(namespace_of(y, dx), y, dx)
    )
    log_softmax = _smooth(
        "log_softmax",
        lambda xp, x, dx, y: from_mean(namespace_of(x, dx), xp.softmax(x), dx),
    )
    logsumexp = _smooth(
        "logsumexp",
        lambda xp, x, dx, y: namespace_of(x, dx).sum(xp.softmax(x) * dx, axis=-1),
    )

    getitem = _linear("getitem")
    sum = _linear("sum")
    pick = _linear("pick")
    take = _linear("take")
    windows = _linear("windows")
    fold = _linear("fold")
    permute_dims = _linear("permute_dims")
    reshape = _linear("reshape")
    embed = _linear("embed")
    broadcast_to = _linear("broadcast_to")

    detached_max = _constant("detached_max")
    one_hot = _constant("one_hot")
    zeros_like = _constant("zeros_like")
    ones_like = _constant("ones_like")
    literal = _constant("literal")
    constant = _constant("constant")
    concrete = _constant("concrete")
    argmax = _constant("argmax")

    @override
    def add(self, a: Array, b: Array, /) -> Array:
        level, p, dp, q, dq = parts_of_both(a, b)
        y = p + q
        if dp is None or dq is None:
            return new_dual(y, broadcast_tangent(dq if dp is None else dp, y), level)
        return new_dual(y, dp + dq, level)

    @override
    def subtract(self, a: Array, b: Array, /) -> Array:
        level, p, dp, q, dq = parts_of_both(a, b)
        y = p - q
        if dq is None:
            return new_dual(y, broadcast_tangent(dp, y), level)
        if dp is None:
            return new_dual(y, broadcast_tangent(-dq, y), level)
        return new_dual(y, dp - dq, level)

    @override
    def multiply(self, a: Array, b: Array, /) -> Array:
        level, p, dp, q, dq = parts_of_both(a, b)
        return new_dual(p * q, product_tangent(p, dp, q, dq), level)

    @override
    def divide(self, a: Array, b: Array, /) -> Array:
        """``(da - y * db) / b``: by two quotients instead of by a square."""
        level, p, dp, q, dq = parts_of_both(a, b)
        y = p / q
        if dq is None:
            return new_dual(y, divided(dp, q), level)
        if dp is None:
            return new_dual(y, divided(-scaled(dq, y), q), level)
        return new_dual(y, divided(dp - scaled(dq, y), q), level)

    @override
    def negative(self, x: Array, /) -> Array:
        return new_dual(-x.primal, -x.tangent, x.level)

    @override
    def logical_not(self, x: Array, /) -> Array:
        raise TypeError("a dual is no truth value")

    @override
    def logical_and(self, a: Array, b: Array, /) -> Array:
        raise TypeError("a dual is no truth value")

    logical_or = logical_and

    @override
    def multiply_no_nan(self, x: Array, by: Array, /) -> Array:
        """``dx * by + x * d by``, where a ``by`` or ``d by`` of 0 adds nothing."""
        level, p, dp, q, dq = parts_of_both(x, by)
        y = xp_of(p, q).multiply_no_nan(p, q)
        of_x = None if dp is None else xp_of(dp, q).multiply_no_nan(dp, q)
        of_by = None if dq is None else xp_of(p, dq).multiply_no_nan(p, dq)
        return new_dual(y, broadcast_tangent(_added(of_by, of_x), y), level)

    @override
    def maximum(self, a: Array, b: Array, /) -> Array:
        """Where the two are equal, half of each tangent; beside a literal, 0."""
        level, p, dp, q, dq = parts_of_both(a, b)
        y = xp_of(p, q).maximum(p, q)
        of_a = None if dp is None else _share(p > q, q > p, dp, b)
        of_b = None if dq is None else _share(q > p, p > q, dq, a)
        return new_dual(y, _added(of_a, of_b), level)

    @override
    def minimum(self, a: Array, b: Array, /) -> Array:
        negated = [-x if type(x) in LITERALS else canonical(-x) for x in (a, b)]
        return -self.maximum(*negated)

    @override
    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        level, p, dp, q, dq = parts_of_both(a, b)
        y = xp_of(condition, p, q).where(condition, p, q)
        if dq is None:
            return new_dual(y, xp_of(condition, dp).where(condition, dp, 0), level)
        if dp is None:
            return new_dual(y, xp_of(condition, dq).where(~condition, dq, 0), level)
        return new_dual(y, xp_of(condition, dp, dq).where(condition, dp, dq), level)

    @override
    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        level, p, dp, q, dq = parts_of_both(base, source)
        y = _call("index_add", p, q, indices, axis)
        if dq is None:
            return new_dual(y, dp, level)
        dp = zeros(p) if dp is None else dp
        return new_dual(y, _call("index_add", dp, dq, indices, axis), level)

    @override
    def matmul(self, a: Array, b: Array, /) -> Array:
        level, p, dp, q, dq = parts_of_both(a, b)
        matmul = xp_of(p, q).matmul
        of_a = None if dp is None else matmul(dp, q)
        of_b = None if dq is None else matmul(p, dq)
        return new_dual(matmul(p, q), _added(of_a, of_b), level)

    @override
    def concat(self, *arrays: Array, axis: int) -> Array:
        top = max((x for x in arrays if isinstance(x, Dual)), key=lambda x: x.level)
        rows = zip(*(as_layer(x, top).parts() for x in arrays), strict=True)
        return top.rebuilt(
            *(namespace_of(*row).concat(*row, axis=axis) for row in rows)
        )

    @override
    def require(self, predicate: Any, x: Array, /, error: Any) -> None:
        namespace_of(x.primal).require(predicate, x.primal, error)

    @override
    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        top = max(x.level for x in arrays if isinstance(x, Dual))
        values = [
            x.primal if isinstance(x, Dual) and x.level == top else x for x in arrays
        ]
        return namespace_of(*values).holds(predicate, *values)

    @override
    def apply(self, op: Applicable, /, *operands: Array) -> Array:
        """Evaluate the op: each function that it calls looks at its own operands."""
        return op.evaluate(namespace_of(*operands), *operands)

    @override
    def canonical(self, x: Array, /) -> Array:
        return x


def _added(first: Array | None, second: Array | None) -> Array:
    """Add what two operands give to a tangent; a constant gives ``None``."""
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _share(wins: Array, loses: Array, tangent: Array, other: Array) -> Array:
    """Return what one operand's tangent adds to the tangent of a maximum."""
    xp = namespace_of(wins, tangent)
    if type(other) in LITERALS:
        return xp.where(wins, tangent, 0)
    return xp.where(wins, tangent, xp.where(~loses, tangent / 2, 0))


DUALS: Final = Duals()
Dual.namespace = DUALS
