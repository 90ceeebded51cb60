"""What functions make of dual numbers: each with its derivative, stated once."""

from collections.abc import Callable
from typing import Any, Final, final

from numpy.typing import NDArray

from tapem_dsl.arrays import (
    Applicable,
    Array,
    Indices,
    Namespace,
    namespace_of,
)
from tapem_dsl.arrays.shape import Shape
from tapem_dsl.interpreters.forward.dual import (
    Dual,
    made,
    meeting,
    zeros,
)
from tapem_dsl.interpreters.forward.parts import LITERALS, settled, space_of, spread
from tapem_dsl.interpreters.forward.tangents import divided, product_tangent, scaled
from tapem_dsl.interpreters.jacobians import from_mean, softmax_product
from tapem_dsl.interpreters.tracer import parts_at


def _beside(indices: Indices, *operands: Array) -> Namespace:
    """Find the namespace of operands, and of indices if these are an array."""
    more = () if isinstance(indices, tuple) else (indices,)
    return space_of(*operands, *more)


def through(
    x: Dual, function: Callable[[Namespace, Array], Array], indices: Indices = ()
) -> Dual:
    """
    Apply a linear function to both parts; indices that it uses have a say in how.

    >>> import numpy as np
    >>> x = Dual(np.ones(2), np.zeros(2), 1)
    >>> through(x, lambda xp, part: xp.sum(part))
    Dual(np.float64(2.0), np.float64(0.0), level=1)
    """
    primal = function(_beside(indices, x.primal), x.primal)
    return made(primal, function(_beside(indices, x.tangent), x.tangent), x.level)


