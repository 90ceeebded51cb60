"""What an op or a derivative rule may ask of arrays, whatever their scalar."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, Never, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapem_dsl.arrays.shape import Shape
from tapem_dsl.errors import Refused, TapeError

# Any: a NumPy array or scalar, an array of rationals, and whatever a tracer holds; the
# array API standard has no static type that all of them satisfy.
Array: TypeAlias = Any

# Any: the scalar type of a tape is known to the annotations of its user, not in here.
AnyArray: TypeAlias = NDArray[Any]
AnyDType: TypeAlias = np.dtype[Any]

Indices: TypeAlias = tuple[int, ...] | Array
"""Static indices, or a plain array of integers."""


class Applicable(Protocol):
    """What a namespace knows of an op: that it evaluates."""

    def evaluate(self, xp: "Namespace", *inputs: Array) -> Array:
        """Compute the result."""


class Namespace(ABC):
    """
    The functions that ops and rules use (``xp``), after the array API standard.

    Arithmetic, comparison and static slicing are operators on the arrays. Constants are
    Python integers or :meth:`literal`: a NumPy scalar would widen float32. The
    namespaces of NumPy and of rationals compute; that of a tracer (duals, recorded
    arrays) calls the namespace of the arrays inside.

    >>> import numpy as np
    >>> from tapem_dsl.arrays import namespace_of
    >>> namespace_of(np.float64(1)).exp(np.float64(0))
    np.float64(1.0)
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # checkers report a function that there is not

        def __getattr__(self, name: str) -> Never:
            raise no_function(name)

    # -- what the operators mean -------------------------------------------------------

    @abstractmethod
    def add(self, a: Array, b: Array, /) -> Array:
        """``a + b``."""

    @abstractmethod
    def subtract(self, a: Array, b: Array, /) -> Array:
        """``a - b``."""

    @abstractmethod
    def multiply(self, a: Array, b: Array, /) -> Array:
        """``a * b``."""

    @abstractmethod
    def divide(self, a: Array, b: Array, /) -> Array:
        """``a / b``."""

    @abstractmethod
    def negative(self, x: Array, /) -> Array:
        """``-x``."""

    @abstractmethod
    def less(self, a: Array, b: Array, /) -> Array:
        """``a < b``."""

    @abstractmethod
    def less_equal(self, a: Array, b: Array, /) -> Array:
        """``a <= b``."""

    @abstractmethod
    def greater(self, a: Array, b: Array, /) -> Array:
        """``a > b``."""

    @abstractmethod
    def greater_equal(self, a: Array, b: Array, /) -> Array:
        """``a >= b``."""

    @abstractmethod
    def equal(self, a: Array, b: Array, /) -> Array:
        """``a == b``."""

    @abstractmethod
    def not_equal(self, a: Array, b: Array, /) -> Array:
        """``a != b``."""

    @abstractmethod
    def logical_and(self, a: Array, b: Array, /) -> Array:
        """``a & b``, of truth values."""

    @abstractmethod
    def logical_or(self, a: Array, b: Array, /) -> Array:
        """``a | b``, of truth values."""

    @abstractmethod
    def logical_not(self, x: Array, /) -> Array:
        """``~x``, of truth values."""

    @abstractmethod
    def getitem(self, x: Array, index: Any, /) -> Array:  # Any: what NumPy takes
        """``x[index]``: integers, slices and one ellipsis."""

    # -- elementwise -------------------------------------------------------------------

    @abstractmethod
    def exp(self, x: Array, /) -> Array:
        """``e ** x``."""

    @abstractmethod
    def log(self, x: Array, /) -> Array:
        """Natural logarithm; the domain is the op's to check."""

    @abstractmethod
    def log1p(self, x: Array, /) -> Array:
        """``log(1 + x)``, to full precision where ``x`` is small."""

    @abstractmethod
    def sqrt(self, x: Array, /) -> Array:
        """Square root; the domain is the op's to check."""

    @abstractmethod
    def tanh(self, x: Array, /) -> Array:
        """Hyperbolic tangent."""

    @abstractmethod
    def sech2(self, x: Array, /) -> Array:
        """``1 - tanh(x) ** 2``, to full precision where that is small."""

    @abstractmethod
    def sigmoid(self, x: Array, /) -> Array:
        """``1 / (1 + exp(-x))``, to full precision where that is small."""

    @abstractmethod
    def softplus(self, x: Array, /) -> Array:
        """``log(1 + exp(x))``, to full precision where that is small."""

    @abstractmethod
    def sin(self, x: Array, /) -> Array:
        """Sine, of radians."""

    @abstractmethod
    def cos(self, x: Array, /) -> Array:
        """Cosine, of radians."""

    @abstractmethod
    def abs(self, x: Array, /) -> Array:
        """Absolute value."""

    @abstractmethod
    def maximum(self, a: Array, b: Array, /) -> Array:
        """
        Return the larger of two, entry by entry; NaN if either is.

        Where they are equal the derivative is half of each; beside a literal it is 0.
        """

    @abstractmethod
    def minimum(self, a: Array, b: Array, /) -> Array:
        """Return the smaller of two, entry by entry, as :meth:`maximum`."""

    @abstractmethod
    def where(self, condition: Array, a: Array, b: Array, /) -> Array:
        """``a`` where the condition holds, ``b`` elsewhere; ``b`` may be a literal."""

    @abstractmethod
    def multiply_no_nan(self, x: Array, by: Array, /) -> Array:
        """``x * by``, but 0 where ``by`` is 0, also if ``x`` is infinite or NaN."""

    # -- reductions --------------------------------------------------------------------

    @abstractmethod
    def sum(
        self, x: Array, /, *, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        """Sum over one axis, or over all of them."""

    @abstractmethod
    def detached_max(self, x: Array, /) -> Array:
        """Maximum of the last axis, kept as 1: a constant that keeps ``exp`` small."""

    @abstractmethod
    def argmax(self, x: Array, /) -> Array:
        """Index of the maximum of the last axis, which is removed: plain integers."""

    @abstractmethod
    def softmax(self, x: Array, /) -> Array:
        """``exp(x) / sum(exp(x))`` along the last axis, which is not empty."""

    @abstractmethod
    def log_softmax(self, x: Array, /) -> Array:
        """``x - log(sum(exp(x)))`` along it, to full precision where that is small."""

    @abstractmethod
    def logsumexp(self, x: Array, /) -> Array:
        """``log(sum(exp(x)))`` along the last axis, which is removed."""

    # -- rows, labels and windows ------------------------------------------------------

    @abstractmethod
    def pick(self, x: Array, labels: Array, /) -> Array:
        """Take one entry of each row, whose index is the row's integer label."""

    @abstractmethod
    def one_hot(self, x: Array, labels: Array, /) -> Array:
        """Rows like those of ``x``: 1 where the label points, 0 elsewhere."""

    @abstractmethod
    def take(self, x: Array, /, indices: Indices, axis: int) -> Array:
        """
        Take entries along one axis; indices may repeat, one out of range gives 0.

        The axes of an array of indices replace that axis.
        """

    @abstractmethod
    def index_add(
        self, base: Array, source: Array, /, indices: Indices, axis: int
    ) -> Array:
        """Add to a copy of the base where :meth:`take` would read."""

    @abstractmethod
    def windows(
        self, x: Array, /, kernel: Shape, stride: Shape, padding: Shape
    ) -> Array:
        """
        Return all windows over the last axes, which are padded with zeros.

        ``(..., *spatial)`` becomes ``(..., *kernel, *positions)``, where the positions
        are those of :func:`window_counts`.
        """

    @abstractmethod
    def fold(self, x: Array, /, spatial: Shape, stride: Shape, padding: Shape) -> Array:
        """Add windows up where :meth:`windows` would read them: its adjoint."""

    # -- linear algebra and shape ------------------------------------------------------

    @abstractmethod
    def matmul(self, a: Array, b: Array, /) -> Array:
        """Matrix product."""

    def outer_sum(self, *operands: Array) -> Array:
        """
        Sum outer products: of the first half of the operands by the second half.

        Operands are vectors, or matrices of one vector a row.
        """
        half = len(operands) // 2
        left, right = (
            self.concat(
                *[self.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in side],
                axis=0,
            )
            for side in (operands[:half], operands[half:])
        )
        return self.matmul(self.permute_dims(left, (1, 0)), right)

    @abstractmethod
    def permute_dims(self, x: Array, /, axes: tuple[int, ...]) -> Array:
        """Reorder the axes."""

    @abstractmethod
    def reshape(self, x: Array, /, shape: Shape) -> Array:
        """Same entries in row-major order, another shape."""

    @abstractmethod
    def concat(self, *arrays: Array, axis: int) -> Array:
        """Join along one axis."""

    @abstractmethod
    def embed(self, x: Array, /, shape: Shape, axis: int, start: int) -> Array:
        """Put into zeros of a shape, along one axis: the adjoint of a slice."""

    @abstractmethod
    def broadcast_to(self, x: Array, /, shape: Shape) -> Array:
        """Repeat to a larger shape."""

    @abstractmethod
    def zeros_like(self, x: Array, /) -> Array:
        """Zeros of the same shape and scalar type."""

    @abstractmethod
    def ones_like(self, x: Array, /) -> Array:
        """Ones of the same shape and scalar type."""

    # -- not in the standard -----------------------------------------------------------

    def apply(self, op: "Applicable", /, *operands: Array) -> Array:
        """Evaluate an op, or record it: with this, rules can use ops."""
        return op.evaluate(self, *operands)

    @abstractmethod
    def literal(self, x: Array, constant: object, /) -> Array:
        """Return a real constant, say ``Fraction(1, 3)``, for arithmetic with ``x``."""

    @abstractmethod
    def constant(self, x: Array, /) -> Array:
        """Return the values without tangents: a constant to all levels."""

    @abstractmethod
    def holds(self, predicate: Callable[..., Array], /, *arrays: Array) -> bool:
        """
        Return whether a predicate holds of every entry of these arrays' values.

        A plan remembers the answer: a call that would get another one runs another
        plan. The predicate is written with operators and ``abs``.
        """

    def require(
        self,
        predicate: Callable[[Array], Array],
        x: Array,
        /,
        error: Callable[[str, tuple[int, ...]], TapeError],
    ) -> None:
        """
        Refuse an array unless a predicate holds of every entry.

        Raises:
            Refused: with the error made of the first other entry and its index.
        """
        if not self.holds(predicate, x):
            values = self.concrete(x)
            index = tuple(map(int, np.argwhere(np.logical_not(predicate(values)))[0]))
            raise Refused(error(str(np.asarray(values)[index]), index))

    @abstractmethod
    def concrete(self, x: Array, /) -> AnyArray | None:
        """Return the plain values, for checks, or ``None`` where they are unknown."""

    @abstractmethod
    def canonical(self, x: Array, /) -> Array:
        """
        Return the one form in which the tape keeps this value.

        Raises:
            TypeError: not an array of this namespace: an error in the op.
        """


def no_function(name: str) -> AttributeError:
    """
    Say that ``xp`` lacks a function, and which ones it has.

    >>> print(no_function("arctan"))
    xp has no 'arctan'; it has abs, add, apply, argmax, ..., zeros_like
    """
    known = ", ".join(sorted(x for x in vars(Namespace) if not x.startswith("_")))
    return AttributeError(f"xp has no {name!r}; it has {known}")