@final
class Duals(Namespace):
    """
    Functions of dual numbers; comparisons and choices look at primals.

    At a kink the derivative is TorchLean's: half of each side where two are equal, 0
    for the absolute value at 0 and for the root of what is not greater than 0.

    Source:
        Lean: the rules of ``Dual``, of the last generation.

    >>> import numpy as np
    >>> x = Dual(np.float64(0.0), np.float64(2.0), 1)
    >>> DUALS.exp(x)
    Dual(np.float64(1.0), np.float64(2.0), level=1)
    """

    __slots__ = ()

    # -- what the operators mean -------------------------------------------------------

    def add(self, a: Array, b: Array, /) -> Array:
        """``da + db``; a constant adds nothing."""
        level, p, dp, q, dq = meeting(a, b)
        y = p + q
        if dp is None or dq is None:
            return made(y, spread(dq if dp is None else dp, y), level)
        return made(y, dp + dq, level)

    def subtract(self, a: Array, b: Array, /) -> Array:
        """``da - db``."""
        level, p, dp, q, dq = meeting(a, b)
        y = p - q
        if dq is None:
            return made(y, spread(dp, y), level)
        if dp is None:
            return made(y, spread(-dq, y), level)
        return made(y, dp - dq, level)

    def multiply(self, a: Array, b: Array, /) -> Array:
        """``da * b + a * db``; by a constant, both parts."""
        level, p, dp, q, dq = meeting(a, b)
        return made(p * q, product_tangent(p, dp, q, dq), level)

    def divide(self, a: Array, b: Array, /) -> Array:
        """``(da - y * db) / b``: by two quotients instead of by a square."""
        level, p, dp, q, dq = meeting(a, b)
        y = p / q
        if dq is None:
            return made(y, divided(dp, q), level)
        if dp is None:
            return made(y, divided(-scaled(dq, y), q), level)
        return made(y, divided(dp - scaled(dq, y), q), level)

    def negative(self, x: Array, /) -> Array:
        """``-dx``."""
        return made(-x.primal, -x.tangent, x.level)

    def less(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p < q

    def less_equal(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p <= q

    def greater(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p > q

    def greater_equal(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p >= q

    def equal(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p == q

    def not_equal(self, a: Array, b: Array, /) -> Array:
        """Compare primals."""
        _, p, _, q, _ = meeting(a, b)
        return p != q

    def logical_and(self, a: Array, b: Array, /) -> Array:
        """Refuse: truth values are no duals."""
        raise TypeError("a dual is no truth value")

    logical_or = logical_and

    def logical_not(self, x: Array, /) -> Array:
        """Refuse: truth values are no duals."""
        raise TypeError("a dual is no truth value")

    def getitem(self, x: Array, index: Any, /) -> Array:  # Any: what NumPy takes
        """Take of both parts."""
        return made(x.primal[index], x.tangent[index], x.level)

    # -- elementwise -------------------------------------------------------------------

    def exp(self, x: Array, /) -> Array:
        """``y * dx``."""
        y = space_of(x.primal).exp(x.primal)
        return made(y, scaled(x.tangent, y), x.level)

    def log(self, x: Array, /) -> Array:
        """``dx / x``."""
        y = space_of(x.primal).log(x.primal)
        return made(y, x.tangent / x.primal, x.level)

    def log1p(self, x: Array, /) -> Array:
        """``dx / (1 + x)``."""
        y = space_of(x.primal).log1p(x.primal)
        return made(y, x.tangent / (1 + x.primal), x.level)

    def sqrt(self, x: Array, /) -> Array:
        """``dx / (2 * y)`` where ``x > 0``, else 0."""
        xp = space_of(x.primal)
        y = xp.sqrt(x.primal)
        return made(y, xp.where(x.primal > 0, x.tangent / (2 * y), 0), x.level)

    def tanh(self, x: Array, /) -> Array:
        """``sech2(x) * dx``."""
        xp = space_of(x.primal)
        slope = xp.sech2(x.primal)
        return made(xp.tanh(x.primal), scaled(x.tangent, slope), x.level)

    def sech2(self, x: Array, /) -> Array:
        """``-2 * tanh(x) * y * dx``."""
        xp = space_of(x.primal)
        y = xp.sech2(x.primal)
        return made(y, scaled(x.tangent, -2 * xp.tanh(x.primal) * y), x.level)

    def sigmoid(self, x: Array, /) -> Array:
        """``sech2(x / 2) / 4 * dx``."""
        xp = space_of(x.primal)
        slope = xp.sech2(x.primal / 2) / 4
        return made(xp.sigmoid(x.primal), scaled(x.tangent, slope), x.level)

    def softplus(self, x: Array, /) -> Array:
        """``sigmoid(x) * dx``."""
        xp = space_of(x.primal)
        slope = xp.sigmoid(x.primal)
        return made(xp.softplus(x.primal), scaled(x.tangent, slope), x.level)

    def multiply_no_nan(self, x: Array, by: Array, /) -> Array:
        """``dx * by + x * d by``, where a ``by`` or ``d by`` of 0 adds nothing."""
        level, p, dp, q, dq = meeting(x, by)
        y = space_of(p, q).multiply_no_nan(p, q)
        if dq is None:
            return made(y, space_of(dp, q).multiply_no_nan(dp, q), level)
        tangent = space_of(p, dq).multiply_no_nan(p, dq)
        if dp is not None:
            tangent = tangent + space_of(dp, q).multiply_no_nan(dp, q)
        return made(y, spread(tangent, y), level)

    def sin(self, x: Array, /) -> Array:
        """``cos(x) * dx``."""
        xp = space_of(x.primal)
        slope = xp.cos(x.primal)
        return made(xp.sin(x.primal), scaled(x.tangent, slope), x.level)

    def cos(self, x: Array, /) -> Array:
        """``-sin(x) * dx``."""
        xp = space_of(x.primal)
        slope = -xp.sin(x.primal)
        return made(xp.cos(x.primal), scaled(x.tangent, slope), x.level)

    def abs(self, x: Array, /) -> Array:
        """``dx`` or ``-dx`` by the sign of ``x``; 0 at 0."""
        xp = space_of(x.primal)
        left = xp.where(x.primal < 0, -x.tangent, 0)
        tangent = xp.where(x.primal > 0, x.tangent, left)
        return made(xp.abs(x.primal), tangent, x.level)

    def maximum(self, a: Array, b: Array, /) -> Array:
        """Take the larger's; where they are equal half of each, beside a literal 0."""
        level, p, dp, q, dq = meeting(a, b)
        y = space_of(p, q).maximum(p, q)
        of_a = None if dp is None else _share(p > q, q > p, dp, b)
        of_b = None if dq is None else _share(q > p, p > q, dq, a)
        if of_a is None or of_b is None:
            return made(y, of_b if of_a is None else of_a, level)
        return made(y, of_a + of_b, level)

    def minimum(self, a: Array, b: Array, /) -> Array:
        """Negate the maximum of the negatives."""
        below = [-x if type(x) in LITERALS else settled(-x) for x in (a, b)]
        return -self.maximum(*below)

    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        """Choose among the tangents too."""
        level, p, dp, q, dq = meeting(a, b)
        y = space_of(condition, p, q).where(condition, p, q)
        if dq is None:
            return made(y, space_of(condition, dp).where(condition, dp, 0), level)
        if dp is None:
            return made(y, space_of(condition, dq).where(~condition, dq, 0), level)
        return made(y, space_of(condition, dp, dq).where(condition, dp, dq), level)

    # -- reductions, rows and labels ---------------------------------------------------

    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        """Sum both parts."""
        return through(x, lambda xp, part: xp.sum(part, axis=axis, keepdims=keepdims))

    def detached_max(self, x: Array, /) -> Array:
        """Take the maximum of the primal: a constant."""
        return space_of(x.primal).detached_max(x.primal)

    def softmax(self, x: Array, /) -> Array:
        """``y * (dx - sum(dx * y))``."""
        xp = space_of(x.primal)
        y = xp.softmax(x.primal)
        return made(y, softmax_product(space_of(y, x.tangent), y, x.tangent), x.level)

    def log_softmax(self, x: Array, /) -> Array:
        """``dx - sum(dx * softmax(x))``."""
        xp = space_of(x.primal)
        weights = xp.softmax(x.primal)
        tangent = from_mean(space_of(weights, x.tangent), weights, x.tangent)
        return made(xp.log_softmax(x.primal), tangent, x.level)

    def logsumexp(self, x: Array, /) -> Array:
        """``sum(dx * softmax(x))``."""
        xp = space_of(x.primal)
        weights = xp.softmax(x.primal)
        tangent = space_of(weights, x.tangent).sum(weights * x.tangent, axis=-1)
        return made(xp.logsumexp(x.primal), tangent, x.level)

    def pick(self, x: Array, labels: Array, /) -> Array:
        """Pick of both parts."""
        return through(x, lambda xp, part: xp.pick(part, labels), labels)

    def one_hot(self, x: Array, labels: Array, /) -> Array:
        """Constant rows."""
        return space_of(x.primal, labels).one_hot(x.primal, labels)

    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        """Take of both parts."""
        return through(x, lambda xp, part: xp.take(part, indices, axis), indices)

    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        """Add to both parts."""
        level, p, dp, q, dq = meeting(base, source)
        y = _beside(indices, p, q).index_add(p, q, indices, axis)
        if dq is None:
            return made(y, dp, level)
        dp = zeros(p) if dp is None else dp
        xp = _beside(indices, dp, dq)
        return made(y, xp.index_add(dp, dq, indices, axis), level)

    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        """Windows of both parts."""
        return through(x, lambda xp, part: xp.windows(part, kernel, stride, padding))

    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        """Fold both parts."""
        return through(x, lambda xp, part: xp.fold(part, spatial, stride, padding))

    # -- linear algebra and shape ------------------------------------------------------

    def matmul(self, a: Array, b: Array, /) -> Array:
        """``da @ b + a @ db``, of what is no constant."""
        level, p, dp, q, dq = meeting(a, b)
        matmul = space_of(p, q).matmul
        y = matmul(p, q)
        if dq is None:
            return made(y, matmul(dp, q), level)
        if dp is None:
            return made(y, matmul(p, dq), level)
        return made(y, matmul(dp, q) + matmul(p, dq), level)

    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        """Permute both parts."""
        permuted = space_of(x.primal).permute_dims
        return made(permuted(x.primal, axes), permuted(x.tangent, axes), x.level)

    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Reshape both parts."""
        return through(x, lambda xp, part: xp.reshape(part, shape))

    def concat(self, *arrays: Array, axis: int) -> Array:
        """Join both parts."""
        top = max((x for x in arrays if isinstance(x, Dual)), key=lambda x: x.level)
        primals, tangents = zip(*(parts_at(x, top) for x in arrays), strict=True)
        y = space_of(*primals).concat(*primals, axis=axis)
        return made(y, space_of(*tangents).concat(*tangents, axis=axis), top.level)

    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        """Embed both parts."""
        return through(x, lambda xp, part: xp.embed(part, shape, axis, start))

    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        """Repeat both parts."""
        return through(x, lambda xp, part: xp.broadcast_to(part, shape))

    def zeros_like(self, x: Array, /) -> Array:
        """Constant zeros."""
        return space_of(x.primal).zeros_like(x.primal)

    def ones_like(self, x: Array, /) -> Array:
        """Constant ones."""
        return space_of(x.primal).ones_like(x.primal)

    # -- not in the standard -----------------------------------------------------------

    def apply(self, op: Applicable, /, *operands: Array) -> Array:
        """Evaluate it: each of its functions looks at its own operands."""
        return op.evaluate(namespace_of(*operands), *operands)

    def literal(self, x: Array, constant: object, /) -> Array:
        """As for the primal."""
        return space_of(x.primal).literal(x.primal, constant)

    def constant(self, x: Array, /) -> Array:
        """Drop the tangents, of all levels."""
        return space_of(x.primal).constant(x.primal)

    def concrete(self, x: Array, /) -> "NDArray[Any] | None":  # Any: of any scalar
        """Give the primal's values."""
        return space_of(x.primal).concrete(x.primal)

    def canonical(self, x: Array, /) -> Array:
        """Give the dual itself, whose parts are as a tape keeps them."""
        return x


def _share(wins: Array, loses: Array, tangent: Array, other: Array) -> Array:
    """Give a side's part of the tangent of a maximum."""
    xp = space_of(tangent)
    if type(other) in LITERALS:
        return xp.where(wins, tangent, 0)
    return xp.where(wins, tangent, xp.where(~loses, tangent / 2, 0))


DUALS: Final = Duals()
Dual.namespace = DUALS
